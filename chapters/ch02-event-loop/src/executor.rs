//! Tasks: many futures on one thread.
//!
//! ```text
//!   spawn ──▶ tasks (slab)        ready: 4│0 7│2 …   one lock, any thread
//!                │  ▲                │          ▲
//!           poll │  │ Pending        │ next     │ wake: push, once
//!                ▼  │                ▼          │
//!              the loop ◀────────── run up to 128, then look outside
//!                │
//!                └── nothing ready: driver.park(), until an event,
//!                    a deadline, or the bell of another thread
//! ```
//!
//! - **I21** A wake-up is never lost: a task that was woken is polled again,
//!   also if it was woken while it was being polled, or from another thread
//!   while the loop went to sleep.
//! - **I22** A task is in the queue at most once, and is not polled unless it
//!   was woken.
//! - **I23** No task keeps the others waiting: after [`TURN`] polls the loop
//!   looks for events, and [`Budget`] ends the turn of a task whose sockets
//!   are always ready.
//! - **I24** A task that panics, in its poll or in a drop, ends alone; who
//!   waits for it is told.
//! - **I25** While nothing happens the loop sleeps: it makes no system call.
//!
//! Left out: tasks that move between threads (tokio's work stealing). A loop
//! is one thread, so its tasks need no locks; more cores are more loops. And a
//! queue of its own, without the lock, for what the loop's thread wakes: tokio
//! has one, and finds out by a thread-local whose thread it is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ch02_event_loop::alarm::Bell;
use ch02_event_loop::promise::{Broken, Promised, promise};
use ch02_event_loop::slab::{Slab, Token};

/// How many tasks run between two looks at the outside. Each look is a system
/// call, and while tasks run nobody hears a new event.
pub const TURN: usize = 128;

/// How many operations on ready sockets a task may do in one poll.
pub const OPERATIONS: u32 = 128;

// ANCHOR: budget
/// What is left of a task's turn, counted in operations that did not have to
/// wait. Without it, a client that sends faster than its task reads would
/// keep that task in its loop, and everybody else out of theirs.
#[derive(Debug, Clone)]
pub struct Budget(Rc<Cell<u32>>);

impl Default for Budget {
    fn default() -> Budget {
        Budget(Rc::new(Cell::new(OPERATIONS)))
    }
}

impl Budget {
    /// Takes one operation; `Pending`: none is left, and the task, woken
    /// already, is to come back in the next turn.
    pub fn spend(&self, cx: &Context<'_>) -> Poll<()> {
        match self.0.get().checked_sub(1) {
            Some(left) => {
                self.0.set(left);
                Poll::Ready(())
            }
            None => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    /// A task's turn begins.
    pub fn renew(&self) {
        self.0.set(OPERATIONS);
    }
}
// ANCHOR_END: budget

// ANCHOR: driver
/// What a loop does while no task can run.
pub trait Driver {
    /// Waits until something has happened or the time is up (`None`: for
    /// ever), tells the bell that the loop is awake, and wakes the tasks that
    /// waited for what happened. The bell ends the wait.
    ///
    /// # Errors
    /// The system's; or that nothing can ever happen any more.
    fn park(&self, limit: Option<Duration>) -> io::Result<()>;

    /// What ends a `park` from another thread, between its doze and awake.
    fn bell(&self) -> Arc<dyn Bell>;

    /// What its sources take their operations from.
    fn budget(&self) -> Budget;
}
// ANCHOR_END: driver

// ANCHOR: ready
/// The tasks that were woken: the one thing that other threads touch.
struct Ready {
    queue: Mutex<VecDeque<Token>>,
    root: AtomicBool, // the future of `block_on` was woken
    bell: Arc<dyn Bell>,
}

impl Ready {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Token>> {
        // A push or a pop that panics has not begun.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker of one task.
struct TaskWaker {
    token: Token,
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_queued.swap(true, SeqCst) {
            self.ready.queue().push_back(self.token);
            self.ready.bell.ring();
        }
    }
}

// ANCHOR_END: ready

// ANCHOR: root
/// The waker of the future that `block_on` runs.
struct RootWaker(Arc<Ready>);

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.0.root.swap(true, SeqCst) {
            self.0.bell.ring();
        }
    }
}
// ANCHOR_END: root

// ANCHOR: job
/// A future, and what wakes it. Taken out of its place while it is polled.
struct Job {
    future: Pin<Box<dyn Future<Output = ()>>>,
    handle: Arc<TaskWaker>,
    waker: Waker, // of the same handle
}

/// A task's place: `None` while it runs.
type Place = Option<Job>;

/// A loop that runs tasks. Clones are the same loop, which lives as long as
/// one of them: a task that holds one keeps itself alive, until it is done or
/// [`Executor::cancel_all`] is called.
#[derive(Clone)]
pub struct Executor(Rc<Inner>);

struct Inner {
    tasks: RefCell<Slab<Place>>,
    ready: Arc<Ready>,
    batch: RefCell<VecDeque<Token>>, // out of the queue, not yet polled
    driver: Rc<dyn Driver>,
    budget: Budget,
    is_running: Cell<bool>,
}
// ANCHOR_END: job

impl Executor {
    /// A loop without tasks.
    pub fn new(driver: Rc<dyn Driver>) -> Executor {
        let ready = Ready {
            queue: Mutex::default(),
            root: AtomicBool::new(false),
            bell: driver.bell(),
        };
        Executor(Rc::new(Inner {
            tasks: RefCell::default(),
            ready: Arc::new(ready),
            batch: RefCell::default(),
            budget: driver.budget(),
            driver,
            is_running: Cell::new(false),
        }))
    }

