//! Waiting for a time, in a task.
//!
//! ```text
//!   Executor ── park(limit) ──▶ Timers ── park(shorter) ──▶ Reactor ─▶ kernel
//!                                 │ then expire, and wake
//!                                 ▼
//!                               Wheel<Waker> ◀── insert, cancel ── Sleep
//! ```
//!
//! No thread waits for a time. The loop's one wait, for events, gets the
//! first deadline as its limit: so [`Timers`] is a driver around a driver.
//!
//! - **I35** A loop sleeps until a timer may be due, and makes no call
//!   meanwhile. A [`Sleep`] that was dropped holds no place and wakes nobody.
//!
//! Never early: a deadline counts from the tick that begins at or after it.
//! Late by less than a tick, by what the driver's wait is rounded up (a
//! millisecond at most with epoll_wait and poll), and while the loop is busy.
//!
//! Left out: waits finer than a millisecond, for which Linux 5.11 has
//! epoll_pwait2(2), in nanoseconds; timers that another thread may set, which
//! tokio has behind a lock (`runtime/time`).

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch02_event_loop::alarm::Bell;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::executor::{Budget, Driver};
use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::wheel::Wheel;

// ANCHOR: timers
/// The timers of one loop: the driver that ends a wait when one is due.
pub struct Timers {
    clock: Arc<dyn Clock>,
    inner: Rc<dyn Driver>, // what waits
    wheel: RefCell<Wheel<Waker>>,
    fired: RefCell<Vec<Waker>>, // empty; kept for its memory
    budget: Budget,             // of `inner`
}

impl Timers {
    /// Timers by this clock, over a driver that waits for everything else.
    pub fn new(clock: Arc<dyn Clock>, inner: Rc<dyn Driver>) -> Rc<Timers> {
        Rc::new(Timers {
            clock,
            budget: inner.budget(),
            inner,
            wheel: RefCell::default(),
            fired: RefCell::default(),
        })
    }

    /// The clock's time.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// How many sleeps are waited for.
    pub fn pending(&self) -> usize {
        self.wheel.borrow().len()
    }
}
// ANCHOR_END: timers

// ANCHOR: driver
impl Driver for Timers {
    fn park(&self, limit: Option<Duration>) -> io::Result<()> {
        self.inner.park(self.until_due(limit))?;
        self.expire();
        Ok(())
    }

    fn bell(&self) -> Arc<dyn Bell> {
        self.inner.bell()
    }

    fn budget(&self) -> Budget {
        self.budget.clone()
    }
}

impl Timers {
    /// The limit, or what is left until a timer may be due, if that is less.
    fn until_due(&self, limit: Option<Duration>) -> Option<Duration> {
        if limit == Some(Duration::ZERO) {
            return limit; // no look at the clock for what changes nothing
        }
        let Some(next) = self.wheel.borrow().next() else {
            return limit;
        };
        let left = next.start().saturating_sub(self.now());
        Some(limit.map_or(left, |limit| limit.min(left)))
    }

    /// Wakes who waits for a tick that has begun.
    fn expire(&self) {
        let now = Tick::running_at(self.now());
        let mut fired = self.fired.take();
        self.wheel.borrow_mut().expire(now, &mut fired);
        // Outside of the borrows: a waker may do anything.
        fired.drain(..).for_each(Waker::wake);
        self.fired.replace(fired);
    }
}
// ANCHOR_END: driver

// ANCHOR: sleep
/// A future that is done at its deadline.
pub struct Sleep {
    timers: Rc<Timers>,
    deadline: Duration,
    key: Option<TimerKey>, // None: not polled yet, or reset when it was done
}

impl Timers {
    /// Waits for `d` from now.
    pub fn sleep(self: &Rc<Self>, d: Duration) -> Sleep {
        self.sleep_until(self.now().saturating_add(d))
    }

    /// Waits until the clock's time is `deadline`.
    pub fn sleep_until(self: &Rc<Self>, deadline: Duration) -> Sleep {
        Sleep {
            timers: self.clone(),
            deadline,
            key: None,
        }
    }
}
// ANCHOR_END: sleep

// ANCHOR: poll
impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let timers = self.timers.clone();
        let mut wheel = timers.wheel.borrow_mut();
        // At the first poll the clock decides, later the wheel.
        if let Some(key) = self.key {
            if let Some(waker) = wheel.get_mut(key) {
                waker.clone_from(cx.waker());
                return Poll::Pending;
            }
        } else if timers.now() < self.deadline {
            let at = Tick::not_before(self.deadline);
            self.key = Some(wheel.insert(at, cx.waker().clone()));
            return Poll::Pending;
        }
        drop(wheel);
        // A loop of sleeps that are over is work like any other: I23.
        ready!(timers.budget.spend(cx));
        Poll::Ready(())
    }
}
// ANCHOR_END: poll

// ANCHOR: reset
impl Sleep {
    /// When it is done.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Moves the deadline, to before or after. A task that waits goes on
    /// waiting, for the new one; a sleep that was done begins again.
    pub fn reset(&mut self, deadline: Duration) {
        self.deadline = deadline;
        let Some(key) = self.key.take() else { return };
        let mut wheel = self.timers.wheel.borrow_mut();
        if let Some(waker) = wheel.cancel(key) {
            let at = Tick::not_before(deadline);
            self.key = Some(wheel.insert(at, waker));
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let waker = self.timers.wheel.borrow_mut().cancel(key);
        drop(waker); // after the borrow: a drop may do anything, too
    }
}
// ANCHOR_END: reset

// ANCHOR: timeout
/// The time was up before the future was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl Timers {
    /// The future's value, if it has one within `d` of the first poll; else
    /// the future is dropped. If both are ready, the future wins.
    ///
    /// # Errors
    /// [`Elapsed`]: the time was up.
    pub async fn timeout<F: Future>(
        self: &Rc<Self>,
        d: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        match select(future, self.sleep(d)).await {
            Either::Left(value) => Ok(value),
            Either::Right(()) => Err(Elapsed),
        }
    }
}
// ANCHOR_END: timeout

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}

// ANCHOR: interval
/// Ticks at equal distances.
pub struct Interval {
    sleep: Sleep,
    every: Duration,
}

impl Timers {
    /// Ticks every `d` (at least a millisecond), the first in `d` from now.
    pub fn interval(self: &Rc<Self>, d: Duration) -> Interval {
        let every = d.max(Duration::from_millis(1));
        Interval {
            sleep: self.sleep(every),
            every,
        }
    }
}

impl Interval {
    /// Waits for the next tick. Ticks that nobody waited for are skipped:
    /// after a late one, the next is the first of the same row that is still
    /// to come. Dropped half-way, it loses no tick.
    pub async fn tick(&mut self) {
        (&mut self.sleep).await;
        let (due, now) = (self.sleep.deadline, self.sleep.timers.now());
        let late = now.saturating_sub(due).as_nanos();
        let since = u64::try_from(late % self.every.as_nanos());
        let since = Duration::from_nanos(since.unwrap_or(u64::MAX));
        let next = now.saturating_add(self.every).saturating_sub(since);
        self.sleep.reset(next);
    }
}
// ANCHOR_END: interval
