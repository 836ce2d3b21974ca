//! A measure: timers that may be late share their ticks.

use ch02_event_loop::queue::Tick;

/// A tick in `at..=at + slack_ms`, chosen so that timers with different
/// deadlines and different slacks meet as often as they can, though none
/// knows of the others. `Tick::MAX` is the last there is.
pub fn coalesce(at: Tick, slack_ms: u64) -> Tick {
    // begin: of the ticks in the window, the one that most windows share
    let last = at.0.saturating_add(slack_ms);
    // The roundest: with the most zeros at its end, in binary. Who has more
    // slack can round further, to a tick that is on the others' grid, too.
    let rounded = |zeros: u32| last >> zeros << zeros;
    let zeros = (0..64).rev().find(|zeros| rounded(*zeros) >= at.0);
    Tick(rounded(zeros.unwrap_or(0)))
    // end
}
