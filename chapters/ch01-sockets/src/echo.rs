//! Echo: the smallest server, and the two calls that everything else uses.
//!
//! ```text
//!   client                     kernel                      this process
//!   connect ── SYN ──▶ SYN queue ── ACK ──▶ accept queue ── accept ──▶ stream
//!   write ─── bytes ─────────▶ receive buffer ────────────── read ───▶ buf
//!   read ◀─── bytes ────────── send buffer ◀─────────────── write ──── buf
//!   shutdown ── FIN ─────────▶ ───────────────────────── read gives 0
//! ```
//!
//! - I1: a client reads back exactly the bytes that it sent, in order, and
//!   nothing else, however the kernel cuts them into reads and writes.
//! - I2: the end of a stream is answered after its last byte. A reset, an
//!   interrupted call or a failed accept ends at most one connection, never
//!   the server.
//!
//! Left out: more than one client at a time (step 4), a limit on how long
//! one may take (step 5), and waiting without a thread (epoll). RFC 862 gives
//! the service port 7, which only root may listen on.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch00_toolbox::log::Log;

/// Bytes that one read asks for. What a read costs is mostly the call, so
/// large is cheap; past the size of a few segments nothing is gained.
const CHUNK: usize = 16 * 1024;

/// How long to wait for a descriptor to become free. Long enough not to spin,
/// short enough that nobody in the accept queue notices.
const PAUSE: Duration = Duration::from_millis(100);

// ANCHOR: read_some
/// Reads what there is, at most `buf.len()` bytes and perhaps only one; waits
/// when there is nothing. 0 is the end: the peer will send no more.
///
/// # Errors
/// What the stream says, but for EINTR: a signal is no reason to give up.
pub fn read_some<R: Read>(from: &mut R, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buf) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
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
/// How many bytes were taken before an error, nobody knows.
pub fn write_all<W: Write>(to: &mut W, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
// ANCHOR_END: write_all

// ANCHOR: echo
/// Sends back what comes until the peer's end, and counts the bytes.
///
/// # Errors
/// What the stream says: `ConnectionReset` and `BrokenPipe` when the peer
/// went away without an end.
pub fn echo<S: Read + Write>(stream: &mut S) -> io::Result<u64> {
    let mut buf = vec![0; CHUNK];
    let mut echoed = 0;
    loop {
        let count = read_some(stream, &mut buf)?;
        if count == 0 {
            return Ok(echoed);
        }
        write_all(stream, &buf[..count])?;
        echoed += count as u64;
    }
}
// ANCHOR_END: echo

// ANCHOR: verdict
/// What to do about an error of `accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was about one connection, or about none: take the next.
    Next,
    /// Something has run out and the connection still waits in the queue, or
    /// the error is none that we know: at once, accept might fail again, and
    /// again.
    Wait,
    /// The listener itself is unusable: the program is wrong.
    Stop,
}

/// Tells a client's bad luck, the system's and the program's apart.
///
/// EINTR and ECONNABORTED give `Next`; EBADF and EINVAL, which no wait can
/// mend, give `Stop`. Every other error gives `Wait`, one that nobody has
/// heard of as well: a wait in vain costs a line of the log ten times a
/// second, a stop in vain costs all who come later the server.
pub fn verdict(error: &io::Error) -> Verdict {
    const EBADF: i32 = 9; // not an open descriptor
    const EINVAL: i32 = 22; // not listening
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::Interrupted, _) => Verdict::Next,
        (ErrorKind::ConnectionAborted, _) => Verdict::Next,
        (_, Some(EBADF | EINVAL)) => Verdict::Stop,
        // EMFILE, ENFILE, ENOBUFS, ENOMEM; on Linux also what the network
        // has against the new connection: see accept(2), "Error handling".
        _ => Verdict::Wait,
    }
}
// ANCHOR_END: verdict

// ANCHOR: serve
/// Hands the streams that `accept` gives to `handle`, one after the other,
/// for as long as there may be another.
///
/// # Errors
/// An error of `accept` after which there cannot be another.
pub fn serve<S>(
    mut accept: impl FnMut() -> io::Result<S>,
    mut handle: impl FnMut(S) -> io::Result<u64>,
    clock: &dyn Clock,
    log: &Log,
) -> io::Result<()> {
    loop {
        let stream = match accept() {
            Ok(stream) => stream,
            Err(error) => match verdict(&error) {
                Verdict::Next => continue,
                Verdict::Wait => {
                    log.warn(format_args!("accept: {error}; waiting"));
                    clock.sleep(PAUSE);
                    continue;
                }
                Verdict::Stop => return Err(error),
            },
        };
        match handle(stream) {
            Ok(bytes) => log.info(format_args!("{bytes} bytes, then the end")),
            Err(error) => log.warn(format_args!("{error}")),
        }
    }
}
// ANCHOR_END: serve
