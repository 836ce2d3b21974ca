//! Readiness by poll(2): we keep the set, and show all of it each time.
//!
//! ```text
//!   fds     [ fd 5, POLLIN ] [ !7, – ] [ fd 9, POLLIN|POLLOUT ]
//!   tokens  [ 0│0          ] [ 0│1   ] [ 2│2                  ]
//! ```
//!
//! poll is *level-triggered*: it reports what is ready, each time that it is
//! asked. To keep the promise of `poller` we disarm what was reported. A
//! source with nothing armed must not be shown at all: POLLHUP and POLLERR
//! are reported whether asked for or not, so a loop would spin on a
//! connection that is gone. poll passes over negative descriptors, so `!fd`
//! (which is negative for each valid one) hides it and keeps its number.
//!
//! It costs what is *watched*: the kernel visits every descriptor of the
//! array, at each call.
//!
//! Left out: POLLRDHUP, which Linux alone has. A peer's end is readiness to
//! read, and poll reports it again to whoever arms without having read it.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use ch00_toolbox::sys::raw::RawPollFd;
use ch00_toolbox::sys::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT};
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::Token;
use ch02_event_loop::sys::poll_await;

/// Not an open descriptor, on every Unix.
const EBADF: i32 = 9;

// ANCHOR: poll
/// Readiness by poll.
#[derive(Default)]
pub struct Poll {
    fds: Vec<RawPollFd>,
    tokens: Vec<Token>, // of `fds`, in the same order
    places: BTreeMap<Source, usize>, // where a source is in both
}

impl Poll {
    /// An empty set.
    pub fn new() -> Poll {
        Poll::default()
    }

    fn place(&self, source: Source) -> io::Result<usize> {
        let place = self.places.get(&source).copied();
        place.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
// ANCHOR_END: poll

// ANCHOR: add
impl Poller for Poll {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        if self.places.contains_key(&source) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !is_open(source)? {
            return Err(io::Error::from_raw_os_error(EBADF));
        }
        self.places.insert(source, self.fds.len());
        self.fds.push(RawPollFd {
            fd: !source.0,
            events: 0,
            revents: 0,
        });
        self.tokens.push(token);
        Ok(())
    }

    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()> {
        let place = self.place(source)?;
        let entry = &mut self.fds[place];
        if interest.read {
            entry.events |= POLLIN;
        }
        if interest.write {
            entry.events |= POLLOUT;
        }
        if entry.events != 0 {
            entry.fd = source.0;
        }
        Ok(())
    }

    // ANCHOR_END: add

    // ANCHOR: wait
    fn remove(&mut self, source: Source) -> io::Result<()> {
        let place = self.place(source)?;
        self.places.remove(&source);
        self.fds.swap_remove(place);
        self.tokens.swap_remove(place);
        if let Some(moved) = self.fds.get(place) {
            let fd = moved.fd.max(!moved.fd);
            self.places.insert(Source(fd), place);
        }
        Ok(())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let mut left = poll_await(&mut self.fds, timeout)?;
        for (entry, &token) in self.fds.iter_mut().zip(&self.tokens) {
            if left == 0 {
                break;
            }
            if entry.revents != 0 {
                left -= 1;
                events.push(Event {
                    token,
                    ready: take(entry),
                });
            }
        }
        Ok(())
    }
}
// ANCHOR_END: wait

/// Whether the number is an open descriptor's: poll itself would not refuse
/// one that is not, but report it as POLLNVAL.
fn is_open(source: Source) -> io::Result<bool> {
    let mut one = [RawPollFd {
        fd: source.0,
        events: 0,
        revents: 0,
    }];
    poll_await(&mut one, Some(Duration::ZERO))?;
    Ok(source.0 >= 0 && one[0].revents & POLLNVAL == 0)
}

// ANCHOR: take
/// What came, disarmed: both directions when the connection is gone.
fn take(entry: &mut RawPollFd) -> Ready {
    let has = |mask| entry.revents & mask != 0;
    let gone = has(POLLHUP | POLLERR | POLLNVAL);
    let ready = Ready {
        read: has(POLLIN) || gone,
        write: has(POLLOUT) || gone,
        read_closed: gone,
        write_closed: gone,
    };
    entry.events &= if gone { 0 } else { !entry.revents };
    if entry.events == 0 {
        entry.fd = !entry.fd;
    }
    ready
}
// ANCHOR_END: take
