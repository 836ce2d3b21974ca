//! The checks of the exercise `ex_yield`.

#[path = "../exercises/ex_yield.rs"]
#[allow(dead_code, clippy::unused_async)]
mod exercise;
#[path = "../solutions/ex_yield.rs"]
mod solution;

mod step5;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::cell::RefCell;
            use std::rc::Rc;
            use std::sync::Arc;
            use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
            use std::task::{Context, Poll, Wake, Waker};

            use ch02_event_loop::executor::Executor;

            use super::super::$subject::yield_now;
            use super::super::step5::{Script, run_out};

            struct Count(AtomicU32);

            impl Wake for Count {
                fn wake(self: Arc<Self>) {
                    self.0.fetch_add(1, SeqCst);
                }
            }

            /// I21: it is Pending once, and has woken its task by then, once
            #[test]
            $(#[$skip])?
            fn pending_once_and_woken() {
                let count = Arc::new(Count(AtomicU32::new(0)));
                let waker = Waker::from(count.clone());
                let mut cx = Context::from_waker(&waker);
                let mut future = Box::pin(yield_now());
                let mut got = Vec::new();
                for _ in 0..2 {
                    let polled = future.as_mut().poll(&mut cx);
                    got.push((polled, count.0.load(SeqCst)));
                }
                let expected = [(Poll::Pending, 1), (Poll::Ready(()), 1)];
                assert_eq!(got, expected, "input: two polls, wakes so far");
            }

            /// I23: two tasks that give way take turns
            #[test]
            $(#[$skip])?
            fn takes_turns() {
                let mut cx = Context::from_waker(Waker::noop());
                let first = Box::pin(yield_now()).as_mut().poll(&mut cx);
                assert_eq!(first, Poll::Pending, "input: a first poll");
                let executor = Executor::new(Script::empty());
                let log: Rc<RefCell<String>> = Rc::default();
                for name in ['a', 'b', 'c'] {
                    let log = log.clone();
                    let task = async move {
                        for _ in 0..3 {
                            log.borrow_mut().push(name);
                            yield_now().await;
                        }
                    };
                    executor.spawn(task).detach();
                }
                run_out(&executor);
                assert_eq!(*log.borrow(), "abcabcabc", "input: three tasks");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_yield"]);
}
