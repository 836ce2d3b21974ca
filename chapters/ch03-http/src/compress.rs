//! Compression of responses: for whom, and whether it is worth it.
//!
//! ```text
//!   200, a type that shrinks, not small, not huge ──▶ worth it?
//!   Accept-Encoding ──▶ gzip?
//!   ETag "1a-2b" ──▶ W/"1a-2b"      Vary: Accept-Encoding
//! ```
//!
//! HEAD is answered as GET would be: so that its length is right, the content
//! is compressed and dropped.
//!
//! - I32: a client that does not take gzip never gets it; caches are told
//!   that the answer depends on that.
//! - I33: a part of a file is a part of its plain bytes, and never compressed.
//!
//! What is compressed is done in one go, within the loop: a megabyte of text
//! takes some 20 ms, during which nobody else is served. So what is larger
//! goes as it is; nginx compresses it piece by piece, as it leaves.

use std::io;

use ch03_http::deflate::compress::{Flush, Level};
use ch03_http::gzip::encode::Encoder;
use ch03_http::gzip::header::Header;
use ch03_http::head::{Refused, Request};
use ch03_http::negotiate::{Coding, choose, is_worth, weak};
use ch03_http::response::{Payload, Response};

/// The most bytes that are compressed in one go.
const MOST: u64 = 1024 * 1024;

// ANCHOR: compressed
/// The response, compressed if the client takes that and it is worth it.
///
/// # Errors
/// A field that cannot be written.
pub fn compressed(
    request: &Request<'_>,
    mut response: Response,
) -> Result<Response, Refused> {
    match response.status() {
        200 if can_be(&response) => {}
        304 => return confirmed(request, response),
        206 => return response.with("Vary", "Accept-Encoding"),
        _ => return Ok(response),
    }
    response = response.with("Vary", "Accept-Encoding")?;
    if !takes_gzip(request) {
        return Ok(response);
    }
    let bytes = match response.take_payload() {
        Payload::Bytes(bytes) => bytes,
        Payload::Content(content) => match content.to_bytes(MOST) {
            Some(Ok(bytes)) => bytes.into(),
            _ => return Ok(response.with_payload(Payload::Content(content))),
        },
        other => return Ok(response.with_payload(other)),
    };
    if let Some(tag) = response.get("etag").map(weak) {
        response = response.replacing("ETag", tag)?;
    }
    if response.get("accept-ranges").is_some() {
        response = response.replacing("Accept-Ranges", "none")?;
    }
    Ok(response
        .with("Content-Encoding", "gzip")?
        .with_payload(Payload::Bytes(gzipped(&bytes).into())))
}

// ANCHOR_END: compressed

// ANCHOR: can_be
/// Whether it could be sent in either way.
fn can_be(response: &Response) -> bool {
    let Some(length) = response.payload().length() else {
        return false;
    };
    let media = response.get("content-type").unwrap_or_default();
    let control = response.get("cache-control").unwrap_or_default();
    length <= MOST
        && is_worth(media, Some(length), control)
        && response.get("content-encoding").is_none()
}
// ANCHOR_END: can_be

// ANCHOR: confirmed
/// A 304 for what may have been sent compressed: its tag is to be the one
/// under which the client keeps it, which its If-None-Match names.
fn confirmed(
    request: &Request<'_>,
    response: Response,
) -> Result<Response, Refused> {
    let response = response.with("Vary", "Accept-Encoding")?;
    let tag = response.get("etag").map(weak).unwrap_or_default();
    let mut asked = request.headers.list("if-none-match");
    match asked.any(|asked| asked == tag.as_bytes()) {
        true => response.replacing("ETag", tag),
        false => Ok(response),
    }
}
// ANCHOR_END: confirmed

/// The fields of one name are one list, in the order in which they came.
fn takes_gzip(request: &Request<'_>) -> bool {
    let values: Vec<&str> = request
        .headers
        .all("accept-encoding")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .collect();
    let accept = (!values.is_empty()).then(|| values.join(","));
    choose(accept.as_deref(), &[Coding::Gzip]) == Some(Coding::Gzip)
}

// ANCHOR: gzipped
/// One member of all these bytes.
pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Level::DEFAULT, &Header::default());
    let mut out = Vec::with_capacity(bytes.len() / 3);
    let mut rest = bytes;
    loop {
        let did = encoder.push(rest, Flush::Finish, &mut out, usize::MAX);
        rest = &rest[did.read..];
        if did.done {
            return out;
        }
    }
}
// ANCHOR_END: gzipped

/// What a response's content is, if it is there as bytes: for tests and for
/// services that look at what another has answered.
///
/// # Errors
/// Those of reading a file.
pub fn bytes_of(response: &Response) -> Option<io::Result<Vec<u8>>> {
    match response.payload() {
        Payload::Empty => Some(Ok(Vec::new())),
        Payload::Bytes(bytes) => Some(Ok(bytes.to_vec())),
        Payload::Content(content) => content.to_bytes(u64::MAX),
        Payload::Upgrade(_) => None,
    }
}
