//! A connection after its handshake: bytes and moments in, events and bytes
//! to send out, for either side.
//!
//! ```text
//!            close()                     their close
//!   Open ───────────────▶ CloseSent ──────────────────▶ Over
//!     │   their close: answer it                         ▲
//!     ├──────────────────────────────────────────────────┤
//!     └── a fault: send its code, listen no more ────────┘
//! ```
//!
//! - I47: what waits to be sent is bounded: a message is taken only while
//!   less than the limit waits. Of pings that come while the limit is
//!   reached, the last one is answered (RFC 6455, section 5.5.3).
//! - I48: at most one close is sent, and no message after it. Nothing that
//!   comes after the peer's close, or after a fault, is looked at.
//! - I49: see `pulse`.
//!
//! Left out: sending a message in fragments, and the end of TCP itself. When
//! a connection is over and its output is sent, a server ends its stream; a
//! client waits for that, so that TIME-WAIT is the server's (section 7.1.1).

use std::time::Duration;

use ch03_http::frames::fault::Fault;
use ch03_http::frames::frame::{Head, MAX_CONTROL, Opcode, Side};
use ch03_http::frames::mask::Mask;
use ch03_http::websocket::close::{
    Closed, MAX_REASON, NO_CLOSE, NO_CODE, may_be_sent,
};
use ch03_http::websocket::message::{Event, Messages};
use ch03_http::websocket::pulse::{Due, Pulse, Times};

/// Gives a client a masking key for each frame. It must be one that whoever
/// chose the payload cannot foresee (section 10.3).
pub type Keys = Box<dyn FnMut() -> [u8; 4] + Send>;

// ANCHOR: limits
/// What a connection may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message that is taken from the peer, in bytes.
    pub message: usize,
    /// While so many bytes wait to be sent, no message is taken.
    pub output: usize,
    /// How long the peer may take.
    pub times: Times,
}

/// Why something cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// The peer reads too slowly: too much waits already.
    Full,
    /// A close was sent, or the connection is over.
    Closing,
    /// A control frame's body is too long, or its code may not be sent.
    Malformed,
}
// ANCHOR_END: limits

// ANCHOR: connection
/// One side of a WebSocket.
pub struct Connection {
    limits: Limits,
    keys: Option<Keys>, // a server has none
    messages: Messages,
    pulse: Pulse,
    phase: Phase,
    /// What waits to be sent: `out[sent..]`.
    out: Vec<u8>,
    sent: usize,
    /// The payload of the last ping that there was no room to answer.
    owed: Option<Vec<u8>>,
    pings: u64, // sent by us: the payload of each is its number
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    CloseSent,
    Over,
}
// ANCHOR_END: connection

// given: the fields' first values
impl Connection {
    /// The server's side, `now` being the end of its handshake.
    pub fn server(limits: Limits, now: Duration) -> Connection {
        Connection::new(limits, now, None)
    }

    /// The client's side, with a source of masking keys.
    pub fn client(limits: Limits, now: Duration, keys: Keys) -> Connection {
        Connection::new(limits, now, Some(keys))
    }

    fn new(limits: Limits, now: Duration, keys: Option<Keys>) -> Connection {
        let from = match keys {
            Some(_) => Side::Server,
            None => Side::Client,
        };
        Connection {
            limits,
            keys,
            messages: Messages::new(from, limits.message),
            pulse: Pulse::new(limits.times, now),
            phase: Phase::Open,
            out: Vec::new(),
            sent: 0,
            owed: None,
            pings: 0,
        }
    }
}
// given end

impl Connection {
    // ANCHOR: receive
    /// Takes bytes off the front of `input` up to the next event; `None`
    /// when they are all taken. Ping and close are answered by then.
    pub fn receive(
        &mut self,
        input: &mut &[u8],
        now: Duration,
    ) -> Option<Event> {
        if self.phase == Phase::Over {
            *input = &[]; // I48
        }
        if input.is_empty() {
            return None;
        }
        self.pulse.heard(now);
        match self.messages.next(input) {
            Ok(None) => None,
            Ok(Some(event)) => {
                match &event {
                    Event::Ping(payload) => self.pong(payload),
                    Event::Close(closed) => self.answer_close(closed),
                    _ => {}
                }
                Some(event)
            }
            Err(fault) => Some(self.fail(fault)),
        }
    }

    /// The stream has ended. `None` where that was to be expected.
    pub fn end(&mut self) -> Option<Event> {
        let before = std::mem::replace(&mut self.phase, Phase::Over);
        let reason = String::new();
        (before != Phase::Over).then_some(Event::Close(Closed {
            code: NO_CLOSE,
            reason,
        }))
    }
    // ANCHOR_END: receive

    // ANCHOR: answers
    /// Answers a ping, or leaves that for when there is room (I47).
    fn pong(&mut self, payload: &[u8]) {
        if self.waiting() < self.limits.output {
            self.frame(Opcode::Pong, payload);
        } else {
            self.owed = Some(payload.to_vec());
        }
    }

