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
//! - I54: what is said reaches all who listen, in one order.
//! - I55: who reads too slowly is cut off, and resumes or is told that it
//!   has lost something; nobody waits for it.
//! - I56: a connection that is silent is asked whether it is there, and
//!   ended when it is not; a stream of events gets a comment now and then, so
//!   that a proxy in between does not take it for dead.
//!
//! Left out: names, and a pace for those who talk (ch01's chat has both). So
//! one who talks without a pause can cut off all whose line is slower than
//! its own. And the origin is compared with `Host`, which a name that its
//! owner points at 127.0.0.1 gets past (DNS rebinding): a server with
//! something to protect has a list of its own names.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::{self, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::outbox::Outbox;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::slab::{Slab, Token};
use ch02_event_loop::tcp::WriteHalf;
use ch03_http::events::history::{Bounds, History, Next};
use ch03_http::events::writer::{Event as News, comment, write};
use ch03_http::frames::frame::{Head, Opcode};
use ch03_http::head::Request;
use ch03_http::out::Out;
use ch03_http::response::{Content, Later, Payload, Response, Upgrade};
use ch03_http::websocket::connection::{Connection, Limits};
use ch03_http::websocket::message::Event;

/// How often a stream of events says that it is there (WHATWG HTML, section
/// 9.2.7, has 15 seconds).
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a page is to wait before it comes back.
const RETRY: Duration = Duration::from_secs(1);

// ANCHOR: room
/// A room: who listens, and what was said. Clones are the same room.
#[derive(Clone)]
pub struct Room(Rc<Inner>);

struct Inner {
    runtime: Runtime,
    drain: Drain,
    run: String, // of the server, in ids
    limits: Limits,
    outbox: usize, // bytes that may wait for one WebSocket
    members: RefCell<Slab<Outbox>>,
    history: RefCell<History>,
    listeners: RefCell<Slab<Waker>>, // streams that wait for the next event
}
// ANCHOR_END: room

impl Room {
    // given: the fields' first values
    /// An empty room. `run` names this run of the server in event ids: digits
    /// or letters, others than in any run before. An outbox of less than
    /// `limits.message` and 10 bytes cuts off who is sent one long text.
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
            run: run.to_owned(),
            limits,
            outbox,
            members: RefCell::default(),
            history: RefCell::new(History::new(run, bounds)),
            listeners: RefCell::default(),
        }))
    }

    /// How many WebSockets are in it.
    pub fn members(&self) -> usize {
        self.0.members.borrow().len()
    }
    // given end

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
        let kept = self.0.history.borrow_mut().push(None, text);
        debug_assert!(kept.is_ok(), "a run without line ends");
        self.0.listeners.borrow().for_each(Waker::wake_by_ref);
    }
    // ANCHOR_END: say

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

// ANCHOR: server_frame
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
// ANCHOR_END: server_frame

// ---- a member

// ANCHOR: seat
impl Upgrade for Room {
    fn run(
        self: Box<Self>,
        reader: BufReader,
        writer: WriteHalf,
    ) -> Later<'static> {
        Box::pin(async move { self.member(reader, writer).await })
    }
}

/// A member's place in the room: given back when it leaves, however that is.
struct Seat<'a> {
    room: &'a Room,
    outbox: Outbox,
    token: Token,
    is_here: Cell<bool>,
}

