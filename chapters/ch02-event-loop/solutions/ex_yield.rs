//! Exercise: give way.

/// Lets every task that is ready run once before this one goes on. It is
/// `Pending` once; the executor must know that the task wants to go on.
pub async fn yield_now() {
    // begin: Pending once, with the task woken already
    let mut has_yielded = false;
    std::future::poll_fn(|cx| {
        if has_yielded {
            return std::task::Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await
    // end
}
