//! From events to wake-ups.
//!
//! ```text
//!   task ──poll_io──▶ ready? ── yes ──▶ the call ── Ok ──▶ done
//!                       │ no              │ WouldBlock: not ready after all
//!                       ▼                 ▼
//!             leave the waker, arm ◀──────┘
//!                       ▲
//!   poller ── event ────┴──▶ set ready, wake
//! ```
//!
//! A slot remembers for each direction whether the source was ready when last
//! heard of. So a task tries its call at once, and asks the kernel to be told
//! only after the kernel has said that it would have to wait.
//!
//! - **I26** A direction that becomes ready wakes the last task that waited
//!   for it, also when the event came before that task asked.
//! - **I27** An event for a source that was removed, in the same batch too,
//!   reaches nobody.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use ch02_event_loop::alarm::{Alarm, Bell};
use ch02_event_loop::executor::{Budget, Driver};
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::{Slab, Token};

/// One of the two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What comes in.
    Read,
    /// What goes out.
    Write,
}

// ANCHOR: slot
/// What is known of one source.
struct Slot {
    ready: Ready,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Inner {
    poller: Box<dyn Poller>,
    slots: Slab<Slot>,
    events: Vec<Event>, // of the last wait; kept for its memory
    wakers: Vec<Waker>, // to be woken; kept for its memory
    wakeups: u64,
}

impl Slot {
    fn is_ready(&self, direction: Direction) -> bool {
        match direction {
            Direction::Read => self.ready.read || self.ready.read_closed,
            Direction::Write => self.ready.write || self.ready.write_closed,
        }
    }
}

/// The driver that waits for sources.
pub struct Reactor {
    inner: RefCell<Inner>,
    budget: Budget,
    bell: Arc<dyn Bell>,
    alarm: Option<(Arc<Alarm>, Token)>, // None: nobody else can ring
}
// ANCHOR_END: slot

impl Reactor {
    /// Over this poller, with an alarm for other threads.
    ///
    /// # Errors
    /// No descriptor is left for the alarm.
    pub fn new(poller: Box<dyn Poller>) -> io::Result<Rc<Reactor>> {
        Reactor::with_alarm(poller, Alarm::new()?)
    }

    /// As [`Reactor::new`], with this alarm.
    ///
    /// # Errors
    /// The poller's, for the alarm.
    pub fn with_alarm(
        poller: Box<dyn Poller>,
        alarm: Alarm,
    ) -> io::Result<Rc<Reactor>> {
        let alarm = Arc::new(alarm);
        let mut inner = Inner::new(poller);
        let token = inner.add(alarm.source())?;
        inner.poller.arm(alarm.source(), Interest::READ)?;
        Ok(Rc::new(Reactor {
            inner: RefCell::new(inner),
            budget: Budget::default(),
            bell: alarm.clone(),
            alarm: Some((alarm, token)),
        }))
    }

    /// Over a poller that no other thread can wake: a simulated one.
    pub fn alone(poller: Box<dyn Poller>) -> Rc<Reactor> {
        Rc::new(Reactor {
            inner: RefCell::new(Inner::new(poller)),
            budget: Budget::default(),
            bell: Arc::new(Silent),
            alarm: None,
        })
    }

    /// How often the loop has come back from the kernel.
    pub fn wakeups(&self) -> u64 {
        self.inner.borrow().wakeups
    }

    /// Watches a source, until the registration is dropped: before the close.
    ///
    /// # Errors
    /// The poller's.
    pub fn register(
        self: &Rc<Reactor>,
        source: Source,
    ) -> io::Result<Registration> {
        let token = self.inner.borrow_mut().add(source)?;
        Ok(Registration {
            reactor: self.clone(),
            token,
            source,
        })
    }
}

impl Inner {
    fn new(poller: Box<dyn Poller>) -> Inner {
        Inner {
            poller,
            slots: Slab::default(),
            events: Vec::new(),
            wakers: Vec::new(),
            wakeups: 0,
        }
    }

    fn add(&mut self, source: Source) -> io::Result<Token> {
        let token = self.slots.insert(Slot {
            // Worth a try: a new connection has room, and often bytes.
            ready: Ready {
                read: true,
                write: true,
                ..Ready::default()
            },
            reader: None,
            writer: None,
        });
        if let Err(error) = self.poller.add(source, token) {
            self.slots.remove(token);
            return Err(error);
        }
        Ok(token)
    }

