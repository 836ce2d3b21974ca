//! What waits to be sent to one peer: a bounded queue between those who say
//! something and the one task that writes.
//!
//! ```text
//!   push ──▶ [ piece │ piece │ piece ] ──▶ deliver: one writev of up to 64
//!    │           at most `limit` bytes        │
//!    └─ Full: cut the peer off, or            └─ frees room: wakes who waits
//!       room().await and push again
//! ```
//!
//! A peer that reads slowly fills its socket's buffers, then this queue, and
//! then somebody has to decide. The queue does not: `push` says `Full`, and
//! the caller either cuts the peer off (a chat, a pub/sub, where the news go
//! on) or waits for room and meanwhile reads nothing (an answer to a request:
//! then the peer's own sending is slowed down, which is back-pressure).
//!
//! - **I41** What is queued never exceeds the limit, in bytes.
//! - **I42** What was pushed is delivered in order, whole, and before the
//!   end; after a `discard` nothing more is.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ch02_event_loop::combine::{Either, select};

/// How many pieces one write takes: Linux refuses more than 1,024 (IOV_MAX).
const PIECES: usize = 64;

/// A piece, shared by all outboxes that it is pushed to.
pub type Piece = Arc<[u8]>;

// ANCHOR: outbox
/// The queue to one peer. Clones are the same queue.
#[derive(Debug, Clone)]
pub struct Outbox(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    pieces: VecDeque<Piece>,
    bytes: usize, // of all pieces, those that are being written included
    limit: usize,
    is_closed: bool,
    is_discarded: bool,
    writer: Option<Waker>, // waits for pieces or the close
    cutter: Option<Waker>, // waits, while it writes, for a discard
    pushers: Vec<Waker>,   // wait for room
}

/// Why a push was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no room for it now.
    Full,
    /// The outbox was closed, or its connection is gone.
    Closed,
}
// ANCHOR_END: outbox

impl Outbox {
    /// An empty queue of at most so many bytes.
    pub fn new(limit: usize) -> Outbox {
        Outbox(Rc::new(RefCell::new(State {
            pieces: VecDeque::new(),
            bytes: 0,
            limit,
            is_closed: false,
            is_discarded: false,
            writer: None,
            cutter: None,
            pushers: Vec::new(),
        })))
    }

    // ANCHOR: push
    /// Queues a piece, and never waits.
    ///
    /// # Errors
    /// `Full`, `Closed`: nothing was queued.
    pub fn push(&self, piece: Piece) -> Result<(), Refused> {
        let mut state = self.0.borrow_mut();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        if piece.len() > state.limit - state.bytes {
            return Err(Refused::Full);
        }
        if !piece.is_empty() {
            state.bytes += piece.len();
            state.pieces.push_back(piece);
        }
        wake(state.writer.take());
        Ok(())
    }

    /// Waits until there is room for `bytes`, or the outbox is closed. More
    /// than the limit is as good as the limit: an empty queue.
    pub async fn room(&self, bytes: usize) {
        poll_fn(|cx| {
            let mut state = self.0.borrow_mut();
            let wanted = bytes.min(state.limit);
            if state.is_closed || wanted <= state.limit - state.bytes {
                return Poll::Ready(());
            }
            state.pushers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
    // ANCHOR_END: push

    /// No more pushes; what is queued is still delivered, then the end.
    pub fn close(&self) {
        let mut state = self.0.borrow_mut();
        state.is_closed = true;
        wake(state.writer.take());
        wake(state.pushers.drain(..));
    }

    /// Closes, and throws away what is queued.
    pub fn discard(&self) {
        let mut state = self.0.borrow_mut();
        state.pieces.clear();
        state.bytes = 0;
        state.is_discarded = true;
        wake(state.cutter.take());
        drop(state);
        self.close();
    }

    // given: what is read out
    /// Whether it was discarded before all was delivered.
    pub fn is_discarded(&self) -> bool {
        self.0.borrow().is_discarded
    }

    /// How many bytes are queued.
    pub fn queued(&self) -> usize {
        self.0.borrow().bytes
    }
    // given end

    // ANCHOR: deliver
    /// Hands what is pushed to `write`, which writes all of it, until the
    /// outbox is closed and empty. Then, or after an error, nobody can push
    /// any more. A discard ends it at once, also while it writes. One task
    /// delivers; nobody else writes to that stream.
    ///
    /// # Errors
    /// Those of `write`.
    pub async fn deliver(
        &self,
        mut write: impl AsyncFnMut(&mut [IoSlice<'_>]) -> io::Result<()>,
    ) -> io::Result<()> {
        let _closes = CloseOnDrop(self); // also when this future is dropped
        while let Some(batch) = self.next_batch().await {
            let mut slices: Vec<IoSlice<'_>> =
                batch.iter().map(|piece| IoSlice::new(piece)).collect();
            // A peer that takes nothing is not waited for once it is cut off.
            match select(write(&mut slices), self.discarded()).await {
                Either::Left(written) => written?,
                Either::Right(()) => return Ok(()),
            }
            let written = batch.iter().map(|piece| piece.len()).sum();
            self.delivered(written);
        }
        Ok(())
    }
    // ANCHOR_END: deliver

    /// The next pieces to write; `None` after the last.
    async fn next_batch(&self) -> Option<Vec<Piece>> {
        poll_fn(|cx: &mut Context<'_>| {
            let mut state = self.0.borrow_mut();
            let count = state.pieces.len().min(PIECES);
            if count > 0 {
                return Poll::Ready(Some(
                    state.pieces.drain(..count).collect(),
                ));
            }
            if state.is_closed {
                return Poll::Ready(None);
            }
            state.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    // given: as `next_batch`, for another condition
    /// Waits until the outbox is discarded.
    async fn discarded(&self) {
        poll_fn(|cx: &mut Context<'_>| {
            let mut state = self.0.borrow_mut();
            if state.is_discarded {
                return Poll::Ready(());
            }
            state.cutter = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
    // given end

    fn delivered(&self, written: usize) {
        let mut state = self.0.borrow_mut();
        // A discard meanwhile has set it to zero.
        state.bytes = state.bytes.saturating_sub(written);
        wake(state.pushers.drain(..));
    }
}

/// Closes an outbox when its delivery ends, however that ends.
struct CloseOnDrop<'a>(&'a Outbox);

// given: a panic of a `todo!` in a drop would abort all tests.
impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        let mut state = self.0.0.borrow_mut();
        state.pieces.clear();
        state.bytes = 0;
        drop(state);
        self.0.close();
    }
}
// given end

/// A waker of this loop only queues a task: it is safe under the borrow.
fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}
