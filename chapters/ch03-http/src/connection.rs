//! What a head says about the connection that it came on.
//!
//! ```text
//!                       HTTP/1.1     HTTP/1.0
//! Connection: close     ends         ends
//! keep-alive            goes on      goes on
//! neither               goes on      ends
//! ```
//!
//! Both are answered by the head alone; what follows from it (a limit on
//! requests, a drain) is for whoever has the connection.

use ch03_http::framing::Body;
use ch03_http::head::{Headers, Method, Request, Response, Version};

// ANCHOR: persists
/// Whether the sender of this head wants the connection to go on after the
/// exchange (RFC 9112, section 9.3).
pub fn persists(version: Version, headers: &Headers) -> bool {
    if headers.has("connection", "close") {
        return false;
    }
    match version {
        Version::Http11 => true,
        Version::Http10 => headers.has("connection", "keep-alive"),
    }
}

/// Whether a client may send its next request on the connection: the
/// server goes on, the body has an end other than the close, and the
/// connection still speaks HTTP/1.1 (no 101, and no tunnel).
pub fn reusable(method: Method, response: &Response, body: Body) -> bool {
    let tunnel = matches!(method, Method::Connect)
        && (200..=299).contains(&response.status);
    let left = response.status == 101 || tunnel;
    let open = body == Body::UntilClose;
    !left && !open && persists(response.version, &response.headers)
}
// ANCHOR_END: persists

// ANCHOR: expectation
/// What a client waits for before it sends its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// For nothing.
    Nothing,
    /// For `100 Continue`, or for a final status instead.
    Continue,
    /// For something unknown: a server may answer 417.
    Unknown,
}

/// RFC 9110, section 10.1.1. A request of HTTP/1.0 cannot expect anything,
/// and one without a body has nothing to wait with.
pub fn expectation(request: &Request, body: Body) -> Expectation {
    let mut found = Expectation::Nothing;
    if request.version == Version::Http10 {
        return found;
    }
    for expected in request.headers.list("expect") {
        if !expected.eq_ignore_ascii_case(b"100-continue") {
            return Expectation::Unknown;
        }
        if !matches!(body, Body::Empty | Body::Length(0)) {
            found = Expectation::Continue;
        }
    }
    found
}
// ANCHOR_END: expectation
