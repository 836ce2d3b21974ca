//! Exercise: what does a log line cost that nobody asked for?
//!
//! The log of step 2 formats every line, since even a line that its level
//! holds back goes into the ring. In a loop that runs a million times a
//! second, that is too much. Write a gate that stops a line before it is
//! formatted, and the stopwatch that shows what the gate saves.

use std::fmt;
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch00_toolbox::log::{Level, Log};

/// A log behind a gate.
pub struct Gate {
    /// Lines up to this level go through.
    pub level: Level,
    /// Where they go.
    pub log: Log,
}

impl Gate {
    /// Hands a line to the log, or drops it: then it is not formatted, and
    /// is not in the ring either.
    pub fn record(&self, level: Level, message: fmt::Arguments<'_>) {
        // begin: hand it on if its level is let through
        if level <= self.level {
            self.log.record(level, message);
        }
        // end
    }
}

/// How many rounds are measured. Odd, so that one is in the middle.
pub const ROUNDS: usize = 9;

/// How many calls a round has. Many, since a call may take less time than
/// the clock can tell, or than it takes to look at the clock.
pub const CALLS: u32 = 1_000;

/// What one call of `work` takes: of the rounds, the median, divided by the
/// calls of a round.
///
/// One more round comes first and does not count: in it, caches are cold.
/// The median, since a round in which the machine did something else is
/// longer by any amount, and none is shorter than the work.
pub fn cost(clock: &dyn Clock, work: &mut dyn FnMut()) -> Duration {
    // begin: time ROUNDS rounds after the first; the median
    let mut rounds = Vec::new();
    for _ in 0..=ROUNDS {
        let start = clock.now();
        for _ in 0..CALLS {
            work();
        }
        rounds.push(clock.now().saturating_sub(start));
    }
    let counted = &mut rounds[1..];
    counted.sort();
    counted[ROUNDS / 2] / CALLS
    // end
}
