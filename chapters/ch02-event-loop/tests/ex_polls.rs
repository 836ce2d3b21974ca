//! The checks of the exercise `ex_polls`: polls are counted, not timed, so
//! the ratio is the same on every machine.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;

use ch02_event_loop::promise::{Broken, Promise, promise};

#[path = "../solutions/ex_polls.rs"]
mod solution;

#[path = "../exercises/ex_polls.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A promise of a number, and its future, whose polls are counted.
fn counted(
    polls: &Cell<usize>,
) -> (Promise<usize>, impl Future<Output = Result<usize, Broken>>) {
    let (promise, mut promised) = promise();
    let part = poll_fn(move |cx| {
        polls.set(polls.get() + 1);
        Pin::new(&mut promised).poll(cx)
    });
    (promise, part)
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::cell::Cell;
            use std::future::{Future, poll_fn, ready};
            use std::pin::{Pin, pin};
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
            use std::task::{Context, Poll, Wake, Waker};

            use ch02_event_loop::promise::{block_on, promise};

            use super::super::$subject::join_woken;
            use super::super::counted;

            struct Counter(AtomicUsize);

            impl Wake for Counter {
                fn wake(self: Arc<Self>) {
                    self.0.fetch_add(1, SeqCst);
                }
            }

            /// The ratio: a thousand parts that come one by one cost two
            /// polls each, where join_all needs half a million.
            #[test]
            $(#[$skip])?
            fn two_polls_for_each_part() {
                const PARTS: usize = 1_000;
                let polls = Cell::new(0);
                let (promises, parts): (Vec<_>, Vec<_>) =
                    (0..PARTS).map(|_| counted(&polls)).unzip();
                let counter = Arc::new(Counter(AtomicUsize::new(0)));
                let waker = Waker::from(counter.clone());
                let mut cx = Context::from_waker(&waker);
                let mut all = pin!(join_woken(parts));
                let mut got = all.as_mut().poll(&mut cx);
                let first = polls.get();
                assert_eq!(first, PARTS, "polls at first: one for each");
                for (value, promise) in promises.into_iter().enumerate().rev() {
                    assert!(got.is_pending(), "{value} is not kept yet");
                    promise.keep(value);
                    let wakes = counter.0.swap(0, SeqCst);
                    assert_eq!(wakes, 1, "wake-ups when {value} is kept");
                    got = all.as_mut().poll(&mut cx);
                }
                let expected: Vec<_> = (0..PARTS).map(Ok).collect();
                assert_eq!(got, Poll::Ready(expected), "all, in order");
                let polls = polls.get();
                assert!(polls <= 2 * PARTS, "{polls} polls of {PARTS} parts");
            }

            /// I16: several that are woken between two polls are all polled.
            #[test]
            $(#[$skip])?
            fn several_at_once() {
                let polls = Cell::new(0);
                let (promises, parts): (Vec<_>, Vec<_>) =
                    (0..5).map(|_| counted(&polls)).unzip();
                let mut cx = Context::from_waker(Waker::noop());
                let mut all = pin!(join_woken(parts));
                assert!(all.as_mut().poll(&mut cx).is_pending(), "not kept");
                for (value, promise) in promises.into_iter().enumerate() {
                    match value {
                        3 => drop(promise),
                        _ => promise.keep(value),
                    }
                }
                let got = all.as_mut().poll(&mut cx);
                let Poll::Ready(got) = got else { panic!("all are there") };
                let got: Vec<_> = got.into_iter().map(Result::ok).collect();
                let expected = [Some(0), Some(1), Some(2), None, Some(4)];
                assert_eq!(got, expected, "the fourth was dropped");
                assert_eq!(polls.get(), 10, "polls: two for each");
            }

            /// I16: a part that wakes itself in its poll is polled again, and
            /// a part that was woken before anybody waited is, too.
            #[test]
            $(#[$skip])?
            fn a_wake_up_during_the_poll() {
                let mut polls = 0;
                let eager = poll_fn(|cx| {
                    polls += 1;
                    cx.waker().wake_by_ref();
                    match polls {
                        4 => Poll::Ready("after four"),
                        _ => Poll::Pending,
                    }
                });
                assert_eq!(block_on(join_woken([eager])), ["after four"]);
            }

            /// I18: no part is polled again that has given its value, though
            /// its waker is woken.
            #[test]
            $(#[$skip])?
            fn what_is_done_is_left_alone() {
                let kept = Cell::new(None);
                let mut is_done = false;
                let done = poll_fn(|cx| {
                    assert!(!is_done, "polled when it was done");
                    is_done = true;
                    kept.set(Some(cx.waker().clone()));
                    Poll::Ready(1)
                });
                let (promise, promised) = promise();
                let other = async { promised.await.unwrap_or(0) };
                type Part<'a> = Pin<Box<dyn Future<Output = i32> + 'a>>;
                let parts: [Part; 2] = [Box::pin(done), Box::pin(other)];
                let mut all = pin!(join_woken(parts));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(all.as_mut().poll(&mut cx).is_pending(), "one of two");
                if let Some(waker) = kept.take() {
                    waker.wake();
                }
                assert!(all.as_mut().poll(&mut cx).is_pending(), "one of two");
                promise.keep(2);
                let got = all.as_mut().poll(&mut cx);
                assert_eq!(got, Poll::Ready(vec![1, 2]), "both");
            }

            /// I18: none, and those that need not wait.
            #[test]
            $(#[$skip])?
            fn none_and_ready_ones() {
                let none: [std::future::Ready<u8>; 0] = [];
                assert_eq!(block_on(join_woken(none)), [], "no futures");
                let got = block_on(join_woken([ready(1), ready(2)]));
                assert_eq!(got, [1, 2], "two that are ready");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_polls"]);
}
