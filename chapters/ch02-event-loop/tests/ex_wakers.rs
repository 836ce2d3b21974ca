//! The checks of the exercise `ex_wakers`. The mutants are below: whoever
//! reads on before having hunted them spoils the hunt.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use ch02_event_loop::executor::Executor;

#[path = "../exercises/ex_wakers.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;
#[path = "../solutions/ex_wakers.rs"]
mod solution;

mod step5;

use step5::{Script, run_out};

type Boxed = std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// A task, and what wakes it.
type Held = (Boxed, Arc<Handle>);
type Queue = Arc<Mutex<VecDeque<usize>>>;

/// The finished executor.
struct Finished(Executor);

/// An executor with the bug of that number. Number 0 has none: a hunt that
/// panics on it is wrong.
#[derive(Default)]
struct Mutant<const BUG: u8> {
    tasks: RefCell<Vec<Option<Held>>>,
    queue: Queue,
    is_running: Cell<bool>,
}

struct Handle {
    task: usize,
    is_queued: AtomicBool,
    queue: Queue,
    bug: u8,
}

impl Wake for Handle {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, SeqCst) || self.bug == 2 {
            let mut queue = self.queue.lock().unwrap();
            match self.bug {
                5 => queue.push_front(self.task),
                _ => queue.push_back(self.task),
            }
        }
    }
}

impl<const BUG: u8> Mutant<BUG> {
    fn add(&self, future: Boxed) {
        let task = self.tasks.borrow().len();
        let handle = Arc::new(Handle {
            task,
            is_queued: AtomicBool::new(true),
            queue: self.queue.clone(),
            bug: BUG,
        });
        self.tasks.borrow_mut().push(Some((future, handle)));
        if BUG != 6 || !self.is_running.get() {
            self.queue.lock().unwrap().push_back(task);
        }
    }

    fn run_all(&self) {
        self.is_running.set(true);
        if BUG == 7 {
            self.queue.lock().unwrap().retain(|task| {
                // Only what is new: what was woken meanwhile is lost.
                let tasks = self.tasks.borrow();
                tasks[*task].as_ref().is_some_and(|(_, h)| {
                    Arc::strong_count(h) == 1 // nobody has its waker
                })
            });
        }
        loop {
            let next = self.queue.lock().unwrap().pop_front();
            let Some(task) = next else { break };
            let count = self.tasks.borrow().len();
            let all = if BUG == 4 { 0..count } else { task..task + 1 };
            all.for_each(|task| self.poll(task));
        }
        self.is_running.set(false);
    }

    fn poll(&self, task: usize) {
        let Some((mut future, handle)) = self.tasks.borrow_mut()[task].take()
        else {
            return;
        };
        if BUG != 1 {
            handle.is_queued.store(false, SeqCst);
        }
        let waker = Waker::from(handle.clone());
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        if BUG == 1 {
            handle.is_queued.store(false, SeqCst);
            let mut queue = self.queue.lock().unwrap();
            queue.retain(|queued| *queued != task);
        }
        if polled.is_pending() || BUG == 3 {
            self.tasks.borrow_mut()[task] = Some((future, handle));
        }
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::{AssertUnwindSafe, catch_unwind};
            use std::rc::Rc;

            use ch02_event_loop::executor::Executor;

            use super::super::$subject::{Boxed, Loop, hunt};
            use super::super::{Finished, Mutant, Script, run_out};

            impl Loop for Finished {
                fn spawn(&self, task: Boxed) {
                    self.0.spawn(task).detach();
                }

                fn run(&self) {
                    run_out(&self.0);
                }
            }

            impl<const BUG: u8> Loop for Mutant<BUG> {
                fn spawn(&self, task: Boxed) {
                    self.add(task);
                }

                fn run(&self) {
                    self.run_all();
                }
            }

            fn finished() -> Rc<dyn Loop> {
                Rc::new(Finished(Executor::new(Script::empty())))
            }

            fn mutant<const BUG: u8>() -> Rc<dyn Loop> {
                Rc::new(Mutant::<BUG>::default())
            }

            fn killed(new: fn() -> Rc<dyn Loop>, bug: &str) {
                hunt(finished);
                let hunted = catch_unwind(AssertUnwindSafe(|| hunt(new)));
                assert!(hunted.is_err(), "this mutant survives: {bug}");
            }

            /// I21, I22, I23: the finished executor passes, and so does
            /// another one that does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(finished);
                hunt(mutant::<0>);
            }

            /// I21: a wake-up during the poll counts.
            #[test]
            $(#[$skip])?
            fn mutant_1() {
                killed(mutant::<1>, "1, about a wake-up that is lost");
            }

            /// I22: a task is queued once.
            #[test]
            $(#[$skip])?
            fn mutant_2() {
                killed(mutant::<2>, "2, about a poll too many");
            }

            /// I22: a task that is done is not polled.
            #[test]
            $(#[$skip])?
            fn mutant_3() {
                killed(mutant::<3>, "3, about a poll too many");
            }

            /// I22: only what was woken is polled.
            #[test]
            $(#[$skip])?
            fn mutant_4() {
                killed(mutant::<4>, "4, about a poll too many");
            }

            /// I23: first woken, first polled.
            #[test]
            $(#[$skip])?
            fn mutant_5() {
                killed(mutant::<5>, "5, about the order of the polls");
            }

            /// I21: a task that is spawned by a task runs.
            #[test]
            $(#[$skip])?
            fn mutant_6() {
                killed(mutant::<6>, "6, about a task that never runs");
            }

            /// I21: a wake-up between two runs counts.
            #[test]
            $(#[$skip])?
            fn mutant_7() {
                killed(mutant::<7>, "7, about a wake-up that is lost");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_wakers"]);
}
