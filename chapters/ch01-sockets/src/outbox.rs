//! What is on its way to one client, and the most that it may be.
//!
//! Whoever has something to say puts it here and goes on; the client's own
//! writer thread takes it out and waits for the socket. So a slow reader
//! costs its own outbox, and nobody else a microsecond.
//!
//! ```text
//!   push ──▶ │ line │ line │ line │ ──▶ take ──▶ in flight ──▶ socket
//!            └── at most `lines` and, with what is in flight, `bytes` ─┘
//! ```
//!
//! I9: what one client makes the server hold is bounded, and a client over
//! the bound is cut off, never waited for.
//!
//! Redis does the same: `client-output-buffer-limit`, 32 MB hard for a
//! subscriber, and a soft limit over a time, which is left out here.

use ch01_sockets::registry::Line;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

// ANCHOR: outbox
/// How much may wait for one client.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Bytes, those being written included.
    pub bytes: usize,
    /// Lines: each costs an allocation and a queue slot, however short.
    pub lines: usize,
}

/// The line did not fit. The client is to be cut off.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// A bounded queue with many pushers and one taker.
pub struct Outbox {
    limit: Limit,
    state: Mutex<State>,
    /// Signalled when `state` has something for a taker that waits.
    ready: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Line>,
    /// Bytes in `queue` plus bytes in flight.
    bytes: usize,
    in_flight: usize,
    closed: bool,
    /// The taker sleeps: only then is waking it worth a system call.
    waiting: bool,
}
// ANCHOR_END: outbox

impl Outbox {
    /// An empty outbox.
    pub fn new(limit: Limit) -> Outbox {
        let state = Mutex::default();
        Outbox {
            limit,
            state,
            ready: Condvar::new(),
        }
    }

    // ANCHOR: push
    /// Puts a line in; never waits. After `close` the line is dropped.
    ///
    /// # Errors
    /// [`Full`]: it would go over the limit, and was not put in.
    pub fn push(&self, line: Line) -> Result<(), Full> {
        let mut state = self.lock();
        if state.closed {
            return Ok(());
        }
        if state.bytes + line.len() > self.limit.bytes
            || state.queue.len() == self.limit.lines
        {
            return Err(Full); // I9
        }
        state.bytes += line.len();
        state.queue.push_back(line);
        self.wake(state);
        Ok(())
    }

    /// Waits for lines and moves them all into `batch`; false: there are none
    /// and there will be none. The batch before this one counts as written.
    pub fn take(&self, batch: &mut Vec<u8>) -> bool {
        batch.clear();
        let mut state = self.lock();
        state.bytes -= std::mem::take(&mut state.in_flight);
        while state.queue.is_empty() && !state.closed {
            state.waiting = true;
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        for line in state.queue.drain(..) {
            batch.extend_from_slice(&line);
        }
        state.in_flight = batch.len();
        !batch.is_empty()
    }
    // ANCHOR_END: push

    // ANCHOR: close
    /// Nothing more goes in; what is in still comes out.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    /// Nothing more goes in, and what is in is dropped.
    pub fn discard(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = state.in_flight;
        state.queue = VecDeque::new();
        self.wake(state);
    }

    /// Unlocks first: a taker woken while the lock is held only waits again.
    fn wake(&self, mut state: MutexGuard<State>) {
        if std::mem::take(&mut state.waiting) {
            drop(state);
            self.ready.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    // ANCHOR_END: close
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(bytes: usize, lines: usize) -> Outbox {
        Outbox::new(Limit { bytes, lines })
    }

    fn line(text: &str) -> Line {
        text.as_bytes().into()
    }

    /// I9: the byte limit counts what is being written
    #[test]
    fn bytes_in_flight_count() {
        let outbox = outbox(8, 100);
        let mut batch = Vec::new();
        assert_eq!(outbox.push(line("12345678")), Ok(()), "up to the limit");
        assert_eq!(outbox.push(line("9")), Err(Full), "one over");
        assert!(outbox.take(&mut batch));
        assert_eq!(outbox.push(line("9")), Err(Full), "while in flight");
        outbox.close();
        assert!(!outbox.take(&mut batch), "the refused lines are not in it");
    }

    /// I9: many short lines are bounded too
    #[test]
    fn lines_are_counted() {
        let outbox = outbox(1000, 2);
        assert_eq!(outbox.push(line("")), Ok(()));
        assert_eq!(outbox.push(line("")), Ok(()));
        assert_eq!(outbox.push(line("")), Err(Full), "input: a third line");
    }

    /// I9: closing keeps what is owed, discarding drops it
    #[test]
    fn close_keeps_and_discard_drops() {
        let mut batch = Vec::new();
        let closed = outbox(100, 100);
        assert_eq!(closed.push(line("owed\n")), Ok(()));
        closed.close();
        assert_eq!(closed.push(line("late\n")), Ok(()), "dropped in silence");
        assert!(closed.take(&mut batch));
        assert_eq!(batch, b"owed\n");
        assert!(!closed.take(&mut batch));

        let cut = outbox(100, 100);
        assert_eq!(cut.push(line("owed\n")), Ok(()));
        cut.discard();
        assert!(!cut.take(&mut batch));
    }
}
