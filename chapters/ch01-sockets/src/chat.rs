//! The chat's threads: two for each client, around one registry.
//!
//! ```text
//!   socket ─▶ reader ─ line ─▶ ┌── one lock ───┐ push ─▶ outbox ─▶ writer ─▶
//!   socket ─▶ reader ─ line ─▶ │ core: effects │ push ─▶ outbox ─▶ writer ─▶
//!                              └───────────────┘
//! ```
//!
//! The lock is held while the core decides *and* while its effects go into
//! the outboxes: two lines that the core saw in one order cannot reach an
//! outbox in the other (I7). Nothing under the lock waits: a push is into
//! memory, and a client whose outbox is full is cut off there and then (I9).
//!
//! Left out: sharding the lock by room, and one thread for many sockets
//! (epoll).

use ch00_toolbox::clock::Clock;
use ch00_toolbox::log::Log;
use ch00_toolbox::sys::{PollFd, poll};
use ch01_sockets::bucket::{Bucket, Rate};
use ch01_sockets::echo::{read_some, write_all};
use ch01_sockets::frame::{Framing, Lines};
use ch01_sockets::outbox::{Limit, Outbox};
use ch01_sockets::registry::{ClientId, Core, Effect, Event};
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Builder};
use std::time::Duration;

/// What a thread may use of stack; it is reserved, not used up.
pub const STACK: usize = 128 * 1024;

/// Bytes that one read asks for.
const CHUNK: usize = 16 * 1024;

/// Why a client with a full outbox leaves.
pub const TOO_SLOW: &str = "too slow to read what it is told";

/// Why a client leaves whom the system gives no thread.
const NO_THREADS: &str = "no threads left";

// ANCHOR: link
/// A connection, as the threads use it: one reads, one writes, any may cut.
pub trait Link: Send + Sync + 'static {
    /// The peer's next bytes; 0 when it has sent its last.
    ///
    /// # Errors
    /// The connection is of no more use; the text is the reason to give.
    fn receive(&self, buf: &mut [u8]) -> io::Result<usize>;
    /// Sends all of `bytes`, waiting while the peer does not read.
    ///
    /// # Errors
    /// The connection is of no more use.
    fn send(&self, bytes: &[u8]) -> io::Result<()>;
    /// Waits before the next line may be said; false, at once, when the
    /// connection is gone both ways: nobody is there to have said it.
    ///
    /// # Errors
    /// As `receive`.
    fn pause(&self, wait: Duration) -> io::Result<bool>;
    /// Everything is sent: tells the peer that no more will come.
    fn finish(&self);
    /// Ends both directions now, and wakes who waits in either.
    fn cut(&self);
}
// ANCHOR_END: link

// ANCHOR: tcp
impl Link for TcpStream {
    fn receive(&self, buf: &mut [u8]) -> io::Result<usize> {
        read_some(&mut &*self, buf)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        write_all(&mut &*self, bytes)
    }

    fn pause(&self, wait: Duration) -> io::Result<bool> {
        // Asked for no event, poll still tells of POLLERR and POLLHUP.
        let mut gone = [PollFd::new(self, 0)];
        Ok(poll(&mut gone, Some(wait))? == 0)
    }

    fn finish(&self) {
        let _ = self.shutdown(Shutdown::Write); // fails where it has ended
    }

    fn cut(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}
// ANCHOR_END: tcp

/// The limits of each client.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a line, its end not counted.
    pub line: usize,
    /// What may wait for a client.
    pub outbox: Limit,
    /// How fast a client may talk.
    pub rate: Rate,
}

// ANCHOR: hub
/// All clients, and the core that they talk to.
pub struct Hub {
    limits: Limits,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Signalled when a connection's threads have ended.
    gone: Condvar,
    /// `end_all` has begun, and is over.
    closing: AtomicBool,
    closed: OnceLock<()>,
}

struct State {
    core: Box<dyn Core>,
    last_id: u64,
    /// Who is told things. Left by `Leave`, `End` or a cut.
    seats: BTreeMap<ClientId, Arc<Outbox>>,
    /// Whose threads run: those with a seat, and those who finish.
    open: BTreeMap<ClientId, Arc<dyn Link>>,
    effects: Vec<Effect>,
}
// ANCHOR_END: hub

// ANCHOR: deliver
impl State {
    /// Carries the effects out, and those that a cut adds, until none is
    /// left: each cut removes a seat, so there is an end. `reader`, if any,
    /// is who calls, and takes its own lines before it waits again.
    fn deliver(&mut self, reader: Option<ClientId>) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                match effect {
                    Effect::Say(to, line) => {
                        let Some(outbox) = self.seats.get(&to) else {
                            continue;
                        };
                        let wake = Some(to) != reader;
                        if outbox.push(line, wake).is_err() {
                            self.cut(to);
                        }
                    }
                    Effect::End(id) => {
                        if let Some(outbox) = self.seats.remove(&id) {
                            outbox.close();
                        }
                    }
                }
            }
        }
    }

    fn cut(&mut self, id: ClientId) {
        if let Some(outbox) = self.seats.remove(&id) {
            outbox.discard();
        }
        if let Some(link) = self.open.get(&id) {
            link.cut();
        }
        self.core
            .step(id, Event::Leave(TOO_SLOW), &mut self.effects);
    }
}
// ANCHOR_END: deliver

