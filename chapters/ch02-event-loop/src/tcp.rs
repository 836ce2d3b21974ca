//! TCP for tasks.
//!
//! ```text
//!   task: stream.read(buf).await
//!     │  ready, as far as is known?  no ──▶ Pending; the reactor wakes us
//!     ▼ yes
//!   read(2) ── WouldBlock ──▶ not ready after all: as above
//!     │ Ok(n), n < room: drained, so the next read asks no kernel in vain
//!     ▼
//!   Ready(n)
//! ```
//!
//! - **I36** A read or write that is dropped before it is ready has moved no
//!   byte. (`write_all` may have written a part: do not race it.)
//! - **I37** Running out of descriptors ends no open connection and stops no
//!   listener: `accept` waits and tries again. A connection that died in the
//!   queue is passed over.
//! - **I38** Each half ends by itself: the end of reading is seen while
//!   writing goes on, and dropping the writing half sends the FIN.
//!
//! The calls take `&self`: a loop is one thread, so a task may read while
//! another one writes. Two that *read* at once are a mistake: the reactor
//! wakes the last one that waited.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ch01_sockets::echo::{Verdict, verdict};
use ch02_event_loop::network::{Listener, Network, Stream};
use ch02_event_loop::reactor::{Direction, Reactor, Registration};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::timers::Timers;

/// How long to wait for a descriptor to become free.
const PAUSE: Duration = Duration::from_millis(100);

// ANCHOR: listener
/// A listening socket.
pub struct TcpListener {
    registration: Registration, // dropped first: before the close
    raw: Box<dyn Listener>,
    timers: Rc<Timers>,
    shortages: Cell<u64>,
}

impl TcpListener {
    /// Listens at an address; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is taken, not ours, or not allowed; no descriptor is left.
    pub fn bind(
        network: &dyn Network,
        reactor: &Rc<Reactor>,
        timers: &Rc<Timers>,
        addr: SocketAddr,
        options: ListenOptions,
    ) -> io::Result<TcpListener> {
        let raw = network.listen(addr, options)?;
        Ok(TcpListener {
            registration: reactor.register(raw.source())?,
            raw,
            timers: timers.clone(),
            shortages: Cell::new(0),
        })
    }

    // ANCHOR_END: listener

    // ANCHOR: accept
    /// The next connection, and the peer's address.
    ///
    /// # Errors
    /// The listener itself is unusable. What is about one connection is
    /// passed over; a shortage (EMFILE, ENFILE, ENOBUFS, ENOMEM) is waited
    /// out, and counted in [`TcpListener::shortages`].
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let accept = || self.raw.accept();
            let accepted = poll_fn(|cx| {
                self.registration.poll_io(cx, Direction::Read, accept)
            });
            let error = match accepted.await {
                Ok((raw, peer)) => match self.adopt(raw) {
                    Ok(stream) => return Ok((stream, peer)),
                    Err(error) => error, // the poller takes no more
                },
                Err(error) => error,
            };
            match verdict(&error) {
                Verdict::Next => {}
                Verdict::Wait => {
                    self.shortages.set(self.shortages.get() + 1);
                    self.timers.sleep(PAUSE).await;
                }
                Verdict::Stop => return Err(error),
            }
        }
    }
    // ANCHOR_END: accept

    fn adopt(&self, raw: Box<dyn Stream>) -> io::Result<TcpStream> {
        TcpStream::new(raw, self.registration.reactor())
    }

    // given: these only pass on.
    /// How often an accept has had to wait because something had run out.
    pub fn shortages(&self) -> u64 {
        self.shortages.get()
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.raw.local_addr()
    }
    // given end
}

// ANCHOR: stream
/// A connection.
pub struct TcpStream(Rc<Io>);

struct Io {
    registration: Registration, // dropped first: before the close
    raw: Box<dyn Stream>,
    resets: Cell<bool>, // on close: then no FIN goes before it
}
// ANCHOR_END: stream

// given: a Debug
impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpStream({:?})", self.0.raw.source())
    }
}
// given end

impl TcpStream {
    /// Watches a stream of a network.
    ///
    /// # Errors
    /// The poller's.
    pub fn new(
        raw: Box<dyn Stream>,
        reactor: &Rc<Reactor>,
    ) -> io::Result<TcpStream> {
        let registration = reactor.register(raw.source())?;
        let resets = Cell::new(false);
        Ok(TcpStream(Rc::new(Io {
            registration,
            raw,
            resets,
        })))
    }

    // ANCHOR: connect
    /// Connects, and waits until the peer has answered.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut` after the kernel's patience (on Linux
    /// about two minutes: set a timeout of your own), and what is known at
    /// once.
    pub async fn connect(
        network: &dyn Network,
        reactor: &Rc<Reactor>,
        addr: SocketAddr,
    ) -> io::Result<TcpStream> {
        let stream = TcpStream::new(network.connect(addr)?, reactor)?;
        let Io {
            registration, raw, ..
        } = &*stream.0;
        poll_fn(|cx| {
            registration.poll_io(cx, Direction::Write, || {
                match raw.take_error()? {
                    Some(error) => Err(error),
                    // No error and no peer: the answer is not there yet.
                    None => match raw.peer_addr() {
                        Err(e) if e.kind() == io::ErrorKind::NotConnected => {
                            Err(io::ErrorKind::WouldBlock.into())
                        }
                        other => other,
                    },
                }
            })
        })
        .await?;
        Ok(stream)
    }
    // ANCHOR_END: connect

