//! The service: a directory's files, to whoever asks.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use ch03_http::date;
use ch03_http::files::conditional::{
    Validators, Verdict, evaluate, range_counts,
};
use ch03_http::files::path::{Below, below, encode};
use ch03_http::files::ranges::{Asked, asked};
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

// ANCHOR: files
/// A directory that is served.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    directory: File,
    has_listings: bool,
}

impl Files {
    /// Serves this directory.
    ///
    /// # Errors
    /// It is none, or cannot be read.
    pub fn new(root: &Path, has_listings: bool) -> io::Result<Files> {
        let root = root.canonicalize()?;
        let directory = File::open(&root)?;
        if !directory.metadata()?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Files {
            root,
            directory,
            has_listings,
        })
    }
}

impl Service for Files {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        Ok(self.answer(&incoming.request())?)
    }
}
// ANCHOR_END: files

impl Files {
    // ANCHOR: answer
    /// The answer to a request, whose body does not matter.
    ///
    /// # Errors
    /// A path that could not be written into a field.
    pub fn answer(&self, request: &Request<'_>) -> Result<Response, Refused> {
        match request.method {
            Method::Get | Method::Head => {}
            Method::Options => {
                return Response::new(204).with("Allow", "GET, HEAD, OPTIONS");
            }
            Method::Other(_) => return Ok(Response::text(501, "what?\n")),
            _ => {
                let text = "only GET and HEAD here\n";
                let allow = "GET, HEAD, OPTIONS";
                return Response::text(405, text).with("Allow", allow);
            }
        }
        let Some(path) = request.target.path().and_then(below) else {
            return Ok(Response::text(404, "no such path\n"));
        };
        match self.open(&path) {
            Ok((file, data)) if data.is_dir() => {
                self.directory(request, &path, file)
            }
            Ok((_, data)) if !data.is_file() => Ok(missing()),
            Ok(_) if path.is_directory => Ok(missing()),
            Ok((file, data)) => self.file(request, &path.path, file, &data),
            Err(error) => Ok(refusal(&error)),
        }
    }
    // ANCHOR_END: answer

    // ANCHOR: open
    /// Opens what lies at a path, and nothing that lies elsewhere: I30.
    fn open(&self, path: &Below) -> io::Result<(File, Metadata)> {
        #[cfg(target_os = "linux")]
        {
            let name = path.to_c().ok_or(ErrorKind::NotFound)?;
            match ch02_event_loop::sys::open_beneath(&self.directory, &name) {
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                file => {
                    let file = file?;
                    let data = file.metadata()?;
                    return Ok((file, data));
                }
            }
        }
        self.open_checked(path)
    }

    /// Without openat2(2): resolves first, then opens. Who can exchange a
    /// directory for a link in between gets out; they can write to the root.
    fn open_checked(&self, path: &Below) -> io::Result<(File, Metadata)> {
        let real = self.root.join(&path.path).canonicalize()?;
        if !real.starts_with(&self.root) {
            return Err(ErrorKind::NotFound.into());
        }
        let data = real.metadata()?;
        if !data.is_file() && !data.is_dir() {
            return Err(ErrorKind::NotFound.into()); // a FIFO would wait
        }
        Ok((File::open(&real)?, data))
    }
    // ANCHOR_END: open

    // ANCHOR: directory
    /// A directory: its index, or a list of its files. Without the slash at
    /// the end, relative links would lead beside it: so first a redirect.
    fn directory(
        &self,
        request: &Request<'_>,
        path: &Below,
        _directory: File,
    ) -> Result<Response, Refused> {
        if !path.is_directory && !path.path.is_empty() {
            return redirect(request, path);
        }
        let index = match path.path.as_str() {
            "" => "index.html".to_owned(),
            path => format!("{path}/index.html"),
        };
        let index = Below {
            path: index,
            is_directory: false,
        };
        match self.open(&index) {
            Ok((file, data)) if data.is_file() => {
                self.file(request, &index.path, file, &data)
            }
            _ if self.has_listings => Ok(self.list(path)),
            _ => Ok(missing()),
        }
    }