// ANCHOR: seat
/// A client's place at the hub: who it is, and a way to tell it something.
#[derive(Clone)]
pub struct Seat {
    hub: Arc<Hub>,
    id: ClientId,
}

impl Seat {
    /// Tells this client alone.
    pub fn tell(&self, text: &str) {
        self.hub.event(self.id, Event::Notice(text));
    }

    /// Whether the client is here and has not said who it is.
    pub fn stranger(&self) -> bool {
        self.hub.lock().core.stranger(self.id)
    }

    /// The hub's clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.hub.clock.clone()
    }
}
// ANCHOR_END: seat

impl Hub {
    /// A hub around `core` with nobody there.
    pub fn new(
        core: Box<dyn Core>,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Arc<Hub> {
        let state = State {
            core,
            last_id: 0,
            seats: BTreeMap::new(),
            open: BTreeMap::new(),
            effects: Vec::new(),
        };
        Arc::new(Hub {
            limits,
            clock,
            state: Mutex::new(state),
            gone: Condvar::new(),
            closing: AtomicBool::new(false),
            closed: OnceLock::new(),
        })
    }

    // ANCHOR: event
    /// Lets the core take an event and carries out what follows from it, all
    /// under one lock (I7). Events of who has no seat any more are dropped.
    /// Says whether the client has a seat after that.
    pub fn event(&self, id: ClientId, event: Event) -> bool {
        // A lock is not fair: those who flood it would keep `end_all` out.
        if matches!(event, Event::Line(_)) && self.is_closing() {
            self.closed.wait();
        }
        let mut state = self.lock();
        let state = &mut *state;
        if !state.seats.contains_key(&id) {
            return false;
        }
        state.core.step(id, event, &mut state.effects);
        if matches!(event, Event::Leave(_)) {
            state.effects.push(Effect::End(id));
        }
        state.deliver(matches!(event, Event::Line(_)).then_some(id));
        state.seats.contains_key(&id)
    }
    // ANCHOR_END: event

    // ANCHOR: admit
    /// Gives a connection a seat and its two threads.
    ///
    /// # Errors
    /// The link cannot be made, or there are no threads left: the connection
    /// is closed.
    pub fn admit<L: Link>(
        self: &Arc<Hub>,
        link: impl FnOnce(Seat) -> io::Result<L>,
        log: &Log,
    ) -> io::Result<()> {
        let id = {
            let mut state = self.lock();
            state.last_id += 1;
            ClientId(state.last_id)
        };
        let link = Arc::new(link(Seat {
            hub: self.clone(),
            id,
        })?);
        let outbox = Arc::new(Outbox::new(self.limits.outbox));
        {
            let mut state = self.lock();
            state.seats.insert(id, outbox.clone());
            state.open.insert(id, link.clone());
        }
        self.event(id, Event::Enter);
        let end = Ended {
            hub: self.clone(),
            id,
        };
        let log = log.clone();
        Builder::new()
            .stack_size(STACK)
            .spawn(move || end.hub.connection(id, &*link, &outbox, &log))
            .map_err(|e| io::Error::other(format!("no thread for it: {e}")))?;
        Ok(())
    }
    // ANCHOR_END: admit

    // ANCHOR: connection
    fn connection<L: Link>(
        &self,
        id: ClientId,
        link: &L,
        outbox: &Outbox,
        log: &Log,
    ) {
        thread::scope(|scope| {
            let _leaves = Leaves { hub: self, id };
            let builder = Builder::new().stack_size(STACK);
            let writer = builder.spawn_scoped(scope, || write(link, outbox));
            if let Err(error) = &writer {
                log.warn(format_args!("no writer for a client: {error}"));
                link.cut(); // the reader ends at once
            }
            let why = match self.read(id, link, outbox) {
                Ok(()) if writer.is_err() => NO_THREADS.to_string(),
                Ok(()) => "hung up".to_string(),
                Err(error) => {
                    self.event(id, Event::Notice(&format!("bye: {error}")));
                    error.to_string()
                }
            };
            self.event(id, Event::Leave(&why));
            // Closing with bytes unread would send RST and throw away what
            // is still on its way to the peer: so read on until its FIN.
            let _ = to_the_end(link, &mut [0; 1024]);
        });
    }
    // ANCHOR_END: connection

    // ANCHOR: read
    /// The client's lines to the core, until there are no more. What they
    /// cause is sent from here, before this thread waits: it is awake, and
    /// the writer would have to be woken.
    fn read<L: Link>(
        &self,
        id: ClientId,
        link: &L,
        outbox: &Outbox,
    ) -> io::Result<()> {
        let mut lines = Lines::new(self.limits.line);
        let mut bucket = Bucket::new(self.limits.rate);
        let (mut buf, mut batch) = (vec![0; CHUNK], Vec::new());
        loop {
            while let Some(line) = lines.next()? {
                if !self.event(id, Event::Line(&line)) {
                    return Ok(()); // and nobody hears what is behind it
                }
                let wait = bucket.take(self.clock.now());
                if outbox.crowded() || !wait.is_zero() {
                    flush(link, outbox, &mut batch)?;
                    // I11: not reading is the brake.
                    if !link.pause(wait)? {
                        return to_the_end(link, &mut buf);
                    }
                }
            }
            flush(link, outbox, &mut batch)?;
            match link.receive(&mut buf)? {
                0 => return Ok(lines.finish()?),
                count => lines.push(&buf[..count]),
            }
        }
    }
    // ANCHOR_END: read

    /// How many connections have threads.
    pub fn open(&self) -> usize {
        self.lock().open.len()
    }

    // ANCHOR: drain
    /// Ends every seat after a last line, all of them in one step: nobody's
    /// last line before it is missing from anybody else's. Returns how many
    /// connections are open.
    pub fn end_all(&self, text: &str) -> usize {
        self.closing.store(true, SeqCst);
        let mut state = self.lock();
        let ids: Vec<_> = state.seats.keys().copied().collect();
        let State { core, effects, .. } = &mut *state;
        for &id in &ids {
            core.step(id, Event::Notice(text), effects);
            effects.push(Effect::End(id));
        }
        state.deliver(None);
        let _ = self.closed.set(()); // again at a second end
        state.open.len()
    }

    /// Whether [`Hub::end_all`] has begun: no line goes before it.
    pub fn is_closing(&self) -> bool {
        self.closing.load(SeqCst)
    }

    /// Waits until no connection is open, at most `limit`; how many still are.
    pub fn wait_until_empty(&self, limit: Duration) -> usize {
        let busy = |state: &mut State| !state.open.is_empty();
        let (state, _) = self
            .gone
            .wait_timeout_while(self.lock(), limit, busy)
            .unwrap_or_else(PoisonError::into_inner);
        state.open.len()
    }

    /// Cuts every connection, whatever is still owed to it.
    pub fn cut_all(&self) {
        let links: Vec<_> = self.lock().open.values().cloned().collect();
        links.iter().for_each(|link| link.cut());
    }
    // ANCHOR_END: drain

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ANCHOR: to_the_end
/// Reads on until the link's end, and drops what comes.
fn to_the_end<L: Link>(link: &L, buf: &mut [u8]) -> io::Result<()> {
    while link.receive(buf)? > 0 {}
    Ok(())
}
// ANCHOR_END: to_the_end

// ANCHOR: write
/// The client's writer: waits for what others have to say to it.
fn write<L: Link>(link: &L, outbox: &Outbox) {
    let mut batch = Vec::new();
    while outbox.take(&mut batch) {
        if send(link, outbox, &mut batch).is_err() {
            return;
        }
    }
    link.finish();
}

/// Sends what is there, unless the writer is at it and there is room for more.
fn flush<L: Link>(
    link: &L,
    outbox: &Outbox,
    batch: &mut Vec<u8>,
) -> io::Result<()> {
    match outbox.take_now(batch) {
        true => send(link, outbox, batch),
        false => Ok(()),
    }
}

/// Sends a batch; a failure ends the connection for both threads.
fn send<L: Link>(
    link: &L,
    outbox: &Outbox,
    batch: &mut Vec<u8>,
) -> io::Result<()> {
    let sent = link.send(batch).inspect_err(|_| {
        outbox.discard();
        link.cut();
    });
    outbox.done(batch);
    sent
}
// ANCHOR_END: write

/// Has a client leave when its reader ends, even by a panic: the scope would
/// wait for the writer for ever.
struct Leaves<'a> {
    hub: &'a Hub,
    id: ClientId,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.hub.event(self.id, Event::Leave("its thread ended"));
    }
}

/// Takes a connection off the hub's list when it has no thread any more.
struct Ended {
    hub: Arc<Hub>,
    id: ClientId,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.hub.event(self.id, Event::Leave(NO_THREADS));
        let mut state = self.hub.lock();
        state.open.remove(&self.id);
        self.hub.gone.notify_all();
    }
}

// ANCHOR: serve
/// Admits who comes until nobody comes any more.
///
/// # Errors
/// What `incoming` says; the clients that are here stay.
pub fn serve<S, L: Link>(
    hub: &Arc<Hub>,
    incoming: impl Iterator<Item = io::Result<S>>,
    link: impl Fn(S, Seat) -> io::Result<L>,
    log: &Log,
) -> io::Result<()> {
    for stream in incoming {
        // One connection's failure is its own end and nobody else's (I2).
        let stream = stream?;
        if let Err(error) = hub.admit(|seat| link(stream, seat), log) {
            log.warn(format_args!("closed a new client: {error}"));
        }
    }
    Ok(())
}
// ANCHOR_END: serve