    // ANCHOR: wait
    /// One wait; what became ready is noted, and who waited for it put
    /// among the wakers.
    fn wait(&mut self, limit: Option<Duration>) -> io::Result<()> {
        self.events.clear();
        self.poller.wait(&mut self.events, limit)?;
        self.wakeups += 1;
        for event in &self.events {
            let Some(slot) = self.slots.get_mut(event.token) else {
                continue; // removed since: I27
            };
            let (now, new) = (&mut slot.ready, event.ready);
            now.read |= new.read;
            now.write |= new.write;
            now.read_closed |= new.read_closed;
            now.write_closed |= new.write_closed;
            if new.read || new.read_closed {
                self.wakers.extend(slot.reader.take());
            }
            if new.write || new.write_closed {
                self.wakers.extend(slot.writer.take());
            }
        }
        Ok(())
    }
    // ANCHOR_END: wait
}

// ANCHOR: driver
impl Driver for Reactor {
    fn park(&self, limit: Option<Duration>) -> io::Result<()> {
        let mut inner = self.inner.borrow_mut();
        let waited = inner.wait(limit);
        self.bell.awake(); // or each waker would ring
        waited?;
        if let Some((alarm, token)) = &self.alarm
            && let Some(slot) = inner.slots.get_mut(*token)
            && std::mem::take(&mut slot.ready.read)
        {
            alarm.clear();
            inner.poller.arm(alarm.source(), Interest::READ)?;
        }
        let mut wakers = std::mem::take(&mut inner.wakers);
        drop(inner); // a waker may do anything
        wakers.drain(..).for_each(Waker::wake);
        self.inner.borrow_mut().wakers = wakers;
        Ok(())
    }

    fn bell(&self) -> Arc<dyn Bell> {
        self.bell.clone()
    }

    fn budget(&self) -> Budget {
        self.budget.clone()
    }
}
// ANCHOR_END: driver

/// The bell of a loop that is alone in its world.
struct Silent;

impl Bell for Silent {
    fn doze(&self) {}

    fn awake(&self) {}

    fn ring(&self) {}
}

/// A source that is watched.
pub struct Registration {
    reactor: Rc<Reactor>,
    token: Token,
    source: Source,
}

impl Registration {
    /// The reactor that watches it.
    pub fn reactor(&self) -> &Rc<Reactor> {
        &self.reactor
    }

    // ANCHOR: poll_ready
    /// `Ready`: the next call in this direction may be worth a try.
    /// `Pending`: the task will be woken when it is. One task waits for each
    /// direction: a second one takes the first one's place.
    ///
    /// # Errors
    /// The poller's, for the arming.
    pub fn poll_ready(
        &self,
        cx: &Context<'_>,
        direction: Direction,
    ) -> Poll<io::Result<()>> {
        let mut borrow = self.reactor.inner.borrow_mut();
        let inner = &mut *borrow;
        let Some(slot) = inner.slots.get_mut(self.token) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if slot.is_ready(direction) {
            drop(borrow); // what wakes may do anything
            // Who has to wait pays nothing: or a task that waits for more
            // sources than its budget would never be done with asking.
            return self.reactor.budget.spend(cx).map(Ok);
        }
        let (waiting, interest) = match direction {
            Direction::Read => (&mut slot.reader, Interest::READ),
            Direction::Write => (&mut slot.writer, Interest::WRITE),
        };
        let before = match waiting {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => waiting.replace(cx.waker().clone()),
        };
        let armed = inner.poller.arm(self.source, interest);
        drop(borrow);
        drop(before); // a waker's drop may do anything, too
        match armed {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
    // ANCHOR_END: poll_ready

    // ANCHOR: clear
    /// The last call said `WouldBlock`: what was heard of this direction is
    /// no longer true, that the peer has closed it included (if it is, that
    /// will be an event of its own).
    pub fn blocked(&self, direction: Direction) {
        self.forget(direction, true);
    }

    /// The last call did less than it was asked to: as far as is known there
    /// is nothing more, though the end of the stream may be there.
    pub fn drained(&self, direction: Direction) {
        self.forget(direction, false);
    }

    fn forget(&self, direction: Direction, closed: bool) {
        let mut inner = self.reactor.inner.borrow_mut();
        let Some(slot) = inner.slots.get_mut(self.token) else {
            return;
        };
        let (ready, end) = match direction {
            Direction::Read => {
                (&mut slot.ready.read, &mut slot.ready.read_closed)
            }
            Direction::Write => {
                (&mut slot.ready.write, &mut slot.ready.write_closed)
            }
        };
        *ready = false;
        *end &= !closed;
    }
    // ANCHOR_END: clear

    // ANCHOR: poll_io
    /// Makes a call that does not wait, as soon as it need not.
    ///
    /// # Errors
    /// The call's, but `WouldBlock` and `Interrupted`.
    pub fn poll_io<T>(
        &self,
        cx: &Context<'_>,
        direction: Direction,
        mut call: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(self.poll_ready(cx, direction))?;
            match call() {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked(direction);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }
    // ANCHOR_END: poll_io

    /// Waits until the next call in this direction is worth a try.
    ///
    /// # Errors
    /// The poller's.
    pub async fn ready(&self, direction: Direction) -> io::Result<()> {
        poll_fn(|cx| self.poll_ready(cx, direction)).await
    }
}

// given: a panic of a `todo!` in a drop would abort all tests.
impl Drop for Registration {
    fn drop(&mut self) {
        let mut inner = self.reactor.inner.borrow_mut();
        let slot = inner.slots.remove(self.token);
        // An error would be that it is unknown: what was to be reached.
        let _ = inner.poller.remove(self.source);
        drop(inner);
        drop(slot); // a waker's drop may do anything
    }
}
// given end
