//! The character generator of RFC 864: what a client gets that says nothing.
//!
//! "It is fairly likely that users of this service will abruptly decide that
//! they have had enough and abort the TCP connection, instead of carefully
//! closing it. The service should be prepared for either the careful close or
//! the rude abort." (RFC 864)

use std::io::{self, ErrorKind, Write};

/// How many printing characters ASCII has: from the space, 0x20, to `~`.
pub const RING: usize = 95;

/// Characters in a line, without the CR LF that ends it.
pub const WIDTH: usize = 72;

/// Line `n` of the pattern, with its CR LF: the characters number n to n + 71,
/// in a ring of 95.
pub fn line(n: usize) -> Vec<u8> {
    todo!("ex_chargen: 72 characters of the ring, from number n on, then CR LF")
}

/// Writes line after line until the peer has gone, and counts the bytes that
/// were taken, to the byte.
///
/// # Errors
/// What the stream says, but for EINTR, and for the two ways in which a client
/// of this service leaves: EPIPE and ECONNRESET are its end, not an error.
/// `WriteZero` where it takes nothing.
pub fn chargen<W: Write>(to: &mut W) -> io::Result<u64> {
    todo!(
        "ex_chargen: a loop of writes that knows how much of the line is left"
    )
}
