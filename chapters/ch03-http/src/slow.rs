//! Patience with an end: what slow clients may cost.
//!
//! ```text
//!   idle ──────────── keep_alive ──▶ closed, without a word
//!   head ─── from its first byte ─── head ──▶ 408
//!   body ─── waited for: body, and a second for each `rate` bytes ──▶ 408
//!   send ─── waited for: send, and a second for each `rate` bytes ──▶ reset
//!   end ──── from our FIN ─── linger ──▶ closed
//! ```
//!
//! A deadline that each byte moves is none: a client that sends a byte every
//! ten seconds (slowloris, 2009) holds a connection for as long as it likes,
//! and so does one that reads a byte every ten seconds (slow read, 2012). So
//! the head's deadline counts from its first byte, and the others move with
//! the bytes that have passed, at a rate that nobody's modem is below.
//!
//! - I19: a request's head ends within `head`, whatever comes.
//! - I20: a body that comes more slowly than `rate` ends in a 408.
//! - I21: a client that takes what it is sent more slowly than `rate` is cut
//!   off, and the memory that waited for it is free at once.
//! - I22: the fewer places are free, the sooner an idle client has to leave,
//!   so that clients who ask nothing cannot keep out those who do.
//!
use std::time::Duration;

use ch02_event_loop::drain::Drain;
use ch03_http::patience::{Patience, Phase};

// ANCHOR: times
/// How long a client may take. nginx's defaults: 75 s between requests, 60 s
/// for a head, 60 s between two reads of a body and between two writes;
/// Apache's mod_reqtimeout: 20 to 40 s for a head, 500 bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// From an answer to the next request's first byte.
    pub keep_alive: Duration,
    /// From a head's first byte to its last.
    pub head: Duration,
    /// For a body, besides what its bytes earn.
    pub body: Duration,
    /// For the client to read what is sent in one go, besides what its bytes
    /// earn.
    pub send: Duration,
    /// Bytes that earn a second more, of a body or of what is sent; 0: none
    /// do.
    pub rate: u64,
    /// From our end to the client's.
    pub linger: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            keep_alive: Duration::from_secs(75),
            head: Duration::from_secs(20),
            body: Duration::from_secs(20),
            send: Duration::from_secs(60),
            rate: 500,
            linger: Duration::from_secs(2),
        }
    }
}

// ANCHOR_END: times

// ANCHOR: left
impl Patience for Times {
    fn left(
        &self,
        phase: Phase,
        elapsed: Duration,
        moved: u64,
    ) -> Option<Duration> {
        let earned = moved.checked_div(self.rate).unwrap_or(0);
        let earned = Duration::from_secs(earned);
        let whole = match phase {
            Phase::Idle => self.keep_alive,
            Phase::Head => self.head, // its bytes earn nothing
            Phase::Body => self.body.saturating_add(earned),
            Phase::Send => self.send.saturating_add(earned),
            Phase::Linger => self.linger,
        };
        Some(whole.saturating_sub(elapsed))
    }
}
// ANCHOR_END: left

// ANCHOR: crowded
/// Times that get shorter for idle clients while the house fills: all of
/// `keep_alive` for the first, `least` for who takes the last place. What
/// was granted is not taken back.
#[derive(Debug, Clone)]
pub struct Crowded {
    /// The times of an empty house.
    pub times: Times,
    /// What everybody gets: a new client's request is still on its way.
    pub least: Duration,
    /// Knows how many are here.
    pub drain: Drain,
    /// How many places there are.
    pub most: usize,
}

impl Patience for Crowded {
    fn left(
        &self,
        phase: Phase,
        elapsed: Duration,
        moved: u64,
    ) -> Option<Duration> {
        if phase != Phase::Idle {
            return self.times.left(phase, elapsed, moved);
        }
        let free = self.most.saturating_sub(self.drain.here());
        let share = free as f64 / self.most.max(1) as f64;
        let whole = self.times.keep_alive.as_secs_f64() * share;
        let whole = Duration::try_from_secs_f64(whole);
        let whole = whole.unwrap_or(self.times.keep_alive);
        Some(whole.max(self.least).saturating_sub(elapsed))
    }
}
// ANCHOR_END: crowded
