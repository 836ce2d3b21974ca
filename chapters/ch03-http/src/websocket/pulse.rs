//! Whether the peer is still there: deadlines, as arithmetic on moments.
//!
//! ```text
//!   heard ── ping_after ──▶ Ping ── pong_within ──▶ dead
//!     ▲                                  │
//!     └───────── any byte comes ─────────┘
//!   close sent ── close_within ──▶ dead
//! ```
//!
//! I49: a silence is answered with one ping; a silence after that, and a
//! close that is not answered, have an end.
//!
//! Left out: measuring the round trip. A pong that comes unasked counts as a
//! sign of life like any other byte (RFC 6455, section 5.5.3).

use std::time::Duration;

use ch03_http::frames::fault::Fault;

// ANCHOR: times
/// How long a peer may take. Moments are durations since any one start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The silence after which it is asked.
    pub ping_after: Duration,
    /// How long it then has to send a byte.
    pub pong_within: Duration,
    /// How long it has to answer a close.
    pub close_within: Duration,
}

/// What the silence has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing before that moment.
    At(Duration),
    /// It is time to ask.
    Ping,
    /// It had its time.
    Dead(Fault),
}

// ANCHOR_END: times

// ANCHOR: pulse
/// When a peer was last heard, and what it was asked since.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    times: Times,
    heard: Duration,
    pinged: Option<Duration>,
    closed: Option<Duration>,
}

impl Pulse {
    /// A peer that is heard now.
    pub fn new(times: Times, now: Duration) -> Pulse {
        Pulse {
            times,
            heard: now,
            pinged: None,
            closed: None,
        }
    }

    /// Bytes came.
    pub fn heard(&mut self, now: Duration) {
        (self.heard, self.pinged) = (now, None);
    }

    /// A close was sent: from here on nothing but its answer counts.
    pub fn closed(&mut self, now: Duration) {
        self.closed = Some(now);
    }

    // ANCHOR_END: pulse

    // ANCHOR: due
    /// What is due. Says [`Due::Ping`] once in each silence.
    pub fn due(&mut self, now: Duration) -> Due {
        let (at, then) = self.next();
        if now < at {
            return Due::At(at);
        }
        if then == Due::Ping {
            self.pinged = Some(now);
        }
        then
    }

    /// The moment at which [`Pulse::due`] has something to say, and what.
    fn next(&self) -> (Duration, Due) {
        let Times {
            ping_after,
            pong_within,
            close_within,
        } = self.times;
        let (since, within, then) = match (self.closed, self.pinged) {
            (Some(at), _) => (at, close_within, Due::Dead(Fault::NoClose)),
            (None, Some(at)) => (at, pong_within, Due::Dead(Fault::Silence)),
            (None, None) => (self.heard, ping_after, Due::Ping),
        };
        (since.saturating_add(within), then)
    }

    /// The moment at which to ask [`Pulse::due`] again.
    pub fn deadline(&self) -> Duration {
        self.next().0
    }
    // ANCHOR_END: due
}
