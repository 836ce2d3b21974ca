//! Exercise: a group of tasks that ends as a whole.
//!
//! A detached task is like a `goto`: nobody knows when it ends, or how. The
//! children of a nursery do not outlive it: `join` waits for all of them, and
//! its drop, or the drop of its `join`, cancels them.

use ch02_event_loop::executor::{Executor, Task};
use ch02_event_loop::promise::Broken;

/// Tasks that belong together.
pub struct Nursery<T> {
    executor: Executor,
    children: Vec<Task<T>>,
}

impl<T: 'static> Nursery<T> {
    /// A group without tasks.
    pub fn new(executor: &Executor) -> Nursery<T> {
        let children = Vec::new();
        Nursery {
            executor: executor.clone(),
            children,
        }
    }

    /// Adds a task. It runs when the loop next does.
    pub fn spawn(&mut self, child: impl Future<Output = T> + 'static) {
        todo!("ex_nursery: a task whose handle stays here")
    }

    /// Waits for all children, and gives their values in the order in which
    /// they were spawned.
    ///
    /// # Errors
    /// `Broken`, as soon as one has panicked, whichever it is: the others
    /// are cancelled by then.
    pub async fn join(self) -> Result<Vec<T>, Broken> {
        todo!("ex_nursery: poll all that are not done; the first panic ends it")
    }
}
