//! Exercise: join many, and poll only those that were woken.

use std::future::Future;

/// Waits for all parts, and gives their values in the order of the parts.
/// Each part is polled once at first, and after that only when its own waker
/// was woken: k events make k more polls, however many parts there are.
pub async fn join_woken<F: Future>(parts: Vec<F>) -> Vec<F::Output> {
    todo!("ex_woken: a waker for each part, that says which one to poll")
}
