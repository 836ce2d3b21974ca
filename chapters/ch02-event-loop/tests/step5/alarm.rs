//! The alarm, by itself and rung by real threads.

use std::future::poll_fn;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use ch02_event_loop::alarm::{Alarm, Bell};
use ch02_event_loop::executor::Executor;
use ch02_event_loop::poll;
use ch02_event_loop::poller::{Interest, Poller};
use ch02_event_loop::promise::promise;
use ch02_event_loop::slab::Slab;

use super::step5::reactors;

fn alarms() -> [(&'static str, Alarm); 2] {
    let pipe = Alarm::pipe().unwrap();
    [("the system's", Alarm::new().unwrap()), ("pipe", pipe)]
}

fn is_readable(alarm: &Alarm) -> bool {
    let mut poller = poll::Poll::new();
    let token = Slab::default().insert(());
    poller.add(alarm.source(), token).unwrap();
    poller.arm(alarm.source(), Interest::READ).unwrap();
    let mut events = Vec::new();
    poller.wait(&mut events, Some(Duration::ZERO)).unwrap();
    !events.is_empty()
}

/// I20: a ring is heard if the loop had said that it dozes, once, and until
/// it is cleared; any other ring makes no call.
#[test]
fn rings_who_dozes() {
    for (name, alarm) in alarms() {
        let check = |what: &str, expected: bool| {
            assert_eq!(is_readable(&alarm), expected, "input: {name}, {what}");
        };
        check("new", false);
        alarm.ring();
        check("rung while awake", false);
        alarm.doze();
        alarm.awake();
        alarm.ring();
        check("rung after the sleep", false);
        alarm.doze();
        check("dozing", false);
        alarm.ring();
        check("rung while it dozes", true);
        alarm.clear();
        check("cleared", false);
        alarm.ring();
        check("a second ring for one doze", false);
    }
}

/// I20: more rings than a pipe has room for do not block, and one clear
/// takes them all.
#[test]
fn takes_any_number_of_rings() {
    for (name, alarm) in alarms() {
        for _ in 0..20_000 {
            alarm.doze();
            alarm.ring();
        }
        assert!(is_readable(&alarm), "input: {name}, 20,000 rings");
        alarm.clear();
        assert!(!is_readable(&alarm), "input: {name}, and cleared");
    }
}

/// I20, I21: a thread that wakes a task ends the sleep of the loop, every
/// time: a ball goes to and fro until one of them would wait for ever.
#[test]
fn a_thread_wakes_the_loop() {
    const ROUNDS: u32 = 2_000;
    for (name, reactor) in reactors() {
        let executor = Executor::new(reactor.clone());
        let (to_thread, balls) = mpsc::channel::<Waker>();
        let (back, to_loop) = mpsc::channel();
        let thread = thread::spawn(move || {
            for waker in balls {
                back.send(()).unwrap();
                waker.wake();
            }
        });
        let mut left = ROUNDS;
        let mut is_out = false;
        let game = executor.spawn(poll_fn(move |cx| {
            if is_out && to_loop.try_recv().is_ok() {
                is_out = false;
                left -= 1;
            }
            if left == 0 {
                return Poll::Ready(());
            }
            if !is_out {
                is_out = true;
                to_thread.send(cx.waker().clone()).unwrap();
            }
            Poll::Pending
        }));
        let got = executor.block_on(game).unwrap();
        assert_eq!(got, Ok(()), "input: {name}, {ROUNDS} rounds");
        thread.join().unwrap();
        // Each round is one sleep at most, but for a ring that comes late.
        let most = u64::from(2 * ROUNDS + 8);
        let got = reactor.wakeups();
        assert!(got <= most, "input: {name}, woken {got} times");
    }
}

/// I21: many threads keep promises that tasks of one loop wait for, and none
/// is slept over.
#[test]
fn many_threads_keep_promises() {
    for (name, reactor) in reactors() {
        let executor = Executor::new(reactor);
        let mut promises = Vec::new();
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let (mine, value) = promise();
                promises.push((mine, n));
                executor.spawn(value)
            })
            .collect();
        let threads: Vec<_> = (0..4)
            .map(|_| promises.split_off(promises.len() - 50))
            .map(|some| {
                thread::spawn(|| some.into_iter().for_each(|(p, n)| p.keep(n)))
            })
            .collect();
        let got = executor.block_on(async {
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap().unwrap();
            }
            sum
        });
        let expected = (0..200).sum::<u32>();
        assert_eq!(got.unwrap(), expected, "input: {name}, 200 promises");
        threads.into_iter().for_each(|t| t.join().unwrap());
    }
}
