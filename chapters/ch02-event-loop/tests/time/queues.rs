//! The two queues, each against tables, and both against a list of timers
//! that is looked through from end to end.

use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::heap::Heap;
use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::wheel::Wheel;

/// What a queue is asked.
#[derive(Debug, Clone, Copy)]
enum Op {
    Insert(Tick),
    Cancel(usize), // of all keys so far, this one, counted round
    Expire(Tick),
}

/// A distance in time, from nothing to beyond all levels.
fn distance(random: &mut Gen) -> u64 {
    let bits = *random.pick(&[0, 2, 6, 7, 12, 13, 20, 36, 40, 63]);
    match random.upto(3) {
        0 => 1 << bits, // a slot's boundary, seen from zero
        _ => random.upto(1 << bits),
    }
}

/// Operations, with the time that has come by each of them.
fn ops(random: &mut Gen) -> Vec<Op> {
    let mut now = 0_u64;
    random.vec(60, |random| match random.upto(5) {
        0 | 1 => Op::Insert(Tick(now.saturating_add(distance(random)))),
        2 => Op::Cancel(random.upto(99) as usize),
        3 => {
            now = now.saturating_add(distance(random));
            Op::Expire(Tick(now))
        }
        4 => {
            now = (now | 63).saturating_add(random.upto(1)); // a boundary
            Op::Expire(Tick(now))
        }
        // What is past: an insert there, or a clock that goes back.
        _ => match random.upto(1) {
            0 => Op::Insert(Tick(random.upto(now))),
            _ => Op::Expire(Tick(random.upto(now))),
        },
    })
}

/// The definition: a list, in the order of inserts.
#[derive(Default)]
struct List {
    now: Tick,
    timers: Vec<(Tick, usize)>, // value n is the n-th timer
    inserts: usize,
}

impl List {
    fn insert(&mut self, at: Tick) {
        self.timers.push((at.max(self.now), self.inserts));
        self.inserts += 1;
    }

    fn cancel(&mut self, value: usize) -> Option<usize> {
        let at = self.timers.iter().position(|t| t.1 == value)?;
        Some(self.timers.remove(at).1)
    }

    fn expire(&mut self, now: Tick) -> Vec<usize> {
        self.now = self.now.max(now);
        let is_due = |timer: &mut (Tick, usize)| timer.0 <= self.now;
        let mut due: Vec<_> = self.timers.extract_if(.., is_due).collect();
        due.sort(); // by tick, then by insert
        due.into_iter().map(|timer| timer.1).collect()
    }

    fn next(&self) -> Option<Tick> {
        self.timers.iter().map(|timer| timer.0).min()
    }
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    got: T,
    expected: T,
) -> Result<(), String> {
    match got == expected {
        true => Ok(()),
        false => Err(format!("{what}: {got:?}, expected {expected:?}")),
    }
}

/// Runs the operations on a queue and on the list.
fn mirrors<Q: TimerQueue<usize>>(
    mut queue: Q,
    ops: &[Op],
    next: fn(got: Option<Tick>, first: Option<Tick>) -> Result<(), String>,
) -> Result<(), String> {
    let mut list = List::default();
    let mut keys: Vec<TimerKey> = Vec::new();
    for op in ops {
        match *op {
            Op::Insert(at) => {
                keys.push(queue.insert(at, list.inserts));
                list.insert(at);
            }
            Op::Cancel(_) if keys.is_empty() => {}
            Op::Cancel(which) => {
                let value = which % keys.len();
                let pending = list.cancel(value);
                let seen = queue.get_mut(keys[value]).copied();
                same("get_mut", seen, pending)?;
                same("cancel", queue.cancel(keys[value]), pending)?;
                same("again", queue.cancel(keys[value]), None)?;
            }
            Op::Expire(now) => {
                let mut fired = vec![usize::MAX]; // expire appends
                queue.expire(now, &mut fired);
                same("fired", &fired[1..], &list.expire(now))?;
            }
        }
        same("len", queue.len(), list.timers.len())?;
        next(queue.next(), list.next())
            .map_err(|why| format!("after {op:?}: next: {why}"))?;
    }
    keys.sort();
    keys.dedup();
    same("different keys", keys.len(), list.inserts)
}

