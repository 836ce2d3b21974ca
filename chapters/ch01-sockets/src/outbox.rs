//! What is on its way to one client, and the most that it may be.
//!
//! Whoever has something to say puts it here and goes on; the client's own
//! threads take it out and wait for the socket. So a slow reader costs its
//! own outbox, and nobody else a microsecond.
//!
//! ```text
//!   push ──▶ │ line │ line │ line │ ──▶ take ──▶ in flight ──▶ done
//!            └── at most `lines` and, with what is in flight, `bytes` ─┘
//! ```
//!
//! One batch is in flight at a time, whichever thread took it: two would
//! reach the socket in either order.
//!
//! I9: what one client makes the server hold is bounded, and a client over
//! the bound is cut off, never waited for.
//!
//! Redis does the same: `client-output-buffer-limit`, 32 MB hard for a
//! subscriber, and a soft limit over a time, which is left out here.

use ch01_sockets::registry::Line;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What an empty batch may keep of memory, in bytes. Each client has two, and
/// without this they would stay as large as its largest burst.
const KEEP: usize = 16 * 1024;

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
    /// Bytes in `queue` and in flight.
    bytes: usize,
    /// A batch was taken and is not done.
    busy: bool,
    closed: bool,
    /// A taker sleeps: only then is waking it worth a system call.
    waiting: bool,
    /// It sleeps for want of room: `done` wakes it whatever is queued.
    pressed: bool,
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
    /// Puts a line in; never waits. After `close` the line is dropped. `wake`
    /// is false where the caller itself will take it.
    ///
    /// # Errors
    /// [`Full`]: it would go over the limit, and was not put in.
    pub fn push(&self, line: Line, wake: bool) -> Result<(), Full> {
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
        if wake {
            self.wake(state);
        }
        Ok(())
    }
    // ANCHOR_END: push

    // ANCHOR: take
    /// Waits for lines and moves them all into `batch`; false: there are none
    /// and there will be none. [`Outbox::done`] must follow.
    pub fn take(&self, batch: &mut Vec<u8>) -> bool {
        let mut state = self.lock();
        while state.busy || state.queue.is_empty() && !state.closed {
            state.waiting = true;
            let woken = self.ready.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.fill(batch)
    }

    /// As `take`, but false at once where it would wait; unless the outbox is
    /// crowded: then it waits for the batch in flight.
    pub fn take_now(&self, batch: &mut Vec<u8>) -> bool {
        let mut state = self.lock();
        while state.busy && state.crowded(self.limit) {
            (state.waiting, state.pressed) = (true, true);
            let woken = self.ready.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.pressed = false;
        !state.busy && state.fill(batch)
    }

    /// The batch is written. It is empty after that, and a large one gives
    /// its memory back.
    pub fn done(&self, batch: &mut Vec<u8>) {
        let bytes = batch.len();
        batch.clear();
        batch.shrink_to(KEEP);
        let mut state = self.lock();
        state.bytes -= bytes;
        state.busy = false;
        if !state.queue.is_empty() || state.closed || state.pressed {
            self.wake(state);
        }
    }
    // ANCHOR_END: take

    /// Whether more than half of the limit is used up.
    pub fn crowded(&self) -> bool {
        self.lock().crowded(self.limit)
    }

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
        let dropped: usize = state.queue.iter().map(|line| line.len()).sum();
        state.bytes -= dropped;
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

impl State {
    fn crowded(&self, limit: Limit) -> bool {
        self.bytes > limit.bytes / 2 || self.queue.len() > limit.lines / 2
    }

    fn fill(&mut self, batch: &mut Vec<u8>) -> bool {
        batch.clear();
        for line in self.queue.drain(..) {
            batch.extend_from_slice(&line);
        }
        self.busy = !batch.is_empty();
        self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::thread;

    fn outbox(bytes: usize, lines: usize) -> Outbox {
        Outbox::new(Limit { bytes, lines })
    }

    fn line(text: &str) -> Line {
        text.as_bytes().into()
    }

    fn text(batch: &[u8]) -> String {
        batch.escape_ascii().to_string()
    }

    /// I9: the byte limit counts what is being written
    #[test]
    fn bytes_in_flight_count() {
        let outbox = outbox(8, 100);
        let mut batch = Vec::new();
        let push = |text: &str| outbox.push(line(text), true);
        assert_eq!(push("12345678"), Ok(()), "input: up to the limit");
        assert_eq!(push("9"), Err(Full), "input: one over");
        assert!(outbox.take(&mut batch));
        assert_eq!(push("9"), Err(Full), "input: while in flight");
        outbox.done(&mut batch);
        assert_eq!(push("9"), Ok(()), "input: after that");
        outbox.close();
        assert!(outbox.take(&mut batch));
        assert_eq!(text(&batch), "9", "the refused lines are not in it");
    }

    /// I9: many short lines are bounded too
    #[test]
    fn lines_are_counted() {
        let outbox = outbox(1000, 2);
        assert_eq!(outbox.push(line("\n"), true), Ok(()));
        assert!(!outbox.crowded());
        assert_eq!(outbox.push(line("\n"), true), Ok(()));
        assert!(outbox.crowded());
        let third = outbox.push(line("\n"), true);
        assert_eq!(third, Err(Full), "input: a third line");
    }

    /// I7: no second batch while one is in flight
    #[test]
    fn one_batch_in_flight() {
        let outbox = outbox(100, 100);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        assert_eq!(outbox.push(line("1\n"), false), Ok(()));
        assert!(outbox.take_now(&mut first));
        assert_eq!(outbox.push(line("2\n"), false), Ok(()));
        assert!(
            !outbox.take_now(&mut second),
            "input: the first is not done"
        );
        assert_eq!(text(&first), text(b"1\n"), "input: the first batch");
        outbox.done(&mut first);
        assert!(outbox.take_now(&mut second));
        assert_eq!(text(&second), text(b"2\n"), "input: the second one");
    }

    /// I9: who has used up half waits for the batch in flight, so that its
    /// own next line is not the one too many
    #[test]
    fn a_crowded_taker_waits_for_the_batch_in_flight() {
        let outbox = outbox(10, 100);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        assert_eq!(outbox.push(line("123456"), false), Ok(()));
        assert!(outbox.take(&mut first));
        let gave_up = AtomicBool::new(false);
        let writes = || {
            while !outbox.lock().pressed && !gave_up.load(SeqCst) {
                thread::yield_now();
            }
            outbox.done(&mut first);
        };
        thread::scope(|scope| {
            scope.spawn(writes);
            let taken = outbox.take_now(&mut second);
            let bytes = outbox.lock().bytes;
            gave_up.store(true, SeqCst);
            assert_eq!((taken, bytes), (false, 0), "input: 6 in flight of 10");
        });
    }

    /// I9: a burst's memory is given back when the burst is written
    #[test]
    fn a_written_batch_gives_its_memory_back() {
        let outbox = outbox(1_000_000, 100);
        let mut batch = Vec::new();
        let burst = "x".repeat(1_000_000);
        assert_eq!(outbox.push(line(&burst), false), Ok(()));
        assert!(outbox.take(&mut batch));
        outbox.done(&mut batch);
        let kept = batch.capacity();
        assert!(kept <= KEEP, "{kept} bytes are kept of a million");
    }

    /// I9: closing keeps what is owed, discarding drops it
    #[test]
    fn close_keeps_and_discard_drops() {
        let mut batch = Vec::new();
        let closed = outbox(100, 100);
        assert_eq!(closed.push(line("owed\n"), true), Ok(()));
        closed.close();
        assert_eq!(closed.push(line("late\n"), true), Ok(()), "dropped");
        assert!(closed.take(&mut batch));
        assert_eq!(text(&batch), text(b"owed\n"), "input: owed, close");
        closed.done(&mut batch);
        assert!(!closed.take(&mut batch));

        let cut = outbox(100, 100);
        assert_eq!(cut.push(line("owed\n"), true), Ok(()));
        cut.discard();
        assert!(!cut.take(&mut batch));
    }
}
