//! A relay: what one side says goes to the other, and so does each end.
//!
//! This is what `socat TCP-LISTEN:… TCP:…` does, and with more around it
//! every proxy and every tunnel.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::thread;

use ch01_sockets::echo::{read_some, write_all};

/// Bytes that one read asks for.
pub const CHUNK: usize = 16 * 1024;

/// Carries bytes both ways until both have ended: the bytes from `a` to `b`,
/// and from `b` to `a`. An end is passed on by itself: after the FIN of `a`,
/// `b` gets one, and what `b` still says still comes to `a`.
///
/// # Errors
/// What either stream says. Then both are shut down both ways, so that
/// nothing waits for ever; the other side sees an end and not a reset.
pub fn relay(a: &TcpStream, b: &TcpStream) -> io::Result<(u64, u64)> {
    // begin: a thread for one direction, this one for the other
    thread::scope(|scope| {
        let there = scope.spawn(|| carry(a, b));
        let back = carry(b, a);
        let panicked = |_| io::Error::other("the thread panicked");
        let there = there.join().map_err(panicked)?;
        Ok((there?, back?))
    })
    // end
}

/// One direction: copies until the end of `from`, and passes that on.
///
/// # Errors
/// What either stream says, after both were shut down.
pub fn carry(from: &TcpStream, to: &TcpStream) -> io::Result<u64> {
    // begin: copy, then half-close; after an error, shut down everything
    fn copy<R: Read>(mut from: R, mut to: &TcpStream) -> io::Result<u64> {
        let mut buf = vec![0; CHUNK];
        let mut carried = 0;
        loop {
            let count = read_some(&mut from, &mut buf)?;
            if count == 0 {
                to.shutdown(Shutdown::Write)?;
                return Ok(carried);
            }
            write_all(&mut to, &buf[..count])?;
            carried += count as u64;
        }
    }
    copy(from, to).inspect_err(|_| {
        // One that is gone already cannot be shut down, nor need it be.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    })
    // end
}
