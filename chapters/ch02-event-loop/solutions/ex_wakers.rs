//! Exercise: a bug hunt. Write the test that no wrong executor survives.
//!
//! `Loop` is an executor at its smallest, so that your hunt meets the
//! finished one and mutants of it, with one bug each.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// A task, whatever its type.
pub type Boxed = Pin<Box<dyn Future<Output = ()>>>;

/// Runs tasks.
pub trait Loop {
    /// Adds a task, which is polled first in the next `run`, or later in the
    /// one that goes on.
    fn spawn(&self, task: Boxed);
    /// Polls tasks, first woken first polled, until none is woken any more.
    fn run(&self);
}

/// Panics when what `new` makes is not an executor: it loses a wake-up,
/// polls what was not woken, or polls in another order.
pub fn hunt(new: fn() -> Rc<dyn Loop>) {
    // begin: tasks that log their polls; who is woken, what is logged
    use std::cell::RefCell;
    use std::task::{Poll, Waker};

    type Log = Rc<RefCell<String>>;
    type Wakers = Rc<RefCell<Vec<Waker>>>;

    // Logs its name, leaves its waker, and does something: true ends it.
    let task = |name: char,
                log: &Log,
                wakers: &Wakers,
                mut act: Box<dyn FnMut(&Waker) -> bool>|
     -> Boxed {
        let (log, wakers) = (log.clone(), wakers.clone());
        Box::pin(std::future::poll_fn(move |cx| {
            log.borrow_mut().push(name);
            wakers.borrow_mut().push(cx.waker().clone());
            match act(cx.waker()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }))
    };
    let (log, wakers) = (Log::default(), Wakers::default());
    let logged = |expected: &str, input: &str| {
        assert_eq!(log.take(), expected, "input: {input}");
    };

    // Wake-ups from outside: once for many, in order, and nobody else.
    let one = new();
    for name in ['a', 'b', 'c'] {
        one.spawn(task(name, &log, &wakers, Box::new(|_| false)));
    }
    one.run();
    logged("abc", "three new tasks");
    one.run();
    logged("", "nobody was woken");
    for n in [2, 0, 2] {
        wakers.borrow()[n].wake_by_ref();
    }
    one.run();
    logged("ca", "c, a and c again were woken between two runs");

    // A wake-up during the poll.
    let (one, mut left) = (new(), 3);
    let restless = move |own: &Waker| {
        left -= 1;
        if left >= 0 {
            own.wake_by_ref(); // a mutant may poll on: not for ever
        }
        left == 0
    };
    one.spawn(task('r', &log, &wakers, Box::new(restless)));
    one.run();
    logged(
        "rrr",
        "a task that wakes itself, and ends in its third poll",
    );

    // After the end: the last poll woke it, and so does somebody outside.
    for waker in wakers.take() {
        waker.wake();
    }
    one.run();
    logged("", "woken after its end");

    // A task that spawns another.
    let one = new();
    let (spawner, inner) = (one.clone(), (log.clone(), wakers.clone()));
    let parent = move |_: &Waker| {
        let child = Box::new(|_: &Waker| true);
        spawner.spawn(task('c', &inner.0, &inner.1, child));
        true
    };
    one.spawn(task('p', &log, &wakers, Box::new(parent)));
    one.run();
    logged("pc", "a task that spawns a child");
    // end
}
