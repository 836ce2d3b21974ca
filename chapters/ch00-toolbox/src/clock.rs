//! Step 3: time as an argument.
//!
//! A kernel keeps two clocks. The **monotonic** one counts from an arbitrary
//! moment and never goes back: it is for "how long". The **wall** clock says
//! what people call the time, and is set by hand, by NTP, by a resumed
//! virtual machine: it is for "when", and it jumps.
//!
//! - **I1** `now` never decreases.
//! - **I2** `unix` may do anything; nothing measures a duration with it.
//! - **I3** A [`VirtualClock`] moves when it is told to, and only then.
//!
//! Left out: what Linux adds (CLOCK_BOOTTIME, which counts while suspended;
//! CLOCK_TAI, which has no leap seconds), and calendars.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

// ANCHOR: clock
/// What tells the time and can wait.
pub trait Clock: Send + Sync {
    /// Time since the clock's start, on the monotonic clock.
    fn now(&self) -> Duration;
    /// Time since 1970-01-01T00:00:00Z, on the wall clock, leap seconds not
    /// counted.
    fn unix(&self) -> Duration;
    /// Returns when `now` has grown by at least `d`.
    fn sleep(&self, d: Duration);
}
// ANCHOR_END: clock

/// A shared clock is a clock.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn unix(&self) -> Duration {
        (**self).unix()
    }

    fn sleep(&self, d: Duration) {
        (**self).sleep(d);
    }
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// A clock that starts now.
    pub fn new() -> RealClock {
        RealClock {
            start: Instant::now(),
        }
    }
}

impl Default for RealClock {
    fn default() -> RealClock {
        RealClock::new()
    }
}

// ANCHOR: real
impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn unix(&self) -> Duration {
        // A machine set before 1970 reads as 1970.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn sleep(&self, d: Duration) {
        thread::sleep(d);
    }
}
// ANCHOR_END: real

/// A clock that stands still until it is moved. Clones share the time.
///
/// [`Clock::sleep`] moves it: who sleeps makes time pass, at once. A program
/// of one thread therefore runs through hours in microseconds, always in the
/// same order. For several threads that wait at the same time it is too
/// simple: two sleeps of 1 s side by side make 2 s.
#[derive(Debug, Clone, Default)]
pub struct VirtualClock {
    time: Arc<Mutex<Time>>,
}

#[derive(Debug, Default)]
struct Time {
    now: Duration,
    unix: Duration,
}

// ANCHOR: advance
impl VirtualClock {
    /// A clock at zero, in 1970.
    pub fn new() -> VirtualClock {
        VirtualClock::default()
    }

    /// Moves both clocks on.
    pub fn advance(&self, d: Duration) {
        let mut time = self.lock();
        time.now = time.now.saturating_add(d);
        time.unix = time.unix.saturating_add(d);
    }

    /// Sets the wall clock, forwards or backwards, as `date -s` does.
    pub fn set_unix(&self, unix: Duration) {
        self.lock().unix = unix;
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        // Both fields are plain numbers: valid whoever panicked.
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// ANCHOR_END: advance

// ANCHOR: virtual
impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.lock().now
    }

    fn unix(&self) -> Duration {
        self.lock().unix
    }

    fn sleep(&self, d: Duration) {
        self.advance(d);
    }
}
// ANCHOR_END: virtual

/// A moment on a clock's monotonic time.
///
/// Work in several parts (read until a line is whole, retry on EINTR) gets
/// one deadline, not a timeout for each part: otherwise a peer that sends a
/// byte just before each timeout holds it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    at: Duration,
}

// ANCHOR: deadline
impl Deadline {
    /// The moment `d` from now.
    pub fn after(clock: &dyn Clock, d: Duration) -> Deadline {
        Deadline {
            at: clock.now().saturating_add(d),
        }
    }

    /// What is left until then; zero when it has passed.
    pub fn left(&self, clock: &dyn Clock) -> Duration {
        self.at.saturating_sub(clock.now())
    }

    /// Whether nothing is left.
    pub fn passed(&self, clock: &dyn Clock) -> bool {
        self.left(clock).is_zero()
    }
}
// ANCHOR_END: deadline
