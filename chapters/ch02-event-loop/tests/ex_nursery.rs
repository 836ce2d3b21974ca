//! The checks of the exercise `ex_nursery`.

#[path = "../exercises/ex_nursery.rs"]
#[allow(dead_code, unused_variables, unused_mut, clippy::unused_async)]
mod exercise;
#[path = "../solutions/ex_nursery.rs"]
mod solution;

mod step5;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::cell::Cell;
            use std::future::pending;
            use std::rc::Rc;

            use ch02_event_loop::executor::Executor;
            use ch02_event_loop::promise::{Broken, promise};

            use super::super::$subject::Nursery;
            use super::super::step5::{OnDrop, Script, run_out};

            /// A child that waits for ever, and counts when it is dropped.
            async fn endless(dropped: Rc<Cell<u32>>) -> u32 {
                let _at_end = OnDrop(|| dropped.set(dropped.get() + 1));
                pending().await
            }

            /// I18: all values, in the order of the spawns, whoever is first
            #[test]
            $(#[$skip])?
            fn gives_all_values() {
                let script = Script::empty();
                let executor = Executor::new(script.clone());
                let mut nursery = Nursery::new(&executor);
                let (mine, late) = promise();
                nursery.spawn(async { late.await.expect("kept") });
                nursery.spawn(async { 2 });
                script.sleep(move || mine.keep(1));
                let got = executor.block_on(nursery.join());
                let got = got.map_err(|error| error.kind());
                assert_eq!(got, Ok(Ok(vec![1, 2])), "input: the first is late");
                assert_eq!(executor.tasks(), 0, "input: afterwards");
            }

            /// I18: a group without tasks is done
            #[test]
            $(#[$skip])?
            fn empty() {
                let executor = Executor::new(Script::empty());
                let nursery = Nursery::<u32>::new(&executor);
                let got = executor.block_on(nursery.join());
                let got = got.map_err(|error| error.kind());
                assert_eq!(got, Ok(Ok(vec![])), "input: no children");
            }

            /// I24: the first panic ends the wait, and cancels the rest
            #[test]
            $(#[$skip])?
            fn a_panic_cancels_the_rest() {
                let executor = Executor::new(Script::empty());
                let mut nursery = Nursery::new(&executor);
                let dropped = Rc::new(Cell::new(0));
                nursery.spawn(endless(dropped.clone()));
                nursery.spawn(async { panic!("meant to") });
                nursery.spawn(endless(dropped.clone()));
                let got = executor.block_on(nursery.join());
                let got = got.map_err(|error| error.kind());
                assert_eq!(got, Ok(Err(Broken)), "input: the second panics");
                let got = (dropped.get(), executor.tasks());
                assert_eq!(got, (2, 0), "input: dropped, and left");
            }

            /// I22: who drops the group, or its join, cancels the children
            #[test]
            $(#[$skip])?
            fn dropped_is_cancelled() {
                for joins in [false, true] {
                    let executor = Executor::new(Script::empty());
                    let mut nursery = Nursery::new(&executor);
                    let dropped = Rc::new(Cell::new(0));
                    nursery.spawn(endless(dropped.clone()));
                    run_out(&executor);
                    if joins {
                        let task = executor.spawn(nursery.join());
                        run_out(&executor);
                        drop(task);
                    } else {
                        drop(nursery);
                    }
                    let got = (dropped.get(), executor.tasks());
                    assert_eq!(got, (1, 0), "input: joined first: {joins}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_nursery"]);
}
