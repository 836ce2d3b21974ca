//! The encoder, and what a trailer may hold.

use std::io::Write;

use ch03_http::head::write::{Refused, put_field};

// ANCHOR: chunk
/// Appends the data as one chunk. No data is no chunk: one of length 0
/// would be the last.
pub fn chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    chunk_size(out, data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line before a chunk of so many bytes, for those who send the
/// data from where it lies. Behind the data comes CRLF.
pub fn chunk_size(out: &mut Vec<u8>, size: usize) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{size:x}\r\n");
}

/// Appends the last chunk, the trailer and the end.
///
/// # Errors
/// [`Refused`] for a field that cannot be written or may not stand in a
/// trailer; then `out` is unchanged.
pub fn last_chunk(
    out: &mut Vec<u8>,
    trailers: &[(&str, &[u8])],
) -> Result<(), Refused> {
    let start = out.len();
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        let refused = match is_forbidden_trailer(name.as_bytes()) {
            true => Err(Refused::Name),
            false => put_field(out, name, value),
        };
        if let Err(error) = refused {
            out.truncate(start);
            return Err(error);
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}
// ANCHOR_END: chunk

// ANCHOR: forbidden
/// Fields that mean nothing, or harm, when they come behind a body: those
/// that frame, route or modify a message, that authenticate, and that say
/// how to read what has been read (RFC 9110, section 6.5.1).
const FORBIDDEN: [&str; 25] = [
    "age",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "host",
    "keep-alive",
    "location",
    "max-forwards",
    "proxy-authorization",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "www-authenticate",
];

/// Whether a field of this name may not stand in a trailer; the conditional
/// ones, `If-…`, may not either.
pub fn is_forbidden_trailer(name: &[u8]) -> bool {
    let same = |it: &&str| name.eq_ignore_ascii_case(it.as_bytes());
    let conditional = name
        .get(..3)
        .is_some_and(|it| it.eq_ignore_ascii_case(b"if-"));
    conditional || FORBIDDEN.iter().any(same)
}
// ANCHOR_END: forbidden
