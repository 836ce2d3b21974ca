//! A page that is alive: WebSocket and server-sent events on the server.
//!
//! ```text
//!   GET, Upgrade: websocket              GET, Accept: text/event-stream
//!     │ 101                                │ 200, in chunks, no end
//!     ▼                                    ▼
//!   a task with both halves              a content that waits and writes
//!   in: frames ▶ messages ▶ Room         History ◀── said ── Room
//!   out: Outbox ◀── said ── Room
//! ```
//!
//! One room, two ways to hear it. A WebSocket talks and listens; a stream of
//! events only listens, and resumes where it was after a broken connection.
//!
//! - I50: what is said reaches all who listen, in one order.
//! - I51: who reads too slowly is cut off, and resumes or is told that it
//!   has lost something; nobody waits for it.
//! - I52: a connection that is silent is asked whether it is there, and
//!   ended when it is not; a stream of events gets a comment now and then, so
//!   that a proxy in between does not take it for dead.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::outbox::Outbox;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::slab::{Slab, Token};
use ch02_event_loop::tcp::WriteHalf;
use ch03_http::events::history::{Bounds, History, Next};
use ch03_http::events::writer::comment;
use ch03_http::head::{Request, Version};
use ch03_http::incoming::Fault;
use ch03_http::out::Out;
use ch03_http::response::{Content, Later, Payload, Response, Upgrade};
use ch03_http::upgrade::handshake::{Origins, Policy, Refusal, accept};
use ch03_http::websocket::connection::{Connection, Limits};
use ch03_http::frames::frame::{Head, Opcode};
use ch03_http::websocket::message::Event;

/// How often a stream of events says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

// ANCHOR: room
/// A room: who listens, and what was said. Clones are the same room.
#[derive(Clone)]
pub struct Room(Rc<Inner>);

struct Inner {
    runtime: Runtime,
    drain: Drain,
    limits: Limits,
    outbox: usize, // bytes that may wait for one WebSocket
    members: RefCell<Slab<Outbox>>,
    history: RefCell<History>,
    listeners: RefCell<Slab<Waker>>, // streams that wait for the next event
    said: Cell<u64>,
}
// ANCHOR_END: room

impl Room {
    /// An empty room. `run` names this run of the server in event ids.
    pub fn new(
        runtime: &Runtime,
        drain: &Drain,
        run: &str,
        limits: Limits,
        outbox: usize,
    ) -> Room {
        let bounds = Bounds {
            events: 1000,
            bytes: 1 << 20,
        };
        Room(Rc::new(Inner {
            runtime: runtime.clone(),
            drain: drain.clone(),
            limits,
            outbox,
            members: RefCell::default(),
            history: RefCell::new(History::new(run, bounds)),
            listeners: RefCell::default(),
            said: Cell::new(0),
        }))
    }

    /// How many WebSockets are in it.
    pub fn members(&self) -> usize {
        self.0.members.borrow().len()
    }

    // ANCHOR: say
    /// Says a text to all. It never waits, so all hear one order.
    pub fn say(&self, text: &str) {
        let frame: Arc<[u8]> = server_frame(text).into();
        // A full outbox cuts its member off: its task sees the discard.
        self.0.members.borrow().for_each(|outbox| {
            if outbox.push(frame.clone()).is_err() {
                outbox.discard();
            }
        });
        // A text with a line that no event can carry is not remembered.
        let _ = self.0.history.borrow_mut().push(None, text);
        self.0.said.set(self.0.said.get() + 1);
        self.0.listeners.borrow().for_each(Waker::wake_by_ref);
    }
    // ANCHOR_END: say

    // ANCHOR: websocket
    /// The answer to a request that asks for a WebSocket: 101, or why not.
    ///
    /// # Errors
    /// A field that could not be written.
    pub fn websocket(&self, request: &Request<'_>) -> Result<Response, Fault> {
        let method = std::str::from_utf8(request.method.token());
        let version = match request.version {
            Version::Http11 => "HTTP/1.1",
            Version::Http10 => "HTTP/1.0",
        };
        let line = (method.unwrap_or_default(), request.raw_target, version);
        let fields: Vec<(&str, &str)> = request
            .headers
            .iter()
            .filter_map(|(name, value)| {
                let name = std::str::from_utf8(name).ok()?;
                Some((name, std::str::from_utf8(value).ok()?))
            })
            .collect();
        let policy = Policy {
            origins: Origins::Same,
            protocols: &[],
        };
        match accept(line, &fields, &policy) {
            Ok(accepted) => Ok(Response::new(101)
                .with_fixed("Upgrade", "websocket")
                .with_fixed("Connection", "Upgrade")
                .with("Sec-WebSocket-Accept", accepted.accept)?
                .with_payload(Payload::Upgrade(Box::new(self.clone())))),
            Err(refusal) => Ok(refused(&refusal)),
        }
    }
    // ANCHOR_END: websocket

