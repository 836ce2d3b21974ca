//! What step 4 must do. Most tests poll by hand, with wakers that count, so
//! that an order of events is what the test says; a few use threads.

mod promises;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use ch02_event_loop::combine::{Either, join, join_all, select};
use ch02_event_loop::promise::{Broken, Promise, block_on, promise};

use promises::{ask, counter, hangs_unless, part};

/// I16, I17: who asks first waits and is woken once; who asks later is answered
/// at once. A dropped promise is an answer, too.
#[test]
fn kept_or_broken_before_or_after() {
    let check = |value: Option<u8>, asked_before: bool| {
        let input = format!("{value:?}, asked before: {asked_before}");
        let (promise, mut promised) = promise();
        let (waker, wakes) = counter();
        if asked_before {
            let got = ask(&mut promised, &waker);
            assert_eq!(got, Poll::Pending, "nothing yet; {input}");
        }
        match value {
            Some(value) => promise.keep(value),
            None => drop(promise),
        }
        let expected = usize::from(asked_before);
        assert_eq!(wakes.count(), expected, "wakes; {input}");
        let got = ask(&mut promised, &waker);
        assert_eq!(got, Poll::Ready(value.ok_or(Broken)), "{input}");
        assert_eq!(wakes.count(), expected, "wakes, at the end; {input}");
    };
    for value in [Some(7), None] {
        check(value, false);
        check(value, true);
    }
}

/// I16: a future that moved to another task wakes the task that asked last,
/// and only that.
#[test]
fn the_last_to_ask_is_woken() {
    let (promise, mut promised) = promise();
    let (first, first_wakes) = counter();
    let (second, second_wakes) = counter();
    for waker in [&first, &first, &second] {
        assert_eq!(ask(&mut promised, waker), Poll::Pending, "not kept");
    }
    promise.keep("value");
    let got = (first_wakes.count(), second_wakes.count());
    assert_eq!(got, (0, 1), "wakes of the first and of the second");
    let got = ask(&mut promised, &second);
    assert_eq!(got, Poll::Ready(Ok("value")), "the value");
}

