//! An event loop of callbacks.
//!
//! ```text
//!   add ──▶ places  0│0  source 5   its callback
//!                   1│3  source 9   –   (it runs just now: it is out)
//!                   2│0  source 6   its callback
//!
//!   a turn:  wait at most until the nearest timer
//!            for each event:  take the callback of its token out
//!                             call it with the loop
//!                             put it back, if its token is still good
//!            call the timers that are due
//! ```
//!
//! A callback gets the loop as an argument, and may do anything with it but
//! turn it. That is only possible because the loop does not hold the callback
//! while it runs.
//!
//! - **I10** An event calls the callback that was added under its token, once.
//!   An event of a token that was removed calls nobody, also if an earlier
//!   event of the same turn removed it, and whoever has its place now.
//! - **I11** A callback may add, arm and remove, itself too. One that removes
//!   itself runs to its end and is dropped then.
//! - **I12** Once `remove` has returned, the callback is not called any more.
//!   It is dropped, and with it whatever it owns, after the poller has
//!   forgotten the source.
//! - **I13** What `again` asks for happens in the next turn, once, and that
//!   turn does not sleep. So every turn ends.
//! - **I14** A timer is called once, not before its time, in the order of the
//!   times; after the events of that turn; and not after it was cancelled.
//!
//! Left out: callbacks that are called before and after each wait, and
//! priorities (libuv and libevent have them); a loop that goes on after a
//! callback has panicked.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::{Slab, Token};

// ANCHOR: types
/// Called with the loop, the token that it was added under, and what became
/// ready.
pub type Callback = Box<dyn FnMut(&mut Loop, Token, Ready)>;

/// Called once, when a timer is due.
type Once = Box<dyn FnOnce(&mut Loop)>;

/// The name of a timer. They are in the order in which they will be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    at: Duration, // on the loop's clock
    serial: u64,  // among those of one moment, the first set is the first
}

/// What the loop knows of one source.
struct Place {
    source: Source,
    callback: Option<Callback>, // None while it runs
    again: Option<Ready>,       // asked for, for the next turn
}

/// A loop that calls back.
pub struct Loop {
    poller: Box<dyn Poller>,
    clock: Box<dyn Clock>,
    places: Slab<Place>,
    timers: BTreeMap<Timer, Once>,
    timers_made: u64,
    soon: Vec<Token>, // whose `again` is set
    is_turning: bool,
}
// ANCHOR_END: types

impl Loop {
    /// A loop without sources and timers.
    pub fn new(poller: Box<dyn Poller>, clock: Box<dyn Clock>) -> Loop {
        Loop {
            poller,
            clock,
            places: Slab::default(),
            timers: BTreeMap::new(),
            timers_made: 0,
            soon: Vec::new(),
            is_turning: false,
        }
    }

