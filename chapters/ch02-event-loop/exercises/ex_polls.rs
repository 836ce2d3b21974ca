//! All of many, and a poll for each wake-up only.
//!
//! `join_all` gives every part the same waker, so whoever is woken polls them
//! all. With a waker for each part, the wake-up says which one it is about.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Which parts were woken, and who waits for all of them.
#[derive(Default)]
struct Woken {
    parts: BTreeSet<usize>,
    waits: Option<Waker>,
}

/// The waker of one part.
struct PartWaker {
    part: usize,
    all: Arc<Mutex<Woken>>,
}

impl Wake for PartWaker {
    fn wake(self: Arc<Self>) {
        todo!("ex_polls: note the part; then wake who waits, without the lock")
    }
}

/// A future, at an address of its own, and its value when it has come.
type Part<F> = (Pin<Box<F>>, Option<<F as Future>::Output>);

/// As `join_all`: waits for all, and gives their values in the order of the
/// futures. A part is polled once at first, and then once for each time that
/// it was woken, or less often; never because of another's wake-up.
pub async fn join_woken<F: Future>(
    futures: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    todo!("ex_polls: a waker for each part; poll those that are on the list")
}
