//! Readiness by epoll(7): the kernel keeps the set.
//!
//! ```text
//!   epoll instance                          a socket
//!   ┌───────────────────────────┐   bytes arrive: its wait queue calls back
//!   │ set (red-black tree)      │ ◀──────────────┘
//!   │ ready list ── A ── C      │   epoll_wait copies the ready list out
//!   └───────────────────────────┘
//! ```
//!
//! `epoll_wait` costs what is *ready*, not what is *watched*. Each source is
//! added once, for both directions, *edge-triggered*: an event says that
//! something has happened since the last event, and arming needs no call.
//!
//! What is added is not the descriptor but the *open file* behind it, which
//! lives until its last descriptor is closed, in whichever process. So a
//! source is removed before its close: a copy of the descriptor (by dup, by
//! fork) would keep it in the set, reported, and out of our reach.
//!
//! Level-triggered epoll (without EPOLLET) would report a source for as long
//! as it is ready. Then a full send buffer would have to be watched and
//! unwatched by a call each time: Redis and libevent do that.

use std::io;
use std::time::Duration;

use ch00_toolbox::sys::Fd;
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::Token;
use ch02_event_loop::sys::{
    EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, EpollEvent,
    epoll_add, epoll_await, epoll_new, epoll_remove,
};

/// How many events one wait takes. What does not fit is reported by the next:
/// the kernel moves those that it reported to the end of its list.
const BATCH: usize = 1024;

// ANCHOR: epoll
/// Readiness by epoll.
pub struct Epoll {
    epoll: Fd,
    batch: Vec<EpollEvent>,
}

impl Epoll {
    /// An empty set.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> io::Result<Epoll> {
        let batch = vec![EpollEvent { events: 0, data: 0 }; BATCH];
        Ok(Epoll {
            epoll: epoll_new()?,
            batch,
        })
    }
}

// ANCHOR_END: epoll

// ANCHOR: poller
impl Poller for Epoll {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        let events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        epoll_add(&self.epoll, source.0, events, token.to_bits())
    }

    fn arm(&mut self, _: Source, _: Interest) -> io::Result<()> {
        Ok(()) // an edge is reported whether or not anybody waits for it
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        epoll_remove(&self.epoll, source.0)
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let count = epoll_await(&self.epoll, &mut self.batch, timeout)?;
        events.extend(self.batch[..count].iter().map(|event| Event {
            token: Token::from_bits(event.data),
            ready: ready(event.events),
        }));
        Ok(())
    }
}
// ANCHOR_END: poller

// ANCHOR: ready
/// EPOLLRDHUP is the peer's FIN, EPOLLHUP the end of both directions, and
/// EPOLLERR an error that the next call will return.
fn ready(events: u32) -> Ready {
    let has = |mask: u32| events & mask != 0;
    Ready {
        read: has(EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR),
        write: has(EPOLLOUT | EPOLLHUP | EPOLLERR),
        read_closed: has(EPOLLRDHUP | EPOLLHUP | EPOLLERR),
        write_closed: has(EPOLLHUP | EPOLLERR),
    }
}
// ANCHOR_END: ready
