//! An echo server of callbacks.
//!
//! ```text
//!            read n: offer it at once, keep the rest
//!             ┌────┐
//!             │    ▼         read 0              all is written
//!    ──────▶  Open ────────────────▶  Ended  ──────────────────▶  over
//!             │  ▲                    (rest to be written)
//!   CAP owed  ▼  │ less than CAP owed
//!           not read
//! ```
//!
//! With a thread for each client, where the program is in its code says what
//! the client is owed: `echo` of ch01 is in its `read` or in its `write_all`.
//! A callback returns each time, so everything that must be known the next
//! time is in a value. Here that is a state and the bytes that are owed.
//!
//! - **I15** A client gets its bytes back, in order, however the calls are cut,
//!   interrupted or refused for now; also those that were owed when it ended.
//!   What is owed to one client is less than [`CAP`] and a chunk. A step does
//!   at most [`ROUNDS`] reads, and waits only for a direction that has just
//!   refused. An error ends one connection; a shortage makes accept pause.
//!
//! Left out: a deadline for a client that neither reads nor ends (ch01 has
//! one for every wait, step 7 again), and a limit to how many there are but
//! the descriptors.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use ch00_toolbox::log::Log;
use ch01_sockets::echo::{Verdict, read_some, verdict};
use ch02_event_loop::callbacks::{Loop, Timer};
use ch02_event_loop::poller::{Interest, Ready, Source};
use ch02_event_loop::slab::Token;

/// Bytes that one read asks for. The buffer is the loop's: a connection that
/// owes nothing has none.
const CHUNK: usize = 16 * 1024;

/// A connection that owes this much is not read until it owes less.
pub const CAP: usize = 64 * 1024;

/// Reads that one call does for one connection, if there is so much.
pub const ROUNDS: usize = 16;

/// Connections that one call accepts.
pub const ACCEPTS: usize = 64;

/// How long accept pauses when something has run out.
pub const PAUSE: Duration = Duration::from_millis(100);

// ANCHOR: connection
/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The peer may send more.
    Open,
    /// The peer has ended its stream; it may still be owed bytes.
    Ended,
}

/// One client of the echo.
pub struct Connection<S> {
    stream: S,
    state: State,
    owed: Vec<u8>, // what has come and could not be written yet
    echoed: u64,   // bytes that were written
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// For these directions, each of which has refused.
    Wait(Interest),
    /// For nothing: it has used up its turn.
    Again,
    /// It is over.
    Over,
}
// ANCHOR_END: connection

impl<S: Read + Write> Connection<S> {
    /// A connection over a stream that does not wait.
    pub fn new(stream: S) -> Connection<S> {
        Connection {
            stream,
            state: State::Open,
            owed: Vec::new(),
            echoed: 0,
        }
    }

    /// How many bytes were sent back.
    pub fn echoed(&self) -> u64 {
        self.echoed
    }