/// I31, I32, I33: the heap does what the list does, for any operations; its
/// `next` is the first deadline.
#[test]
fn the_heap_is_the_list() {
    prop::check("the_heap_is_the_list", 2_000, ops, |ops| {
        mirrors(Heap::default(), ops, |got, first| same("", got, first))
    });
}

/// I31, I32, I33: the wheel does what the list does, for any operations; its
/// `next` is never after the first deadline.
#[test]
fn the_wheel_is_the_list() {
    prop::check("the_wheel_is_the_list", 4_000, ops, |ops| {
        mirrors(Wheel::default(), ops, |got, first| {
            match got.is_some() == first.is_some() && got <= first {
                true => Ok(()),
                false => Err(format!("{got:?}, first {first:?}")),
            }
        })
    });
}

/// I31, I32: it does not matter at which ticks the queue is told the time.
#[test]
fn any_cut_of_the_time_is_the_same() {
    fn run<Q: TimerQueue<usize> + Default>(
        timers: &[Tick],
        ticks: &[Tick],
    ) -> Vec<usize> {
        let (mut queue, mut fired) = (Q::default(), Vec::new());
        for (value, at) in timers.iter().enumerate() {
            queue.insert(*at, value);
        }
        ticks.iter().for_each(|now| queue.expire(*now, &mut fired));
        fired
    }
    prop::check(
        "any_cut_of_the_time_is_the_same",
        1_000,
        |random| {
            let mut tick = |random: &mut Gen| Tick(distance(random));
            let timers = random.vec(30, &mut tick);
            let mut ticks = random.vec(30, &mut tick);
            ticks.push(tick(random));
            ticks.sort();
            (timers, ticks)
        },
        |(timers, ticks)| {
            let last = ticks.last().copied().unwrap_or_default();
            let at_once = run::<Wheel<_>>(timers, &[last]);
            same("cut", run::<Wheel<_>>(timers, ticks), at_once.clone())?;
            same("heap", run::<Heap<_>>(timers, ticks), at_once)
        },
    );
}

/// I34: who expires at `next`, again and again, meets each deadline exactly,
/// and is in vain there at most once for each level.
#[test]
fn next_leads_to_the_deadline() {
    prop::check(
        "next_leads_to_the_deadline",
        1_000,
        |random| (Tick(distance(random)), random.vec(8, distance)),
        |(start, distances)| {
            let mut wheel = Wheel::default();
            wheel.expire(*start, &mut Vec::new());
            for d in distances {
                let at = Tick(start.0.saturating_add(*d));
                wheel.insert(at, at);
            }
            let mut in_vain = 0;
            while let Some(next) = wheel.next() {
                let mut fired = Vec::new();
                wheel.expire(next, &mut fired);
                if fired.iter().any(|at| *at != next) {
                    return Err(format!("{fired:?} at {next:?}"));
                }
                in_vain = if fired.is_empty() { in_vain + 1 } else { 0 };
                // Ten moves down for each timer, and none before is left.
                if in_vain > 10 {
                    return Err(format!("in vain until {next:?}"));
                }
            }
            Ok(())
        },
    );
}

/// Checks a table on both queues: timers in the order of their inserts, then
/// what each expire gives.
fn check(timers: &[u64], expires: &[(u64, &[u64])]) {
    fn run<Q: TimerQueue<u64> + Default>(
        timers: &[u64],
        expires: &[(u64, &[u64])],
    ) {
        let mut queue = Q::default();
        for at in timers {
            queue.insert(Tick(*at), *at);
        }
        for (now, expected) in expires {
            let mut fired = Vec::new();
            queue.expire(Tick(*now), &mut fired);
            assert_eq!(fired, *expected, "input: {timers:?}, at {now}");
        }
    }
    run::<Heap<u64>>(timers, expires);
    run::<Wheel<u64>>(timers, expires);
}