    // ANCHOR: events
    /// The answer to a request that asks for events: a stream without an
    /// end, from behind the event that the client saw last.
    pub fn events(&self, request: &Request<'_>) -> Response {
        let last = request.headers.get("last-event-id");
        let last = last.and_then(|id| std::str::from_utf8(id).ok());
        let next = self.0.history.borrow().resume(last);
        let stream = Stream {
            room: self.clone(),
            next,
        };
        Response::new(200)
            .with_fixed("Content-Type", "text/event-stream")
            .with_fixed("Cache-Control", "no-store")
            .with_fixed("X-Accel-Buffering", "no") // nginx: pass it on now
            .with_payload(Payload::Content(Box::new(stream)))
    }
    // ANCHOR_END: events
}

fn refused(refusal: &Refusal) -> Response {
    let why = match refusal {
        Refusal::NotAsked => "a WebSocket is here".to_owned(),
        Refusal::Bad(field) => format!("a wrong {field}"),
        Refusal::Version => "version 13 alone".to_owned(),
        Refusal::Origin => "not from that page".to_owned(),
    };
    let response = Response::text(refusal.status(), why + "\n");
    match refusal.status() {
        426 => response
            .with_fixed("Upgrade", "websocket")
            .with_fixed("Sec-WebSocket-Version", "13"),
        _ => response,
    }
    .last()
}

/// A whole message of text as a server sends it: one frame, not masked.
fn server_frame(text: &str) -> Vec<u8> {
    let mut frame = Vec::with_capacity(text.len() + 10);
    let length = text.len() as u64;
    Head {
        last: true,
        opcode: Opcode::Text,
        key: None,
        length,
    }
    .encode(&mut frame);
    frame.extend_from_slice(text.as_bytes());
    frame
}

// ---- a member

impl Upgrade for Room {
    fn run(
        self: Box<Self>,
        reader: BufReader,
        writer: WriteHalf,
    ) -> Later<'static> {
        Box::pin(async move { self.member(reader, writer).await })
    }
}

/// A member's place, given back however its task ends.
struct Place<'a> {
    room: &'a Room,
    token: Token,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.room.0.members.borrow_mut().remove(self.token);
    }
}

impl Room {
    // ANCHOR: member
    /// One WebSocket: what it says to the room, what the room says to it.
    async fn member(
        &self,
        mut reader: BufReader,
        writer: WriteHalf,
    ) -> io::Result<()> {
        let outbox = Outbox::new(self.0.outbox);
        let token = self.0.members.borrow_mut().insert(outbox.clone());
        let _place = Place { room: self, token };
        let delivered = {
            let write = async |pieces: &mut [IoSlice<'_>]| {
                writer.stream().write_all_vectored(pieces).await
            };
            let mut deliver = pin!(outbox.deliver(write));
            match select(self.listen(&mut reader, &outbox), deliver.as_mut())
                .await
            {
                // It has closed: our close and what it is owed still go.
                Either::Left(listened) => {
                    outbox.close();
                    let rest = self.0.limits.times.close_within;
                    let last = self.0.runtime.timeout(rest, deliver).await;
                    listened.and(last.unwrap_or(Ok(())))
                }
                Either::Right(delivered) => delivered,
            }
        };
        if outbox.is_discarded() {
            writer.stream().reset_on_close()?; // I51
        }
        delivered
    }
    // ANCHOR_END: member

