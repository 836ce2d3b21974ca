//! A value that is not there yet: `Future`, `Waker`, and a promise.
//!
//! ```text
//!      who waits                                       who works
//!      Promised ──poll──▶ ┌──────────────┐ ◀──keep── Promise
//!         ▲               │ Empty        │
//!         │               │ Waiting(w) ──┼── w.wake() when kept or broken
//!         └──── poll ─────│ Kept(value)  │
//!                         │ Over         │ ◀──drop── Promise
//!                         └──────────────┘
//! ```
//!
//! A future is a value that can be asked: `poll` gives `Ready(value)`, or
//! `Pending`, and then has left the asker's waker where somebody will find
//! it. Nobody need poll a second time before the waker is woken.
//!
//! - **I16** A promise that is kept or dropped wakes the task that waits for
//!   it, whatever the order and the threads: no wake-up is lost.
//! - **I17** A value arrives once, or is dropped; a promise that is dropped is
//!   an error for who waits, never a wait for ever.
//!
//! Left out: a channel of many values; several who wait for one value
//! (an exercise; `Shared` in the crate futures); giving the value back to a
//! `keep` that came too late (tokio's oneshot does).

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

// ANCHOR: state
#[derive(Debug)]
enum State<T> {
    Empty,
    /// Somebody waits: the waker of the last poll.
    Waiting(Waker),
    Kept(T),
    /// The promise was dropped, or the value was taken.
    Over,
}

#[derive(Debug)]
struct Cell<T>(Mutex<State<T>>);

impl<T> Cell<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Each change is one assignment: valid whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a state, and wakes who waits, after the lock is given back.
    fn put(&self, state: State<T>) {
        let before = std::mem::replace(&mut *self.lock(), state);
        if let State::Waiting(waker) = before {
            waker.wake();
        }
    }
}
// ANCHOR_END: state

// ANCHOR: ends
/// The end that gives the value.
#[derive(Debug)]
pub struct Promise<T>(Option<Arc<Cell<T>>>); // None once it is kept

/// The end that waits for the value.
#[derive(Debug)]
pub struct Promised<T>(Arc<Cell<T>>);

/// The promise was dropped without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// A promise, and the future of its value. Both may go to other threads.
pub fn promise<T>() -> (Promise<T>, Promised<T>) {
    let cell = Arc::new(Cell(Mutex::new(State::Empty)));
    (Promise(Some(cell.clone())), Promised(cell))
}
// ANCHOR_END: ends

// given: an error's text
impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped before it gave its value")
    }
}

impl std::error::Error for Broken {}
// given end

// ANCHOR: keep
impl<T> Promise<T> {
    /// Gives the value.
    pub fn keep(mut self, value: T) {
        if let Some(cell) = self.0.take() {
            cell.put(State::Kept(value));
        }
    }

    /// Whether nobody waits any more: the value would be thrown away.
    pub fn is_abandoned(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|cell| Arc::strong_count(cell) == 1)
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(cell) = self.0.take() {
            cell.put(State::Over);
        }
    }
}
// ANCHOR_END: keep

// ANCHOR: poll
impl<T> Future for Promised<T> {
    type Output = Result<T, Broken>;

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Broken>> {
        // A waker's clone and drop are its maker's code: not under the lock.
        let waker = cx.waker().clone();
        let mut state = self.0.lock();
        let next = match *state {
            // The task may have moved since: the last waker counts.
            State::Empty | State::Waiting(_) => State::Waiting(waker),
            State::Kept(_) | State::Over => State::Over,
        };
        let before = std::mem::replace(&mut *state, next);
        drop(state);
        match before {
            State::Kept(value) => Poll::Ready(Ok(value)),
            State::Over => Poll::Ready(Err(Broken)),
            State::Empty | State::Waiting(_) => Poll::Pending,
        }
    }
}
// ANCHOR_END: poll

// ANCHOR: block_on
/// A thread that waits in [`block_on`].
struct Sleeper {
    thread: Thread,
    is_woken: AtomicBool, // since the last poll began
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, SeqCst);
        // Remembered if the thread does not park yet: park returns at once.
        self.thread.unpark();
    }
}

/// Runs one future on this thread, which sleeps while the future waits.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let sleeper = Arc::new(Sleeper {
        thread: thread::current(),
        is_woken: AtomicBool::new(false),
    });
    let waker = Waker::from(sleeper.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
        // The flag decides, not park: that returns for no reason at times,
        // and a future that parks, in a channel say, uses our unpark up.
        while !sleeper.is_woken.swap(false, SeqCst) {
            thread::park();
        }
    }
}
// ANCHOR_END: block_on
