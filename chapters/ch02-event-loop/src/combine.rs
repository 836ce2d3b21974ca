//! Several futures in one: all of them, or the first.
//!
//! Nothing here runs by itself. A combined future polls its parts when it is
//! polled, with the same waker, so a wake-up for one part polls them all.
//! And what is dropped is cancelled: a future that is not polled any more
//! does nothing any more, and gives back in its `drop` what it holds.
//!
//! - **I18** `join` gives both values, whichever comes first; it polls no part
//!   again that has given its value.
//! - **I19** `select` gives the first value and drops the other future before
//!   it returns; of two that are ready together, the first argument wins.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

// ANCHOR: join
/// Waits for both.
pub async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut left, mut right) = (None, None);
    poll_fn(|cx| {
        poll_once(&mut left, a.as_mut(), cx);
        poll_once(&mut right, b.as_mut(), cx);
        match (left.take(), right.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (left, right) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// Polls a future that has not given its value yet.
fn poll_once<F: Future>(
    value: &mut Option<F::Output>,
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) {
    if value.is_none()
        && let Poll::Ready(got) = future.poll(cx)
    {
        *value = Some(got);
    }
}
// ANCHOR_END: join

// ANCHOR: join_all
/// A future, at an address of its own, and its value when it has come.
type Part<F> = (Pin<Box<F>>, Option<<F as Future>::Output>);

/// Waits for all, and gives their values in the order of the futures.
pub async fn join_all<F: Future>(
    futures: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    let mut parts: Vec<Part<F>> =
        futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    poll_fn(|cx| {
        for (future, value) in &mut parts {
            poll_once(value, future.as_mut(), cx);
        }
        match parts.iter().all(|(_, value)| value.is_some()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    parts.into_iter().filter_map(|(_, value)| value).collect()
}
// ANCHOR_END: join_all

// ANCHOR: select
/// The value of the one that came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Either<A, B> {
    /// Of the first argument.
    Left(A),
    /// Of the second.
    Right(B),
}

/// Waits for the first of two, and drops the other.
pub async fn select<A: Future, B: Future>(
    a: A,
    b: B,
) -> Either<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| {
        if let Poll::Ready(value) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::Left(value));
        }
        b.as_mut().poll(cx).map(Either::Right)
    })
    .await
}
// ANCHOR_END: select
