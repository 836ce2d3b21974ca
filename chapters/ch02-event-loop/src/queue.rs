//! What a set of timers promises, whatever it is made of.
//!
//! ```text
//!            insert(at) ──▶ key               expire(now)
//!   value ─────────────────▶ pending ──────────────────────▶ fired
//!                              │  cancel(key): the value back
//!                              └───────────────────────────▶ gone
//! ```
//!
//! A queue reads no clock. It is told the time by `expire`, and its time is
//! what it was last told: that can stand still, and can jump by years.
//!
//! - **I31** Never early, and nothing is forgotten: `expire(now)` gives all
//!   timers with `at <= now`, and no other.
//! - **I32** Timers fire in the order of their ticks, those of one tick in
//!   the order of their inserts. A tick that is past counts as the queue's
//!   time.
//! - **I33** A key opens what it was given for, once: after its timer has
//!   fired or was cancelled, it finds nothing ever again.

use std::time::Duration;

use ch02_event_loop::slab::Token;

// ANCHOR: tick
/// A moment in whole milliseconds since the clock's start. 64 bits of them
/// last for 584 million years.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The last one: what is later counts as this.
    pub const MAX: Tick = Tick(u64::MAX);

    /// The tick that is running at this time: the clock's, rounded down.
    pub fn running_at(time: Duration) -> Tick {
        Tick(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// The first tick that is not before this time: a deadline's, rounded up.
    pub fn not_before(time: Duration) -> Tick {
        let ms = time.as_nanos().div_ceil(1_000_000);
        Tick(u64::try_from(ms).unwrap_or(u64::MAX))
    }

    /// When it begins.
    pub fn start(self) -> Duration {
        Duration::from_millis(self.0)
    }
}
// ANCHOR_END: tick

// ANCHOR: queue
/// The name of one timer, in the queue that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerKey(pub Token);

/// Values that are to be handed out, each at its tick.
pub trait TimerQueue<T> {
    /// Adds a value that is due at `at`, or at once if that is past.
    fn insert(&mut self, at: Tick, value: T) -> TimerKey;

    /// Takes a value out. `None`: it has fired, or was cancelled.
    fn cancel(&mut self, key: TimerKey) -> Option<T>;

    /// A value that is still pending.
    fn get_mut(&mut self, key: TimerKey) -> Option<&mut T>;

    /// The time is `now` (if it is before the queue's time, that stays):
    /// appends the values that are due, in the order of I32.
    fn expire(&mut self, now: Tick, fired: &mut Vec<T>);

    /// A tick before which nothing is due; `None`: nothing is pending. It is
    /// not always the first deadline, but whoever expires at it, and asks
    /// again, comes closer each time.
    fn next(&self) -> Option<Tick>;

    /// How many are pending.
    fn len(&self) -> usize;

    /// Whether none is pending.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
// ANCHOR_END: queue
