//! Patience with an end: what slow clients may cost.
//!
//! ```text
//!   idle ──────────── keep_alive ──▶ closed, without a word
//!   head ─── from its first byte ─── head ──▶ 408
//!   body ─── first bytes: body ── then at least `rate` a second ──▶ 408
//!   send ─── nothing taken for `send` ──▶ closed
//! ```
//!
//! A deadline that each byte moves is none: a client that sends a byte every
//! ten seconds (slowloris, 2009) holds a connection for as long as it likes.
//! So the head's deadline counts from its first byte, and the body's moves
//! with the bytes that have come, at a rate that nobody's modem is below.
//!
//! - I33: a request's head ends within `head`, whatever comes.
//! - I34: a body that comes more slowly than `rate` ends in a 408.
//! - I35: a client that takes nothing for `send` is closed.

use std::time::Duration;

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
    /// Bytes of a body that earn a second more; 0: none do.
    pub rate: u64,
    /// For a write to be taken.
    pub send: Duration,
    /// From our end to the client's.
    pub linger: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            keep_alive: Duration::from_secs(75),
            head: Duration::from_secs(20),
            body: Duration::from_secs(20),
            rate: 500,
            send: Duration::from_secs(60),
            linger: Duration::from_secs(2),
        }
    }
}

impl Patience for Times {
    fn left(
        &self,
        phase: Phase,
        elapsed: Duration,
        received: u64,
    ) -> Option<Duration> {
        let whole = match phase {
            Phase::Idle => self.keep_alive,
            Phase::Head => self.head,
            Phase::Body => {
                let earned = received.checked_div(self.rate).unwrap_or(0);
                self.body.saturating_add(Duration::from_secs(earned))
            }
            Phase::Send => self.send,
            Phase::Linger => self.linger,
        };
        Some(whole.saturating_sub(elapsed))
    }
}
// ANCHOR_END: times
