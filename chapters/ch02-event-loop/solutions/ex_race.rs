//! The first of any number.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Waits for the first of these to give its value, and gives it together
/// with its place among them. Of several that are ready together the first in
/// order wins, and those behind it are not polled any more. All of them are
/// dropped before this returns. `None`: there were none.
pub async fn race<F: Future>(
    futures: impl IntoIterator<Item = F>,
) -> Option<(usize, F::Output)> {
    // begin: poll all of them, in order, until one is ready
    let mut parts: Vec<Pin<Box<F>>> =
        futures.into_iter().map(Box::pin).collect();
    if parts.is_empty() {
        return None;
    }
    let first = poll_fn(|cx| {
        for (place, part) in parts.iter_mut().enumerate() {
            if let Poll::Ready(value) = part.as_mut().poll(cx) {
                return Poll::Ready((place, value));
            }
        }
        Poll::Pending
    });
    Some(first.await)
    // end
}