/// I17: a value is dropped once: by who takes it, or, where nobody does, with
/// the last of the two ends.
#[test]
fn a_value_is_dropped_once() {
    struct Dropped(Rc<Cell<u32>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Rc::new(Cell::new(0));
    let new = || Dropped(drops.clone());
    let (kept, promised) = promise();
    kept.keep(new());
    assert_eq!(drops.get(), 0, "it may still be asked for");
    drop(promised);
    assert_eq!(drops.get(), 1, "kept, and never asked for");

    let (late, promised) = promise();
    drop(promised);
    late.keep(new());
    assert_eq!(drops.get(), 2, "kept when nobody waited any more");

    let (kept, mut promised) = promise();
    kept.keep(new());
    let taken = ask(&mut promised, Waker::noop());
    assert_eq!(drops.get(), 2, "it is with who asked");
    drop((taken, promised));
    assert_eq!(drops.get(), 3, "and was dropped there");
}

/// I17: after the value there is no second one, and no wait.
#[test]
fn a_value_comes_once() {
    let (promise, mut promised) = promise();
    promise.keep(1);
    let got = [0; 3].map(|_| ask(&mut promised, Waker::noop()));
    let over = Poll::Ready(Err(Broken));
    assert_eq!(got, [Poll::Ready(Ok(1)), over, over], "asked three times");
}

/// I17: a promise knows when nobody waits for it any more.
#[test]
fn abandoned() {
    let (promise, promised) = promise::<u8>();
    assert!(!promise.is_abandoned(), "somebody may wait");
    drop(promised);
    assert!(promise.is_abandoned(), "nobody can");
}

/// I16: a waker is woken, and an old one dropped, without the lock. A waker
/// may own a task, and a task may hold an end of the same promise.
#[test]
fn no_waker_runs_under_the_lock() {
    // Woken, it asks for the value.
    struct Asks(Mutex<Option<ch02_event_loop::promise::Promised<u8>>>);
    impl Wake for Asks {
        fn wake(self: Arc<Self>) {
            let mut promised = self.0.lock().expect("no panic before");
            let promised = promised.as_mut().expect("put there below");
            let got = ask(promised, Waker::noop());
            assert_eq!(got, Poll::Ready(Ok(5)), "asked while it is woken");
        }
    }
    // Dropped, it drops the promise.
    struct Owns(#[expect(dead_code, reason = "owned")] Promise<u8>);
    impl Wake for Owns {
        fn wake(self: Arc<Self>) {}
    }
    let (kept, mut promised) = promise();
    let (broken, mut owned) = promise();
    hangs_unless("a waker's code runs without the lock", move || {
        let asks = Arc::new(Asks(Mutex::new(None)));
        let waker = Waker::from(asks.clone());
        assert_eq!(ask(&mut promised, &waker), Poll::Pending, "not kept");
        *asks.0.lock().expect("no panic before") = Some(promised);
        kept.keep(5);

        let waker = Waker::from(Arc::new(Owns(broken)));
        assert_eq!(ask(&mut owned, &waker), Poll::Pending, "not kept");
        drop(waker); // the promise's own clone is the last one now
        let (other, wakes) = counter();
        let _ = ask(&mut owned, &other);
        assert_eq!(wakes.count(), 1, "the promise was dropped in the ask");
        let got = ask(&mut owned, &other);
        assert_eq!(got, Poll::Ready(Err(Broken)), "nobody will keep it");
    });
}

/// I16: between threads no wake-up is lost, whichever is first.
#[test]
fn no_wake_up_is_lost_between_threads() {
    let (first, promised) = promise();
    first.keep(0);
    assert_eq!(block_on(promised), Ok(0), "kept before it was asked for");
    hangs_unless("each wake-up arrives", || {
        const ROUNDS: u32 = 20_000;
        let (send, receive) = std::sync::mpsc::channel::<(u32, Promise<u32>)>();
        let keeper = thread::spawn(move || {
            for (round, promise) in receive {
                match round % 3 {
                    0 => drop(promise),
                    _ => promise.keep(round),
                }
            }
        });
        for round in 0..ROUNDS {
            let (promise, promised) = promise();
            send.send((round, promise)).expect("it listens");
            let expected = (round % 3 != 0).then_some(round).ok_or(Broken);
            assert_eq!(block_on(promised), expected, "round {round}");
        }
        drop(send);
        keeper.join().expect("no panic");
    });
}

/// I16: a future that was asked on one thread goes on on another.
#[test]
fn a_future_moves_between_threads() {
    let (kept, mut promised) = promise();
    let (waker, wakes) = counter();
    assert_eq!(ask(&mut promised, &waker), Poll::Pending, "not kept");
    hangs_unless("the second thread is woken", move || {
        let (send, receive) = std::sync::mpsc::channel();
        let other = thread::spawn(move || {
            let mut first = true;
            block_on(poll_fn(|cx| {
                let got = Pin::new(&mut promised).poll(cx);
                if std::mem::take(&mut first) {
                    send.send(()).expect("it listens");
                }
                got
            }))
        });
        receive.recv().expect("the other thread has asked");
        kept.keep(9);
        let got = other.join().expect("no panic");
        assert_eq!(got, Ok(9), "on the other thread");
        assert_eq!(wakes.count(), 0, "who asked first has no part in it");
    });
}

/// I16: block_on polls once for each wake-up, and not because a thread was
/// unparked for another reason.
#[test]
fn block_on_polls_when_woken() {
    assert_eq!(block_on(ready(1)), 1, "ready at once");
    hangs_unless("a wake-up from another thread arrives", || {
        let mut polls = 0;
        thread::current().unpark(); // somebody's: not the waker's
        block_on(poll_fn(|cx| {
            polls += 1;
            if polls == 1 {
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake());
                return Poll::Pending;
            }
            Poll::Ready(())
        }));
        assert_eq!(polls, 2, "once at first, once when woken");
    });
}

/// I16: a wake-up during the poll counts, also if the future has parked the
/// thread in that poll and so has used up the thread's token.
#[test]
fn block_on_is_woken_while_it_polls() {
    assert_eq!(block_on(ready(1)), 1, "ready at once");
    hangs_unless("a wake-up in the poll is not lost", || {
        for parks in [false, true] {
            let mut polls = 0;
            block_on(poll_fn(|cx| {
                polls += 1;
                if polls == 1 {
                    cx.waker().wake_by_ref();
                    if parks {
                        thread::park(); // as a lock or a channel may
                    }
                    return Poll::Pending;
                }
                Poll::Ready(())
            }));
            assert_eq!(polls, 2, "polls; parks: {parks}");
        }
    });
}

/// I18: join gives both values, in the order of the arguments, whichever comes
/// first, and asks each part no more often than it was woken.
#[test]
fn join_gives_both() {
    for first in ["left", "right"] {
        let (left, left_polls) = part("l", 2);
        let (right, right_polls) = part("r", 3);
        let (a, a_done) = promise();
        let (b, b_done) = promise();
        let mut both =
            pin!(join(async { (left.await, a_done.await) }, async {
                (right.await, b_done.await)
            },));
        let (waker, _) = counter();
        let mut cx = Context::from_waker(&waker);
        for _ in 0..3 {
            assert!(both.as_mut().poll(&mut cx).is_pending(), "{first}");
        }
        let (one, other) = if first == "left" { (a, b) } else { (b, a) };
        one.keep(first);
        assert!(both.as_mut().poll(&mut cx).is_pending(), "{first}");
        other.keep("second");
        let got = both.as_mut().poll(&mut cx);
        let (left, right) = match first {
            "left" => ("left", "second"),
            _ => ("second", "right"),
        };
        let expected = (("l", Ok(left)), ("r", Ok(right)));
        assert_eq!(got, Poll::Ready(expected), "{first} first");
        let polls = (left_polls.get(), right_polls.get());
        assert_eq!(polls, (2, 3), "polls of the parts");
    }
}

/// I18: no part is polled again that has given its value, and each has its
/// place in the answer.
#[test]
fn join_all_keeps_the_order() {
    let check = |needs: &[u32]| {
        let parts: Vec<_> =
            (0..).zip(needs).map(|(i, n)| part(i, *n)).collect();
        let polls: Vec<_> =
            parts.iter().map(|(_, polls)| polls.clone()).collect();
        let mut all = pin!(join_all(parts.into_iter().map(|(part, _)| part)));
        let (waker, _) = counter();
        let most = needs.iter().copied().max().unwrap_or(1);
        for round in 1..=most {
            let got = all.as_mut().poll(&mut Context::from_waker(&waker));
            let expected: Vec<usize> = (0..needs.len()).collect();
            match round == most {
                true => assert_eq!(got, Poll::Ready(expected), "{needs:?}"),
                false => assert_eq!(got, Poll::Pending, "{needs:?}"),
            }
        }
        let polls: Vec<u32> = polls.iter().map(|polls| polls.get()).collect();
        assert_eq!(polls, needs, "polls of the parts");
    };
    check(&[]);
    check(&[1]);
    check(&[3]);
    check(&[1, 1, 1]);
    check(&[3, 1, 2, 5, 1]);
}

/// I19: the first value wins, the left one of two; the other future is
/// dropped by then, and was not asked in vain.
#[test]
fn select_gives_the_first() {
    let check = |left: u32, right: u32, expected, polls| {
        let (left_part, left_polls) = part("l", left);
        let (right_part, right_polls) = part("r", right);
        let (held, still_held) = promise::<()>();
        let loser = async move {
            let _still_held = still_held;
            right_part.await
        };
        let mut first = pin!(select(left_part, loser));
        let mut cx = Context::from_waker(Waker::noop());
        let mut got = Poll::Pending;
        for _ in 0..left.min(right) {
            assert!(got.is_pending(), "too early: {left}, {right}");
            got = first.as_mut().poll(&mut cx);
        }
        assert_eq!(got, Poll::Ready(expected), "input: {left}, {right}");
        let asked = (left_polls.get(), right_polls.get());
        assert_eq!(asked, polls, "polls; input: {left}, {right}");
        assert!(held.is_abandoned(), "both are dropped: {left}, {right}");
    };
    check(1, 1, Either::Left("l"), (1, 0));
    check(1, 9, Either::Left("l"), (1, 0));
    check(2, 1, Either::Right("r"), (1, 1));
    check(3, 3, Either::Left("l"), (3, 2));
    check(9, 4, Either::Right("r"), (4, 4));
}

/// I19: what is dropped is cancelled: its promise learns of it. What is only
/// lent to select goes on after it.
#[test]
fn the_loser_is_cancelled_unless_lent() {
    let (kept, promised) = promise();
    let (other, cancelled) = promise::<u8>();
    kept.keep(1);
    let got = block_on(select(promised, cancelled));
    assert_eq!(got, Either::Left(Ok(1)), "the one that was kept");
    assert!(other.is_abandoned(), "nobody waits for the other");

    let (kept, promised) = promise();
    let (other, mut lent) = promise();
    kept.keep(1);
    let got = block_on(select(promised, &mut lent));
    assert_eq!(got, Either::Left(Ok(1)), "the one that was kept");
    other.keep(2);
    assert_eq!(block_on(lent), Ok(2), "it lost, and was not lost");
}

/// I19: a future that never gives a value loses to one that does, at any
/// depth, and nothing is left of it.
#[test]
fn combinations_nest() {
    let (kept, promised) = promise();
    let (never, waits) = promise::<()>();
    kept.keep(3);
    let deep = select(join(pending::<()>(), waits), join(promised, ready(4)));
    assert_eq!(block_on(deep), Either::Right((Ok(3), 4)), "the right pair");
    assert!(never.is_abandoned(), "the left pair was dropped");
}

/// I16, I17, I18: in any order of asks, keeps and drops, join_all of promises
/// is woken exactly when somebody must ask again, and ends when the last
/// promise does.
#[test]
fn any_order_of_promises() {
    drop(promise::<u8>());
    promises::any_order();
}

/// I16, I17: in any order of asks (by several tasks), a keep and drops, one
/// promise does what a model of three lines does.
#[test]
fn one_promise_against_a_model() {
    drop(promise::<u8>());
    promises::one_against_a_model();
}

/// I17: `Broken` says what happened, as an error that can be passed on.
#[test]
fn broken_is_an_error() {
    let (gone, mut promised) = promise::<u8>();
    drop(gone);
    let got = ask(&mut promised, Waker::noop());
    assert_eq!(got, Poll::Ready(Err(Broken)), "nobody keeps it");
    let error: Box<dyn std::error::Error> = Box::new(Broken);
    assert_eq!(error.to_string(), "dropped before it gave its value");
}

/// I18: a part that panics takes the join with it, and its neighbour is
/// dropped.
#[test]
fn a_panic_drops_the_neighbours() {
    let (held, neighbour) = promise::<()>();
    let log = RefCell::new(Vec::new());
    let panics = async {
        log.borrow_mut().push("polled");
        panic!("on purpose");
    };
    let run = || block_on(join(neighbour, panics));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    assert!(caught.is_err(), "the panic comes through");
    assert_eq!(*log.borrow(), ["polled"], "what ran");
    assert!(held.is_abandoned(), "the neighbour was dropped");
}
