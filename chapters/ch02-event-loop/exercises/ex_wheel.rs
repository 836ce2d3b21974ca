//! A bug hunt: a test that no wrong queue of timers survives.

use ch02_event_loop::queue::TimerQueue;

/// Panics when what `new` makes does not keep the contract of
/// `TimerQueue`, as step 6 states it. Gets the right queues, and mutants
/// with one bug each.
pub fn hunt<Q: TimerQueue<u32>>(new: fn() -> Q) {
    todo!("ex_wheel: operations that meet every rule, and what they must give")
}
