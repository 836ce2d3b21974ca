//! What the tests of step 5 share: a driver that follows a script, a bell
//! that counts, and tasks that do as they are told.
#![allow(dead_code, unused_imports)] // each test takes what it needs

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use ch02_event_loop::alarm::{Alarm, Bell};
use ch02_event_loop::executor::{Budget, Driver, Executor};
use ch02_event_loop::poll;
use ch02_event_loop::poller::{Poller, system};
use ch02_event_loop::reactor::Reactor;

type Hook = Box<dyn FnOnce() + Send>;

/// A bell that counts its rings. What other threads would do while the loop
/// goes to sleep is done by two hooks, at the worst moments.
#[derive(Default)]
pub struct Counter {
    is_dozing: AtomicBool,
    rings: AtomicU32,
    was_rung: AtomicBool, // since the last sleep
    before_doze: Mutex<Option<Hook>>,
    after_doze: Mutex<Option<Hook>>,
}

impl Counter {
    pub fn rings(&self) -> u32 {
        self.rings.load(SeqCst)
    }
}

fn call(hook: &Mutex<Option<Hook>>) {
    let hook = hook.lock().unwrap().take();
    hook.into_iter().for_each(|hook| hook());
}

impl Bell for Counter {
    fn doze(&self) {
        call(&self.before_doze);
        self.is_dozing.store(true, SeqCst);
        call(&self.after_doze);
    }

    fn awake(&self) {
        self.is_dozing.store(false, SeqCst);
    }

    fn ring(&self) {
        if self.is_dozing.swap(false, SeqCst) {
            self.rings.fetch_add(1, SeqCst);
            self.was_rung.store(true, SeqCst);
        }
    }
}

/// What a script looks at, with the number of the park.
pub type Look = Box<dyn Fn(usize)>;

/// A driver that sleeps as often as its script says, and then fails.
#[derive(Default)]
pub struct Script {
    sleeps: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    /// The limit of each `park`, in order.
    pub parks: RefCell<Vec<Option<Duration>>>,
    /// Called by each `park`, with its number.
    pub looks: RefCell<Option<Look>>,
    pub bell: Arc<Counter>,
    budget: Budget,
}

impl Script {
    /// Without a single event: the loop runs until it would sleep.
    pub fn empty() -> Rc<Script> {
        Rc::new(Script::default())
    }

    /// Adds a sleep that ends with this.
    pub fn sleep(&self, event: impl FnOnce() + 'static) {
        self.sleeps.borrow_mut().push_back(Box::new(event));
    }

    pub fn before_doze(&self, hook: impl FnOnce() + Send + 'static) {
        *self.bell.before_doze.lock().unwrap() = Some(Box::new(hook));
    }

    pub fn after_doze(&self, hook: impl FnOnce() + Send + 'static) {
        *self.bell.after_doze.lock().unwrap() = Some(Box::new(hook));
    }

    /// How often the loop slept, and how often it only looked.
    pub fn counts(&self) -> (usize, usize) {
        let parks = self.parks.borrow();
        let looks = parks.iter().filter(|p| **p == Some(Duration::ZERO));
        let sleeps = parks.iter().filter(|p| p.is_none());
        (sleeps.count(), looks.count())
    }
}

impl Driver for Script {
    fn park(&self, limit: Option<Duration>) -> io::Result<()> {
        self.parks.borrow_mut().push(limit);
        let count = self.parks.borrow().len();
        assert!(count < 100_000, "input: a loop that never comes to rest");
        if let Some(look) = &*self.looks.borrow() {
            look(self.parks.borrow().len());
        }
        let was_rung = self.bell.was_rung.swap(false, SeqCst);
        self.bell.awake();
        if limit.is_some() || was_rung {
            return Ok(());
        }
        let event = self.sleeps.borrow_mut().pop_front();
        let Some(event) = event else {
            return Err(io::ErrorKind::TimedOut.into()); // the script is over
        };
        event();
        Ok(())
    }

    fn bell(&self) -> Arc<dyn Bell> {
        self.bell.clone()
    }

    fn budget(&self) -> Budget {
        self.budget.clone()
    }
}

/// Runs all tasks until the script is over.
pub fn run_out(executor: &Executor) {
    let end = executor.block_on(std::future::pending::<()>());
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::TimedOut);
}

/// A task that waits to be told that it is done.
#[derive(Default)]
pub struct Puppet {
    pub polls: Cell<u32>,
    pub is_done: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Puppet {
    pub fn new() -> Rc<Puppet> {
        Rc::new(Puppet::default())
    }

    pub fn future(self: &Rc<Puppet>) -> impl Future<Output = ()> + use<> {
        let puppet = self.clone();
        poll_fn(move |cx| {
            puppet.polls.set(puppet.polls.get() + 1);
            *puppet.waker.borrow_mut() = Some(cx.waker().clone());
            match puppet.is_done.get() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
    }

    /// The waker of its last poll.
    pub fn waker(&self) -> Waker {
        self.waker.borrow().clone().expect("polled before")
    }
}

/// Counts how often it is dropped, and then does something.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Both pollers with both alarms, with their names.
pub fn reactors() -> Vec<(&'static str, Rc<Reactor>)> {
    let poll = || Box::new(poll::Poll::new()) as Box<dyn Poller>;
    let with = |poller, alarm: io::Result<Alarm>| {
        Reactor::with_alarm(poller, alarm.unwrap()).unwrap()
    };
    vec![
        ("system, alarm", with(system().unwrap(), Alarm::new())),
        ("system, pipe", with(system().unwrap(), Alarm::pipe())),
        ("poll, alarm", with(poll(), Alarm::new())),
        ("poll, pipe", with(poll(), Alarm::pipe())),
    ]
}
