//! Readiness of the simulated network, and the passing of its time.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::sim::World;
use ch02_event_loop::sim::world::Socket;
use ch02_event_loop::slab::Token;

/// How much time passes when all that is ready is withheld.
const TICK: Duration = Duration::from_millis(1);

/// The simulated network's poller.
pub struct SimPoller(Rc<RefCell<World>>);

// given: what every poller does
impl SimPoller {
    /// Of this world.
    pub fn new(world: Rc<RefCell<World>>) -> SimPoller {
        SimPoller(world)
    }
}

fn known(world: &mut World, source: Source) -> io::Result<&mut Socket> {
    let socket = world.sockets.get_mut(&source);
    socket.ok_or_else(|| ErrorKind::NotFound.into())
}
// given end

impl Poller for SimPoller {
    // given: what every poller does
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        let socket = known(&mut world, source)?;
        if socket.token.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        socket.token = Some(token);
        Ok(())
    }

    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        let armed = &mut known(&mut world, source)?.armed;
        armed.read |= interest.read;
        armed.write |= interest.write;
        Ok(())
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        let socket = known(&mut world, source)?;
        socket.armed = Interest::default();
        match socket.token.take() {
            Some(_) => Ok(()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }
    // given end

    // ANCHOR: wait
    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let world = &mut *self.0.borrow_mut();
        let before = events.len();
        let mut armed: Vec<Source> = (world.sockets.iter())
            .filter(|(_, socket)| socket.armed != Interest::default())
            .map(|(&source, _)| source)
            .collect();
        world.rng.shuffle(&mut armed);
        let mut is_anything_ready = false;
        for &source in &armed {
            let now = world.ready(source);
            events.extend(report(world, source, now));
            is_anything_ready |= meets(world, source, now);
        }
        if events.len() > before {
            return Ok(());
        }
        match timeout {
            _ if is_anything_ready => {
                world.clock.advance(timeout.map_or(TICK, |t| t.min(TICK)));
            }
            Some(time) => world.clock.advance(time),
            None => return Err(stuck(world, &armed)),
        }
        Ok(())
    }
    // ANCHOR_END: wait
}

// given: a comparison
/// Whether the source is armed for something that it is ready for.
fn meets(world: &World, source: Source, now: Interest) -> bool {
    world.sockets.get(&source).is_some_and(|socket| {
        (socket.armed.read && now.read) || (socket.armed.write && now.write)
    })
}
// given end

// ANCHOR: report
/// The event for one source, if the dice let it be reported.
fn report(world: &mut World, source: Source, now: Interest) -> Option<Event> {
    let faults = world.faults;
    let is_ready = meets(world, source, now);
    let often = if is_ready {
        faults.withheld
    } else {
        faults.false_alarm
    };
    let dice = often > 0.0 && world.rng.chance(often);
    if is_ready == dice {
        return None;
    }
    let socket = world.sockets.get_mut(&source)?;
    let Interest { read, write } = socket.armed;
    // A false alarm is about all that was asked for.
    let read = read && (now.read || !is_ready);
    let write = write && (now.write || !is_ready);
    socket.armed.read &= !read;
    socket.armed.write &= !write;
    let token = socket.token?;
    let what = if is_ready { "is ready" } else { "seems ready" };
    world.note(format_args!("{} {what}: {read} {write}", source.0));
    let ready = Ready {
        read,
        write,
        ..Ready::default()
    };
    Some(Event { token, ready })
}
// ANCHOR_END: report

// given: an error's text
/// Nothing is ready, nothing is due: whatever waits, waits for ever.
fn stuck(world: &World, armed: &[Source]) -> io::Error {
    let mut armed: Vec<i32> = armed.iter().map(|source| source.0).collect();
    armed.sort_unstable();
    let trace = world.trace();
    io::Error::new(
        ErrorKind::Deadlock,
        format!("nothing can happen any more; armed: {armed:?}\n{trace}"),
    )
}
// given end
