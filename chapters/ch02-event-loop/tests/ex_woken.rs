//! The checks of the exercise `ex_woken`.

#[path = "../exercises/ex_woken.rs"]
#[allow(dead_code, unused_variables, clippy::unused_async)]
mod exercise;
#[path = "../solutions/ex_woken.rs"]
mod solution;

mod step5;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::cell::Cell;
            use std::future::poll_fn;
            use std::task::Poll;
            use std::thread;

            use ch02_event_loop::combine::join;
            use ch02_event_loop::executor::Executor;
            use ch02_event_loop::promise::{Promised, block_on, promise};

            use super::super::$subject::join_woken;
            use super::super::step5::{Puppet, Script};

            async fn counted<T>(part: Promised<T>, polls: &Cell<u32>) -> T {
                let mut part = part;
                let counted = poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    std::pin::Pin::new(&mut part).poll(cx)
                });
                counted.await.expect("kept")
            }

            /// I18: all values, in the order of the parts, whatever comes
            /// first, and none of none
            #[test]
            $(#[$skip])?
            fn gives_all_values() {
                for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                    let (mut mine, mut parts) = (Vec::new(), Vec::new());
                    for _ in 0..3 {
                        let (promise, value) = promise();
                        mine.push(Some(promise));
                        parts.push(value);
                    }
                    let mut order_left = order.iter();
                    let keep = poll_fn(|cx| match order_left.next() {
                        None => Poll::Ready(()),
                        Some(&n) => {
                            mine[n].take().expect("once").keep(n);
                            cx.waker().wake_by_ref();
                            Poll::Pending
                        }
                    });
                    let (got, ()) = block_on(join(join_woken(parts), keep));
                    let expected = [Ok(0), Ok(1), Ok(2)];
                    assert_eq!(got, expected, "input: kept in order {order:?}");
                }
                let none = block_on(join_woken(Vec::<Promised<()>>::new()));
                assert_eq!(none, [], "input: no parts");
            }

            /// I22: 1,000 parts and 1,000 events are 2,000 polls, and never
            /// 3,000
            #[test]
            $(#[$skip])?
            fn polls_what_was_woken() {
                let polls = Cell::new(0);
                let (mut mine, mut parts) = (Vec::new(), Vec::new());
                for _ in 0..1000 {
                    let (promise, value) = promise();
                    mine.push(promise);
                    parts.push(counted(value, &polls));
                }
                let keep = poll_fn(|cx| match mine.pop() {
                    None => Poll::Ready(()),
                    Some(promise) => {
                        promise.keep(());
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                });
                block_on(join(join_woken(parts), keep));
                let got = polls.get();
                assert!(got < 3000, "input: 1,000 events made {got} polls");
            }

            /// I21: a part that wakes itself in its own poll is polled again
            #[test]
            $(#[$skip])?
            fn a_part_may_wake_itself() {
                let executor = Executor::new(Script::empty());
                let parts = (0..3).map(|n| {
                    let mut left = n;
                    poll_fn(move |cx| {
                        cx.waker().wake_by_ref();
                        left -= 1;
                        match left {
                            ..0 => Poll::Ready(n),
                            _ => Poll::Pending,
                        }
                    })
                });
                let got = executor.block_on(join_woken(parts.collect()));
                let got = got.map_err(|error| error.kind());
                assert_eq!(got, Ok(vec![0, 1, 2]), "input: three");
            }

            /// I21: parts that other threads wake; the last waker counts
            #[test]
            $(#[$skip])?
            fn threads_may_wake_parts() {
                let (mut mine, mut parts) = (Vec::new(), Vec::new());
                for n in 0..64 {
                    let (promise, value) = promise();
                    mine.push((promise, n));
                    parts.push(value);
                }
                let thread = thread::spawn(|| {
                    mine.into_iter().for_each(|(p, n)| p.keep(n));
                });
                let got = block_on(join_woken(parts));
                let expected: Vec<_> = (0..64).map(Ok).collect();
                assert_eq!(got, expected, "input: 64 promises of a thread");
                thread.join().expect("does not panic");
            }

            /// I22: an old waker of a part that is done polls nobody
            #[test]
            $(#[$skip])?
            fn a_part_is_not_polled_after_its_end() {
                let script = Script::empty();
                let executor = Executor::new(script.clone());
                let (first, last) = (Puppet::new(), Puppet::new());
                let parts = vec![
                    Box::pin(first.future())
                        as std::pin::Pin<Box<dyn Future<Output = ()>>>,
                    Box::pin(last.future()),
                ];
                let (one, two) = (first.clone(), last.clone());
                script.sleep(move || {
                    one.is_done.set(true);
                    one.waker().wake();
                });
                let one = first.clone();
                script.sleep(move || one.waker().wake());
                script.sleep(move || {
                    two.is_done.set(true);
                    two.waker().wake();
                });
                let end = executor.block_on(join_woken(parts));
                assert!(end.is_ok(), "input: two parts, one after another");
                let got = (first.polls.get(), last.polls.get());
                assert_eq!(got, (2, 2), "input: the first woken when done");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_woken"]);
}
