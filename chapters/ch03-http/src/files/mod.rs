//! Files over HTTP: what nginx and Apache do most.
//!
//! ```text
//! GET /docs/a%20b.html?x=1
//!  path     decoded: docs/a b.html     never above the root (I23)
//!  open     a file, a directory, or none
//!  validate ETag, Last-Modified        304, 412
//!  range    bytes=0-99,200-            206, 416
//!  send     small: one write with the head; large: sendfile
//! ```
//!
//! - I23: no request opens a file outside of the root, by `..`, by an encoded
//!   slash or by a symbolic link, and nothing but a regular file is sent.
//! - I24: a 304 or 412 is given just where RFC 9110, section 13.2.2, says so.
//! - I25: a range is answered with just its bytes, and overlapping or many
//!   ranges cost no more than the file and 16 small heads. A file that
//!   shrinks while it is sent ends the connection.
//!
//! Left out: names that are not UTF-8; `.htaccess`; content negotiation by
//! file name; a cache of open files (nginx: `open_file_cache`); reads on other
//! threads (nginx: `aio threads`), so that a slow disk stops the loop; and
//! writes (PUT, DELETE): see WebDAV (RFC 4918).

pub mod conditional;
pub mod listing;
pub mod mime;
pub mod path;
pub mod ranges;
pub mod root;
pub mod send;
pub mod service;

pub use service::Files;
