//! Readiness: what a poller promises, whatever it is made of.
//!
//! A poller knows a set of *sources* and says which of them became ready. It
//! does no I/O: ready means that the next call would not wait, and what that
//! call gives (bytes, the end, an error) only the call itself can tell.
//!
//! ```text
//!            add                 arm(read)               event: read
//!  unknown ───────▶ known, idle ───────────▶ watched ──────────────▶ idle
//!                        ▲                                            │
//!                        └──── read until WouldBlock, then arm again ◀┘
//! ```
//!
//! - **I6** After `arm`, each direction asked for is reported once it is
//!   ready, also when it was ready before.
//! - **I7** A direction that was reported need not be reported again until it
//!   is armed again, and who arms has first seen the source answer
//!   `WouldBlock`. A call that did less than it was asked to is as good, but
//!   for one thing: where `read_closed` was reported, the end of the stream
//!   is still to be read.
//! - **I8** What is not ready is reported rarely, if ever, and who gets such
//!   an event sees `WouldBlock` and arms again. So a false event costs time
//!   and is never an error. Nor is a signal: it neither ends a wait nor
//!   starts it anew.
//! - **I9** After `remove`, the token is not reported any more, except by
//!   events that `wait` has already handed out: those meet a token of a past
//!   generation. A source that is gone and not armed does not end each wait.
//!
//! These are the rules of an edge-triggered epoll, said so that poll(2) and a
//! simulated network can keep them, too.

use std::io;
use std::time::Duration;

use ch02_event_loop::slab::Token;

// ANCHOR: source
/// What can be ready: a descriptor's number, or a simulated network's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub i32);

/// Which directions to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest {
    /// Report when a read would not wait.
    pub read: bool,
    /// Report when a write would not wait.
    pub write: bool,
}
// ANCHOR_END: source

impl Interest {
    /// Reading only.
    pub const READ: Interest = Interest {
        read: true,
        write: false,
    };
    /// Writing only.
    pub const WRITE: Interest = Interest {
        read: false,
        write: true,
    };
    /// Both.
    pub const BOTH: Interest = Interest {
        read: true,
        write: true,
    };
}

// ANCHOR: ready
/// What a source became ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ready {
    /// A read would not wait: bytes, the end, or an error.
    pub read: bool,
    /// A write would not wait: room, or an error.
    pub write: bool,
    /// The peer has ended its stream, or the connection is gone: reads will
    /// never wait again. A poller that cannot tell says `read` alone.
    pub read_closed: bool,
    /// The connection is gone: writes will never wait again.
    pub write_closed: bool,
}

/// One source became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The name that it was added under.
    pub token: Token,
    /// For what.
    pub ready: Ready,
}
// ANCHOR_END: ready

// ANCHOR: poller
/// A set of sources that can be waited for.
pub trait Poller {
    /// Adds a source under a name. It is not armed yet.
    ///
    /// # Errors
    /// It is known already, not open, or nothing that one can wait for; or
    /// there are too many.
    fn add(&mut self, source: Source, token: Token) -> io::Result<()>;

    /// Asks for the next readiness of these directions, besides those that
    /// are armed already.
    ///
    /// # Errors
    /// The source is not known, and the poller is one that would notice.
    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()>;

    /// Forgets a source. Comes before its close.
    ///
    /// # Errors
    /// The source is not known.
    fn remove(&mut self, source: Source) -> io::Result<()>;

    /// Waits until something is ready or the time is up (`None`: for ever),
    /// and appends to `events` what is: perhaps nothing, perhaps not all.
    ///
    /// # Errors
    /// The system's; the set is unchanged.
    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()>;
}
// ANCHOR_END: poller

// given: which of the two modules there is
/// The best poller of this system: epoll on Linux, poll(2) elsewhere.
///
/// # Errors
/// No descriptor is left.
// The path, so that the modules' trait is meant where this file stands alone.
#[allow(unused_qualifications)]
pub fn system() -> io::Result<Box<dyn ch02_event_loop::poller::Poller>> {
    #[cfg(target_os = "linux")]
    return Ok(Box::new(ch02_event_loop::epoll::Epoll::new()?));
    #[cfg(not(target_os = "linux"))]
    return Ok(Box::new(ch02_event_loop::poll::Poll::new()));
}
// given end
