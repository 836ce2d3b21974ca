//! Exercise: a bug hunt. Write the test that no wrong executor survives.
//!
//! `Loop` is an executor at its smallest, so that your hunt meets the
//! finished one and mutants of it, with one bug each.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// A task, whatever its type.
pub type Boxed = Pin<Box<dyn Future<Output = ()>>>;

/// Runs tasks.
pub trait Loop {
    /// Adds a task, which is polled first in the next `run`, or later in the
    /// one that goes on.
    fn spawn(&self, task: Boxed);
    /// Polls tasks, first woken first polled, until none is woken any more.
    fn run(&self);
}

/// Panics when what `new` makes is not an executor: it loses a wake-up,
/// polls what was not woken, or polls in another order.
pub fn hunt(new: fn() -> Rc<dyn Loop>) {
    todo!("ex_wakers: tasks that log their polls; who is woken, what is logged")
}
