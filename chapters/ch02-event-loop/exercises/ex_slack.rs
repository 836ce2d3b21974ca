//! A measure: timers that may be late share their ticks.

use ch02_event_loop::queue::Tick;

/// A tick in `at..=at + slack_ms`, chosen so that timers with different
/// deadlines and different slacks meet as often as they can, though none
/// knows of the others. `Tick::MAX` is the last there is.
pub fn coalesce(at: Tick, slack_ms: u64) -> Tick {
    todo!(
        "ex_slack: of the ticks in the window, the one that most windows share"
    )
}