    fn list(&self, path: &Below) -> Response {
        let shown = match path.path.as_str() {
            "" => "/".to_owned(),
            path => format!("/{path}/"),
        };
        // The check again: a listing has no descriptor to be relative to.
        let real = self.root.join(&path.path).canonicalize();
        let real = real.ok().filter(|real| real.starts_with(&self.root));
        match real.map(|real| listing::page(&real, &shown)) {
            Some(Ok(page)) => Response::new(200)
                .with_fixed("Content-Type", "text/html; charset=utf-8")
                .with_payload(Payload::Bytes(page.into_bytes().into())),
            Some(Err(error)) => refusal(&error),
            None => missing(),
        }
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
    ) -> Result<Response, Refused> {
        let (length, media_type) = (data.len(), mime::of(path));
        let now = Validators::of(length, modified(data));
        match evaluate(&request.headers, &now, true) {
            Verdict::Failed => return Ok(Response::text(412, "changed\n")),
            Verdict::NotModified => return validated(304, &now),
            Verdict::Go => {}
        }
        let range = request.headers.get("range").filter(|_| {
            // HEAD has no ranges (RFC 9110, section 14.2).
            request.method == Method::Get
                && range_counts(&request.headers, &now)
        });
        let ranged =
            |status| validated(status, &now)?.with("Accept-Ranges", "bytes");
        match asked(range, length) {
            Asked::Nothing => Response::text(416, "no such part\n")
                .with("Content-Range", format!("bytes */{length}")),
            Asked::Whole => Ok(ranged(200)?
                .with("Content-Type", media_type)?
                .with_payload(whole(file, length))),
            Asked::Parts(mut parts) if parts.len() == 1 => {
                let part = parts.remove(0);
                let (first, last) = (part.start, part.end - 1);
                let field = format!("bytes {first}-{last}/{length}");
                let content = Box::new(Parts::one(file, part));
                Ok(ranged(206)?
                    .with("Content-Type", media_type)?
                    .with("Content-Range", field)?
                    .with_payload(Payload::Content(content)))
            }
            Asked::Parts(parts) => {
                let boundary = boundary(&now);
                let kind = format!("multipart/byteranges; boundary={boundary}");
                let content =
                    Parts::many(file, parts, length, media_type, &boundary);
                Ok(ranged(206)?
                    .with("Content-Type", kind)?
                    .with_payload(Payload::Content(Box::new(content))))
            }
        }
    }
    // ANCHOR_END: file
}

// ANCHOR: whole
/// All of a file.
fn whole(mut file: File, length: u64) -> Payload {
    if length > SMALL {
        return Payload::Content(Box::new(Parts::one(file, 0..length)));
    }
    let mut bytes = vec![0; length as usize];
    match file.read_exact(&mut bytes) {
        Ok(()) => Payload::Bytes(bytes.into()),
        // It has shrunk: the content will find that out while it is sent.
        Err(_) => Payload::Content(Box::new(Parts::one(file, 0..length))),
    }
}
// ANCHOR_END: whole

fn modified(data: &Metadata) -> Duration {
    let time = data.modified().unwrap_or(UNIX_EPOCH);
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn validated(status: u16, now: &Validators) -> Result<Response, Refused> {
    Response::new(status)
        .with("ETag", &now.etag)?
        .with("Last-Modified", date::write(now.modified))
}

/// A boundary that no part of a file is likely to contain: from its tag.
fn boundary(now: &Validators) -> String {
    let tag = now.etag.trim_matches('"');
    format!("part-{tag}-3d6b6a416f9b5")
}

fn redirect(request: &Request<'_>, path: &Below) -> Result<Response, Refused> {
    let names: Vec<String> = path.path.split('/').map(encode).collect();
    let query = match request.target {
        Target::Origin { query, .. } | Target::Absolute { query, .. } => query,
        _ => None,
    };
    // Relative to the host: who knows what stands before this server?
    let mut to = format!("/{}/", names.join("/"));
    if let Some(query) = query {
        to.push('?');
        to.push_str(query);
    }
    Response::text(301, "with a slash\n").with("Location", to)
}

fn missing() -> Response {
    Response::text(404, "no such file\n")
}

/// What an error of open(2) says to a client: never more than it must know.
fn refusal(error: &io::Error) -> Response {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::PermissionDenied, _) => {
            Response::text(403, "not for you\n")
        }
        (_, Some(EMFILE | ENFILE)) => Response::text(503, "too busy\n"),
        _ => missing(),
    }
}
