//! How long to wait for a client: a question that the server asks, and an
//! answer for those who trust everybody.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ch02_event_loop::runtime::Runtime;

// ANCHOR: patience
/// What a server waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of its head.
    Head,
    /// Its body: only the time that was spent waiting for it counts.
    Body,
    /// The client's reading, of what is sent in one go.
    Send,
    /// The client's end, after ours.
    Linger,
}

/// Decides how long.
pub trait Patience {
    /// How much longer to wait, `elapsed` after the phase began, with so many
    /// bytes moved in it. `None`: for ever. Zero: no longer.
    fn left(
        &self,
        phase: Phase,
        elapsed: Duration,
        moved: u64,
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

// ANCHOR: within
/// Makes a call that may have to wait. Only if it has to is `left` asked for
/// how long: most calls need not, and then nobody looks at a clock.
///
/// # Errors
/// The call's; `TimedOut`.
pub async fn within<T>(
    runtime: &Runtime,
    left: impl FnOnce() -> Option<Duration>,
    call: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let mut call = pin!(call);
    let first = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(done) => done,
        Poll::Pending => match left() {
            None => call.await,
            Some(left) => runtime.timeout(left, call).await?,
        },
    }
}
// ANCHOR_END: within
