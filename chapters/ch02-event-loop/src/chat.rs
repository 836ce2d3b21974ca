//! The chat of ch01 on one thread: the same core, without a lock.
//!
//! ```text
//!   a client's task                          the hall
//!   ┌ select ────────────────────┐           ┌──────────────────────┐
//!   │ talk: bytes ▶ lines ───────┼── event ─▶│ ch01's Core: effects │
//!   │ deliver: outbox ▶ writev ◀─┼── push ───│ seats: id ▶ outbox   │
//!   └────────────────────────────┘           └──────────────────────┘
//! ```
//!
//! ch01 holds a mutex from the decision about a line until it is in all
//! outboxes (its I7). Here nothing else can run meanwhile: `event` does not
//! await, so no other task comes between its first and its last line. That is
//! what one thread buys: between two awaits the state is ours.
//!
//! - **I48** All members of a room are told the same lines in the same order.
//! - **I49** A member that reads too slowly is cut off when its outbox is
//!   full; the others are told why, and wait for nothing.
//! - **I50** Every wait for a client has an end: for a name, for its next
//!   byte, for a socket that takes no more, for its FIN after ours.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use ch01_sockets::bucket::{Bucket, Rate};
use ch01_sockets::frame::{Framing, Lines};
use ch01_sockets::patience::{Next, Terms, Watch};
use ch01_sockets::registry::{ClientId, Core, Effect, Event};
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::outbox::{Outbox, Refused};
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::TcpStream;

/// Why somebody left who did not read.
const TOO_SLOW: &str = "too slow to read what it is told";

// ANCHOR: hall
/// What a client may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest line, in bytes.
    pub line: usize,
    /// What may wait for one client, in bytes.
    pub outbox: usize,
    /// How fast it may talk.
    pub rate: Rate,
    /// How long it may keep quiet.
    pub terms: Terms,
    /// How long its socket may take nothing.
    pub send: Duration,
    /// From our end to its.
    pub linger: Duration,
}

/// Everybody who is here. Clones are the same hall.
#[derive(Clone)]
pub struct Hall(Rc<Inner>);

struct Inner {
    state: RefCell<State>,
    limits: Limits,
    runtime: Runtime,
}

struct State {
    core: Box<dyn Core>,
    seats: BTreeMap<ClientId, Outbox>,
    effects: Vec<Effect>, // what is still to be done; empty between events
    last_id: u64,
}
// ANCHOR_END: hall

impl Hall {
    /// An empty hall.
    pub fn new(core: Box<dyn Core>, limits: Limits, runtime: &Runtime) -> Hall {
        let state = RefCell::new(State {
            core,
            seats: BTreeMap::new(),
            effects: Vec::new(),
            last_id: 0,
        });
        Hall(Rc::new(Inner {
            state,
            limits,
            runtime: runtime.clone(),
        }))
    }

    // ANCHOR: event
    /// Takes one event through the core and does all that it causes. Says
    /// whether the client has a seat after that. It never waits: I48.
    fn event(&self, id: ClientId, event: Event<'_>) -> bool {
        let state = &mut *self.0.state.borrow_mut();
        if !state.seats.contains_key(&id) {
            return false;
        }
        state.core.step(id, event, &mut state.effects);
        if matches!(event, Event::Leave(_)) {
            state.effects.push(Effect::End(id));
        }
        state.perform();
        state.seats.contains_key(&id)
    }
    // ANCHOR_END: event

    // given: as `event`, for everybody
    /// Says goodbye to everybody, in one step: nobody's last line before it
    /// is missing from anybody else's.
    pub fn end_all(&self, text: &str) {
        let state = &mut *self.0.state.borrow_mut();
        let ids: Vec<ClientId> = state.seats.keys().copied().collect();
        for id in ids {
            state.core.step(id, Event::Notice(text), &mut state.effects);
            state.effects.push(Effect::End(id));
        }
        state.perform();
    }
    // given end

