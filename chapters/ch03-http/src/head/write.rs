//! Heads on their way out.
//!
//! A value that comes from outside (a name in a redirect, a cookie) may carry
//! CR and LF. Written as it is, the rest of it would be fields, or another
//! response: *response splitting*. So what a parser would refuse or read
//! otherwise is not written (I5).

use std::fmt;

use ch03_http::head::class::{is_target, is_token, is_value};

// ANCHOR: refused
/// What cannot be written: the caller's mistake, or somebody's attack that
/// came through the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The method is no token.
    Method,
    /// The target is empty, or a byte in it may not stand there.
    Target,
    /// The status is not one of 100 to 599.
    Status,
    /// The field's name is no token, or may not stand in a trailer.
    Name,
    /// The value has CR, LF, NUL or another control character.
    Value,
}
// ANCHOR_END: refused

// ANCHOR: put_field
/// Appends `name: value CRLF`, in a head or behind the last chunk.
///
/// # Errors
/// [`Refused::Name`] or [`Refused::Value`]; nothing is written then.
pub fn put_field(
    out: &mut Vec<u8>,
    name: &str,
    value: &[u8],
) -> Result<(), Refused> {
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Refused::Name);
    }
    if !value.iter().all(|byte| is_value(*byte)) {
        return Err(Refused::Value);
    }
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
    Ok(())
}
// ANCHOR_END: put_field

// ANCHOR: writer
/// Appends a head to a buffer, line by line. A writer that is dropped before
/// [`HeadWriter::finish`] takes back what it has written, so a `?` between
/// two fields leaves no half of a head behind.
#[derive(Debug)]
pub struct HeadWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    finished: bool,
}

// ANCHOR_END: writer

impl<'a> HeadWriter<'a> {
    // ANCHOR: begin
    /// Begins a response of HTTP/1.1, with the usual reason.
    ///
    /// # Errors
    /// [`Refused::Status`]; nothing is written then.
    pub fn response(
        out: &'a mut Vec<u8>,
        status: u16,
    ) -> Result<HeadWriter<'a>, Refused> {
        if !(100..=599).contains(&status) {
            return Err(Refused::Status);
        }
        let line = format!("HTTP/1.1 {status} {}", reason(status));
        Ok(HeadWriter::begin(out, &[line.as_bytes()]))
    }

    // ANCHOR_END: begin

    // ANCHOR: request
    /// Begins a request of HTTP/1.1.
    ///
    /// # Errors
    /// [`Refused::Method`] or [`Refused::Target`]; nothing is written then.
    pub fn request(
        out: &'a mut Vec<u8>,
        method: &str,
        target: &str,
    ) -> Result<HeadWriter<'a>, Refused> {
        if method.is_empty() || !method.bytes().all(is_token) {
            return Err(Refused::Method);
        }
        if target.is_empty() || !target.bytes().all(is_target) {
            return Err(Refused::Target);
        }
        let parts = [method, " ", target, " HTTP/1.1"].map(str::as_bytes);
        Ok(HeadWriter::begin(out, &parts))
    }

    fn begin(out: &'a mut Vec<u8>, parts: &[&[u8]]) -> HeadWriter<'a> {
        let start = out.len();
        parts.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(b"\r\n");
        HeadWriter {
            out,
            start,
            finished: false,
        }
    }
    // ANCHOR_END: request

    // ANCHOR: field
    /// Writes one field. Spaces and tabs around the value are not part of
    /// it: a reader takes them off.
    ///
    /// # Errors
    /// [`Refused::Name`] or [`Refused::Value`]; the field is not written
    /// then, and the writer can go on.
    pub fn field(
        &mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<&mut HeadWriter<'a>, Refused> {
        put_field(self.out, name, value.as_ref())?;
        Ok(self)
    }

    /// Writes the empty line.
    pub fn finish(&mut self) {
        if !self.finished {
            self.out.extend_from_slice(b"\r\n");
        }
        self.finished = true;
    }
}

impl Drop for HeadWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}
// ANCHOR_END: field

// given: a table, and how a refusal reads
/// The reason that usually goes with a status (RFC 9110, section 15); empty
/// for one that is not in the table.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Refused::Method => "method",
            Refused::Target => "target",
            Refused::Status => "status",
            Refused::Name => "field name",
            Refused::Value => "field value",
        };
        write!(f, "not written: a {what} that would not be read as one")
    }
}

impl std::error::Error for Refused {}
// given end