impl Seat<'_> {
    fn take(room: &Room) -> Seat<'_> {
        let outbox = Outbox::new(room.0.outbox);
        let token = room.0.members.borrow_mut().insert(outbox.clone());
        let is_here = Cell::new(true);
        Seat {
            room,
            outbox,
            token,
            is_here,
        }
    }

    /// From here on it is told nothing more.
    fn leave(&self) {
        self.is_here.set(false);
        self.room.0.members.borrow_mut().remove(self.token);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
// ANCHOR_END: seat

impl Room {
    // ANCHOR: member
    /// One WebSocket: what it says to the room, what the room says to it.
    async fn member(
        &self,
        mut reader: BufReader,
        writer: WriteHalf,
    ) -> io::Result<()> {
        let seat = Seat::take(self);
        let outbox = &seat.outbox;
        {
            let write = async |pieces: &mut [IoSlice<'_>]| {
                writer.stream().write_all_vectored(pieces).await
            };
            let mut deliver = pin!(outbox.deliver(write));
            let listen = seat.listen(&mut reader);
            match select(listen, deliver.as_mut()).await {
                // It has closed: our close and what it is owed still go.
                Either::Left(listened) => {
                    outbox.close();
                    let rest = self.0.limits.times.close_within;
                    match self.0.runtime.timeout(rest, deliver).await {
                        Ok(delivered) => listened.and(delivered)?,
                        Err(_) => outbox.discard(),
                    }
                }
                Either::Right(delivered) => delivered?,
            }
        }
        if outbox.is_discarded() {
            return writer.stream().reset_on_close(); // I55
        }
        drop(writer); // our FIN: the server's comes first (section 7.1.1)
        self.outlast(&mut reader).await;
        Ok(())
    }
    // ANCHOR_END: member

    // ANCHOR: outlast
    /// Reads on until the peer's end, and drops it: closing with bytes
    /// unread would send a reset, which can destroy the close on its way.
    async fn outlast(&self, reader: &mut BufReader) {
        let rest = self.0.limits.times.close_within;
        let gone = async {
            reader.consume(usize::MAX);
            while matches!(reader.fill().await, Ok(count) if count > 0) {
                reader.consume(usize::MAX);
            }
        };
        let _ = self.0.runtime.timeout(rest, gone).await;
    }
    // ANCHOR_END: outlast
}

impl Seat<'_> {
    // ANCHOR: listen
    /// Takes frames until the close, the end, or a silence too long.
    async fn listen(&self, reader: &mut BufReader) -> io::Result<()> {
        let Inner { runtime, drain, .. } = &*self.room.0;
        let mut socket = Connection::server(self.room.0.limits, runtime.now());
        loop {
            if self.hear(&mut socket, reader) {
                another_turn().await; // for those who are to be told
                continue;
            }
            if socket.is_over() {
                return Ok(());
            }
            let until = socket.deadline().unwrap_or(Duration::MAX);
            let left = until.saturating_sub(runtime.now());
            let more = runtime.timeout(left, reader.fill());
            let ends = async {
                match self.is_here.get() {
                    true => drain.begun().await,
                    false => pending().await, // it knows already
                }
            };
            match select(more, ends).await {
                Either::Left(Ok(Ok(0))) => return Ok(()), // without a close
                Either::Left(Ok(read)) => drop(read?),
                Either::Left(Err(_)) => drop(socket.tick(runtime.now())),
                Either::Right(()) => {
                    self.close(&mut socket, 1001, "going away")
                }
            }
        }
    }
    // ANCHOR_END: listen

    // ANCHOR: hear
    /// Takes what was read, up to the first text, and says that: then it is
    /// true, and there may be more. Then queues what the connection itself
    /// has to say: pongs, pings, its close.
    fn hear(&self, socket: &mut Connection, reader: &mut BufReader) -> bool {
        let now = self.room.0.runtime.now();
        let mut has_said = false;
        let mut input = reader.unread();
        let before = input.len();
        while let Some(event) = socket.receive(&mut input, now) {
            match event {
                Event::Text(text) if self.is_here.get() => {
                    self.room.say(&text);
                    has_said = true;
                    break;
                }
                Event::Binary(_) => self.close(socket, 1003, "text only"),
                _ => {} // answered by the connection itself
            }
        }
        let taken = before - input.len();
        reader.consume(taken);
        let bytes = socket.output();
        let count = bytes.len();
        if count > 0 && self.outbox.push(Arc::from(bytes)).is_err() {
            self.outbox.discard();
        }
        socket.sent(count);
        has_said
    }

    /// Begins to close. Nothing follows a close, so it leaves the room.
    fn close(&self, socket: &mut Connection, code: u16, why: &str) {
        self.leave();
        // An error: it was closing already.
        let _ = socket.close(code, why, self.room.0.runtime.now());
    }
    // ANCHOR_END: hear
}

// ANCHOR: turn
/// Lets every other task that can go on do so, once.
async fn another_turn() {
    let mut is_next = false;
    poll_fn(|cx: &mut Context<'_>| {
        if std::mem::replace(&mut is_next, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
// ANCHOR_END: turn

// ---- a stream of events

// ANCHOR: content
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
// ANCHOR_END: content

impl Stream {
    // ANCHOR: stream
    /// Sends what is there, then waits for more, until the drain.
    async fn stream(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        let room = self.room.clone();
        let Inner { runtime, drain, .. } = &*room.0;
        out.write(&self.hello()).await?;
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
    // ANCHOR_END: stream

    // ANCHOR: take
    /// The next event, or the word that some are lost.
    fn take(&mut self) -> Option<Vec<u8>> {
        match self.room.0.history.borrow().get(self.next) {
            Next::Event(event, next) => {
                self.next = next;
                return Some(event.to_vec());
            }
            Next::Lost(next) => self.next = next,
            Next::Wait => return None,
        }
        let data = Some("some events are gone");
        Some(self.place(News {
            kind: Some("lost"),
            data,
            ..News::default()
        }))
    }

    /// The first word: how soon to come back, and from which place. Without
    /// that, who is cut off before its first event would lose what is said
    /// until it is back, and not know.
    fn hello(&self) -> Vec<u8> {
        self.place(News {
            retry: Some(RETRY),
            ..News::default()
        })
    }

    /// An event with the id of the one before our place, if there is one.
    fn place(&self, news: News<'_>) -> Vec<u8> {
        let before = self.next.checked_sub(1);
        let id = before.map(|seen| format!("{}-{seen}", self.room.0.run));
        let id = id.as_deref();
        let mut bytes = Vec::new();
        let written = write(&News { id, ..news }, &mut bytes);
        debug_assert!(written.is_ok(), "a run without line ends");
        bytes
    }
    // ANCHOR_END: take
}

// ANCHOR: news
impl Room {
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
// ANCHOR_END: news