    // ANCHOR: client
    /// One client, from its first byte to its last. Dropped, it is gone
    /// without a goodbye.
    pub async fn client(&self, stream: TcpStream) -> io::Result<()> {
        let Limits {
            outbox,
            send,
            linger,
            ..
        } = self.0.limits;
        let (runtime, outbox) = (&self.0.runtime, Outbox::new(outbox));
        let seat = self.seat(outbox.clone());
        let (reader, writer) = stream.split();
        let delivered = {
            let write = async |pieces: &mut [IoSlice<'_>]| {
                let all = writer.stream().write_all_vectored(pieces);
                let in_time = runtime.timeout(send, all).await;
                in_time.unwrap_or_else(|late| Err(late.into()))
            };
            let mut deliver = pin!(outbox.deliver(write));
            let talk = self.talk(seat.id, reader.stream());
            match select(talk, deliver.as_mut()).await {
                // It leaves: what it is owed is delivered all the same.
                Either::Left(()) => deliver.await,
                Either::Right(delivered) => delivered,
            }
        };
        if outbox.is_discarded() {
            return reader.stream().reset_on_close(); // I49
        }
        delivered?;
        drop(seat);
        drop(writer); // the FIN
        // Closing with bytes unread would send a reset, and throw away what
        // is still on its way to the peer: read on until its FIN.
        let end = self.to_the_end(reader.stream());
        runtime.timeout(linger, end).await.unwrap_or(Ok(()))
    }
    // ANCHOR_END: client

    fn seat(&self, outbox: Outbox) -> Seat<'_> {
        let mut state = self.0.state.borrow_mut();
        state.last_id += 1;
        let id = ClientId(state.last_id);
        state.seats.insert(id, outbox);
        drop(state);
        self.event(id, Event::Enter);
        Seat { hall: self, id }
    }

    /// Its lines to the core, until there are no more; then it leaves.
    async fn talk(&self, id: ClientId, stream: &TcpStream) {
        let why = match self.listen(id, stream).await {
            Ok(()) => "hung up".to_owned(),
            Err(error) => {
                self.event(id, Event::Notice(&format!("bye: {error}")));
                error.to_string()
            }
        };
        self.event(id, Event::Leave(&why));
    }

    // ANCHOR: listen
    async fn listen(&self, id: ClientId, stream: &TcpStream) -> io::Result<()> {
        let Inner {
            limits, runtime, ..
        } = &*self.0;
        let mut lines = Lines::new(limits.line);
        let mut bucket = Bucket::new(limits.rate);
        let mut watch = Watch::new(limits.terms, runtime.now());
        loop {
            while let Some(line) = lines.next()? {
                if !self.event(id, Event::Line(&line)) {
                    return Ok(()); // and nobody hears what is behind it
                }
                // Not reading is the brake: ch01's I11.
                let wait = bucket.take(runtime.now());
                if !wait.is_zero() {
                    runtime.sleep(wait).await;
                    watch.heard(runtime.now());
                }
            }
            let left = self.patience(id, &mut watch)?;
            match runtime.timeout(left, stream.readable()).await {
                Err(_) => continue, // patience says what that means
                Ok(readable) => readable?,
            }
            let mut buffer = runtime.buffers().take();
            let read = stream.try_read(&mut buffer);
            if let Ok(Some(count)) = read {
                lines.push(&buffer[..count]);
            }
            runtime.buffers().give(buffer);
            match read? {
                Some(0) => return Ok(lines.finish()?),
                Some(_) => watch.heard(runtime.now()),
                None => {} // a false alarm
            }
        }
    }
    // ANCHOR_END: listen

    // given: ch01's words, for ch01's watch
    /// How long to wait for its next byte.
    fn patience(
        &self,
        id: ClientId,
        watch: &mut Watch,
    ) -> io::Result<Duration> {
        loop {
            let is_named = !self.0.state.borrow().core.stranger(id);
            match watch.next(self.0.runtime.now(), is_named) {
                Next::Wait(left) => return Ok(left),
                Next::End(why) => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, why));
                }
                Next::Warn(left) => {
                    let left = left.as_secs_f32().ceil();
                    let text =
                        format!("still there? say something within {left} s");
                    self.event(id, Event::Notice(&text));
                }
            }
        }
    }
    // given end

    async fn to_the_end(&self, stream: &TcpStream) -> io::Result<()> {
        let mut bytes = [0; 512];
        while stream.read(&mut bytes).await? > 0 {}
        Ok(())
    }
}

impl State {
    // ANCHOR: perform
    /// Does what is to be done. A line that does not fit cuts its receiver
    /// off, which may cause more.
    fn perform(&mut self) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                match effect {
                    Effect::Say(to, line) => {
                        let seat = self.seats.get(&to);
                        let full = |seat: &Outbox| {
                            seat.push(line) == Err(Refused::Full)
                        };
                        if seat.is_some_and(full) {
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
            self.core
                .step(id, Event::Leave(TOO_SLOW), &mut self.effects);
        }
    }
    // ANCHOR_END: perform
}

/// Has a client leave when its task ends, however it ends.
struct Seat<'a> {
    hall: &'a Hall,
    id: ClientId,
}

// given: a panic of a `todo!` in a drop would abort all tests.
impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.hall
            .event(self.id, Event::Leave("the connection is gone"));
    }
}
// given end
