//! A loop in a world where only time passes.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ch00_toolbox::clock::VirtualClock;
use ch02_event_loop::alarm::Bell;
use ch02_event_loop::executor::{Budget, Driver, Executor};
use ch02_event_loop::timers::Timers;

struct Quiet;

impl Bell for Quiet {
    fn doze(&self) {}
    fn awake(&self) {}
    fn ring(&self) {}
}

/// A driver to which nothing happens: its park lets the time pass, as far as
/// it may, and perhaps further.
#[derive(Default)]
pub struct Script {
    pub clock: VirtualClock,
    pub parks: RefCell<Vec<Option<Duration>>>, // the limits, but zero
    pub oversleeps: Cell<Duration>,
    looks: Cell<u32>, // parks without a wait, one after the other
    budget: Budget,
}

/// A loop that looks so often without a wait spins for ever.
const MOST_LOOKS: u32 = 100_000;

impl Driver for Script {
    fn park(&self, limit: Option<Duration>) -> io::Result<()> {
        if limit == Some(Duration::ZERO) {
            self.looks.update(|looks| looks + 1);
            assert!(self.looks.get() < MOST_LOOKS, "the loop spins");
            return Ok(());
        }
        self.looks.set(0);
        self.parks.borrow_mut().push(limit);
        let Some(limit) = limit else {
            return Err(io::ErrorKind::Deadlock.into()); // for ever
        };
        self.clock.advance(limit + self.oversleeps.get());
        Ok(())
    }

    fn bell(&self) -> Arc<dyn Bell> {
        Arc::new(Quiet)
    }

    fn budget(&self) -> Budget {
        self.budget.clone()
    }
}

pub struct World {
    pub script: Rc<Script>,
    pub timers: Rc<Timers>,
    pub executor: Executor,
}

pub fn world() -> World {
    let script = Rc::new(Script::default());
    let clock = Arc::new(script.clock.clone());
    let timers = Timers::new(clock, script.clone());
    World {
        executor: Executor::new(timers.clone()),
        script,
        timers,
    }
}

impl World {
    /// Runs a future, and with it what was spawned.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.executor.block_on(future).expect("time passes")
    }
}
