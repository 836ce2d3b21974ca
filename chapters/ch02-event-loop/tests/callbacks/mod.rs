//! The poller that is a script, and what else the tests of step 3 share.

pub mod connection;
pub mod naive;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use ch00_toolbox::clock::VirtualClock;
use ch00_toolbox::log::{Level, Log};
use ch02_event_loop::callbacks::Loop;
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::Token;

pub const READ: Ready = Ready {
    read: true,
    write: false,
    read_closed: false,
    write_closed: false,
};

pub const SECOND: Duration = Duration::from_secs(1);

/// A poller whose waits are scripted, and what it was asked.
#[derive(Clone, Default)]
pub struct Script(pub Rc<RefCell<Scripted>>);

#[derive(Default)]
pub struct Scripted {
    pub waits: VecDeque<Vec<Event>>, // then nothing, for as long as may be
    pub limits: Vec<Option<Duration>>,
    pub known: BTreeMap<Source, Token>,
    pub armed: Vec<(Source, Interest)>,
    pub clock: VirtualClock,
    pub refuses: bool,
}

impl Script {
    /// What the next waits give.
    pub fn will(&self, tokens: &[&[Token]]) {
        for batch in tokens {
            let event = |&token| Event { token, ready: READ };
            let events = batch.iter().map(event).collect();
            self.0.borrow_mut().waits.push_back(events);
        }
    }

    pub fn known(&self) -> Vec<i32> {
        self.0
            .borrow()
            .known
            .keys()
            .map(|source| source.0)
            .collect()
    }

    pub fn new_loop(&self) -> Loop {
        let clock = self.0.borrow().clock.clone();
        Loop::new(Box::new(self.clone()), Box::new(clock))
    }
}

impl Poller for Script {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        let mut script = self.0.borrow_mut();
        if script.refuses || script.known.contains_key(&source) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        script.known.insert(source, token);
        Ok(())
    }

    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()> {
        self.0.borrow_mut().armed.push((source, interest));
        Ok(())
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        let known = self.0.borrow_mut().known.remove(&source);
        known.map(|_| ()).ok_or(ErrorKind::NotFound.into())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let mut script = self.0.borrow_mut();
        script.limits.push(timeout);
        match (script.waits.pop_front(), timeout) {
            (Some(batch), _) => events.extend(batch),
            (None, Some(time)) => script.clock.advance(time),
            (None, None) => return Err(ErrorKind::TimedOut.into()),
        }
        Ok(())
    }
}

/// What was called, in order.
#[derive(Clone, Default)]
pub struct Calls(pub Rc<RefCell<Vec<&'static str>>>);

impl Calls {
    pub fn add(&self, name: &'static str) {
        self.0.borrow_mut().push(name);
    }

    pub fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

pub fn quiet() -> Log {
    Log::new(Level::Error, || Duration::ZERO, io::sink())
}

/// A source that says when it is dropped.
pub struct Tells(pub Calls);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}
