//! A preset dictionary (RFC 1950, sections 2.2 and 2.3): both ends know what
//! messages look like, so even the first one is short.

use ch03_http::adler32;
use ch03_http::deflate::WINDOW;
use ch03_http::deflate::compress::{Deflater, Flush, Level};
use ch03_http::deflate::inflate::Inflater;

/// Why a stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It does not begin with 78 bb.
    Header,
    /// It was made with another dictionary.
    Dictionary,
    /// The rest is damaged, cut, followed by something, or too long.
    Damaged,
}

/// A zlib stream of `bytes` that may copy from `dictionary`: 78 bb, the
/// Adler-32 of the dictionary, the DEFLATE stream, the Adler-32 of `bytes`.
pub fn pack(dictionary: &[u8], bytes: &[u8], level: Level) -> Vec<u8> {
    todo!("ex_dictionary: show it the dictionary, keep what follows")
}

/// What the stream holds, at most `most` bytes.
///
/// # Errors
/// It says which of the three things is wrong.
pub fn unpack(
    dictionary: &[u8],
    stream: &[u8],
    most: u64,
) -> Result<Vec<u8>, Refused> {
    todo!("ex_dictionary: the frame, the dictionary, the rest")
}

/// The part of the dictionary that a copy can reach.
fn near(dictionary: &[u8]) -> &[u8] {
    &dictionary[dictionary.len().saturating_sub(WINDOW)..]
}
