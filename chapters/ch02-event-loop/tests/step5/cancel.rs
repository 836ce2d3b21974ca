//! Tasks that are cancelled, and what their drops may do.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::thread;

use ch02_event_loop::executor::{Executor, Task};

use super::step5::{OnDrop, Puppet, Script, run_out};

/// How many of these are alive.
fn guard(alive: &Rc<Cell<i32>>) -> impl Drop + use<> {
    alive.set(alive.get() + 1);
    let alive = alive.clone();
    OnDrop(move || alive.set(alive.get() - 1))
}

/// I22: a task whose `Task` is dropped is dropped with it, whether it is new,
/// waits, or was woken, and is not polled again.
#[test]
fn dropped_is_cancelled() {
    let check = |runs_first: bool, is_woken: bool, expected| {
        let executor = Executor::new(Script::empty());
        let (alive, puppet) = (Rc::new(Cell::new(0)), Puppet::new());
        let (held, future) = (guard(&alive), puppet.future());
        let task = executor.spawn(async move {
            let _held = held;
            future.await;
        });
        if runs_first {
            run_out(&executor);
        }
        if is_woken {
            puppet.waker().wake();
        }
        drop(task);
        let input = format!("input: ran: {runs_first}, woken: {is_woken}");
        assert_eq!(alive.get(), 0, "{input}");
        run_out(&executor);
        let got = (puppet.polls.get(), executor.tasks());
        assert_eq!(got, expected, "{input}");
    };
    check(false, false, (0, 0));
    check(true, false, (1, 0));
    check(true, true, (1, 0));
}

/// I22: a task that drops its own `Task` runs to its next await, and is
/// dropped then; its place may have a new tenant by that time.
#[test]
fn cancels_itself() {
    let executor = Executor::new(Script::empty());
    let own: Rc<RefCell<Option<Task<()>>>> = Rc::default();
    let alive = Rc::new(Cell::new(0));
    let log = Rc::new(RefCell::new(Vec::new()));
    let (spawner, handle) = (executor.clone(), own.clone());
    let (held, steps) = (guard(&alive), log.clone());
    let task = executor.spawn(async move {
        let _held = held;
        drop(handle.take());
        steps.borrow_mut().push("after the drop");
        let steps_too = steps.clone();
        let next = async move { steps_too.borrow_mut().push("next tenant") };
        spawner.spawn(next).detach();
        pending::<()>().await;
        steps.borrow_mut().push("never");
    });
    *own.borrow_mut() = Some(task);
    run_out(&executor);
    let expected = ["after the drop", "next tenant"];
    assert_eq!(*log.borrow(), expected, "input: a task that cancels itself");
    assert_eq!((alive.get(), executor.tasks()), (0, 0), "input: the same");
}

/// I22: a `Task` that outlives its task cancels nobody else: the place has a
/// new tenant, whose name is another.
#[test]
fn an_old_handle_cancels_nobody() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let old = executor.spawn(async {});
    run_out(&executor);
    let puppet = Puppet::new();
    executor.spawn(puppet.future()).detach();
    drop(old);
    let waker = puppet.clone();
    script.sleep(move || waker.waker().wake());
    run_out(&executor);
    assert_eq!(puppet.polls.get(), 2, "input: a task in the same place");
}

/// I21: a future's drop may spawn and cancel others: it is not run inside of
/// the executor's tables.
#[test]
fn a_drop_may_spawn_and_cancel() {
    let check = |how: &str, expected| {
        let executor = Executor::new(Script::empty());
        let ran = Rc::new(Cell::new(0));
        let victim = executor.spawn(pending::<()>());
        let (spawner, count) = (executor.clone(), ran.clone());
        let mut victim = Some(victim);
        let at_end = OnDrop(move || {
            drop(victim.take());
            let count = count.clone();
            let task = async move { count.set(count.get() + 1) };
            spawner.spawn(task).detach();
        });
        let panics = how == "panics";
        let task = executor.spawn(async move {
            let _at_end = at_end;
            assert!(!panics, "meant to");
            pending::<()>().await;
        });
        run_out(&executor);
        match how {
            "cancelled" => drop(task),
            "all cancelled" => executor.cancel_all(),
            _ => drop(task),
        }
        run_out(&executor);
        let got = (ran.get(), executor.tasks());
        assert_eq!(got, expected, "input: {how}");
    };
    check("cancelled", (1, 0));
    check("all cancelled", (1, 0));
    check("panics", (1, 0));
}

/// I22: a task that holds its executor keeps it, and itself, until all are
/// cancelled; one that does not is dropped with the executor.
#[test]
fn dropped_with_the_executor() {
    let check = |holds: bool, cancels: bool, expected| {
        let executor = Executor::new(Script::empty());
        let alive = Rc::new(Cell::new(0));
        let held = (guard(&alive), holds.then(|| executor.clone()));
        let task = async move {
            let _held = held;
            pending::<()>().await;
        };
        executor.spawn(task).detach();
        run_out(&executor);
        if cancels {
            executor.cancel_all();
        }
        drop(executor);
        let input = format!("holds: {holds}, cancel_all: {cancels}");
        assert_eq!(alive.get(), expected, "input: {input}");
    };
    check(false, false, 0);
    check(true, true, 0);
    check(true, false, 1); // what cancel_all is for
}

/// I4: after `cancel_all` no name of before opens anything.
#[test]
fn cancel_all_retires_the_names() {
    let executor = Executor::new(Script::empty());
    let old: Vec<_> = (0..3).map(|_| executor.spawn(pending::<()>())).collect();
    executor.cancel_all();
    assert_eq!(executor.tasks(), 0, "input: three tasks, cancelled");
    for _ in 0..3 {
        executor.spawn(pending::<()>()).detach();
    }
    drop(old);
    assert_eq!(
        executor.tasks(),
        3,
        "input: three others, old handles dropped"
    );
}

/// I21: a waker may outlive its task and its executor, and be woken anywhere.
#[test]
fn a_waker_outlives_the_executor() {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let (puppet, root) = (Puppet::new(), Puppet::new());
    executor.spawn(puppet.future()).detach();
    assert!(executor.block_on(root.future()).is_err());
    let wakers = [puppet.waker(), root.waker()];
    drop(executor);
    let other = thread::spawn(move || {
        for waker in &wakers {
            waker.wake_by_ref();
            waker.wake_by_ref();
        }
    });
    assert!(other.join().is_ok(), "input: two wakers, on another thread");
    let got = (script.bell.rings(), puppet.polls.get());
    assert_eq!(got, (0, 1), "input: the executor is gone");
}
