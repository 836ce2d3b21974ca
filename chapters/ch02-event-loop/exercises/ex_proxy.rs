//! Exercise: a proxy. Two connections, and what comes from one goes to the
//! other.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use ch02_event_loop::poller::Interest;

/// What one direction holds at most.
pub const HELD: usize = 16 * 1024;

/// Reads that one step does in one direction at most.
pub const ROUNDS: usize = 16;

/// A stream that does not wait, and can end its sending half.
pub trait Stream: Read + Write {
    /// Sends FIN: no more bytes will come from us.
    ///
    /// # Errors
    /// ENOTCONN: the connection is gone.
    fn end(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn end(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for UnixStream {
    fn end(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// What a step leaves to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// For these directions of the two streams; each has refused.
    Wait {
        /// Of the first stream.
        a: Interest,
        /// Of the second.
        b: Interest,
    },
    /// For nothing: a direction has used up its turn.
    Again,
    /// Both streams have ended, and each knows it of the other.
    Over,
}

/// Two streams that are one.
pub struct Proxy<A, B> {
    a: A,
    b: B,
    there: Way, // from a to b
    back: Way,
}

/// One direction.
#[derive(Default)]
struct Way {
    held: Vec<u8>,   // read and not written yet
    has_ended: bool, // the source has sent its FIN
    is_over: bool,   // and the other has been sent ours
}

impl<A: Stream, B: Stream> Proxy<A, B> {
    /// A proxy between two streams that do not wait.
    pub fn new(a: A, b: B) -> Proxy<A, B> {
        Proxy {
            a,
            b,
            there: Way::default(),
            back: Way::default(),
        }
    }

    /// Carries what can be carried without waiting, both ways. A stream is
    /// not read while more than nothing is held for the other one: so a slow
    /// reader slows its writer down. A FIN is passed on after the last byte,
    /// and the other direction goes on.
    ///
    /// # Errors
    /// Of either stream; there is no further step then.
    pub fn step(&mut self) -> io::Result<Next> {
        todo!("ex_proxy: carry there, carry back; add up what each waits for")
    }
}

/// What a direction waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing, // it is over
    More,    // no refusal: its turn is over
    Read,    // for its source to have something
    Write,   // for its target to have room
}

/// Carries one way until something refuses.
fn carry<F: Stream, T: Stream>(
    way: &mut Way,
    from: &mut F,
    to: &mut T,
) -> io::Result<Left> {
    todo!("ex_proxy: write what is held; end, if the source has; or read on")
}
