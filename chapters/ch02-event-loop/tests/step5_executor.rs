//! What step 5 must do. Where another thread matters, a hook of the scripted
//! bell does at the worst moment what that thread might do; real threads ring
//! in `step5/alarm.rs`.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use ch02_event_loop::executor::{Driver, Executor, OPERATIONS, TURN, Task};
use ch02_event_loop::promise::{Broken, promise};

mod step5;

#[path = "step5/alarm.rs"]
mod alarm;
#[path = "step5/cancel.rs"]
mod cancel;
#[path = "step5/model.rs"]
mod model;
#[path = "step5/pool.rs"]
mod pool;
#[path = "step5/reactor.rs"]
mod reactor;

use step5::{Puppet, Script, run_out};

/// A future that wakes itself `times` times, then is ready.
async fn restless(times: u32, polls: Rc<Cell<u32>>) {
    let mut left = times;
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        cx.waker().wake_by_ref();
        match left.checked_sub(1) {
            Some(less) => left = less,
            None => return Poll::Ready(()),
        }
        Poll::Pending
    })
    .await;
}

/// I22, I25: a task is polled when it is new and when it was woken, once for
/// any number of wake-ups, and the loop sleeps in between.
#[test]
fn polls_what_was_woken() {
    let check = |wakes: &'static [u32], expected| {
        let script = Script::empty();
        let executor = Executor::new(script.clone());
        let puppet = Puppet::new();
        executor.spawn(puppet.future()).detach();
        for &times in wakes {
            let puppet = puppet.clone();
            script.sleep(move || {
                (0..times).for_each(|_| puppet.waker().wake());
            });
        }
        run_out(&executor);
        let got = (puppet.polls.get(), script.counts().0);
        assert_eq!(got, expected, "input: wakes in each sleep {wakes:?}");
    };
    // Polls, and sleeps: the last sleep is where the script is over.
    check(&[], (1, 1));
    check(&[1], (2, 2));
    check(&[3], (2, 2));
    check(&[0, 0, 0], (1, 4));
    check(&[1, 0, 2], (3, 4));
}

/// I21: a wake-up during the poll is not lost: there is one more poll.
#[test]
fn a_task_may_wake_itself() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let polls = Rc::new(Cell::new(0));
    executor.spawn(restless(5, polls.clone())).detach();
    run_out(&executor);
    assert_eq!(polls.get(), 6, "input: a task that wakes itself 5 times");
    assert_eq!(executor.tasks(), 0, "input: the same, afterwards");
}

/// I21: the root's future, too, is polled again if it was woken in its poll,
/// and not unless it was woken.
#[test]
fn the_root_may_wake_itself() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let polls = Rc::new(Cell::new(0));
    let end = executor.block_on(restless(5, polls.clone()));
    assert!(end.is_ok(), "input: a root that wakes itself: {end:?}");
    assert_eq!(polls.get(), 6, "input: a root that wakes itself 5 times");

    let puppet = Puppet::new();
    let task = Puppet::new();
    executor.spawn(task.future()).detach();
    for _ in 0..3 {
        let task = task.clone();
        script.sleep(move || task.waker().wake());
    }
    let (root, done) = (puppet.clone(), puppet.clone());
    script.sleep(move || {
        done.is_done.set(true);
        done.waker().wake();
    });
    assert!(executor.block_on(root.future()).is_ok());
    let got = (puppet.polls.get(), task.polls.get());
    assert_eq!(
        got,
        (2, 4),
        "input: three events for a task, one for the root"
    );
}

