//! The blocking pool.

use std::cell::RefCell;
use std::future::pending;
use std::sync::mpsc::{self, Receiver, Sender};

use ch02_event_loop::blocking::{Full, Pool};
use ch02_event_loop::executor::Executor;
use ch02_event_loop::promise::{Broken, Promised, block_on};

use super::step5::reactors;

/// Work that ends when its gate is opened or dropped.
struct Gated {
    done: Promised<()>,
    open: Sender<()>,
    began: Receiver<()>,
}

fn gated(pool: &Pool) -> Result<Gated, Full> {
    let (open, gate) = mpsc::channel::<()>();
    let (begin, began) = mpsc::channel();
    let work = move || {
        let _ = begin.send(());
        let _ = gate.recv();
    };
    let done = pool.run(work)?;
    Ok(Gated { done, open, began })
}

/// I28: it takes as much as it has threads and room, then refuses, however
/// far its threads have come; what ends makes room again.
#[test]
fn takes_so_much_and_no_more() {
    let check_when = |most_threads, most_waiting, expected, begun: bool| {
        let pool = Pool::new(most_threads, most_waiting);
        let mut taken: Vec<Gated> = Vec::new();
        let refused = loop {
            match gated(&pool) {
                Ok(work) if taken.len() < 100 => {
                    if begun && taken.len() < most_threads.max(1) {
                        work.began.recv().unwrap();
                    }
                    taken.push(work);
                }
                Ok(_) => break None,
                Err(full) => break Some(full),
            }
        };
        let got = (taken.len(), pool.threads());
        let input = format!(
            "threads {most_threads}, waiting {most_waiting}, begun: {begun}"
        );
        assert_eq!(refused, Some(Full), "input: {input}");
        assert_eq!(got, expected, "input: {input}");
        for work in taken {
            drop(work.open);
            assert_eq!(block_on(work.done), Ok(()), "input: {input}, let go");
        }
        assert!(gated(&pool).is_ok(), "input: {input}, when all are done");
    };
    let check = |most_threads, most_waiting, expected| {
        check_when(most_threads, most_waiting, expected, false);
        check_when(most_threads, most_waiting, expected, true);
    };
    check(1, 0, (1, 1));
    check(0, 0, (1, 1)); // at least one thread
    check(2, 3, (5, 2));
    check(4, 0, (4, 4));
    check(3, 1, (4, 3));
}

/// I29: work that nobody waits for any more is not begun; what it was to
/// work on is dropped.
#[test]
fn does_not_begin_what_nobody_waits_for() {
    let pool = Pool::new(1, 9);
    let Gated {
        done: first, open, ..
    } = gated(&pool).unwrap();
    let (tell, began) = mpsc::channel();
    let abandoned = pool.run(move || tell.send(()).unwrap()).unwrap();
    drop(abandoned);
    let last = pool.run(|| 3).unwrap();
    drop(open);
    assert_eq!(block_on(first), Ok(()), "input: the first of three");
    assert_eq!(block_on(last), Ok(3), "input: the last of three");
    let got: Vec<()> = began.iter().collect();
    assert_eq!(got, [], "input: the second of three, abandoned");
}

/// I28: a thread is started only if none is idle: who asks again when it has
/// its result gets the same thread.
#[test]
fn reuses_its_threads() {
    let pool = Pool::new(4, 9);
    for round in 0..100 {
        let done = pool.run(move || round).unwrap();
        assert_eq!(block_on(done), Ok(round), "input: one after another");
        assert_eq!(pool.threads(), 1, "input: after round {round}");
    }
}

thread_local! {
    static AT_EXIT: RefCell<Option<Tell>> = const { RefCell::new(None) };
}

struct Tell(Sender<&'static str>);

impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.0.send("thread ended");
    }
}

