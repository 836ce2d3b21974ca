//! An extension: a limit on how often something is done.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::timers::Timers;

/// Turns at a pace: one each `every`, and up to `burst` at once after a
/// silence. Nothing is kept for each turn, and nobody is woken in vain.
pub struct Pace {
    timers: Rc<Timers>,
    every: Duration,
    burst: u32,
    next: Cell<Duration>, // when the next turn would be, without a burst
}

impl Pace {
    /// A pace. A burst of 0 is one of 1.
    pub fn new(timers: &Rc<Timers>, every: Duration, burst: u32) -> Pace {
        Pace {
            timers: timers.clone(),
            every,
            burst: burst.max(1),
            next: Cell::new(timers.now()),
        }
    }

    /// Waits for a turn. Turns are given in the order of the first polls; one
    /// that is dropped while it waits is used up.
    pub async fn turn(&self) {
        // begin: take the next moment of the pace, sleep until it
        // After a silence the row of turns begins again, but so early that a
        // burst of them lies in the past.
        let ahead = self.every.saturating_mul(self.burst - 1);
        let earliest = self.timers.now().saturating_sub(ahead);
        let at = self.next.get().max(earliest);
        self.next.set(at.saturating_add(self.every));
        self.timers.sleep_until(at).await;
        // end
    }
}