    // ANCHOR: step
    /// Does what can be done without waiting, and says what it waits for.
    ///
    /// # Errors
    /// What the stream says. There is no further step then.
    pub fn step(&mut self) -> io::Result<Next> {
        let mut chunk = [0; CHUNK];
        for _ in 0..ROUNDS {
            self.flush()?;
            match (self.state, self.owed.len()) {
                (State::Ended, 0) => return Ok(Next::Over),
                (State::Ended, _) | (State::Open, CAP..) => {
                    return Ok(Next::Wait(Interest::WRITE));
                }
                (State::Open, _) => {}
            }
            match read_some(&mut self.stream, &mut chunk) {
                Ok(0) => self.state = State::Ended,
                Ok(count) => self.owed.extend_from_slice(&chunk[..count]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    return Ok(Next::Wait(Interest {
                        read: true,
                        write: !self.owed.is_empty(),
                    }));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Next::Again)
    }

    // ANCHOR_END: step

    // ANCHOR: flush
    /// Writes what is owed, as far as the stream takes it.
    fn flush(&mut self) -> io::Result<()> {
        let mut taken = 0;
        let refused = loop {
            let rest = &self.owed[taken..];
            if rest.is_empty() {
                break None;
            }
            match self.stream.write(rest) {
                Ok(0) => break Some(ErrorKind::WriteZero.into()),
                Ok(count) => taken += count,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        self.echoed += taken as u64;
        self.owed.drain(..taken);
        match refused {
            None => self.owed = Vec::new(), // nobody owed keeps memory
            Some(e) if e.kind() == ErrorKind::WouldBlock => {}
            Some(error) => return Err(error),
        }
        Ok(())
    }
    // ANCHOR_END: flush
}

// ANCHOR: ready
/// The callback of a connection.
fn on_ready<S: Read + Write>(
    l: &mut Loop,
    token: Token,
    connection: &mut Connection<S>,
    log: &Log,
) {
    let done = connection.step().and_then(|next| match next {
        Next::Wait(interest) => l.arm(token, interest).map(|()| false),
        Next::Again => {
            l.again(token, BOTH);
            Ok(false)
        }
        Next::Over => Ok(true),
    });
    // Nobody called this function who could be told of an error.
    match done {
        Ok(false) => return,
        Ok(true) => {
            let bytes = connection.echoed();
            log.info(format_args!("{bytes} bytes, then the end"));
        }
        Err(error) => log.warn(format_args!("{error}")),
    }
    l.remove(token);
}

/// What `again` is asked for: the next call of either kind is worth a try.
const BOTH: Ready = Ready {
    read: true,
    write: true,
    read_closed: false,
    write_closed: false,
};
// ANCHOR_END: ready

// ANCHOR: acceptor
/// What accepts connections, and waits while it cannot.
struct Acceptor<A> {
    accept: A,
    log: Log,
    pause: Option<Timer>,
}
// ANCHOR_END: acceptor

// ANCHOR: accept
impl<A, S> Acceptor<A>
where
    A: FnMut() -> io::Result<(S, Source)>,
    S: Read + Write + 'static,
{
    /// The callback of a listener.
    fn on_ready(&mut self, l: &mut Loop, token: Token) {
        // A new client's event may come within a pause: one timer is enough.
        if let Some(timer) = self.pause.take() {
            l.cancel(timer);
        }
        for _ in 0..ACCEPTS {
            let error = match (self.accept)() {
                Ok((stream, source)) => {
                    open(l, stream, source, &self.log);
                    continue;
                }
                Err(error) => error,
            };
            if error.kind() == ErrorKind::WouldBlock {
                return self
                    .stop_if(l, token, |l| l.arm(token, Interest::READ));
            }
            match verdict(&error) {
                Verdict::Next => {}
                Verdict::Wait => {
                    self.log.warn(format_args!("accept: {error}; waiting"));
                    let again = move |l: &mut Loop| l.again(token, BOTH);
                    self.pause = Some(l.after(PAUSE, again));
                    return;
                }
                Verdict::Stop => {
                    return self.stop_if(l, token, |_| Err(error));
                }
            }
        }
        l.again(token, BOTH); // there may be more, but others wait as well
    }

    // ANCHOR_END: accept

    // ANCHOR: stop
    /// An error here is the listener's own: it is removed.
    fn stop_if(
        &self,
        l: &mut Loop,
        token: Token,
        call: impl FnOnce(&mut Loop) -> io::Result<()>,
    ) {
        if let Err(error) = call(l) {
            self.log.error(format_args!("accept: {error}"));
            l.remove(token);
        }
    }
    // ANCHOR_END: stop
}

// ANCHOR: serve
/// Adds a connection. Its first bytes may be there already.
fn open<S: Read + Write + 'static>(
    l: &mut Loop,
    stream: S,
    source: Source,
    log: &Log,
) {
    let mut connection = Connection::new(stream);
    let its_log = log.clone();
    let added = l.add(source, move |l, token, _| {
        on_ready(l, token, &mut connection, &its_log);
    });
    match added {
        Ok(token) => l.again(token, BOTH),
        Err(error) => log.warn(format_args!("{error}")),
    }
}

/// Serves those whom `accept` gives, each time that its source is ready.
/// `accept` must not wait, nor must the streams.
///
/// # Errors
/// The poller's, for the listener.
pub fn serve<S: Read + Write + 'static>(
    l: &mut Loop,
    source: Source,
    accept: impl FnMut() -> io::Result<(S, Source)> + 'static,
    log: Log,
) -> io::Result<Token> {
    let mut acceptor = Acceptor {
        accept,
        log,
        pause: None,
    };
    let token =
        l.add(source, move |l, token, _| acceptor.on_ready(l, token))?;
    l.arm(token, Interest::READ)?;
    Ok(token)
}

// ANCHOR_END: serve

// ANCHOR: listener
/// Accepts from a listener that does not wait, for [`serve`].
///
/// # Errors
/// `WouldBlock`: nobody is there. Those of accept(2).
pub fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Source)> {
    let (stream, _) = listener.accept()?;
    // An error here is about this one connection, not about the listener.
    let gone = |_| ErrorKind::ConnectionAborted;
    stream.set_nonblocking(true).map_err(gone)?;
    stream.set_nodelay(true).map_err(gone)?;
    let source = Source(stream.as_raw_fd());
    Ok((stream, source))
}
// ANCHOR_END: listener

#[cfg(test)]
mod tests {
    use super::*;

    /// I15: a connection that owes nothing holds no memory for it.
    #[test]
    fn who_owes_nothing_has_no_buffer() -> io::Result<()> {
        let mut connection = Connection::new(io::Cursor::new(vec![0; 9]));
        connection.owed = b"hello".to_vec();
        connection.flush()?;
        assert_eq!(connection.owed.capacity(), 0, "after 5 of 5 bytes");
        Ok(())
    }
}
