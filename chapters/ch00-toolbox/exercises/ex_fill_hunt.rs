//! Exercise: a bug hunt by property. Functions that fill a buffer, of which
//! most are wrong. Write the statement that holds for a right one whatever
//! the reads do, and have step 6 look for the reads that break it.
//!
//! A call of `read` may return fewer bytes than there is room for, and more
//! come later. It may be interrupted (`ErrorKind::Interrupted`, EINTR), and
//! then it has read nothing. It may fail. And 0 bytes are the input's end.

use std::io::{self, Read};

/// What is tried: reads until the buffer is full or the input ends, and
/// returns how many bytes are in the buffer. An interrupted read is made
/// again. Another error is returned. Nothing is read that does not get into
/// the buffer.
pub type Fill = fn(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize>;

/// Holds `fill` against reads of every kind.
///
/// The reader that you give it must come to an end by itself: some of those
/// that are tried read on after the end of the input, for ever.
///
/// # Errors
/// The smallest input that was found for which `fill` does something else,
/// and what it did.
pub fn hunt(fill: Fill) -> Result<(), String> {
    todo!("ex_fill_hunt: make reads, fill from them, compare")
}
