//! The whole in one handle: what a server is given.
//!
//! ```text
//!             ┌───────────── Runtime ─────────────┐
//!   spawn ───▶│ Executor                          │
//!             │    │ park                         │
//!   sleep ───▶│ Timers ── the next deadline       │
//!             │    │ park                         │
//!   listen ──▶│ Reactor ── Poller │ Network       │──▶ the kernel, or Sim
//!             └───────────────────────────────────┘
//! ```
//!
//! It is passed to whoever needs it. tokio finds its runtime in a thread-local
//! variable instead, which saves an argument, and panics where there is none.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ch00_toolbox::clock::{Clock, RealClock};
use ch02_event_loop::blocking::Pool;
use ch02_event_loop::buffered::Buffers;
use ch02_event_loop::executor::{Executor, Task};
use ch02_event_loop::network::{Network, System};
use ch02_event_loop::poller::{Poller, system};
use ch02_event_loop::promise::Broken;
use ch02_event_loop::reactor::Reactor;
use ch02_event_loop::sim::Sim;
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::{TcpListener, TcpStream};
use ch02_event_loop::timers::{Elapsed, Sleep, Timers};

/// Threads of the pool for work that waits, and how much may wait for one.
const POOL: (usize, usize) = (4, 1024);

// ANCHOR: runtime
/// A loop with everything that a server needs. Clones are the same loop.
#[derive(Clone)]
pub struct Runtime {
    executor: Executor,
    timers: Rc<Timers>,
    reactor: Rc<Reactor>,
    network: Rc<dyn Network>,
    clock: Arc<dyn Clock>,
    buffers: Buffers,
    pool: Option<Pool>, // None: simulated, where work is done at once
}

// ANCHOR_END: runtime

impl Runtime {
    /// On the kernel's network, with the best poller of this system.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> io::Result<Runtime> {
        Runtime::with_poller(system()?)
    }

    /// On the kernel's network, with this poller.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn with_poller(poller: Box<dyn Poller>) -> io::Result<Runtime> {
        let (threads, waiting) = POOL;
        Ok(Runtime::assemble(
            Reactor::new(poller)?,
            Rc::new(System),
            Arc::new(RealClock::new()),
            Some(Pool::new(threads, waiting)),
        ))
    }

    // ANCHOR: assemble
    /// On a simulated network, under its clock.
    pub fn simulated(sim: &Sim) -> Runtime {
        Runtime::assemble(
            Reactor::alone(Box::new(sim.poller())),
            Rc::new(sim.clone()),
            Arc::new(sim.clock()),
            None,
        )
    }

    fn assemble(
        reactor: Rc<Reactor>,
        network: Rc<dyn Network>,
        clock: Arc<dyn Clock>,
        pool: Option<Pool>,
    ) -> Runtime {
        let timers = Timers::new(clock.clone(), reactor.clone());
        let executor = Executor::new(timers.clone());
        let buffers = Buffers::default();
        Runtime {
            executor,
            timers,
            reactor,
            network,
            clock,
            buffers,
            pool,
        }
    }
    // ANCHOR_END: assemble
}

impl Runtime {
    // given: these only pass on.
    /// Runs this future, and all tasks beside it, until it gives its value.
    ///
    /// # Errors
    /// The loop cannot go on: the poller's error, or a simulated world in
    /// which nothing can happen any more.
    ///
    /// # Panics
    /// Within a task of the same loop.
    pub fn block_on<F: Future>(&self, future: F) -> io::Result<F::Output> {
        self.executor.block_on(future)
    }

    /// Adds a task. Dropping what it returns cancels the task: see
    /// [`Task::detach`].
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.executor.spawn(future)
    }

    /// How many tasks there are.
    pub fn tasks(&self) -> usize {
        self.executor.tasks()
    }

    /// Drops all tasks, with all that they hold. A task that holds a clone of
    /// its runtime would otherwise keep both for as long as the process runs.
    pub fn cancel_all(&self) {
        self.executor.cancel_all();
    }

    /// Time since the loop's start.
    pub fn now(&self) -> Duration {
        self.timers.now()
    }

    /// The loop's clock, for the wall time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Waits.
    pub fn sleep(&self, time: Duration) -> Sleep {
        self.timers.sleep(time)
    }

    /// Waits for the future, but no longer than this: then it is dropped.
    ///
    /// # Errors
    /// [`Elapsed`]: the time was up first.
    pub async fn timeout<F: Future>(
        &self,
        time: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        self.timers.timeout(time, future).await
    }

    /// Its timers.
    pub fn timers(&self) -> &Rc<Timers> {
        &self.timers
    }

    /// Its reactor, for sources of other kinds.
    pub fn reactor(&self) -> &Rc<Reactor> {
        &self.reactor
    }

    /// Its free buffers.
    pub fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Listens at an address; port 0 takes a free one.
    ///
    /// # Errors
    /// As [`TcpListener::bind`].
    pub fn listen(
        &self,
        addr: SocketAddr,
        options: ListenOptions,
    ) -> io::Result<TcpListener> {
        let (network, reactor) = (&*self.network, &self.reactor);
        TcpListener::bind(network, reactor, &self.timers, addr, options)
    }

    /// Connects.
    ///
    /// # Errors
    /// As [`TcpStream::connect`].
    pub async fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(&*self.network, &self.reactor, addr).await
    }
    // given end

    /// Does work that may wait (a file's read) on another thread. In a
    /// simulated world it is done here and now, so that its order is known.
    ///
    /// # Errors
    /// `ResourceBusy`: too much waits already. [`Broken`], as
    /// `io::ErrorKind::Other`: the work panicked.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        match &self.pool {
            None => Ok(work()),
            Some(pool) => {
                let done = pool.run(work)?.await;
                done.map_err(|broken: Broken| io::Error::other(broken))
            }
        }
    }
}