/// I31, I34: at the boundaries of slots and levels, and at both ends of time.
#[test]
fn boundaries() {
    check(&[0], &[(0, &[0]), (0, &[])]);
    check(&[1], &[(0, &[]), (1, &[1])]);
    check(&[63, 64], &[(62, &[]), (63, &[63]), (64, &[64])]);
    check(&[64, 65], &[(63, &[]), (64, &[64]), (65, &[65])]);
    check(&[127, 128], &[(126, &[]), (127, &[127]), (128, &[128])]);
    check(
        &[4095, 4096],
        &[(4094, &[]), (4095, &[4095]), (4096, &[4096])],
    );
    check(&[4097], &[(4096, &[]), (4097, &[4097])]);
    check(&[5, 3, 4, 3], &[(9, &[3, 3, 4, 5])]);
    check(&[7000, 70, 7], &[(6999, &[7, 70]), (7000, &[7000])]);
    check(&[200, 100], &[(150, &[100]), (199, &[]), (300, &[200])]);
    let far = 1 << 36; // as far as six levels go
    check(&[far + 1, far], &[(far - 1, &[]), (far, &[far])]);
    let end = u64::MAX;
    check(&[end, end - 1], &[(end - 2, &[]), (end - 1, &[end - 1])]);
    check(&[end, 0], &[(end, &[0, end]), (end, &[])]);
}

/// I31: time that stands still fires nothing twice, and what is inserted for
/// the running tick fires at the next expire, at the same time.
#[test]
fn time_may_stand_still() {
    let mut wheel = Wheel::default();
    let mut fired = Vec::new();
    wheel.expire(Tick(100), &mut fired);
    for round in 0..3 {
        wheel.insert(Tick(100), round);
        wheel.insert(Tick(50), round); // past: as if for 100
        assert_eq!(wheel.next(), Some(Tick(100)), "round {round}");
        wheel.expire(Tick(100), &mut fired);
        wheel.expire(Tick(100), &mut fired);
    }
    assert_eq!(fired, [0, 0, 1, 1, 2, 2], "at tick 100");
    wheel.insert(Tick(100), 3);
    wheel.expire(Tick(7), &mut fired); // the clock went back
    assert_eq!(fired.last(), Some(&3), "the queue's time stays");
}

/// I34: years pass in one step. (Tick by tick, this test would not end.)
#[test]
fn the_clock_may_jump() {
    let mut wheel = Wheel::default();
    let mut fired = Vec::new();
    for level in 0..11 {
        wheel.insert(Tick(1 << (6 * level)), level);
    }
    wheel.expire(Tick(u64::MAX - 1), &mut fired);
    assert_eq!(fired, (0..11).collect::<Vec<_>>(), "584 million years on");
    wheel.insert(Tick(u64::MAX), 11);
    wheel.expire(Tick(u64::MAX), &mut fired);
    assert_eq!(fired.last(), Some(&11), "the last tick");
}

/// I33: a place has a new tenant, and the old key does not open it.
#[test]
fn an_old_key_opens_nothing() {
    fn run<Q: TimerQueue<&'static str> + Default>() {
        let mut queue = Q::default();
        let old = queue.insert(Tick(5), "old");
        assert_eq!(queue.cancel(old), Some("old"));
        let new = queue.insert(Tick(5), "new");
        assert_eq!(queue.cancel(old), None, "a key that was cancelled");
        assert_eq!(queue.get_mut(old), None);
        queue.expire(Tick(5), &mut Vec::new());
        let newest = queue.insert(Tick(9), "newest");
        assert_eq!(queue.cancel(new), None, "a key that has fired");
        assert_eq!(queue.get_mut(newest), Some(&mut "newest"));
        assert_eq!(queue.len(), 1);
    }
    run::<Heap<_>>();
    run::<Wheel<_>>();
}

/// I34: a cancel at each place of a slot's list leaves the rest whole.
#[test]
fn cancels_within_a_list() {
    for size in 1..5 {
        for which in 0..size {
            let mut wheel = Wheel::default();
            // Out of order, so that the list is that of a higher level's.
            let at = |n: u64| Tick(200 - n);
            let keys: Vec<_> =
                (0..size).map(|n| wheel.insert(at(n), n)).collect();
            assert_eq!(wheel.cancel(keys[which as usize]), Some(which));
            wheel.insert(at(size), size);
            let mut expected: Vec<_> =
                (0..=size).rev().filter(|n| *n != which).collect();
            let mut fired = Vec::new();
            wheel.expire(Tick(500), &mut fired);
            assert_eq!(fired, expected, "cancelled {which} of {size}");
            expected.clear();
            assert_eq!(wheel.next(), None, "cancelled {which} of {size}");
        }
    }
}
