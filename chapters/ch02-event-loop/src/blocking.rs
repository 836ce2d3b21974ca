//! Work that has to wait in a way that no poller knows.
//!
//! A file is always ready, says poll, and epoll refuses it (EPERM): its read
//! then waits for a disk, and the whole loop with it. The same goes for
//! getaddrinfo, a compression, a hash of a password. Such work goes to a few
//! threads of its own, and its result comes back as a promise.
//!
//! - **I28** At most so many threads, and so much work that waits for one to
//!   be free; more is refused at once, and the caller decides.
//! - **I29** Work whose result nobody waits for any more is not begun.
//! - **I30** Dropping the pool's last handle ends its threads, after all the
//!   work that was taken. The drop itself waits for nothing.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use ch02_event_loop::executor::contain;
use ch02_event_loop::promise::{Promised, promise};

/// Counts its thread among the idle ones when it is done.
type Work = Box<dyn FnOnce(&Shared) + Send>;

// ANCHOR: pool
/// Threads for work that waits. Clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

/// Its drop closes the pool: the threads hold only the `Shared` within.
struct Owner {
    shared: Arc<Shared>,
    most_threads: usize,
    most_waiting: usize,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar, // there is some, or the pool is closed
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    threads: usize,
    idle: usize, // of the threads, waiting for work
    is_closed: bool,
}
// ANCHOR_END: pool

/// There is as much work waiting as the pool may hold, or the system has not
/// let it start a single thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

// given: what an error says and is, in std's terms.
impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool has as much work waiting as it may hold")
    }
}

impl std::error::Error for Full {}

impl From<Full> for io::Error {
    fn from(full: Full) -> io::Error {
        io::Error::new(io::ErrorKind::ResourceBusy, full)
    }
}
// given end

impl Pool {
    /// A pool that starts a thread for new work if none is idle, up to
    /// `most_threads` (at least one), and lets `most_waiting` works wait
    /// when all of them are at work.
    pub fn new(most_threads: usize, most_waiting: usize) -> Pool {
        let state = Mutex::default();
        let shared = Arc::new(Shared {
            state,
            work: Condvar::new(),
        });
        let most_threads = most_threads.max(1);
        Pool(Arc::new(Owner {
            shared,
            most_threads,
            most_waiting,
        }))
    }

    // ANCHOR: run
    /// Hands the work to a thread. The promise is broken if it panics.
    ///
    /// # Errors
    /// [`Full`]: the work is dropped.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Promised<T>, Full> {
        let (promise, promised) = promise();
        let work: Work = Box::new(move |shared| {
            let is_wanted = !promise.is_abandoned();
            let value = contain(move || is_wanted.then(work)).flatten();
            // First this: who has the result finds the thread idle.
            shared.lock().idle += 1;
            if let Some(value) = value {
                promise.keep(value);
            }
        });
        let shared = &self.0.shared;
        let mut state = shared.lock();
        let needs_thread = state.idle <= state.waiting.len();
        if needs_thread && state.threads < self.0.most_threads {
            self.start(&mut state);
        }
        // What the idle threads are about to take does not wait. (With no
        // thread at all, since the system refused one, nobody would come.)
        let most = state.idle.saturating_add(self.0.most_waiting);
        if state.threads == 0 || state.waiting.len() >= most {
            return Err(Full);
        }
        state.waiting.push_back(work);
        drop(state);
        shared.work.notify_one();
        Ok(promised)
    }

    // ANCHOR_END: run

    // ANCHOR: start
    fn start(&self, state: &mut State) {
        let shared = self.0.shared.clone();
        let thread = thread::Builder::new().name("blocking".into());
        if thread.spawn(move || shared.work_until_closed()).is_ok() {
            state.threads += 1;
            state.idle += 1; // it is on its way to the first wait
        }
    }
    // ANCHOR_END: start

    /// How many threads it has now.
    pub fn threads(&self) -> usize {
        self.0.shared.lock().threads
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No work runs under the lock; the fields are valid at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: thread
    /// What each thread does.
    fn work_until_closed(&self) {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.waiting.pop_front() {
                state.idle -= 1;
                drop(state);
                contain(|| work(self)); // a value's drop may panic
                state = self.lock();
            } else if state.is_closed {
                state.threads -= 1;
                state.idle -= 1;
                return;
            } else {
                let woken = self.work.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
    // ANCHOR_END: thread
}

// given: a panic of a `todo!` in a drop would abort all tests.
// ANCHOR: close
impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.work.notify_all();
    }
}
// ANCHOR_END: close
// given end
