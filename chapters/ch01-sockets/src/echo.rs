//! Echo: the smallest server, and the two calls that everything else uses.

use std::io::{self, Read, Write};

// ANCHOR: read_some
/// Reads what there is, at most `buf.len()` bytes and perhaps only one; waits
/// when there is nothing. 0 is the end: the peer will send no more.
///
/// # Errors
/// What the stream says, but for EINTR: a signal is no reason to give up.
pub fn read_some<R: Read>(from: &mut R, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
// ANCHOR_END: read_some

// ANCHOR: write_all
/// Writes all of `bytes`, however often the stream takes only a part.
///
/// # Errors
/// What the stream says, but for EINTR; `WriteZero` where it takes nothing.
pub fn write_all<W: Write>(to: &mut W, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
// ANCHOR_END: write_all
