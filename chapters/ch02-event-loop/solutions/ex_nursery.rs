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
        // begin: a task whose handle stays here
        self.children.push(self.executor.spawn(child));
        // end
    }

    /// Waits for all children, and gives their values in the order in which
    /// they were spawned.
    ///
    /// # Errors
    /// `Broken`, as soon as one has panicked, whichever it is: the others
    /// are cancelled by then.
    pub async fn join(self) -> Result<Vec<T>, Broken> {
        // begin: poll all that are not done; the first panic ends it
        let mut children = self.children;
        let mut values: Vec<Option<T>> = Vec::new();
        values.resize_with(children.len(), || None);
        let joined = std::future::poll_fn(|cx| {
            use std::task::Poll;
            let mut is_done = true;
            for (child, value) in children.iter_mut().zip(&mut values) {
                if value.is_some() {
                    continue;
                }
                match std::pin::Pin::new(child).poll(cx) {
                    Poll::Ready(Ok(got)) => *value = Some(got),
                    Poll::Ready(Err(broken)) => {
                        return Poll::Ready(Err(broken));
                    }
                    Poll::Pending => is_done = false,
                }
            }
            match is_done {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            }
        });
        let joined = joined.await;
        drop(children); // cancels those that are not done
        joined.map(|()| values.into_iter().flatten().collect())
        // end
    }
}
