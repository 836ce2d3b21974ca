//! How long to wait for a client: a question that the server asks, and an
//! answer for those who trust everybody.

use std::time::Duration;

// ANCHOR: patience
/// What a server waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of its head.
    Head,
    /// Its body.
    Body,
    /// A write: from one that went to the next.
    Send,
    /// The client's end, after ours.
    Linger,
}

/// Decides how long.
pub trait Patience {
    /// How much longer to wait, `elapsed` after the phase began, with so many
    /// bytes received in it. `None`: for ever. Zero: no longer.
    fn left(
        &self,
        phase: Phase,
        elapsed: Duration,
        received: u64,
    ) -> Option<Duration>;
}

/// Waits for ever, but for the client's end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Endless;

impl Patience for Endless {
    fn left(
        &self,
        phase: Phase,
        elapsed: Duration,
        _: u64,
    ) -> Option<Duration> {
        let linger = Duration::from_secs(1).saturating_sub(elapsed);
        (phase == Phase::Linger).then_some(linger)
    }
}
// ANCHOR_END: patience
