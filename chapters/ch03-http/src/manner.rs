//! How an answer is put: its head, and how the end of its content is told.
//!
//! ```text
//!                     length known        not known
//!  HTTP/1.1           Content-Length      chunks
//!  HTTP/1.0           Content-Length      up to the close
//!  1xx, 204, 304      nothing: there is no content
//!  205                Content-Length: 0
//!  to HEAD            as to GET, and then no content
//! ```
//!
//! - I16: the head alone decides whether the connection goes on; an answer
//!   after which it does not says so.
//! - I17: HEAD gets the head that GET would get. 1xx, 204, 205 and 304 have
//!   no content, whatever the service gave.

use std::io::Write as _;

use ch03_http::connection::persists;
use ch03_http::date;
use ch03_http::head::{Method, Request, Version, reason};
use ch03_http::out::Framing;
use ch03_http::response::{Payload, Response};

// ANCHOR: manner
/// What an answer depends on besides what the service said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// The client's version.
    pub version: Version,
    /// Whether it asked for the head alone.
    pub is_head: bool,
    /// Whether it asked for a tunnel.
    pub is_connect: bool,
    /// Whether the connection can go on, as far as the request says.
    pub goes_on: bool,
}

impl Manner {
    /// For a request whose head could not be read: nothing comes after it.
    pub fn unknown() -> Manner {
        Manner {
            version: Version::Http11,
            is_head: false,
            is_connect: false,
            goes_on: false,
        }
    }

    /// For this request.
    pub fn of(request: &Request) -> Manner {
        Manner {
            version: request.version,
            is_head: request.method == Method::Head,
            is_connect: request.method == Method::Connect,
            goes_on: persists(request.version, &request.headers),
        }
    }
    // ANCHOR_END: manner

    // ANCHOR: framing
    /// How the end of a content of this length is told, and whether the
    /// connection can go on behind it.
    pub fn framing(&self, status: u16, length: Option<u64>) -> (Framing, bool) {
        match length {
            _ if !may_have_content(status) => {
                (Framing::Length(0), self.goes_on)
            }
            Some(length) => (Framing::Length(length), self.goes_on),
            None if self.version == Version::Http11 => {
                (Framing::Chunked, self.goes_on)
            }
            None => (Framing::Close, false), // HTTP/1.0 knows no chunks
        }
    }

    /// Whether a content follows an answer of this status.
    pub fn has_content(&self, status: u16) -> bool {
        !self.is_head && may_have_content(status)
    }
    // ANCHOR_END: framing

    // ANCHOR: possible
    /// Whether it is the last answer in HTTP on its connection, since both
    /// sides speak something else after it: 101, or 2xx to CONNECT.
    pub fn is_switch(&self, response: &Response) -> bool {
        matches!(response.payload(), Payload::Upgrade(_))
            && match response.status() {
                // HTTP/1.0 has no upgrades (RFC 9110, section 7.8).
                101 => self.version == Version::Http11,
                200..=299 => self.is_connect,
                _ => false,
            }
    }

    /// Whether a service may answer so. A client that has got 2xx to CONNECT
    /// takes all that follows for the tunnel's (RFC 9110, section 9.3.6), and
    /// behind a 1xx it waits for the answer.
    pub fn is_possible(&self, response: &Response) -> bool {
        match response.status() {
            _ if self.is_switch(response) => true,
            _ if matches!(response.payload(), Payload::Upgrade(_)) => false,
            200..=299 => !self.is_connect,
            300..=599 => true,
            _ => false,
        }
    }
    // ANCHOR_END: possible

    // ANCHOR: put_head
    /// Appends the head of an answer whose content ends so.
    pub fn put_head(
        &self,
        out: &mut Vec<u8>,
        response: &Response,
        framing: Framing,
        goes_on: bool,
        date: [u8; date::LENGTH],
    ) {
        let status = response.status();
        put_status(out, status);
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(&date);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(response.fields());
        if !self.is_switch(response) {
            put_framing(out, status, framing);
        }
        self.put_connection(out, response, goes_on);
        out.extend_from_slice(b"\r\n");
    }

    // ANCHOR_END: put_head

    // ANCHOR: put_connection
    /// What the client must know of the connection, if anything.
    fn put_connection(
        &self,
        out: &mut Vec<u8>,
        response: &Response,
        goes_on: bool,
    ) {
        let is_switch = self.is_switch(response);
        let keeps = goes_on && self.version == Version::Http10;
        let options: [(bool, &[u8]); 3] = [
            (!is_switch && !goes_on, b"close"),
            (!is_switch && keeps, b"keep-alive"),
            // Whoever sends Upgrade says so (RFC 9110, section 7.8).
            (response.has_upgrade(), b"upgrade"),
        ];
        let mut before: &[u8] = b"Connection: ";
        for (_, option) in options.iter().filter(|(applies, _)| *applies) {
            out.extend_from_slice(before);
            out.extend_from_slice(option);
            before = b", ";
        }
        if before == b", " {
            out.extend_from_slice(b"\r\n");
        }
    }
}

// ANCHOR_END: put_connection

// ANCHOR: lines
fn put_framing(out: &mut Vec<u8>, status: u16, framing: Framing) {
    // Writing to a vector cannot fail.
    let _ = match framing {
        // A 304 may say what a 200 would have (RFC 9110, section 8.6); a 1xx
        // and a 204 must not say anything.
        _ if matches!(status, 100..=199 | 204 | 304) => Ok(()),
        Framing::Length(length) => {
            write!(out, "Content-Length: {length}\r\n")
        }
        Framing::Chunked => write!(out, "Transfer-Encoding: chunked\r\n"),
        Framing::Close => Ok(()),
    };
}

/// Whether a response of this status may have a content (RFC 9110, sections
/// 6.4.1 and 15.3.6).
fn may_have_content(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 205 | 304)
}

/// The status line. Its version is ours, whatever the client's (RFC 9110,
/// section 6.2).
fn put_status(out: &mut Vec<u8>, status: u16) {
    let digits = [status / 100 % 10, status / 10 % 10, status % 10];
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend(digits.map(|digit| b'0' + digit as u8));
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}
// ANCHOR_END: lines
