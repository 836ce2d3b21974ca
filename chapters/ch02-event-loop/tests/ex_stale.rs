//! The checks of the exercise `ex_stale`. The mutants are below: whoever
//! reads on before having hunted them spoils the hunt.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use ch00_toolbox::clock::VirtualClock;
use ch02_event_loop::callbacks::Loop;
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::Token;

#[path = "../solutions/ex_stale.rs"]
mod solution;

#[path = "../exercises/ex_stale.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A poller that gives what it is told to.
#[derive(Clone, Default)]
struct Told(Rc<RefCell<Vec<Token>>>);

impl Poller for Told {
    fn add(&mut self, _: Source, _: Token) -> io::Result<()> {
        Ok(())
    }

    fn arm(&mut self, _: Source, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: Source) -> io::Result<()> {
        Ok(())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        _: Option<Duration>,
    ) -> io::Result<()> {
        let ready = Ready {
            read: true,
            ..Ready::default()
        };
        let event = |token| Event { token, ready };
        events.extend(self.0.take().into_iter().map(event));
        Ok(())
    }
}

/// The finished loop, and what tells its poller.
struct Real(Loop, Told);

impl Real {
    fn new() -> Real {
        let told = Told::default();
        let clock = Box::new(VirtualClock::new());
        Real(Loop::new(Box::new(told.clone()), clock), told)
    }
}

/// A callback and how often its place was given away before.
struct Place<C> {
    generation: u64,
    tenant: Option<Option<C>>, // Some(None): it runs
}

/// A second loop, with the bug of that number. Number 0 has none.
struct Mutant<const BUG: u8, C> {
    places: Vec<Place<C>>,
    soon: Vec<Token>,
    kept: Vec<C>,
    removed: Vec<Token>, // in this turn
}

impl<const BUG: u8, C> Mutant<BUG, C> {
    fn new() -> Self {
        let (places, soon) = (Vec::new(), Vec::new());
        let (kept, removed) = (Vec::new(), Vec::new());
        Mutant {
            places,
            soon,
            kept,
            removed,
        }
    }

    fn place(&mut self, token: Token) -> Option<&mut Place<C>> {
        let bits = token.to_bits();
        let place = self.places.get_mut(bits as u32 as usize)?;
        let is_own = place.generation == bits >> 32 || BUG == 1;
        is_own.then_some(place)
    }

    fn insert(&mut self, callback: C) -> Token {
        let free = |place: &Place<C>| place.tenant.is_none();
        let at = self.places.iter().position(free);
        let at = at.unwrap_or(self.places.len());
        if at == self.places.len() {
            self.places.push(Place {
                generation: 0,
                tenant: None,
            });
        }
        self.places[at].tenant = Some(Some(callback));
        Token::from_bits(self.places[at].generation << 32 | at as u64)
    }

    fn take_out(&mut self, token: Token) -> bool {
        let Some(place) = self.place(token) else {
            return false;
        };
        let Some(callback) = place.tenant.take() else {
            return false;
        };
        place.generation += 1;
        if BUG == 5 {
            self.kept.extend(callback); // never dropped
        }
        if BUG == 6 {
            return true;
        }
        self.soon.retain(|&other| other != token);
        true
    }

