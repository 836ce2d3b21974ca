//! The seam: all that async sockets ask of a network.
//!
//! Above this line nothing knows whether its bytes go through the kernel or
//! through a table in memory. So a server is tested on a network that loses
//! readiness, cuts reads short and resets connections as a seed says, and
//! the code that is tested is the code that runs.
//!
//! No call here waits: what would have to says `WouldBlock`.

use std::io::{self, IoSlice, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use ch00_toolbox::sys::set_linger;
use ch02_event_loop::poller::Source;
use ch02_event_loop::sys::{ListenOptions, listen_on, start_connect};

// ANCHOR: network
/// Where connections come from.
pub trait Network {
    /// Listens at an address; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is taken, not ours, or not allowed; no descriptor is left.
    fn listen(
        &self,
        addr: SocketAddr,
        options: ListenOptions,
    ) -> io::Result<Box<dyn Listener>>;

    /// Begins to connect. The stream is writable when it is known whether
    /// that worked, and `take_error` then says so.
    ///
    /// # Errors
    /// What is known at once.
    fn connect(&self, addr: SocketAddr) -> io::Result<Box<dyn Stream>>;
}

// ANCHOR_END: network

// ANCHOR: listener
/// A socket that listens.
pub trait Listener {
    /// What a poller knows it by.
    fn source(&self) -> Source;
    /// Takes a connection out of the queue, with the peer's address.
    ///
    /// # Errors
    /// `WouldBlock`; those of accept(2).
    fn accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)>;
    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

// ANCHOR_END: listener

// ANCHOR: stream
/// One end of a connection. Dropping it closes it.
pub trait Stream {
    /// What a poller knows it by.
    fn source(&self) -> Source;
    /// Reads what is there; 0 is the end.
    ///
    /// # Errors
    /// `WouldBlock`; those of read(2).
    fn read(&self, buf: &mut [u8]) -> io::Result<usize>;
    /// Writes what there is room for, of several pieces in one call.
    ///
    /// # Errors
    /// `WouldBlock`; those of write(2).
    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Ends one direction or both.
    ///
    /// # Errors
    /// `NotConnected`.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
    /// The error that has come without a call, and forgets it: how a
    /// connect went.
    ///
    /// # Errors
    /// The system's, as the answer is in the `Ok`.
    fn take_error(&self) -> io::Result<Option<io::Error>>;
    // ANCHOR_END: stream
    /// Makes the close a reset: what was not sent yet is thrown away.
    ///
    /// # Errors
    /// The system's.
    fn set_reset_on_close(&self) -> io::Result<()>;
    /// Sends small writes at once, also while an earlier one is not
    /// acknowledged yet (TCP_NODELAY).
    ///
    /// # Errors
    /// The system's.
    fn set_nodelay(&self, on: bool) -> io::Result<()>;
    /// Our address.
    ///
    /// # Errors
    /// The system's.
    fn local_addr(&self) -> io::Result<SocketAddr>;
    /// The peer's.
    ///
    /// # Errors
    /// `NotConnected`.
    fn peer_addr(&self) -> io::Result<SocketAddr>;
    /// The descriptor, where there is one: for sendfile and for options.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// The kernel's network.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

// ANCHOR: system
impl Network for System {
    fn listen(
        &self,
        addr: SocketAddr,
        options: ListenOptions,
    ) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(listen_on(addr, options)?))
    }

    fn connect(&self, addr: SocketAddr) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(start_connect(addr)?))
    }
}

impl Listener for net::TcpListener {
    fn source(&self) -> Source {
        Source(self.as_raw_fd())
    }

    fn accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)> {
        let (stream, peer) = net::TcpListener::accept(self)?;
        // On Linux, not inherited from the listener.
        stream.set_nonblocking(true)?;
        Ok((Box::new(stream), peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        net::TcpListener::local_addr(self)
    }
}
// ANCHOR_END: system

impl Stream for net::TcpStream {
    fn source(&self) -> Source {
        Source(self.as_raw_fd())
    }

    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        (&mut &*self).read(buf)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match pieces {
            // send(2) sets nothing up for one piece; writev(2) would.
            [one] => (&mut &*self).write(one),
            all => (&mut &*self).write_vectored(all),
        }
    }

    // given: these only pass on.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        net::TcpStream::shutdown(self, how)
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        net::TcpStream::take_error(self)
    }

    fn set_reset_on_close(&self) -> io::Result<()> {
        set_linger(self, Some(Duration::ZERO))
    }

    fn set_nodelay(&self, on: bool) -> io::Result<()> {
        net::TcpStream::set_nodelay(self, on)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        net::TcpStream::local_addr(self)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        net::TcpStream::peer_addr(self)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
    // given end
}
