//! The checks of the exercise `ex_lazy`.

use std::cell::Cell;
use std::rc::Rc;

use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::wheel::Wheel;

#[path = "../solutions/ex_lazy.rs"]
mod solution;

#[path = "../exercises/ex_lazy.rs"]
#[allow(unused, clippy::ptr_arg)] // a starter uses nothing yet
mod exercise;

/// A wheel that counts what it is asked to change.
#[derive(Default)]
struct Counting {
    wheel: Wheel<usize>,
    changes: Rc<Cell<u64>>,
}

impl TimerQueue<usize> for Counting {
    fn insert(&mut self, at: Tick, value: usize) -> TimerKey {
        self.changes.update(|n| n + 1);
        self.wheel.insert(at, value)
    }

    fn cancel(&mut self, key: TimerKey) -> Option<usize> {
        self.changes.update(|n| n + 1);
        self.wheel.cancel(key)
    }

    fn get_mut(&mut self, key: TimerKey) -> Option<&mut usize> {
        self.wheel.get_mut(key)
    }

    fn expire(&mut self, now: Tick, fired: &mut Vec<usize>) {
        self.wheel.expire(now, fired);
    }

    fn next(&self) -> Option<Tick> {
        self.wheel.next()
    }

    fn len(&self) -> usize {
        self.wheel.len()
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use ch00_toolbox::prop;
            use ch02_event_loop::queue::Tick;

            use super::super::Counting;
            use super::super::$subject::Idle;

            /// I31: a connection is idle when the limit has passed since its
            /// last byte, not a tick earlier, and said to be so once.
            #[test]
            $(#[$skip])?
            fn idle_after_the_last_byte() {
                let mut idle = Idle::new(Counting::default(), 100);
                let check = |idle: &mut Idle<_>, now, expected: &[_]| {
                    let mut got = Vec::new();
                    idle.expire(Tick(now), &mut got);
                    assert_eq!(got, expected, "idle at {now}");
                };
                let a = idle.open(Tick(0));
                let b = idle.open(Tick(10));
                assert_eq!((a, b), (0, 1), "numbers");
                idle.touch(a, Tick(50));
                check(&mut idle, 100, &[]);
                check(&mut idle, 109, &[]);
                check(&mut idle, 110, &[b]);
                check(&mut idle, 149, &[]);
                check(&mut idle, 150, &[a]);
                check(&mut idle, 1_000, &[]);
            }

            /// I31: told the time at every tick, it says what a look at all
            /// connections says.
            #[test]
            $(#[$skip])?
            fn the_same_as_a_look_at_all() {
                prop::check(
                    "the_same_as_a_look_at_all",
                    1_000,
                    |random| random.vec(30, |random| {
                        (random.upto(40), random.upto(2) as usize)
                    }),
                    |bytes| {
                        let mut idle = Idle::new(Counting::default(), 50);
                        let mut at = [Some(0_u64); 3].map(|last| {
                            idle.open(Tick(0));
                            last
                        });
                        let mut now = 0;
                        for (wait, which) in bytes {
                            for tick in now + 1..=now + wait {
                                let mut got = Vec::new();
                                idle.expire(Tick(tick), &mut got);
                                got.sort();
                                let mut due = Vec::new();
                                for (n, last) in at.iter_mut().enumerate() {
                                    if last.is_some_and(|l| l + 50 <= tick) {
                                        *last = None;
                                        due.push(n);
                                    }
                                }
                                if got != due {
                                    return Err(format!(
                                        "at {tick}: {got:?}, not {due:?}"
                                    ));
                                }
                            }
                            now += wait;
                            if let Some(last) = &mut at[*which] {
                                idle.touch(*which, Tick(now));
                                *last = now;
                            }
                        }
                        Ok(())
                    },
                );
            }

            /// I34: a thousand bytes for each connection cost the queue less
            /// than a hundredth of that.
            #[test]
            $(#[$skip])?
            fn bytes_cost_nothing() {
                let queue = Counting::default();
                let changes = queue.changes.clone();
                let mut idle = Idle::new(queue, 60_000);
                let mut got = Vec::new();
                for _ in 0..100 {
                    idle.open(Tick(0));
                }
                for now in 1..100_000 {
                    idle.touch(now as usize % 100, Tick(now));
                    idle.expire(Tick(now), &mut got);
                }
                assert_eq!(got, [], "none was idle");
                let changes = changes.get();
                assert!(changes <= 1_000, "{changes} inserts and cancels");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_lazy"]);
}