    // ANCHOR: listen
    /// Takes frames until the close, the end, or a silence too long.
    async fn listen(
        &self,
        reader: &mut BufReader,
        outbox: &Outbox,
    ) -> io::Result<()> {
        let runtime = &self.0.runtime;
        let mut socket = Connection::server(self.0.limits, runtime.now());
        let mut is_ending = false;
        loop {
            let mut input = reader.unread();
            let before = input.len();
            while let Some(event) = socket.receive(&mut input, runtime.now()) {
                match event {
                    Event::Text(text) => self.say(&text),
                    Event::Binary(_) => {
                        // 1003: this room takes text alone.
                        let why = "text only";
                        let _ = socket.close(1003, why, runtime.now());
                    }
                    _ => {} // answered by the connection itself
                }
            }
            let taken = before - input.len();
            reader.consume(taken);
            self.pass_on(&mut socket, outbox);
            if socket.is_over() {
                return Ok(());
            }
            let until = socket.deadline().unwrap_or(Duration::MAX);
            let left = until.saturating_sub(runtime.now());
            let more = runtime.timeout(left, reader.fill());
            let ended = self.0.drain.begun();
            let filled = match is_ending {
                true => more.await,
                false => match select(more, ended).await {
                    Either::Left(filled) => filled,
                    Either::Right(()) => {
                        is_ending = true;
                        // 1001: going away.
                        let now = runtime.now();
                        let _ = socket.close(1001, "going away", now);
                        self.pass_on(&mut socket, outbox);
                        continue;
                    }
                },
            };
            match filled {
                Err(_) => drop(socket.tick(runtime.now())),
                Ok(filled) => {
                    if filled? == 0 {
                        return Ok(()); // gone without a close
                    }
                }
            }
        }
    }

    /// What the connection itself has to say: pongs, pings, its close.
    fn pass_on(&self, socket: &mut Connection, outbox: &Outbox) {
        let bytes = socket.output();
        if bytes.is_empty() {
            return;
        }
        let count = bytes.len();
        if outbox.push(Arc::from(bytes)).is_err() {
            outbox.discard();
        }
        socket.sent(count);
    }
    // ANCHOR_END: listen
}

// ---- a stream of events

/// A listener's place in the history.
struct Stream {
    room: Room,
    next: u64,
}

impl Content for Stream {
    fn length(&self) -> Option<u64> {
        None
    }

    fn send<'a>(&'a mut self, out: &'a mut Out<'_>) -> Later<'a> {
        Box::pin(async move { self.stream(out).await })
    }
}

impl Stream {
    // ANCHOR: stream
    /// Sends what is there, then waits for more, until the drain.
    async fn stream(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        let room = self.room.clone();
        let Inner { runtime, drain, .. } = &*room.0;
        let mut hello = Vec::new();
        comment("here", &mut hello);
        out.write(&hello).await?;
        loop {
            while let Some(event) = self.take() {
                out.write(&event).await?;
            }
            out.flush().await?;
            let news = room.news(self.next);
            let wait = runtime.timeout(HEARTBEAT, news);
            match select(wait, drain.begun()).await {
                Either::Left(Ok(())) => {}
                Either::Left(Err(_)) => {
                    let mut beat = Vec::new();
                    comment("", &mut beat);
                    out.write(&beat).await?;
                }
                Either::Right(()) => return Ok(()),
            }
        }
    }

    /// The next event, or the word that some are lost.
    fn take(&mut self) -> Option<Vec<u8>> {
        match self.room.0.history.borrow().get(self.next) {
            Next::Event(event, next) => {
                self.next = next;
                Some(event.to_vec())
            }
            Next::Lost(next) => {
                self.next = next;
                Some(b"event: lost\ndata: some events are gone\n\n".to_vec())
            }
            Next::Wait => None,
        }
    }
    // ANCHOR_END: stream
}

impl Room {
    // ANCHOR: news
    /// Waits until there is an event of this number.
    async fn news(&self, number: u64) {
        let mut place = Listening {
            room: self,
            token: None,
        };
        poll_fn(|cx| {
            let is_there = self.0.history.borrow().get(number) != Next::Wait;
            if is_there {
                return Poll::Ready(());
            }
            let mut listeners = self.0.listeners.borrow_mut();
            match place.token.and_then(|token| listeners.get_mut(token)) {
                Some(waker) => waker.clone_from(cx.waker()),
                None => {
                    place.token = Some(listeners.insert(cx.waker().clone()));
                }
            }
            Poll::Pending
        })
        .await;
    }
    // ANCHOR_END: news
}

/// A waker's place among the listeners, given back when the wait is over.
struct Listening<'a> {
    room: &'a Room,
    token: Option<Token>,
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token {
            self.room.0.listeners.borrow_mut().remove(token);
        }
    }
}
