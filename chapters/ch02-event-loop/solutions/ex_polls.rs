//! All of many, and a poll for each wake-up only.
//!
//! `join_all` gives every part the same waker, so whoever is woken polls them
//! all. With a waker for each part, the wake-up says which one it is about.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Which parts were woken, and who waits for all of them.
#[derive(Default)]
struct Woken {
    parts: BTreeSet<usize>,
    waits: Option<Waker>,
}

/// The waker of one part.
struct PartWaker {
    part: usize,
    all: Arc<Mutex<Woken>>,
}

impl Wake for PartWaker {
    fn wake(self: Arc<Self>) {
        // begin: note the part; then wake who waits, without the lock
        let mut woken = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        woken.parts.insert(self.part);
        let waits = woken.waits.take();
        drop(woken);
        if let Some(waker) = waits {
            waker.wake();
        }
        // end
    }
}

/// A future, at an address of its own, and its value when it has come.
type Part<F> = (Pin<Box<F>>, Option<<F as Future>::Output>);

/// As `join_all`: waits for all, and gives their values in the order of the
/// futures. A part is polled once at first, and then once for each time that
/// it was woken, or less often; never because of another's wake-up.
pub async fn join_woken<F: Future>(
    futures: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    // begin: a waker for each part; poll those that are on the list
    let mut parts: Vec<Part<F>> =
        futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    let all = Arc::new(Mutex::new(Woken {
        parts: (0..parts.len()).collect(),
        waits: None,
    }));
    let wakers: Vec<Waker> = (0..parts.len())
        .map(|part| {
            let all = all.clone();
            Waker::from(Arc::new(PartWaker { part, all }))
        })
        .collect();
    let mut left = parts.len();
    poll_fn(|cx| {
        // The waker is left before the list is taken: who is woken after
        // that is on the next list, and wakes us for it.
        let waker = cx.waker().clone();
        let (now, _old) = {
            let mut woken = all.lock().unwrap_or_else(PoisonError::into_inner);
            let old = woken.waits.replace(waker);
            (std::mem::take(&mut woken.parts), old)
        };
        for part in now {
            let (future, value) = &mut parts[part];
            let mut cx = Context::from_waker(&wakers[part]);
            if value.is_none()
                && let Poll::Ready(got) = future.as_mut().poll(&mut cx)
            {
                *value = Some(got);
                left -= 1;
            }
        }
        match left {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    parts.into_iter().filter_map(|(_, value)| value).collect()
    // end
}
