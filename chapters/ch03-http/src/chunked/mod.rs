//! Chunks: a body whose length nobody knows yet (RFC 9112, section 7).
//!
//! ```text
//! 5 CRLF hello CRLF            size in hex, that many bytes
//! 6;a=b CRLF  world CRLF       an extension, which nobody needs
//! 0 CRLF                       the last chunk
//! Digest: 1f CRLF              trailer: fields known only now
//! CRLF                         the end
//! ```
//!
//! - I7: the body and the place of its end depend on the bytes alone. What
//!   is not exactly the grammar is refused: an LF without CR in a size line
//!   is an end for one server and part of an extension for another
//!   (CVE-2025-22871).
//! - I8: nothing that a peer sends besides the body is without a limit:
//!   sizes have at most 16 digits, extensions and trailers so many bytes in
//!   all. A size over the body's limit is refused before its chunk.
//!
//! Left out: extensions for those who want them. Nobody does.

pub mod decode;
pub mod encode;

pub use decode::{BodyError, BodyLimits, ChunkDecoder, Taken};
pub use encode::{chunk, chunk_size, is_forbidden_trailer, last_chunk};
