//! Heads: the lines at the beginning of a request or a response.
//!
//! ```text
//! GET /notes?q=1 HTTP/1.1 CRLF      request-line: method, target, version
//! Host: example.org CRLF            field: name, value
//! Accept: */* CRLF                  field
//! CRLF                              the end; a body may follow
//! ```
//!
//! A parser is given all of the bytes that there are of a head, each time
//! with more behind them, and says: not yet, this many bytes, or an error.
//! It keeps positions and copies nothing: what it has found are ranges of
//! the caller's buffer.
//!
//! - I1: what a parser says depends on the bytes alone, not on how they were
//!   cut into calls, and it goes on where it stopped: no call looks again at
//!   what an earlier call has looked at. "Need more" is `None`.
//! - I2: what RFC 9112 forbids in a head is refused and never repaired: a
//!   second server that reads the same bytes must not see another head.
//! - I3: a head over a limit is refused as soon as the limit is passed, and
//!   nothing past the limit is looked at. The limits are on the request line
//!   (414), on the head, and on the number of fields (both 431).
//! - I4: a request of HTTP/1.1 has exactly one Host, and it is valid; where
//!   the target names a host, that one counts.
//! - I5: no head is written that would be read as anything else: a value
//!   with CR, LF or NUL is refused, and a head is written whole or not at
//!   all.
//!
//! Architecture invariant: nothing here does I/O, and nothing allocates per
//! head: a parser's list of fields is used again for the next one.
//!
//! Left out: HTTP/0.9, which has no version and no fields. A server that
//! meets it says 400.

pub mod class;
pub mod error;
pub mod fields;
pub mod target;
pub mod list;
pub mod request;
pub mod response;
pub mod write;

pub use error::{HeadError, HostFault, Part};
pub use fields::{FieldParser, Headers, Rules};
pub use list::List;
pub use request::{Method, Request, RequestParser, Version};
pub use response::{Response, ResponseParser};
pub use target::Target;
pub use write::{HeadWriter, Refused, reason};
