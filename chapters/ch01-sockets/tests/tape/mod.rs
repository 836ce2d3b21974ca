//! Ann and bob without sockets: their links keep what they are sent.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch01_sockets::bucket::Rate;
use ch01_sockets::chat::{Hub, Limits, Link};
use ch01_sockets::outbox::Limit;
use ch01_sockets::registry::{ClientId, Event, Registry};

/// A client of a hub that the test speaks for.
pub struct Taped {
    hub: Arc<Hub>,
    id: ClientId,
    tape: Tape,
}

/// More than any test says.
const ROOMY: Limits = Limits {
    line: 4096,
    outbox: Limit {
        bytes: 1_000_000_000,
        lines: 100_000_000,
    },
    rate: Rate {
        burst: 0,
        per_second: 0,
    },
};

/// A hub, and the two in its lobby.
pub fn ann_and_bob() -> io::Result<(Arc<Hub>, Taped, Taped)> {
    let (core, clock) = (Registry::default(), RealClock::new());
    let hub = Hub::new(Box::new(core), ROOMY, Arc::new(clock));
    let log = Log::to_stderr(Level::Info);
    let enter = |id, name| {
        let (hub, tape) = (hub.clone(), Tape::default());
        hub.admit(|_| Ok(tape.clone()), &log)?;
        let id = ClientId(id);
        let client = Taped { hub, id, tape };
        client.say(name);
        io::Result::Ok(client)
    };
    let (ann, bob) = (enter(1, "ann")?, enter(2, "bob")?);
    Ok((hub, ann, bob))
}

impl Taped {
    pub fn say(&self, line: &str) {
        self.hub.event(self.id, Event::Line(line.as_bytes()));
    }

    /// What ann said in each of bob's visits to the room, as it was heard.
    pub fn visits(&self) -> Vec<Vec<String>> {
        let mut visits = Vec::new();
        let mut here = false;
        let heard = self.tape.0.heard.lock().expect("no panic");
        for line in String::from_utf8_lossy(&heard).lines() {
            if line == "* bob joined lobby" {
                visits.push(Vec::new());
                here = true;
            } else if line.starts_with("* bob left lobby")
                || line.starts_with("* you are in no room")
            {
                here = false;
            } else if line.starts_with("ann: ") && here {
                let visit = visits.last_mut().expect("bob is here");
                visit.push(line.to_string());
            }
        }
        visits
    }
}

#[derive(Clone, Default)]
struct Tape(Arc<Inner>);

#[derive(Default)]
struct Inner {
    heard: Mutex<Vec<u8>>,
    over: Mutex<bool>,
    changed: Condvar,
}

impl Link for Tape {
    /// Nothing until the end.
    fn receive(&self, _: &mut [u8]) -> io::Result<usize> {
        let over = self.0.over.lock().expect("no panic");
        let end = self.0.changed.wait_while(over, |over| !*over);
        drop(end.expect("no panic"));
        Ok(0)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.heard.lock().expect("no panic").extend(bytes);
        Ok(())
    }

    fn pause(&self, _: Duration) -> io::Result<bool> {
        Ok(true)
    }

    fn finish(&self) {
        self.cut();
    }

    fn cut(&self) {
        *self.0.over.lock().expect("no panic") = true;
        self.0.changed.notify_all();
    }
}