    fn ask(&mut self, token: Token) {
        let is_there = self.place(token).is_some();
        if is_there && (BUG == 7 || !self.soon.contains(&token)) {
            self.soon.push(token);
        }
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::mem;
            use std::panic::catch_unwind;

            use ch02_event_loop::callbacks::Loop;
            use ch02_event_loop::poller::{Ready, Source};
            use ch02_event_loop::slab::Token;

            use super::super::$subject::{Callback, Table, Turns, hunt};
            use super::super::{Mutant, Real};

            const READ: Ready = Ready {
                read: true,
                write: false,
                read_closed: false,
                write_closed: false,
            };

            impl Table for Loop {
                fn add(&mut self, mut callback: Callback) -> Token {
                    let call = move |l: &mut Loop, token, _| {
                        callback(l, token);
                    };
                    let added = Loop::add(self, Source(0), call);
                    added.expect("this poller takes all")
                }

                fn remove(&mut self, token: Token) -> bool {
                    Loop::remove(self, token)
                }

                fn again(&mut self, token: Token) {
                    Loop::again(self, token, READ);
                }
            }

            impl Table for Real {
                fn add(&mut self, callback: Callback) -> Token {
                    Table::add(&mut self.0, callback)
                }

                fn remove(&mut self, token: Token) -> bool {
                    self.0.remove(token)
                }

                fn again(&mut self, token: Token) {
                    self.0.again(token, READ);
                }
            }

            impl Turns for Real {
                fn turn(&mut self, events: &[Token]) {
                    self.1.0.replace(events.to_vec());
                    self.0.turn(None).expect("this poller never fails");
                }
            }

            impl<const BUG: u8> Table for Mutant<BUG, Callback> {
                fn add(&mut self, callback: Callback) -> Token {
                    self.insert(callback)
                }

                fn remove(&mut self, token: Token) -> bool {
                    if BUG == 4 {
                        self.removed.push(token); // after the turn
                        return self.place(token).is_some();
                    }
                    self.take_out(token)
                }

                fn again(&mut self, token: Token) {
                    self.ask(token);
                }
            }

            impl<const BUG: u8> Turns for Mutant<BUG, Callback> {
                fn turn(&mut self, events: &[Token]) {
                    let mut all = events.to_vec();
                    all.append(&mut self.soon);
                    let mut at = 0;
                    while at < all.len() {
                        let token = all[at];
                        at += 1;
                        let of_index = BUG == 6 && at > events.len();
                        self.call(token, of_index);
                        if BUG == 3 && at < 100 {
                            all.append(&mut self.soon);
                        }
                    }
                    for token in mem::take(&mut self.removed) {
                        self.take_out(token);
                    }
                }
            }

            impl<const BUG: u8> Mutant<BUG, Callback> {
                fn call(&mut self, token: Token, of_index: bool) {
                    let index = token.to_bits() as u32 as usize;
                    let place = match of_index {
                        true => self.places.get_mut(index),
                        false => self.place(token),
                    };
                    let tenant = place.and_then(|p| p.tenant.as_mut());
                    let Some(mut callback) = tenant.and_then(Option::take)
                    else {
                        return;
                    };
                    callback(self, token);
                    let place = match BUG {
                        2 => self.places.get_mut(index),
                        _ if of_index => self.places.get_mut(index),
                        _ => self.place(token),
                    };
                    if let Some(place) = place
                        && (place.tenant.is_some() || BUG == 2)
                    {
                        place.tenant = Some(Some(callback));
                    } else if BUG == 5 {
                        self.kept.push(callback);
                    }
                }
            }

            fn mutant<const BUG: u8>() -> Box<dyn Turns> {
                Box::new(Mutant::<BUG, Callback>::new())
            }

            fn killed(new: fn() -> Box<dyn Turns>, bug: &str) {
                hunt(|| Box::new(Real::new()));
                let survived = catch_unwind(move || hunt(new)).is_ok();
                assert!(!survived, "this mutant survives: {bug}");
            }

            /// I10, I11, I12, I13: the finished loop passes, and so does
            /// another one that keeps the same promises.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(|| Box::new(Real::new()));
                hunt(mutant::<0>);
            }

            /// I10: an event is for one tenant of a place.
            #[test]
            $(#[$skip])?
            fn mutant_1() {
                killed(mutant::<1>, "1, of an invariant about events");
            }

            /// I11: what removed itself does not come back.
            #[test]
            $(#[$skip])?
            fn mutant_2() {
                killed(mutant::<2>, "2, about callbacks that remove");
            }

            /// I13: again is the next turn's.
            #[test]
            $(#[$skip])?
            fn mutant_3() {
                killed(mutant::<3>, "3, of an invariant about turns");
            }

            /// I12: what is removed is not called any more.
            #[test]
            $(#[$skip])?
            fn mutant_4() {
                killed(mutant::<4>, "4, about when a removal counts");
            }

            /// I12: what is removed is dropped.
            #[test]
            $(#[$skip])?
            fn mutant_5() {
                killed(mutant::<5>, "5, about what a removal does");
            }

            /// I10: what was asked for is for one tenant, too.
            #[test]
            $(#[$skip])?
            fn mutant_6() {
                killed(mutant::<6>, "6, of an invariant about events");
            }

            /// I13: again, twice, is once.
            #[test]
            $(#[$skip])?
            fn mutant_7() {
                killed(mutant::<7>, "7, of an invariant about turns");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_stale"]);
}