/// I20: what is queued before the bell is told to doze is found by the second
/// look, and what is queued after it rings. Neither is slept over.
#[test]
fn no_wake_up_is_lost_on_the_way_to_sleep() {
    #[derive(Debug, Clone, Copy)]
    enum When {
        BeforeDoze,
        AfterDoze,
    }
    let check = |when, is_root: bool, expected| {
        let script = Script::empty();
        let executor = Executor::new(script.clone());
        let puppet = Puppet::new();
        let (at_sleep, hooks) = (puppet.clone(), script.clone());
        // The second sleep is the one that the other thread races with.
        script.sleep(move || {
            let waker = at_sleep.waker();
            let hook = move || thread::spawn(|| waker.wake()).join().unwrap();
            match when {
                When::BeforeDoze => hooks.before_doze(hook),
                When::AfterDoze => hooks.after_doze(hook),
            }
        });
        let end = if is_root {
            executor.block_on(puppet.future())
        } else {
            executor.spawn(puppet.future()).detach();
            executor.block_on(pending())
        };
        assert!(end.is_err(), "input: {when:?}, root: {is_root}");
        let got = (puppet.polls.get(), script.bell.rings());
        assert_eq!(got, expected, "input: {when:?}, root: {is_root}");
    };
    for is_root in [false, true] {
        check(When::BeforeDoze, is_root, (2, 0));
        check(When::AfterDoze, is_root, (2, 1));
    }
}

/// I20: a ring while the loop runs costs nothing: the bell is not dozing.
#[test]
fn a_loop_that_is_awake_is_not_rung() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let polls = Rc::new(Cell::new(0));
    for _ in 0..500 {
        executor.spawn(restless(3, polls.clone())).detach();
    }
    run_out(&executor);
    assert_eq!(polls.get(), 2000, "input: 500 tasks");
    assert_eq!(
        script.bell.rings(),
        0,
        "input: only the loop's own wake-ups"
    );
}

/// I23: between two looks outside there are at most TURN polls, in the order
/// of the wake-ups, and the root's future is not kept waiting either.
#[test]
fn looks_outside_after_a_turn() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let polls = Rc::new(Cell::new(0));
    let seen = Rc::new(RefCell::new(vec![0]));
    let (count, turns) = (polls.clone(), seen.clone());
    *script.looks.borrow_mut() = Some(Box::new(move |_| {
        turns.borrow_mut().push(count.get());
    }));
    for _ in 0..3 * TURN {
        executor.spawn(restless(u32::MAX, polls.clone())).detach();
    }
    let root = Rc::new(Cell::new(0));
    let end = executor.block_on(restless(9, root.clone()));
    assert!(end.is_ok(), "input: a root among tasks that never rest");
    assert_eq!(root.get(), 10, "input: a root that wakes itself 9 times");
    let seen = seen.borrow();
    let most = seen.windows(2).map(|w| w[1] - w[0]).max();
    assert_eq!(most, Some(TURN as u32), "input: polls in a turn, {seen:?}");
    assert_eq!(script.counts(), (0, 9), "input: looks in the nine turns");
}

/// I23: tasks are polled in the order in which they were woken, also when
/// there are more than one turn takes.
#[test]
fn first_woken_first_polled() {
    let executor = Executor::new(Script::empty());
    let order = Rc::new(RefCell::new(Vec::new()));
    for round in 0..3 * TURN + 7 {
        let order = order.clone();
        let task = async move { order.borrow_mut().push(round) };
        executor.spawn(task).detach();
    }
    run_out(&executor);
    let expected: Vec<_> = (0..3 * TURN + 7).collect();
    assert_eq!(*order.borrow(), expected, "input: tasks in that order");
}

/// I23: the budget is spent once, then the task is woken and waits; its next
/// poll has a new one.
#[test]
fn the_budget_ends_a_turn() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let budget = script.budget();
    let mut spent = Vec::new();
    let task = poll_fn(move |cx| {
        let mut count = 0;
        while budget.spend(cx).is_ready() {
            count += 1;
        }
        spent.push(count);
        match spent.len() {
            3 => Poll::Ready(spent.clone()),
            _ => Poll::Pending,
        }
    });
    let spent = executor.block_on(task).unwrap();
    assert_eq!(spent, [OPERATIONS; 3], "input: operations in three polls");
}