    // ANCHOR: read
    /// Reads what there is; 0 is the end.
    ///
    /// # Errors
    /// The stream's, but `WouldBlock` and `Interrupted`.
    pub async fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx, buf)).await
    }

    /// As [`TcpStream::read`], for futures written by hand.
    ///
    /// # Errors
    /// As [`TcpStream::read`].
    pub fn poll_read(
        &self,
        cx: &Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Io {
            registration, raw, ..
        } = &*self.0;
        let read = || raw.read(buf);
        let count = ready!(registration.poll_io(cx, Direction::Read, read))?;
        if 0 < count && count < buf.len() {
            registration.drained(Direction::Read);
        }
        Poll::Ready(Ok(count))
    }
    // ANCHOR_END: read

    // ANCHOR: readable
    /// Waits until a read is worth a try, without a buffer to hold ready: ten
    /// thousand connections that wait need no ten thousand buffers. It may be
    /// wrong, so a [`TcpStream::try_read`] follows, and no read that waits.
    ///
    /// # Errors
    /// The poller's.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.registration.ready(Direction::Read).await
    }

    /// Reads what there is, and does not wait: `None` is nothing yet, and 0
    /// the end.
    ///
    /// # Errors
    /// The stream's, but `WouldBlock` and `Interrupted`.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        let Io {
            registration, raw, ..
        } = &*self.0;
        match raw.read(buf) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                registration.blocked(Direction::Read);
                Ok(None)
            }
            // As good as nothing yet: still ready, so the next try is soon.
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
            Ok(count) => {
                if 0 < count && count < buf.len() {
                    registration.drained(Direction::Read);
                }
                Ok(Some(count))
            }
        }
    }
    // ANCHOR_END: readable

    // ANCHOR: write
    /// Writes what there is room for, of several pieces in one call.
    ///
    /// # Errors
    /// The stream's, but `WouldBlock` and `Interrupted`.
    pub async fn write_vectored(
        &self,
        pieces: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        poll_fn(|cx| self.poll_write(cx, pieces)).await
    }

    /// As [`TcpStream::write_vectored`], for futures written by hand.
    ///
    /// # Errors
    /// As [`TcpStream::write_vectored`].
    pub fn poll_write(
        &self,
        cx: &Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Io {
            registration, raw, ..
        } = &*self.0;
        let write = || raw.write(pieces);
        let count = ready!(registration.poll_io(cx, Direction::Write, write))?;
        let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
        if 0 < count && count < offered {
            registration.drained(Direction::Write);
        }
        Poll::Ready(Ok(count))
    }

    // ANCHOR_END: write

    // ANCHOR: write_all
    /// Writes all of it.
    ///
    /// # Errors
    /// The stream's; `WriteZero` where it takes nothing. How much was written
    /// before an error, or before this future was dropped, is not known.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_vectored(&[IoSlice::new(bytes)]).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => bytes = &bytes[count..],
            }
        }
        Ok(())
    }

    /// Writes all of several pieces, in as few calls as the kernel lets.
    ///
    /// # Errors
    /// As [`TcpStream::write_all`].
    pub async fn write_all_vectored(
        &self,
        mut pieces: &mut [IoSlice<'_>],
    ) -> io::Result<()> {
        IoSlice::advance_slices(&mut pieces, 0); // past empty ones
        while !pieces.is_empty() {
            match self.write_vectored(pieces).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => IoSlice::advance_slices(&mut pieces, count),
            }
        }
        Ok(())
    }
    // ANCHOR_END: write_all

    // given: these only pass on.
    /// Makes a call of one's own on the descriptor (sendfile, say) when the
    /// stream is ready for it. `None`: the network has no descriptors.
    ///
    /// # Errors
    /// The call's, but `WouldBlock` and `Interrupted`.
    pub async fn with_fd<T>(
        &self,
        direction: Direction,
        mut call: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> Option<io::Result<T>> {
        let fd = self.0.raw.fd()?;
        let done = poll_fn(|cx| {
            self.0.registration.poll_io(cx, direction, || call(fd))
        });
        Some(done.await)
    }

    /// Whether there is a descriptor: see [`TcpStream::with_fd`].
    pub fn has_fd(&self) -> bool {
        self.0.raw.fd().is_some()
    }

    /// Ends one direction or both.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.raw.shutdown(how)
    }

    /// Makes the close a reset: what was not sent yet is thrown away, and
    /// the peer's next call fails.
    ///
    /// # Errors
    /// The system's.
    pub fn reset_on_close(&self) -> io::Result<()> {
        self.0.raw.set_reset_on_close()?;
        self.0.resets.set(true);
        Ok(())
    }

    /// Sends small writes at once (TCP_NODELAY).
    ///
    /// # Errors
    /// The system's.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.0.raw.set_nodelay(on)
    }

    /// Our address.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.raw.local_addr()
    }

    /// The peer's address.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.raw.peer_addr()
    }
    // given end

    // ANCHOR: split
    /// Two halves, for two tasks.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        let other = TcpStream(self.0.clone());
        (ReadHalf(self), WriteHalf(other))
    }
    // ANCHOR_END: split
}

// ANCHOR: halves
/// What comes in.
#[derive(Debug)]
pub struct ReadHalf(TcpStream);

/// What goes out. Its drop ends that direction: the peer reads the end.
#[derive(Debug)]
pub struct WriteHalf(TcpStream);

// given: what is read out, and a drop, whose `todo!` would abort all tests.
impl Drop for WriteHalf {
    fn drop(&mut self) {
        if self.0.0.resets.get() {
            return; // the peer is not to take this for an orderly end
        }
        // An error: there is no connection any more that could be ended.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

impl ReadHalf {
    /// The stream that it is a half of.
    pub fn stream(&self) -> &TcpStream {
        &self.0
    }
}

impl WriteHalf {
    /// The stream that it is a half of.
    pub fn stream(&self) -> &TcpStream {
        &self.0
    }
}
// given end
// ANCHOR_END: halves
