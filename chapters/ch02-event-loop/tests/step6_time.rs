//! Step 6: timers.
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ch00_toolbox::clock::{Clock, VirtualClock};
use ch02_event_loop::alarm::Bell;
use ch02_event_loop::executor::{Budget, Driver, Executor};
use ch02_event_loop::timers::{Elapsed, Timers};

struct Quiet;
impl Bell for Quiet {
    fn doze(&self) {}
    fn awake(&self) {}
    fn ring(&self) {}
}
/// A driver to which nothing happens: its park lets the time pass.
struct Script {
    clock: VirtualClock,
    parks: RefCell<Vec<Duration>>,
    budget: Budget,
}
impl Driver for Script {
    fn park(&self, limit: Option<Duration>) -> io::Result<()> {
        let limit = limit.ok_or(io::ErrorKind::Deadlock)?;
        self.parks.borrow_mut().push(limit);
        self.clock.advance(limit);
        Ok(())
    }
    fn bell(&self) -> Arc<dyn Bell> {
        Arc::new(Quiet)
    }
    fn budget(&self) -> Budget {
        self.budget.clone()
    }
}

/// I26: smoke.
#[test]
fn hours_pass() {
    let clock = VirtualClock::new();
    let script = Rc::new(Script {
        clock: clock.clone(),
        parks: RefCell::default(),
        budget: Budget::default(),
    });
    let timers = Timers::new(Arc::new(clock.clone()), script.clone());
    let executor = Executor::new(timers.clone());
    let mut every = timers.interval(Duration::from_secs(60));
    let got = executor
        .block_on(async {
            timers.sleep(Duration::from_secs(3600)).await;
            every.tick().await;
            let never = std::future::pending::<()>();
            timers.timeout(Duration::from_secs(60), never).await
        })
        .unwrap();
    assert_eq!(got, Err(Elapsed));
    assert_eq!(clock.now(), Duration::from_secs(3660));
    assert_eq!(timers.pending(), 0);
}
