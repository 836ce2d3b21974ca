//! Exercise: join many, and poll only those that were woken.

use std::future::Future;

/// Waits for all parts, and gives their values in the order of the parts.
/// Each part is polled once at first, and after that only when its own waker
/// was woken: k events make k more polls, however many parts there are.
pub async fn join_woken<F: Future>(parts: Vec<F>) -> Vec<F::Output> {
    // begin: a waker for each part, that says which one to poll
    use std::sync::{Arc, Mutex, PoisonError};
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    struct Shared {
        woken: Vec<usize>,
        is_woken: Vec<bool>, // in `woken`, each at most once
        parent: Option<Waker>, // of the last poll
    }

    struct Part(usize, Arc<Mutex<Shared>>);

    impl Wake for Part {
        fn wake(self: Arc<Self>) {
            let lock = self.1.lock();
            let mut shared = lock.unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut shared.is_woken[self.0], true) {
                shared.woken.push(self.0);
            }
            let parent = shared.parent.take();
            drop(shared); // a waker may do anything
            parent.into_iter().for_each(Waker::wake);
        }
    }

    let shared = Arc::new(Mutex::new(Shared::default()));
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    lock().woken = (0..parts.len()).collect();
    lock().is_woken = vec![true; parts.len()];
    let wakers: Vec<_> = (0..parts.len())
        .map(|n| Waker::from(Arc::new(Part(n, shared.clone()))))
        .collect();
    let mut left = parts.len();
    let mut parts: Vec<_> =
        parts.into_iter().map(|part| Some(Box::pin(part))).collect();
    let mut values: Vec<_> = parts.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        lock().parent = Some(cx.waker().clone());
        // Those that are woken from here on have the parent woken.
        let woken = std::mem::take(&mut lock().woken);
        for n in woken {
            lock().is_woken[n] = false; // before the poll: I21
            let Some(part) = &mut parts[n] else { continue };
            let mut own = Context::from_waker(&wakers[n]);
            if let Poll::Ready(value) = part.as_mut().poll(&mut own) {
                values[n] = Some(value);
                parts[n] = None;
                left -= 1;
            }
        }
        match left {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    values.into_iter().flatten().collect()
    // end
}