    // ANCHOR: spawn
    /// Adds a task. It first runs when the loop next does.
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let (promise, value) = promise();
        // Dropped half-way, by a cancel or a panic, it breaks the promise.
        let future = async move { promise.keep(future.await) };
        let mut tasks = self.0.tasks.borrow_mut();
        let token = tasks.insert(None);
        let handle = Arc::new(TaskWaker {
            token,
            is_queued: AtomicBool::new(false),
            ready: self.0.ready.clone(),
        });
        let waker = Waker::from(handle.clone());
        waker.wake_by_ref();
        let job = Job {
            future: Box::pin(future),
            handle,
            waker,
        };
        if let Some(place) = tasks.get_mut(token) {
            *place = Some(job);
        }
        let home = Some(Rc::downgrade(&self.0));
        Task { value, token, home }
    }
    // ANCHOR_END: spawn

    // ANCHOR: block_on
    /// Runs this future, and with it all tasks, until it gives its value.
    /// Tasks that are not done then stay where they are.
    ///
    /// # Errors
    /// What the driver's `park` says: the loop cannot go on.
    ///
    /// # Panics
    /// When the loop runs already: a task cannot wait for the loop that it
    /// is run by. And when `future` panics.
    pub fn block_on<F: Future>(&self, future: F) -> io::Result<F::Output> {
        let _running = Running::enter(&self.0.is_running);
        let ready = &self.0.ready;
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(RootWaker(ready.clone())));
        let mut cx = Context::from_waker(&waker);
        ready.root.store(true, SeqCst);
        loop {
            if ready.root.swap(false, SeqCst) {
                self.0.budget.renew();
                if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                    return Ok(value);
                }
            }
            self.run_turn();
            self.park()?;
        }
    }

    // ANCHOR_END: block_on

    // ANCHOR: turn
    /// Polls the tasks that are ready now, but not those that they wake.
    fn run_turn(&self) {
        let mut batch = self.0.batch.borrow_mut();
        batch.append(&mut self.0.ready.queue()); // one lock for all of them
        let count = batch.len().min(TURN);
        drop(batch);
        for _ in 0..count {
            let next = self.0.batch.borrow_mut().pop_front();
            let Some(token) = next else { return };
            self.run(token);
        }
    }

    /// Looks outside, and stays there while there is nothing to do.
    fn park(&self) -> io::Result<()> {
        let bell = &self.0.ready.bell;
        let may_sleep = self.is_idle() && {
            bell.doze();
            // Once more: who wakes now either is seen here, or rings.
            self.is_idle()
        };
        let limit = (!may_sleep).then_some(Duration::ZERO);
        let parked = self.0.driver.park(limit);
        bell.awake(); // also where the driver has failed
        parked
    }

    fn is_idle(&self) -> bool {
        let ready = &self.0.ready;
        self.0.batch.borrow().is_empty()
            && ready.queue().is_empty()
            && !ready.root.load(SeqCst)
    }
    // ANCHOR_END: turn

    // ANCHOR: run
    /// Polls one task.
    fn run(&self, token: Token) {
        let taken = self.0.tasks.borrow_mut().get_mut(token).map(Option::take);
        let Some(Some(mut job)) = taken else {
            return; // done or cancelled since it was woken
        };
        // Before the poll: a wake-up during it puts the task in again. And a
        // swap, since a store does not acquire: what a thread wrote before
        // it found the task queued already must be seen by this poll.
        job.handle.is_queued.swap(false, SeqCst);
        self.0.budget.renew();
        let mut cx = Context::from_waker(&job.waker);
        let polled = contain(|| job.future.as_mut().poll(&mut cx));
        let mut tasks = self.0.tasks.borrow_mut();
        match (polled, tasks.get_mut(token)) {
            (Some(Poll::Pending), Some(place)) => *place = Some(job),
            // Done, or panicked, or cancelled while it ran.
            _ => {
                tasks.remove(token);
                drop(tasks); // a future's drop may spawn and cancel
                contain(|| drop(job));
            }
        }
    }
    // ANCHOR_END: run

    // ANCHOR: cancel
    /// Cancels all tasks. Those that their drops spawn are there afterwards.
    pub fn cancel_all(&self) {
        let places = self.0.tasks.borrow_mut().drain();
        for place in places {
            contain(|| drop(place));
        }
    }
    // ANCHOR_END: cancel

    /// How many tasks there are.
    pub fn tasks(&self) -> usize {
        self.0.tasks.borrow().len()
    }
}

