//! An orderly end: who is here is asked to finish, then waited for, and cut
//! off at a deadline.
//!
//! ```text
//!  serving ── begin ──▶ draining ── all guards gone ──▶ drained
//!                          │
//!                          └── deadline, or begin again ──▶ cut off
//! ```
//!
//! - **I45** A connection ends by itself between two requests when a drain
//!   has begun; what it had begun it finishes.
//! - **I46** A drain ends at its deadline, whatever the connections do.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::slab::{Slab, Token};
use ch02_event_loop::timers::Timers;

// ANCHOR: drain
/// Whether a server is ending, and who is still here. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Drain(Rc<State>);

#[derive(Debug, Default)]
struct State {
    stage: Cell<Stage>,
    here: Cell<usize>,
    late: Cell<usize>,             // were cut off
    waiting: RefCell<Slab<Waker>>, // for a later stage, or an empty house
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Serving,
    Draining,
    Cut,
}

/// Stands for one connection while it is held.
#[derive(Debug)]
pub struct Guard(Drain);

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// How many were here when it began.
    pub here: usize,
    /// How many were cut off.
    pub late: usize,
}
// ANCHOR_END: drain

impl Drain {
    /// One more connection is here.
    pub fn enter(&self) -> Guard {
        self.0.here.set(self.0.here.get() + 1);
        Guard(self.clone())
    }

    // given: what is read out
    /// How many are here.
    pub fn here(&self) -> usize {
        self.0.here.get()
    }

    /// Whether the server is ending: answer this request and close.
    pub fn has_begun(&self) -> bool {
        self.0.stage.get() >= Stage::Draining
    }
    // given end

    /// Begins to end; the second time, cuts off who is still here.
    pub fn begin(&self) {
        let next = match self.0.stage.get() {
            Stage::Serving => Stage::Draining,
            Stage::Draining | Stage::Cut => Stage::Cut,
        };
        self.0.stage.set(next);
        self.wake();
    }

    /// Waits until the server begins to end.
    pub async fn begun(&self) {
        self.until(|state| state.stage.get() >= Stage::Draining)
            .await;
    }

    // ANCHOR: unless_cut
    /// Runs a connection until it is done, or is cut off: then `None`.
    pub async fn unless_cut<F: Future>(&self, work: F) -> Option<F::Output> {
        let cut = self.until(|state| state.stage.get() == Stage::Cut);
        match select(work, cut).await {
            Either::Left(done) => Some(done),
            Either::Right(()) => {
                self.0.late.set(self.0.late.get() + 1);
                None
            }
        }
    }

    /// Begins, and waits until nobody is here or the time is up; then cuts
    /// off the rest and waits for them to be gone.
    pub async fn finish(
        &self,
        timers: &Rc<Timers>,
        limit: Duration,
    ) -> Drained {
        let here = self.here();
        if !self.has_begun() {
            self.begin();
        }
        let empty = self.until(|state| {
            state.here.get() == 0 || state.stage.get() == Stage::Cut
        });
        let _ = timers.timeout(limit, empty).await;
        self.0.stage.set(Stage::Cut);
        self.wake();
        self.until(|state| state.here.get() == 0).await;
        let late = self.0.late.get();
        Drained { here, late }
    }
    // ANCHOR_END: unless_cut

    fn until<F: Fn(&State) -> bool + Unpin>(&self, holds: F) -> Until<F> {
        Until {
            state: self.0.clone(),
            holds,
            token: None,
        }
    }

    fn wake(&self) {
        self.0.waiting.borrow().for_each(Waker::wake_by_ref);
    }
}

// ANCHOR: until
/// Waits for a change after which a condition holds. Each one that waits has
/// a place of its own: with ten thousand of them, a search through a list at
/// each poll would be what the server does most.
struct Until<F> {
    state: Rc<State>,
    holds: F,
    token: Option<Token>, // of its waker
}

impl<F: Fn(&State) -> bool + Unpin> Future for Until<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if (self.holds)(&self.state) {
            return Poll::Ready(());
        }
        let mut waiting = self.state.waiting.borrow_mut();
        match self.token.and_then(|token| waiting.get_mut(token)) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => {
                let token = waiting.insert(cx.waker().clone());
                drop(waiting);
                self.token = Some(token);
            }
        }
        Poll::Pending
    }
}

// given: a panic of a `todo!` in a drop would abort all tests.
impl<F> Drop for Until<F> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            self.state.waiting.borrow_mut().remove(token);
        }
    }
}
// given end
// ANCHOR_END: until

// given: a panic of a `todo!` in a drop would abort all tests.
impl Drop for Guard {
    fn drop(&mut self) {
        let here = &self.0.0.here;
        here.set(here.get() - 1);
        if here.get() == 0 {
            self.0.wake();
        }
    }
}
// given end