/// I30: the drop of the last handle returns at once; the work that was taken
/// is done, what waited too, and then the threads end.
#[test]
fn ends_after_its_work() {
    let pool = Pool::new(1, 9);
    let (tell, log): (_, Receiver<&str>) = mpsc::channel();
    let exit = Tell(tell.clone());
    let marked = pool.run(|| AT_EXIT.set(Some(exit))).unwrap();
    let Gated {
        done: first, open, ..
    } = gated(&pool).unwrap();
    let waiting = pool.run(move || tell.send("waited").unwrap()).unwrap();
    let clone = pool.clone();
    drop(pool);
    drop(clone);
    drop(open);
    for done in [marked, first, waiting] {
        assert_eq!(block_on(done), Ok(()), "input: three works");
    }
    let got: Vec<_> = log.iter().collect(); // until both ends are dropped
    assert_eq!(
        got,
        ["waited", "thread ended"],
        "input: a pool of one thread"
    );
}

/// I30: threads that wait for work end as well.
#[test]
fn idle_threads_end() {
    let pool = Pool::new(8, 0);
    let (tell, log): (_, Receiver<&str>) = mpsc::channel();
    let gates: Vec<_> = (0..8).map(|_| gated(&pool).unwrap()).collect();
    for work in gates {
        drop(work.open);
        assert_eq!(block_on(work.done), Ok(()), "input: one of 8 works");
    }
    let works: Vec<_> = (0..8)
        .map(|_| {
            let exit = Tell(tell.clone());
            let (done, gate) = mpsc::channel::<()>();
            let work = move || {
                AT_EXIT.set(Some(exit));
                let _ = gate.recv();
            };
            (pool.run(work).unwrap(), done)
        })
        .collect();
    for (promised, done) in works {
        drop(done);
        assert_eq!(block_on(promised), Ok(()), "input: one of 8 more");
    }
    drop(tell);
    drop(pool);
    let got = log.iter().count(); // until the last end is dropped
    assert_eq!(got, 8, "input: threads that end");
}

struct Spiteful;

impl Drop for Spiteful {
    fn drop(&mut self) {
        panic!("and once more");
    }
}

/// I28: a panic costs the pool nothing: its thread goes on, also after a
/// message whose drop panics, and after a value whose drop does.
#[test]
fn survives_panics() {
    let pool = Pool::new(1, 9);
    let Gated { open, .. } = gated(&pool).unwrap();
    let plain = pool.run(|| panic!("meant to")).unwrap();
    let spiteful = pool.run(|| std::panic::panic_any(Spiteful)).unwrap();
    let after = pool.run(|| 4).unwrap();
    drop(open);
    let plain: Result<(), _> = block_on(plain);
    let spiteful: Result<(), _> = block_on(spiteful);
    assert_eq!(plain, Err(Broken), "input: a panic");
    assert_eq!(spiteful, Err(Broken), "input: a spiteful message");
    assert_eq!(block_on(after), Ok(4), "input: work after them");

    // A value that nobody waits for any more is dropped by the thread.
    let (begin, began) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let value = pool.run(move || {
        begin.send(()).unwrap();
        let _ = gate.recv();
        Spiteful
    });
    began.recv().unwrap();
    drop(value);
    drop(open);
    let after = pool.run(|| 5).unwrap();
    assert_eq!(block_on(after), Ok(5), "input: work after a spiteful value");
    assert_eq!(pool.threads(), 1, "input: the same");
}

/// I20: a loop that sleeps is woken by the pool's result, and its other
/// tasks run while the work goes on.
#[test]
fn a_loop_waits_for_work() {
    for (name, reactor) in reactors() {
        let executor = Executor::new(reactor);
        let pool = Pool::new(2, 9);
        let Gated { done, open, .. } = gated(&pool).unwrap();
        let work = executor.spawn(done);
        // Opens the gate: the work waits for another task of its own loop.
        let other = executor.spawn(async move { drop(open) });
        executor.spawn(pending::<()>()).detach();
        let got = executor.block_on(work).unwrap();
        assert_eq!(got, Ok(Ok(())), "input: {name}");
        drop(other);
    }
}