// given: a panic of a `todo!` in a drop would abort all tests.
// ANCHOR: end
impl Drop for Inner {
    fn drop(&mut self) {
        for place in self.tasks.get_mut().drain() {
            contain(|| drop(place));
        }
    }
}

// ANCHOR_END: end
// given end

// ANCHOR: contain
/// Runs somebody's code. `None`: it panicked, and the panic ends here. Who
/// calls this must not look any more at what the code was changing.
pub fn contain<T>(code: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(message) => {
            // Any type can be a panic's message, also one whose drop panics.
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(message)));
            dropped.unwrap_or_else(mem::forget);
            None
        }
    }
}
// ANCHOR_END: contain

// given: a panic of a `todo!` in a drop would abort all tests.
/// Set while the loop runs, also when a panic ends it.
struct Running<'a>(&'a Cell<bool>);

impl Running<'_> {
    fn enter(flag: &Cell<bool>) -> Running<'_> {
        assert!(!flag.replace(true), "block_on within the same loop");
        Running(flag)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
// given end

// ANCHOR: task
/// A task's value, when it has ended. Dropped, it cancels the task.
pub struct Task<T> {
    value: Promised<T>,
    token: Token,
    home: Option<Weak<Inner>>, // None: detached
}

impl<T> Task<T> {
    /// Lets the task go on by itself.
    pub fn detach(mut self) {
        self.home = None;
    }
}

impl<T> Future for Task<T> {
    /// `Broken`: the task panicked.
    type Output = Result<T, Broken>;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Broken>> {
        Pin::new(&mut self.value).poll(cx)
    }
}

// ANCHOR_END: task

// given: a panic of a `todo!` in a drop would abort all tests.
// ANCHOR: drop
impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let home = self.home.take().and_then(|home| home.upgrade());
        let Some(home) = home else { return };
        // A task that drops its own `Task` is out of its place just now; it
        // finds the place gone when its poll is over.
        let job = home.tasks.borrow_mut().remove(self.token);
        // After the borrow: a future's drop may spawn, cancel, and panic.
        contain(|| drop(job));
    }
}
// ANCHOR_END: drop
// given end
