//! The checks of the exercise `ex_pool_hunt`. The mutants are below: whoever
//! reads on before having hunted them spoils the hunt.

use std::time::Duration;

use ch03_http::client::pool::{Key, Limits, Pool};

#[allow(unused)] // a starter uses nothing yet
#[path = "../exercises/ex_pool_hunt.rs"]
mod exercise;

#[path = "../solutions/ex_pool_hunt.rs"]
mod solution;

/// A second implementation: a list of all that is idle, in the order in which
/// it was given, with the bug of that number. Number 0 has none.
struct Mutant<const BUG: u8> {
    limits: Limits,
    idle: Vec<(Key, Duration, u32)>,
}

impl<const BUG: u8> Mutant<BUG> {
    fn expire(&mut self, now: Duration) {
        let limit = self.limits.idle;
        let young = |since: Duration| match BUG {
            3 => now - since <= limit,
            _ => now - since < limit,
        };
        if BUG == 4 {
            return; // only `take` looks, at the one that it takes
        }
        if BUG == 5 && self.idle.iter().any(|it| !young(it.1)) {
            self.idle.clear();
        }
        self.idle.retain(|it| young(it.1));
    }

    fn take(&mut self, key: &Key, now: Duration) -> Option<u32> {
        self.expire(now);
        let fits = |it: &(Key, Duration, u32)| match BUG {
            1 => it.0.0 == key.0,
            _ => it.0 == *key,
        };
        let at = match BUG {
            2 => self.idle.iter().position(fits),
            _ => self.idle.iter().rposition(fits),
        }?;
        let (_, since, connection) = match BUG {
            6 => self.idle[at].clone(),
            _ => self.idle.remove(at),
        };
        let is_old = BUG == 4 && now - since >= self.limits.idle;
        (!is_old).then_some(connection)
    }

    fn give(&mut self, key: Key, connection: u32, now: Duration) {
        self.expire(now);
        self.idle.push((key.clone(), now, connection));
        let fits = |it: &(Key, Duration, u32)| BUG == 7 || it.0 == key;
        let most = self.limits.idle_per_host;
        if self.idle.iter().filter(|it| fits(it)).count() > most {
            let at = match BUG {
                8 => self.idle.iter().rposition(fits),
                _ => self.idle.iter().position(fits),
            };
            at.map(|at| self.idle.remove(at));
        }
    }

    fn evict(&mut self) -> bool {
        let last = self.idle.len().checked_sub(1); // the first is the oldest
        let at = if BUG == 9 { last } else { last.map(|_| 0) };
        at.map(|at| self.idle.remove(at)).is_some()
    }
}

/// A pool, as the hunt sees it.
macro_rules! keeps {
    ($trait:path) => {
        impl<const BUG: u8> $trait for Mutant<BUG> {
            fn take(&mut self, key: &Key, now: Duration) -> Option<u32> {
                Mutant::take(self, key, now)
            }
            fn give(&mut self, key: Key, connection: u32, now: Duration) {
                Mutant::give(self, key, connection, now);
            }
            fn evict(&mut self) -> bool {
                Mutant::evict(self)
            }
            fn len(&self) -> usize {
                self.idle.len()
            }
        }

        impl $trait for Pool<u32> {
            fn take(&mut self, key: &Key, now: Duration) -> Option<u32> {
                Pool::take(self, key, now)
            }
            fn give(&mut self, key: Key, connection: u32, now: Duration) {
                Pool::give(self, key, connection, now);
            }
            fn evict(&mut self) -> bool {
                Pool::evict(self)
            }
            fn len(&self) -> usize {
                Pool::len(self)
            }
        }
    };
}

keeps!(solution::Keeps);
keeps!(exercise::Keeps);

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use ch03_http::client::pool::{Limits, Pool};

            use super::super::$subject::{Keeps, hunt};
            use super::super::Mutant;

            fn right(limits: Limits) -> Box<dyn Keeps> {
                Box::new(Pool::new(limits))
            }

            fn mutant<const BUG: u8>(limits: Limits) -> Box<dyn Keeps> {
                Box::new(Mutant::<BUG> { limits, idle: Vec::new() })
            }

            /// I36: the finished pool passes, and so does a list.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(right);
                hunt(mutant::<0>);
            }

            /// I36: each of nine others is caught.
            #[test]
            $(#[$skip])?
            fn the_others_are_caught() {
                hunt(right);
                let others: [fn(Limits) -> Box<dyn Keeps>; 9] = [
                    mutant::<1>,
                    mutant::<2>,
                    mutant::<3>,
                    mutant::<4>,
                    mutant::<5>,
                    mutant::<6>,
                    mutant::<7>,
                    mutant::<8>,
                    mutant::<9>,
                ];
                for (new, number) in others.into_iter().zip(1..) {
                    let survives = catch_unwind(|| hunt(new)).is_ok();
                    assert!(!survives, "this mutant survives: {number}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_pool_hunt"]);
}
