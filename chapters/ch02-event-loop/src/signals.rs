//! Signals as events of the loop.
//!
//! The toolbox turns a signal into a readable pipe; here a task waits for
//! that pipe as it would for a socket. So a SIGTERM is handled between two
//! polls, where everything is allowed, and not between two instructions.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;

use ch00_toolbox::sys::{Signal, Signals};
use ch02_event_loop::poller::Source;
use ch02_event_loop::reactor::{Direction, Reactor, Registration};

/// The signals that a loop hears.
pub struct SignalEvents {
    registration: Registration, // dropped first: before the signals
    signals: Signals,
}

impl SignalEvents {
    /// Hears these signals from now on.
    ///
    /// # Errors
    /// Those of [`Signals::new`]; the poller's.
    pub fn new(
        reactor: &Rc<Reactor>,
        which: &[Signal],
    ) -> io::Result<SignalEvents> {
        SignalEvents::of(reactor, Signals::new(which)?)
    }

    /// Hears signals that are caught already.
    ///
    /// # Errors
    /// The poller's.
    pub fn of(
        reactor: &Rc<Reactor>,
        signals: Signals,
    ) -> io::Result<SignalEvents> {
        let source = Source(signals.as_raw_fd());
        let registration = reactor.register(source)?;
        Ok(SignalEvents {
            registration,
            signals,
        })
    }

    // ANCHOR: next
    /// The next signal.
    ///
    /// # Errors
    /// The poller's.
    pub async fn next(&self) -> io::Result<Signal> {
        poll_fn(|cx| {
            self.registration.poll_io(cx, Direction::Read, || {
                // `try_wait` has emptied the pipe when it finds none.
                self.signals
                    .try_wait()
                    .ok_or_else(|| io::ErrorKind::WouldBlock.into())
            })
        })
        .await
    }
    // ANCHOR_END: next
}
