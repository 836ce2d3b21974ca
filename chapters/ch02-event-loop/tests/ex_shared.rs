//! The checks of the exercise `ex_shared`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

#[path = "../solutions/ex_shared.rs"]
mod solution;

#[path = "../exercises/ex_shared.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// Counts how often it is woken.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn counters<const N: usize>() -> [Arc<Counter>; N] {
    std::array::from_fn(|_| Arc::default())
}

fn counts<const N: usize>(counters: &[Arc<Counter>; N]) -> [usize; N] {
    counters.each_ref().map(|counter| counter.0.load(SeqCst))
}

fn ask<F: Future + Unpin>(
    future: &mut F,
    counter: &Arc<Counter>,
) -> Poll<F::Output> {
    let waker = Waker::from(counter.clone());
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::sync::Arc;
            use std::task::Poll;
            use std::thread;

            use ch02_event_loop::promise::{Broken, block_on, promise};

            use super::super::$subject::Shared;
            use super::super::{ask, counters, counts};

            /// I16, I17: all who wait are woken, once, and each gets the value,
            /// who comes later as well, and as often as it asks.
            #[test]
            $(#[$skip])?
            fn each_gets_the_value() {
                let (kept, promised) = promise();
                let mut a = Shared::new(promised);
                let (mut b, mut late) = (a.clone(), a.clone());
                let tasks = counters::<3>();
                assert_eq!(ask(&mut a, &tasks[0]), Poll::Pending, "a");
                assert_eq!(ask(&mut b, &tasks[1]), Poll::Pending, "b");
                kept.keep("value".to_owned());
                assert_eq!(counts(&tasks), [1, 1, 0], "a and b have asked");
                let here = Poll::Ready(Ok("value".to_owned()));
                assert_eq!(ask(&mut b, &tasks[1]), here, "b");
                assert_eq!(ask(&mut late, &tasks[2]), here, "a late one");
                assert_eq!(ask(&mut a, &tasks[0]), here, "a");
                assert_eq!(ask(&mut a, &tasks[0]), here, "a, again");
                assert_eq!(counts(&tasks), [1, 1, 0], "no more wake-ups");
            }

            /// I17: a promise that is dropped is an answer for all.
            #[test]
            $(#[$skip])?
            fn each_hears_that_it_is_broken() {
                let (dropped, promised) = promise::<u8>();
                let mut a = Shared::new(promised);
                let mut b = a.clone();
                let tasks = counters::<2>();
                assert_eq!(ask(&mut a, &tasks[0]), Poll::Pending, "a");
                drop(dropped);
                let broken = Poll::Ready(Err(Broken));
                assert_eq!(ask(&mut a, &tasks[0]), broken, "a");
                assert_eq!(ask(&mut b, &tasks[1]), broken, "b");
                assert_eq!(counts(&tasks), [1, 0], "wake-ups");
            }

            /// I16: who asked last may go, and the others are woken all the
            /// same; who has gone is not, and its waker is given back.
            #[test]
            $(#[$skip])?
            fn one_may_go() {
                for goes in [0, 1] {
                    let (kept, promised) = promise();
                    let a = Shared::new(promised);
                    let mut both = vec![a.clone(), a];
                    let tasks = counters::<2>();
                    for (one, task) in both.iter_mut().zip(&tasks) {
                        assert_eq!(ask(one, task), Poll::Pending, "not kept");
                    }
                    drop(both.remove(goes));
                    let held = Arc::strong_count(&tasks[goes]);
                    assert_eq!(held, 1, "wakers of {goes}, which has gone");
                    kept.keep(1);
                    let mut woken = [1, 1];
                    woken[goes] = 0;
                    assert_eq!(counts(&tasks), woken, "{goes} has gone");
                }
            }

            /// I16: a clone that moves to another task wakes that one.
            #[test]
            $(#[$skip])?
            fn one_may_move() {
                let (kept, promised) = promise();
                let mut a = Shared::new(promised);
                let tasks = counters::<2>();
                assert_eq!(ask(&mut a, &tasks[0]), Poll::Pending, "not kept");
                assert_eq!(ask(&mut a, &tasks[1]), Poll::Pending, "not kept");
                kept.keep(1);
                assert_eq!(counts(&tasks), [0, 1], "it has moved");
            }

            /// I17: the promise is abandoned when the last clone is gone.
            #[test]
            $(#[$skip])?
            fn all_may_go() {
                let (kept, promised) = promise();
                let mut a = Shared::new(promised);
                let b = a.clone();
                let tasks = counters::<1>();
                assert_eq!(ask(&mut a, &tasks[0]), Poll::Pending, "not kept");
                drop(a);
                assert!(!kept.is_abandoned(), "b may still ask");
                drop(b);
                assert!(kept.is_abandoned(), "nobody can");
                kept.keep(1);
                assert_eq!(counts(&tasks), [0], "nobody is woken");
            }

            /// I16: on threads, nobody waits for ever.
            #[test]
            $(#[$skip])?
            fn four_threads() {
                let (kept, promised) = promise();
                kept.keep(7);
                let here = block_on(Shared::new(promised));
                assert_eq!(here, Ok(7), "alone, on this thread");
                for round in 0..200 {
                    let (kept, promised) = promise();
                    let shared = Shared::new(promised);
                    let first = shared.clone();
                    let threads = [(); 3].map(|()| {
                        let shared = shared.clone();
                        thread::spawn(move || block_on(shared))
                    });
                    let keeper = thread::spawn(move || kept.keep(round));
                    assert_eq!(block_on(first), Ok(round), "on this thread");
                    for thread in threads {
                        let got = thread.join().expect("no panic");
                        assert_eq!(got, Ok(round), "on another thread");
                    }
                    keeper.join().expect("no panic");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_shared"]);
}
