//! The checks of the exercise `ex_wheel`. The mutants are below: whoever
//! reads on before having hunted them spoils the hunt.

use std::collections::BTreeMap;

use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::slab::Token;

#[path = "../solutions/ex_wheel.rs"]
mod solution;

#[path = "../exercises/ex_wheel.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A third implementation of `TimerQueue`, a sorted map, which imitates the
/// bug of that number of a wheel. Number 0 has none: a hunt that panics on it
/// is wrong.
#[derive(Default)]
struct Mutant<const BUG: u8> {
    now: u64,
    inserts: u64,
    timers: BTreeMap<(u64, i64), (u64, u32)>, // due, order: key, value
    places: BTreeMap<u64, (u64, i64)>,        // of the keys
}

fn mutant<const BUG: u8>() -> Mutant<BUG> {
    Mutant::default()
}

impl<const BUG: u8> TimerQueue<u32> for Mutant<BUG> {
    fn insert(&mut self, at: Tick, value: u32) -> TimerKey {
        self.inserts += 1;
        let is_past = at.0 < self.now;
        let mut at = at.0.max(self.now);
        let is_far = at / 64 != self.now / 64;
        if BUG == 1 && is_far && at.is_multiple_of(64) {
            at += 1; // a slot's first tick fires after the slot
        }
        if BUG == 2 && is_past {
            at += 64; // the slot of that digit has been: a turn later
        }
        let mut order = self.inserts as i64;
        if BUG == 3 && is_far {
            order = -order; // moved down from the list's end
        }
        let mut key = self.inserts;
        if BUG == 4 {
            // The smallest number that nobody holds, and no generation.
            key = (1..).find(|key| !self.places.contains_key(key)).unwrap();
        }
        self.timers.insert((at, order), (key, value));
        self.places.insert(key, (at, order));
        TimerKey(Token::from_bits(key))
    }

    fn cancel(&mut self, key: TimerKey) -> Option<u32> {
        let place = self.places.remove(&key.0.to_bits())?;
        let (_, value) = self.timers.remove(&place)?;
        if BUG == 5 {
            // It was its list's head, and the rest hung on it.
            let after = (place.0, place.1 + 1)..(place.0, i64::MAX);
            let before = (place.0, i64::MIN)..place;
            let is_head = self.timers.range(before).next().is_none();
            let lost: Vec<_> =
                self.timers.range(after).map(|(p, t)| (*p, t.0)).collect();
            for (place, key) in lost.into_iter().filter(|_| is_head) {
                self.timers.remove(&place);
                self.places.remove(&key);
            }
        }
        Some(value)
    }

    fn get_mut(&mut self, key: TimerKey) -> Option<&mut u32> {
        let place = self.places.get(&key.0.to_bits())?;
        self.timers.get_mut(place).map(|(_, value)| value)
    }

    fn expire(&mut self, now: Tick, fired: &mut Vec<u32>) {
        let most = match BUG {
            6 => (self.now / 4096 + 1) * 4096 + 63, // one turn of a level
            _ => u64::MAX,
        };
        self.now = self.now.max(now.0);
        let mut until = self.now.min(most);
        if BUG == 7 && until % 64 == 63 {
            until += 1; // the slot of the next turn, too
        }
        while let Some(first) = self.timers.first_entry()
            && first.key().0 <= until
        {
            let (key, value) = first.remove();
            self.places.remove(&key);
            fired.push(value);
        }
    }

    fn next(&self) -> Option<Tick> {
        let first = self.timers.first_key_value()?.0.0;
        let is_far = first / 64 != self.now / 64;
        Some(Tick(match BUG {
            8 if is_far => (first | 63) + 1, // the slot's end, not its start
            _ => first,
        }))
    }

    fn len(&self) -> usize {
        self.timers.len()
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use ch02_event_loop::heap::Heap;
            use ch02_event_loop::queue::TimerQueue;
            use ch02_event_loop::wheel::Wheel;

            use super::super::$subject::hunt;
            use super::super::mutant;

            fn killed<Q: TimerQueue<u32> + 'static>(
                new: fn() -> Q,
                bug: &str,
            ) {
                hunt(Wheel::<u32>::default);
                let survived = catch_unwind(move || hunt(new)).is_ok();
                assert!(!survived, "this mutant survives: {bug}");
            }

            /// I31, I32, I33, I34: the finished queues pass, and so does
            /// another one that does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(Wheel::<u32>::default);
                hunt(Heap::<u32>::default);
                hunt(mutant::<0>);
            }

            /// I31: a tick on a slot's boundary is a tick like others.
            #[test]
            $(#[$skip])?
            fn mutant_1() {
                killed(mutant::<1>, "1, about ticks that are due");
            }

            /// I32: what is past is due at once.
            #[test]
            $(#[$skip])?
            fn mutant_2() {
                killed(mutant::<2>, "2, about a tick that is past");
            }

            /// I32: timers of one tick fire in the order of their inserts.
            #[test]
            $(#[$skip])?
            fn mutant_3() {
                killed(mutant::<3>, "3, of an invariant about order");
            }

            /// I33: an old key opens nothing.
            #[test]
            $(#[$skip])?
            fn mutant_4() {
                killed(mutant::<4>, "4, of an invariant about keys");
            }

            /// I31: a cancel takes one timer and no other.
            #[test]
            $(#[$skip])?
            fn mutant_5() {
                killed(mutant::<5>, "5, about what a cancel leaves");
            }

            /// I31: a jump of the clock fires all that is due.
            #[test]
            $(#[$skip])?
            fn mutant_6() {
                killed(mutant::<6>, "6, about time that passes at once");
            }

            /// I31: nothing is early.
            #[test]
            $(#[$skip])?
            fn mutant_7() {
                killed(mutant::<7>, "7, about ticks that are not due");
            }

            /// I31: `next` is never after a deadline.
            #[test]
            $(#[$skip])?
            fn mutant_8() {
                killed(mutant::<8>, "8, about the sleep until the next");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_wheel"]);
}
