//! A server of small requests that calls the kernel for batches of them.
//!
//! Step 2's stage makes one write for each answer. A client that sends a
//! thousand lines at once costs it a thousand calls, a thousand segments, and
//! its reader as many wake-ups.

use std::io::{self, Read, Write};

use ch01_sockets::echo::{read_some, write_all};
use ch01_sockets::frame::{Framing, Lines};

/// Bytes to ask the kernel for with one read.
pub const CHUNK: usize = 16 * 1024;

/// Answers are sent when there are this many bytes of them at the latest, so
/// that a client that sends much and reads nothing cannot fill our memory.
pub const MOST: usize = 16 * 1024;

/// Answers each line of at most `limit` bytes with its length in decimal
/// digits and a line feed; returns how many, at an end between two lines.
///
/// No read is made while an answer is held back: the peer may be waiting for
/// it before it says another word.
///
/// # Errors
/// What the stream says, or the framing. Whatever was answered before is sent
/// first.
pub fn answer<S: Read + Write>(
    stream: &mut S,
    limit: usize,
) -> io::Result<u64> {
    todo!(
        "ex_batch: collect the answers to all lines of a read, then write once"
    )
}
