//! Framing: where a message's body ends. RFC 9112, section 6.3, as one table.
//!
//! ```text
//!                                     request             response
//! to HEAD; 1xx, 204, 304                                  empty
//! 2xx to CONNECT                                          empty: a tunnel
//! Transfer-Encoding in HTTP/1.0       400                 refused
//! Transfer-Encoding, Content-Length   400                 refused
//! chunked not last, twice, or x;y=z   400                 refused
//! a coding that is not chunked        501                 refused
//! Transfer-Encoding: chunked          chunks              chunks
//! two lengths, or no number           400                 refused
//! Content-Length: n                   n bytes             n bytes
//! none of these                       empty               until the close
//! ```
//!
//! - I6: a message has one end or it is refused. Where the RFC lets a
//!   recipient choose between two readings, there is an error here: the
//!   next server in the row may choose the other one, and what one takes
//!   for a body the other takes for the next request.
//!
//! After an error the connection must close: nobody knows where the next
//! message begins.

use std::fmt;

use ch03_http::head::{Headers, Method, Request, Response, Version};

// ANCHOR: body
/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// There is none. What follows the head is the next message, or after
    /// CONNECT or an upgrade, no HTTP at all.
    Empty,
    /// So many bytes. Zero is possible, and differs from `Empty` only in
    /// that it was said.
    Length(u64),
    /// Chunk by chunk, up to one of length 0.
    Chunked,
    /// All that comes until the server closes: only in responses.
    UntilClose,
}
// ANCHOR_END: body

// ANCHOR: error
/// Why nobody can say where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramingError {
    /// Transfer-Encoding in HTTP/1.0, which does not have it: whoever
    /// passed the message on may not have known what it is.
    CodingIn10,
    /// Both Transfer-Encoding and Content-Length.
    CodingAndLength,
    /// Transfer-Encoding in which `chunked` is not the last, or is there
    /// twice, or has a parameter; or that is empty.
    Coding,
    /// A transfer coding other than `chunked`.
    UnknownCoding,
    /// More than one length, equal or not.
    ManyLengths,
    /// A length that is not all digits, or is 2^64 and more.
    Length,
}

impl FramingError {
    /// The status that a server answers with.
    pub fn status(&self) -> u16 {
        match self {
            FramingError::UnknownCoding => 501,
            _ => 400,
        }
    }
}
// ANCHOR_END: error

// ANCHOR: request_body
/// Where the body of a request ends.
///
/// # Errors
/// See the table above.
pub fn request_body(request: &Request) -> Result<Body, FramingError> {
    let stated = stated(request.version, &request.headers)?;
    Ok(stated.unwrap_or(Body::Empty))
}

/// Where the body of a response ends, to a request with this method.
///
/// # Errors
/// See the table above.
pub fn response_body(
    method: Method,
    response: &Response,
) -> Result<Body, FramingError> {
    match (method, response.status) {
        (Method::Head, _) | (_, 100..=199 | 204 | 304) => Ok(Body::Empty),
        (Method::Connect, 200..=299) => Ok(Body::Empty),
        _ => {
            let stated = stated(response.version, &response.headers)?;
            Ok(stated.unwrap_or(Body::UntilClose))
        }
    }
}
// ANCHOR_END: request_body

// ANCHOR: stated
/// What the fields say; `None` if they say nothing.
fn stated(
    version: Version,
    headers: &Headers,
) -> Result<Option<Body>, FramingError> {
    let coded = headers.get("transfer-encoding").is_some();
    let lengths = headers.all("content-length").count();
    match (coded, lengths) {
        (true, _) if version == Version::Http10 => {
            Err(FramingError::CodingIn10)
        }
        (true, 0) => chunked(headers).map(Some),
        (true, _) => Err(FramingError::CodingAndLength),
        (false, 0) => Ok(None),
        (false, 1) => {
            let text = headers.get("content-length").unwrap_or_default();
            length(text).map(|length| Some(Body::Length(length)))
        }
        (false, _) => Err(FramingError::ManyLengths),
    }
}
// ANCHOR_END: stated

// ANCHOR: chunked
/// Transfer-Encoding, of which only `chunked` is understood.
fn chunked(headers: &Headers) -> Result<Body, FramingError> {
    let mut codings = headers.list("transfer-encoding");
    let is_chunked = |it: &[u8]| it.eq_ignore_ascii_case(b"chunked");
    let first = codings.next().ok_or(FramingError::Coding)?;
    let mut last = first;
    for coding in codings {
        if is_chunked(last) {
            return Err(FramingError::Coding); // not the last, or twice
        }
        last = coding;
    }
    if is_chunked(first) {
        return Ok(Body::Chunked);
    }
    let name = first.split(|byte| b"; \t".contains(byte)).next();
    match name.is_some_and(is_chunked) {
        true => Err(FramingError::Coding), // with a parameter
        false => Err(FramingError::UnknownCoding),
    }
}

// ANCHOR_END: chunked

// ANCHOR: length
/// A length: digits and nothing else. Rust's own `parse` takes a `+`.
fn length(text: &[u8]) -> Result<u64, FramingError> {
    if text.is_empty() {
        return Err(FramingError::Length);
    }
    let mut length = 0_u64;
    for byte in text {
        if !byte.is_ascii_digit() {
            return match text.contains(&b',') {
                true => Err(FramingError::ManyLengths),
                false => Err(FramingError::Length),
            };
        }
        let digit = u64::from(byte - b'0');
        let more = length.checked_mul(10).and_then(|n| n.checked_add(digit));
        length = more.ok_or(FramingError::Length)?;
    }
    Ok(length)
}
// ANCHOR_END: length

// given: how an error reads is not what this step is about
impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FramingError::CodingIn10 => "Transfer-Encoding in HTTP/1.0",
            FramingError::CodingAndLength => {
                "both Transfer-Encoding and Content-Length"
            }
            FramingError::Coding => "Transfer-Encoding is not just chunked",
            FramingError::UnknownCoding => "an unknown transfer coding",
            FramingError::ManyLengths => "more than one Content-Length",
            FramingError::Length => "Content-Length is no number",
        })
    }
}

impl std::error::Error for FramingError {}
// given end