/// I24: a task that panics ends alone, and who waits for it is told.
#[test]
fn a_panic_ends_one_task() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let other = Puppet::new();
    executor.spawn(other.future()).detach();
    let bad = executor.spawn(async { panic!("meant to") });
    let good = executor.spawn(async { 7 });
    let waker = other.clone();
    script.sleep(move || waker.waker().wake());
    let got = executor
        .block_on(async { (bad.await, good.await) })
        .unwrap();
    let got: (Result<(), Broken>, _) = got;
    assert_eq!(got, (Err(Broken), Ok(7)), "input: one panics, one does not");
    assert_eq!(executor.tasks(), 1, "input: the third one waits");
    run_out(&executor);
    assert_eq!(other.polls.get(), 2, "input: an event for the third one");
}

/// A panic's message, which is no better.
struct Spiteful;

impl Drop for Spiteful {
    fn drop(&mut self) {
        panic!("and once more");
    }
}

/// I24: neither does a panic in a drop end more than its task: of a future
/// that is cancelled, or of a panic's message.
#[test]
fn a_panic_in_a_drop_ends_one_task() {
    let executor = Executor::new(Script::empty());
    let bad = executor.spawn(async { std::panic::panic_any(Spiteful) });
    let good = executor.spawn(async { 7 });
    let got = executor
        .block_on(async { (bad.await, good.await) })
        .unwrap();
    let got: (Result<(), Broken>, _) = got;
    assert_eq!(got, (Err(Broken), Ok(7)), "input: a spiteful message");

    let bad = executor.spawn(async {
        let _held = Spiteful;
        pending::<()>().await;
    });
    run_out(&executor);
    let canceller = executor.spawn(async move {
        drop(bad);
        8
    });
    let got = executor.block_on(canceller).unwrap();
    assert_eq!(got, Ok(8), "input: a task that cancels a spiteful one");

    let own: Rc<RefCell<Option<Task<()>>>> = Rc::default();
    let handle = own.clone();
    let suicidal = executor.spawn(async move {
        let _held = Spiteful;
        drop(handle.take());
        pending::<()>().await;
    });
    *own.borrow_mut() = Some(suicidal);
    run_out(&executor);
    assert_eq!(executor.tasks(), 0, "input: a spiteful one cancels itself");

    let bad = async {
        let _held = Spiteful;
        pending::<()>().await;
    };
    executor.spawn(bad).detach();
    run_out(&executor);
    drop(executor); // it holds that task, and does not panic
}

/// I25: `block_on` reports what the driver fails with, and can be called
/// again: the tasks are where they were.
#[test]
fn goes_on_after_an_error() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let (promise, value) = promise();
    let task = executor.spawn(value);
    let error = executor.block_on(pending::<()>()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "input: no script");
    script.sleep(move || promise.keep(5));
    let got = executor.block_on(task).unwrap();
    assert_eq!(got, Ok(Ok(5)), "input: the promise is kept in a sleep");
}

/// I25: a task cannot run the loop that runs it; the next `block_on` can.
#[test]
fn refuses_to_run_within_itself() {
    let executor = Executor::new(Script::empty());
    let inner = executor.clone();
    let task = executor.spawn(async move { inner.block_on(async {}).is_ok() });
    let got = executor.block_on(task).unwrap();
    assert_eq!(got, Err(Broken), "input: block_on in a task");
    let again = executor.block_on(async { 1 }).unwrap();
    assert_eq!(again, 1, "input: block_on after it");
}

/// A waker that does nothing but count.
struct Idle;

impl Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

/// I23: the budget's own wake-up goes to the task that asked, whatever its
/// waker is.
#[test]
fn the_budget_wakes_who_asked() {
    let script = Script::empty();
    let budget = script.budget();
    let waker = Waker::from(Arc::new(Idle));
    let cx = Context::from_waker(&waker);
    let ready = (0..OPERATIONS + 3).filter(|_| budget.spend(&cx).is_ready());
    assert_eq!(ready.count(), OPERATIONS as usize, "input: three too many");
    budget.renew();
    let again = budget.spend(&cx).is_ready();
    assert!(again, "input: after a renewal");
}
