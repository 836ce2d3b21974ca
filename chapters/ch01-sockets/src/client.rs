//! A client that talks and listens at the same time.
//!
//! ```text
//!            thread                     main thread
//!   input ── read_some ── write_all ──▶ socket ── read_some ── write_all ──▶ output
//!   end of input: half-close            end of stream: done
//! ```
//!
//! A connection is two streams, one each way, and each ends by itself: FIN
//! says "I have no more to send" and nothing about listening (RFC 9293,
//! section 3.6). So a client needs two loops that wait independently.
//!
//! - I6: sending never waits for receiving, nor the reverse. The end of the
//!   input closes the sending half only; the server's end ends the client.
//!
//! Left out: waiting for both with one thread (poll, ch02); a terminal in raw
//! mode and telnet's option bytes (the line editing is your terminal's).

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
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
/// What the stream or the output says; an input that fails is told after the
/// server has answered what it got.
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
    let (tell, told) = mpsc::channel();
    // Never joined: it may wait for a key that nobody will press. It ends
    // with the process, or as soon as its next write fails.
    thread::spawn(move || {
        let sent = send(input, &up);
        // Nobody listens any more if the server was faster; that is fine.
        let _ = tell.send(sent);
        let _ = up.shutdown(Shutdown::Write); // half-close: FIN
    });
    let received = copy(&mut &*stream, output);
    // A write that still waits in the thread fails now.
    let _ = stream.shutdown(Shutdown::Both);
    received?;
    told.try_recv().unwrap_or(Ok(()))
}
// ANCHOR_END: converse

// ANCHOR: send
/// Copies the input to the server. Only the input's errors are returned: why
/// the server takes no more, its other half tells better.
fn send<I: Read>(mut input: I, mut up: &TcpStream) -> io::Result<()> {
    let mut buf = vec![0; CHUNK];
    loop {
        let count = read_some(&mut input, &mut buf)?;
        if count == 0 || write_all(&mut up, &buf[..count]).is_err() {
            return Ok(());
        }
    }
}
// ANCHOR_END: send
