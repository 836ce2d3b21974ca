//! Compression of responses: for whom, and whether it is worth it.
//!
//! ```text
//!   GET, 200, a type that shrinks, not small, not huge ──▶ worth it?
//!   Accept-Encoding ──▶ gzip?
//!   ETag "1a-2b" ──▶ W/"1a-2b"      Vary: Accept-Encoding
//! ```
//!
//! - I43: a client that does not take gzip never gets it; caches are told
//!   that the answer depends on that.
//! - I44: a part of a file is a part of its plain bytes, and never compressed.
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
    let media = response.get("content-type").unwrap_or_default();
    let control = response.get("cache-control").unwrap_or_default();
    let length = response.payload().length();
    let is_plain = response.get("content-encoding").is_none();
    let can = response.status() == 200
        && is_plain
        && length.is_some_and(|length| length <= MOST)
        && is_worth(media, length, control);
    if !can {
        return Ok(response);
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
    Ok(response
        .with("Content-Encoding", "gzip")?
        .with_payload(Payload::Bytes(gzipped(&bytes).into())))
}
// ANCHOR_END: compressed

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
