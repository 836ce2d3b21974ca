//! The simulated network as the seam wants it.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use ch02_event_loop::network::{Listener, Network, Stream};
use ch02_event_loop::poller::Source;
use ch02_event_loop::sim::{Sim, World};
use ch02_event_loop::sys::ListenOptions;

/// A socket of the world: closed when it is dropped.
struct Handle {
    world: Rc<RefCell<World>>,
    source: Source,
}

// given: all of this only passes on.
impl Drop for Handle {
    fn drop(&mut self) {
        self.world.borrow_mut().close(self.source);
    }
}

impl Network for Sim {
    fn listen(
        &self,
        addr: SocketAddr,
        options: ListenOptions,
    ) -> io::Result<Box<dyn Listener>> {
        let source = self.world().borrow_mut().listen(addr, options.backlog)?;
        Ok(Box::new(Handle {
            world: self.world().clone(),
            source,
        }))
    }

    fn connect(&self, addr: SocketAddr) -> io::Result<Box<dyn Stream>> {
        let source = self.world().borrow_mut().connect(addr);
        Ok(Box::new(Handle {
            world: self.world().clone(),
            source,
        }))
    }
}

impl Listener for Handle {
    fn source(&self) -> Source {
        self.source
    }

    fn accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)> {
        let mut world = self.world.borrow_mut();
        let source = world.accept(self.source)?;
        let (_, peer, _) = world.addresses(source)?;
        Ok((
            Box::new(Handle {
                world: self.world.clone(),
                source,
            }),
            peer,
        ))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.world.borrow_mut().queue(self.source)?.addr)
    }
}

impl Stream for Handle {
    fn source(&self) -> Source {
        self.source
    }

    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.world.borrow_mut().read(self.source, buf)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.world.borrow_mut().write(self.source, pieces)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.world.borrow_mut().shutdown(self.source, how)
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.world.borrow_mut().take_error(self.source)
    }

    fn set_reset_on_close(&self) -> io::Result<()> {
        self.world.borrow_mut().reset_on_close(self.source)
    }

    fn set_nodelay(&self, _: bool) -> io::Result<()> {
        Ok(()) // nothing is delayed
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.world.borrow_mut().addresses(self.source)?.0)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        let (_, remote, is_connected) =
            self.world.borrow_mut().addresses(self.source)?;
        match is_connected {
            true => Ok(remote),
            false => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
// given end
