//! A client that talks and listens at the same time.
//!
//! ```text
//!   thread:       input ── read_some ── write_all ──▶ socket
//!                 end of input: half-close
//!   main thread:  socket ── read_some ── write_all ──▶ output
//!                 end of stream: done
//! ```
//!
//! A connection is two streams, one each way, and each ends by itself: FIN
//! says "I have no more to send" and nothing about listening (RFC 9293,
//! section 3.6). So a client needs two loops that wait independently.
//!
//! - I6: sending never waits for receiving, nor the reverse. The end of the
//!   input closes the sending half only; the server's end ends the client.
//!
//! Left out: waiting for both with one thread (poll); a terminal in raw
//! mode and telnet's option bytes (the line editing is your terminal's).

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use ch01_sockets::echo::{read_some, write_all};

/// Bytes that one read asks for; the size of a pipe's buffer on Linux.
const CHUNK: usize = 64 * 1024;

// ANCHOR: in_turns
/// Wrong for more than the sockets' buffers hold, and kept to show it: sends
/// all of the input, and only then begins to receive.
///
/// # Errors
/// What the input, the stream or the output says.
pub fn in_turns<I: Read, O: Write>(
    mut stream: &TcpStream,
    input: &mut I,
    output: &mut O,
) -> io::Result<()> {
    copy(input, &mut stream)?;
    stream.shutdown(Shutdown::Write)?;
    copy(&mut stream, output)
}

/// Copies until the end of `from`, and lets nothing wait in a buffer.
fn copy<R: Read, W: Write>(from: &mut R, to: &mut W) -> io::Result<()> {
    let mut buf = vec![0; CHUNK];
    loop {
        match read_some(from, &mut buf)? {
            0 => return Ok(()),
            count => {
                write_all(to, &buf[..count])?;
                to.flush()?;
            }
        }
    }
}
// ANCHOR_END: in_turns

// ANCHOR: converse
/// Sends `input` to the server and writes what it says to `output`, both at
/// the same time, until the server ends.
///
/// # Errors
/// What the stream or the output says, whichever half it is told to; an input
/// that fails is told after the server has answered what it got.
pub fn converse<I, O>(
    stream: &TcpStream,
    input: I,
    output: &mut O,
) -> io::Result<()>
where
    I: Read + Send + 'static,
    O: Write,
{
    let up = stream.try_clone()?;
    let sent = Arc::new(Mutex::new(Ok(())));
    let outcome = sent.clone();
    // Never joined: it may wait for a key that nobody will press. It ends
    // with the process, or as soon as its next write fails.
    thread::spawn(move || {
        send(input, &up, &outcome);
        let _ = up.shutdown(Shutdown::Write); // half-close: FIN
    });
    let received = copy(&mut &*stream, output);
    // A write that still waits in the thread fails now.
    let _ = stream.shutdown(Shutdown::Both);
    received?;
    mem::replace(&mut *lock(&sent), Ok(()))
}
// ANCHOR_END: converse

// ANCHOR: send
/// Copies the input to the server, and leaves in `outcome` what went wrong.
/// Holds it while it writes: the kernel tells a reset once, to whichever half
/// asks first, and the other half sees what looks like an end.
fn send<I: Read>(
    mut input: I,
    mut up: &TcpStream,
    outcome: &Mutex<io::Result<()>>,
) {
    let mut buf = vec![0; CHUNK];
    loop {
        let count = match read_some(&mut input, &mut buf) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) => return *lock(outcome) = Err(error),
        };
        let mut outcome = lock(outcome);
        match write_all(&mut up, &buf[..count]) {
            Ok(()) => {}
            // The server has ended, or the other half has the reason.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return,
            Err(error) => return *outcome = Err(error),
        }
    }
}

/// What is left there by a thread that panicked counts as well.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
// ANCHOR_END: send