    /// How many sources there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing can happen any more: no source, and no timer.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.timers.is_empty()
    }

    // ANCHOR: add
    /// Adds a source with its callback, which owns whatever belongs to the
    /// source: a socket, a buffer. It is not armed yet.
    ///
    /// # Errors
    /// The poller's. The callback is dropped then.
    pub fn add(
        &mut self,
        source: Source,
        callback: impl FnMut(&mut Loop, Token, Ready) + 'static,
    ) -> io::Result<Token> {
        let token = self.places.insert(Place {
            source,
            callback: Some(Box::new(callback)),
            again: None,
        });
        if let Err(error) = self.poller.add(source, token) {
            self.places.remove(token);
            return Err(error);
        }
        Ok(token)
    }

    /// Asks for the next readiness of these directions.
    ///
    /// # Errors
    /// `NotFound`: the token was removed. Otherwise the poller's.
    pub fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        let place = self.places.get_mut(token);
        let place = place.ok_or(io::ErrorKind::NotFound)?;
        self.poller.arm(place.source, interest)
    }

    // ANCHOR_END: add

    // ANCHOR: remove
    /// Forgets a source and drops its callback, one that runs just now when
    /// it returns. False: it was removed before.
    pub fn remove(&mut self, token: Token) -> bool {
        let Some(place) = self.places.remove(token) else {
            return false;
        };
        // Before the close, which is the drop of `place`. An error would be
        // that the poller does not know it: what was to be reached.
        let _ = self.poller.remove(place.source);
        true
    }
    // ANCHOR_END: remove

    // ANCHOR: again
    /// Has the callback called in the next turn as if this had become ready:
    /// for one that stops before it has done all it could, so that others
    /// get their turn. Does nothing if the token was removed.
    pub fn again(&mut self, token: Token, ready: Ready) {
        let Some(place) = self.places.get_mut(token) else {
            return;
        };
        if place.again.is_none() {
            self.soon.push(token);
        }
        let asked = place.again.get_or_insert_default();
        asked.read |= ready.read;
        asked.write |= ready.write;
        asked.read_closed |= ready.read_closed;
        asked.write_closed |= ready.write_closed;
    }

    /// What was asked for, as events.
    fn asked(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for token in mem::take(&mut self.soon) {
            let place = self.places.get_mut(token);
            let again = place.and_then(|place| place.again.take());
            events.extend(again.map(|ready| Event { token, ready }));
        }
        events
    }
    // ANCHOR_END: again

    // ANCHOR: after
    /// Calls back once, when this much time has passed.
    pub fn after(
        &mut self,
        delay: Duration,
        callback: impl FnOnce(&mut Loop) + 'static,
    ) -> Timer {
        let at = self.clock.now().saturating_add(delay);
        let serial = self.timers_made;
        self.timers_made += 1;
        let timer = Timer { at, serial };
        self.timers.insert(timer, Box::new(callback));
        timer
    }

    /// Takes a timer back. False: it was called or cancelled before.
    pub fn cancel(&mut self, timer: Timer) -> bool {
        self.timers.remove(&timer).is_some()
    }

    // ANCHOR_END: after

    // ANCHOR: due
    /// Calls the timers that are due now. One that is set meanwhile waits for
    /// the next turn, even if its delay is zero.
    fn call_timers(&mut self) -> usize {
        let due = Timer {
            at: self.clock.now(),
            serial: self.timers_made,
        };
        let mut called = 0;
        while let Some(entry) = self.timers.first_entry() {
            if *entry.key() >= due {
                break;
            }
            let callback = entry.remove();
            callback(self);
            called += 1;
        }
        called
    }
    // ANCHOR_END: due

    // ANCHOR: turn
    /// Waits until something is ready or due, at most until the limit (`None`:
    /// for ever), and calls back. Returns how many calls it made.
    ///
    /// # Errors
    /// The poller's. `Deadlock`: called by a callback, which would wait for
    /// itself; or after one has panicked.
    pub fn turn(&mut self, limit: Option<Duration>) -> io::Result<usize> {
        if self.is_turning {
            let why = "a turn within a turn";
            return Err(io::Error::new(io::ErrorKind::Deadlock, why));
        }
        let limit = self.limit(limit);
        let mut events = Vec::new();
        self.poller.wait(&mut events, limit)?;
        events.extend(self.asked());
        self.is_turning = true;
        let mut called = 0;
        for event in events {
            called += usize::from(self.call(event));
        }
        called += self.call_timers();
        self.is_turning = false;
        Ok(called)
    }

    // ANCHOR_END: turn

    // ANCHOR: limit
    /// How long a turn may sleep.
    fn limit(&self, limit: Option<Duration>) -> Option<Duration> {
        if !self.soon.is_empty() {
            return Some(Duration::ZERO);
        }
        let Some((next, _)) = self.timers.first_key_value() else {
            return limit;
        };
        let left = next.at.saturating_sub(self.clock.now());
        Some(limit.map_or(left, |limit| limit.min(left)))
    }
    // ANCHOR_END: limit

    // ANCHOR: call
    /// Calls the callback of an event. False: nobody has this token any more.
    fn call(&mut self, event: Event) -> bool {
        let Some(place) = self.places.get_mut(event.token) else {
            return false;
        };
        let Some(mut callback) = place.callback.take() else {
            return false; // it runs: only a turn within a turn comes here
        };
        callback(self, event.token, event.ready);
        // Asked again: the callback may have removed itself, and its place
        // may have a new tenant by now.
        if let Some(place) = self.places.get_mut(event.token) {
            place.callback = Some(callback);
        }
        true
    }
    // ANCHOR_END: call
}
