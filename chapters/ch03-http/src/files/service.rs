//! The service: a directory's files, to whoever asks.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use ch03_http::date;
use ch03_http::files::conditional::{
    Validators, Verdict, evaluate, only, range_counts,
};
use ch03_http::files::path::{below, encode};
use ch03_http::files::ranges::{Asked, asked};
use ch03_http::files::root::Root;
use ch03_http::files::send::Parts;
use ch03_http::files::{listing, mime};
use ch03_http::head::{Method, Refused, Request, Target};
use ch03_http::incoming::{Fault, Incoming};
use ch03_http::out::GATHERED;
use ch03_http::response::{Payload, Response};
use ch03_http::serve::Service;

/// A file up to this size is read, and leaves with its head in one write; a
/// larger one by sendfile.
const SMALL: u64 = GATHERED as u64 / 2;

/// What can be done with a file.
const ALLOW: &str = "GET, HEAD, OPTIONS";

/// A socket, or a device that is not there.
const ENXIO: i32 = 6;

/// Too many links, or one that leads to itself. `std` has no name for it yet.
#[cfg(target_os = "linux")]
const ELOOP: i32 = 40;
#[cfg(not(target_os = "linux"))]
const ELOOP: i32 = 62;

// ANCHOR: files
/// A directory that is served.
#[derive(Debug)]
pub struct Files {
    root: Root,
    has_listings: bool,
}

impl Files {
    /// Serves this directory.
    ///
    /// # Errors
    /// It is none, or cannot be read.
    pub fn new(root: &Path, has_listings: bool) -> io::Result<Files> {
        Ok(Files::over(Root::new(root)?, has_listings))
    }

    /// Serves what this opens.
    pub fn over(root: Root, has_listings: bool) -> Files {
        Files { root, has_listings }
    }
}

impl Service for Files {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        let now = incoming.runtime().clock().unix();
        Ok(self.answer(&incoming.request(), now)?)
    }
}
// ANCHOR_END: files

impl Files {
    // ANCHOR: answer
    /// The answer to a request, whose body does not matter, at a time since
    /// 1970.
    ///
    /// # Errors
    /// A path that could not be written into a field.
    pub fn answer(
        &self,
        request: &Request<'_>,
        now: Duration,
    ) -> Result<Response, Refused> {
        match request.method {
            Method::Get | Method::Head => {}
            Method::Options => {
                return Response::new(204).with("Allow", ALLOW);
            }
            Method::Other(_) => return Ok(Response::text(501, "what?\n")),
            _ => {
                let only = Response::text(405, "only GET and HEAD here\n");
                return only.with("Allow", ALLOW);
            }
        }
        let Some(path) = request.target.path().and_then(below) else {
            return Ok(missing());
        };
        if path.is_directory || path.path.is_empty() {
            return self.directory(request, &path.path, now);
        }
        match self.root.open(&path.path) {
            Ok((_, data)) if data.is_dir() => redirect(request, &path.path),
            Ok((file, data)) => {
                self.file(request, &path.path, file, &data, now)
            }
            Err(error) => Ok(refusal(&error)),
        }
    }
    // ANCHOR_END: answer

    // ANCHOR: directory
    /// A directory: its index, or else a list of its files.
    fn directory(
        &self,
        request: &Request<'_>,
        path: &str,
        now: Duration,
    ) -> Result<Response, Refused> {
        let index = match path {
            "" => "index.html".to_owned(),
            path => format!("{path}/index.html"),
        };
        match self.root.open(&index) {
            Ok((file, data)) if data.is_file() => {
                return self.file(request, &index, file, &data, now);
            }
            Ok(_) => {} // a directory of that name, say
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Ok(refusal(&error)),
        }
        match self.has_listings {
            true => Ok(self.list(path).unwrap_or_else(|e| refusal(&e))),
            false => Ok(missing()),
        }
    }

    fn list(&self, path: &str) -> io::Result<Response> {
        let (directory, data) = self.root.open(path)?;
        if !data.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        let shown = match path {
            "" => "/".to_owned(),
            path => format!("/{path}/"),
        };
        let place = self.root.place(&directory, path)?;
        let page = listing::page(&place, &shown)?;
        Ok(Response::new(200)
            .with_fixed("Content-Type", "text/html; charset=utf-8")
            .with_payload(Payload::Bytes(page.into_bytes().into())))
    }
    // ANCHOR_END: directory

    // ANCHOR: file
    /// A file, or of it what is asked for.
    fn file(
        &self,
        request: &Request<'_>,
        path: &str,
        file: File,
        data: &Metadata,
        now: Duration,
    ) -> Result<Response, Refused> {
        if !data.is_file() {
            return Ok(missing()); // a FIFO, a device
        }
        let (length, media_type) = (data.len(), mime::of(path));
        let state = Validators::of(length, modified(data), now);
        match evaluate(&request.headers, &state, true) {
            Verdict::Failed => return Ok(Response::text(412, "changed\n")),
            Verdict::NotModified => return validated(304, &state),
            Verdict::Go => {}
        }
        let is_get = request.method == Method::Get;
        // HEAD has no ranges (RFC 9110, section 14.2).
        let range = only(&request.headers, "range")
            .filter(|_| is_get && range_counts(&request.headers, &state));
        match asked(range, length) {
            Asked::Nothing => Response::text(416, "no such part\n")
                .with("Content-Range", format!("bytes */{length}")),
            Asked::Whole => Ok(full(200, &state)?
                .with_fixed("Content-Type", media_type)
                .with_payload(whole(file, length, is_get))),
            Asked::Parts(parts) => {
                part(file, parts, length, media_type, &state)
            }
        }
    }
    // ANCHOR_END: file
}