    /// Answers a close with its code, unless ours was sent already (I48).
    fn answer_close(&mut self, closed: &Closed) {
        if self.phase == Phase::Open {
            match closed.code {
                NO_CODE => self.frame(Opcode::Close, &[]),
                code => self.frame(Opcode::Close, &code.to_be_bytes()),
            }
        }
        self.over();
    }

    /// Fails the connection (section 7.1.7).
    fn fail(&mut self, fault: Fault) -> Event {
        if let (Phase::Open, Some(code)) = (self.phase, fault.code()) {
            let mut body = code.to_be_bytes().to_vec();
            body.extend_from_slice(fault.to_string().as_bytes());
            self.frame(Opcode::Close, &body);
        }
        self.over();
        Event::Failed(fault)
    }

    fn over(&mut self) {
        (self.phase, self.owed) = (Phase::Over, None);
    }
    // ANCHOR_END: answers

    // ANCHOR: send
    /// Sends a message of text.
    ///
    /// # Errors
    /// Too much waits already, or a close was sent.
    pub fn text(&mut self, text: &str) -> Result<(), Unsent> {
        self.data(Opcode::Text, text.as_bytes())
    }

    /// Sends a message of bytes.
    ///
    /// # Errors
    /// As [`Connection::text`].
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), Unsent> {
        self.data(Opcode::Binary, bytes)
    }

    /// Sends a ping with this payload.
    ///
    /// # Errors
    /// As [`Connection::text`], or the payload is over 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Unsent> {
        if payload.len() > MAX_CONTROL {
            return Err(Unsent::Malformed);
        }
        self.data(Opcode::Ping, payload)
    }

    fn data(&mut self, opcode: Opcode, bytes: &[u8]) -> Result<(), Unsent> {
        if self.phase != Phase::Open {
            return Err(Unsent::Closing); // I48
        }
        if self.waiting() >= self.limits.output {
            return Err(Unsent::Full); // I47
        }
        self.frame(opcode, bytes);
        Ok(())
    }
    // ANCHOR_END: send

    // ANCHOR: close
    /// Begins to close. What comes until the peer's close is still handed
    /// out.
    ///
    /// # Errors
    /// It may not be sent, or a close was sent already.
    pub fn close(
        &mut self,
        code: u16,
        reason: &str,
        now: Duration,
    ) -> Result<(), Unsent> {
        if self.phase != Phase::Open {
            return Err(Unsent::Closing);
        }
        if !may_be_sent(code) || reason.len() > MAX_REASON {
            return Err(Unsent::Malformed);
        }
        let mut body = code.to_be_bytes().to_vec();
        body.extend_from_slice(reason.as_bytes());
        self.frame(Opcode::Close, &body);
        self.phase = Phase::CloseSent;
        self.pulse.closed(now);
        Ok(())
    }
    // ANCHOR_END: close

    // ANCHOR: frame
    /// Appends a whole frame to what waits.
    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let key = self.keys.as_mut().map(|next| next());
        let length = payload.len() as u64;
        Head {
            last: true,
            opcode,
            key,
            length,
        }
        .encode(&mut self.out);
        let start = self.out.len();
        self.out.extend_from_slice(payload);
        if let Some(key) = key {
            Mask::new(key).apply(&mut self.out[start..]);
        }
    }
    // ANCHOR_END: frame

    // ANCHOR: output
    /// What is to be written to the stream.
    pub fn output(&self) -> &[u8] {
        &self.out[self.sent..]
    }

    fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }

    /// The first so many bytes of the output are written.
    pub fn sent(&mut self, count: usize) {
        self.sent = self.out.len().min(self.sent.saturating_add(count));
        if self.sent > self.out.len() / 2 {
            self.out.drain(..self.sent); // each byte moves once on average
            self.sent = 0;
        }
        if self.waiting() < self.limits.output
            && let Some(payload) = self.owed.take()
        {
            self.frame(Opcode::Pong, &payload);
        }
    }

    /// No more comes in, and no more goes out than waits already.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }
    // ANCHOR_END: output

    // ANCHOR: tick
    /// When [`Connection::tick`] has something to do, whatever comes before.
    pub fn deadline(&self) -> Option<Duration> {
        (self.phase != Phase::Over).then(|| self.pulse.deadline())
    }

    /// Pings a peer that has been silent, and gives up one that has been so
    /// for too long: then that is the last event.
    pub fn tick(&mut self, now: Duration) -> Option<Event> {
        if self.phase == Phase::Over {
            return None;
        }
        match self.pulse.due(now) {
            Due::At(_) => None,
            Due::Ping => {
                self.pings += 1;
                let payload = self.pings.to_be_bytes();
                // Full: the peer does not read, and its time has begun.
                let _ = self.ping(&payload);
                None
            }
            Due::Dead(fault) => Some(self.fail(fault)),
        }
    }
    // ANCHOR_END: tick
}