// ANCHOR: part
/// One part as it is, or several with heads of their own.
fn part(
    file: File,
    mut parts: Vec<Range<u64>>,
    length: u64,
    media_type: &'static str,
    state: &Validators,
) -> Result<Response, Refused> {
    let response = full(206, state)?;
    if parts.len() == 1 {
        let part = parts.remove(0);
        let (first, last) = (part.start, part.end - 1);
        let field = format!("bytes {first}-{last}/{length}");
        let content = Box::new(Parts::one(file, part));
        return Ok(response
            .with_fixed("Content-Type", media_type)
            .with("Content-Range", field)?
            .with_payload(Payload::Content(content)));
    }
    let boundary = boundary(state);
    let kind = format!("multipart/byteranges; boundary={boundary}");
    let content = Parts::many(file, parts, length, media_type, &boundary);
    Ok(response
        .with("Content-Type", kind)?
        .with_payload(Payload::Content(Box::new(content))))
}

/// A boundary that no part of a file is likely to contain: from its tag.
fn boundary(state: &Validators) -> String {
    let tag = state.etag.trim_matches('"');
    format!("part-{tag}-3d6b6a416f9b5")
}

// ANCHOR_END: part

// ANCHOR: fields
/// What says which state of the file this is.
fn validated(status: u16, state: &Validators) -> Result<Response, Refused> {
    Response::new(status)
        .with("ETag", &state.etag)?
        .with("Last-Modified", date::write(state.modified))
}

/// And what a client may do with its content.
fn full(status: u16, state: &Validators) -> Result<Response, Refused> {
    Ok(validated(status, state)?
        .with_fixed("Accept-Ranges", "bytes")
        .with_fixed("X-Content-Type-Options", "nosniff"))
}
// ANCHOR_END: fields

// ANCHOR: whole
/// All of a file. Of a small one that is really to be sent, the bytes.
fn whole(mut file: File, length: u64, is_get: bool) -> Payload {
    if length <= SMALL && is_get {
        let mut bytes = vec![0; length as usize];
        if file.read_exact(&mut bytes).is_ok() {
            return Payload::Bytes(bytes.into());
        }
        // It has shrunk: that comes out while it is sent.
    }
    Payload::Content(Box::new(Parts::one(file, 0..length)))
}
// ANCHOR_END: whole

fn modified(data: &Metadata) -> Duration {
    let time = data.modified().unwrap_or(UNIX_EPOCH);
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

// ANCHOR: redirect
/// A directory without the slash at its end: relative links of its page would
/// lead beside it.
fn redirect(request: &Request<'_>, path: &str) -> Result<Response, Refused> {
    let names: Vec<String> = path.split('/').map(encode).collect();
    let query = match request.target {
        Target::Origin { query, .. } | Target::Absolute { query, .. } => query,
        _ => None,
    };
    // Relative to the host: who knows what stands before this server? From
    // the decoded names, so that it never begins with `//`, a host's place.
    let mut to = format!("/{}/", names.join("/"));
    if let Some(query) = query {
        to.push('?');
        to.push_str(query);
    }
    Response::text(301, "with a slash\n").with("Location", to)
}
// ANCHOR_END: redirect

// ANCHOR: refusal
fn missing() -> Response {
    Response::text(404, "no such file\n")
}

/// What an error of open(2) says to a client: never more than it must know.
fn refusal(error: &io::Error) -> Response {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::PermissionDenied, _) => {
            Response::text(403, "not for you\n")
        }
        (ErrorKind::OutOfMemory | ErrorKind::WouldBlock, _)
        | (_, Some(ENFILE | EMFILE)) => Response::text(503, "too busy\n"),
        (
            ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::InvalidFilename
            | ErrorKind::CrossesDevices,
            _,
        )
        | (_, Some(ENXIO | ELOOP)) => missing(),
        _ => Response::text(500, "cannot be read\n"),
    }
}
// ANCHOR_END: refusal

#[cfg(test)]
mod tests {
    use super::*;

    /// I23: an error says no more than it must, and a shortage is no 404.
    #[test]
    fn errors() {
        let check = |errno: i32, expected: u16| {
            let error = io::Error::from_raw_os_error(errno);
            let got = refusal(&error).status();
            assert_eq!(got, expected, "input: {error}");
        };
        check(2, 404); // ENOENT
        check(20, 404); // ENOTDIR
        check(ENXIO, 404);
        check(ELOOP, 404);
        check(18, 404); // EXDEV
        check(1, 403); // EPERM
        check(13, 403); // EACCES
        check(23, 503); // ENFILE
        check(24, 503); // EMFILE
        check(12, 503); // ENOMEM
        check(5, 500); // EIO
    }
}
