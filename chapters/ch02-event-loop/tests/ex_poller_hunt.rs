//! The checks of the exercise `ex_poller_hunt`. The mutants are below:
//! whoever reads on before having hunted them spoils the hunt.

use std::io;
use std::time::Duration;

use ch00_toolbox::sys::raw::RawPollFd;
use ch00_toolbox::sys::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT};
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::Token;
use ch02_event_loop::sys::poll_await;

#[path = "../solutions/ex_poller_hunt.rs"]
mod solution;

#[path = "../exercises/ex_poller_hunt.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A second implementation of `Poll`, with the bug of that number. Number 0
/// has none: a hunt that panics on it is wrong.
#[derive(Default)]
struct Mutant<const BUG: u8> {
    fds: Vec<RawPollFd>,
    tokens: Vec<Token>,
    known: Vec<Source>,
}

fn mutant<const BUG: u8>() -> Box<dyn Poller> {
    Box::new(Mutant::<BUG>::default())
}

impl<const BUG: u8> Mutant<BUG> {
    fn place(&self, source: Source) -> io::Result<usize> {
        let place = self.known.iter().position(|known| *known == source);
        place.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl<const BUG: u8> Poller for Mutant<BUG> {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        if let Ok(place) = self.place(source) {
            if BUG == 7 {
                self.tokens[place] = token;
                return Ok(());
            }
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.known.push(source);
        self.tokens.push(token);
        self.fds.push(RawPollFd {
            fd: if BUG == 3 { source.0 } else { !source.0 },
            events: 0,
            revents: 0,
        });
        Ok(())
    }

    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()> {
        let place = self.place(source)?;
        let entry = &mut self.fds[place];
        if BUG == 1 {
            entry.events = 0;
        }
        entry.events |= if interest.read { POLLIN } else { 0 };
        entry.events |= if interest.write { POLLOUT } else { 0 };
        entry.fd = source.0;
        Ok(())
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        let place = self.place(source)?;
        self.known.swap_remove(place);
        self.fds.swap_remove(place);
        match BUG {
            4 => self.tokens.remove(place),
            _ => self.tokens.swap_remove(place),
        };
        Ok(())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        if BUG == 5 {
            events.clear();
        }
        poll_await(&mut self.fds, timeout)?;
        for (entry, &token) in self.fds.iter_mut().zip(&self.tokens) {
            let came = std::mem::take(&mut entry.revents);
            if entry.fd < 0 || came == 0 {
                continue;
            }
            let gone = came & (POLLHUP | POLLERR | POLLNVAL) != 0;
            let both = gone && BUG != 6;
            let ready = Ready {
                read: came & POLLIN != 0 || both,
                write: came & POLLOUT != 0 || both,
                read_closed: gone,
                write_closed: gone,
            };
            events.push(Event { token, ready });
            if BUG != 2 {
                entry.events &= if gone { 0 } else { !came };
            }
            if entry.events == 0 && BUG != 3 {
                entry.fd = !entry.fd;
            }
        }
        Ok(())
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use ch02_event_loop::poll::Poll;
            use ch02_event_loop::poller::{Poller, system};

            use super::super::$subject::hunt;
            use super::super::mutant;

            fn killed(new: fn() -> Box<dyn Poller>, bug: &str) {
                hunt(|| Box::new(Poll::new()));
                let survived = catch_unwind(move || hunt(new)).is_ok();
                assert!(!survived, "this mutant survives: {bug}");
            }

            /// I6, I7, I9: every poller of this system passes, and so does
            /// another one that does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(|| Box::new(Poll::new()));
                hunt(|| system().expect("a poller"));
                hunt(mutant::<0>);
            }

            /// I6: to arm one direction leaves the other as it is.
            #[test]
            $(#[$skip])?
            fn mutant_1() {
                killed(mutant::<1>, "1, about what is armed");
            }

            /// I7: what was reported is quiet until it is armed again.
            #[test]
            $(#[$skip])?
            fn mutant_2() {
                killed(mutant::<2>, "2, about what was reported");
            }

            /// I9: what is gone and not armed does not end each wait.
            #[test]
            $(#[$skip])?
            fn mutant_3() {
                killed(mutant::<3>, "3, about what nobody armed");
            }

            /// I9: a remove leaves everybody else's name alone.
            #[test]
            $(#[$skip])?
            fn mutant_4() {
                killed(mutant::<4>, "4, about names");
            }

            /// I6: events are appended.
            #[test]
            $(#[$skip])?
            fn mutant_5() {
                killed(mutant::<5>, "5, about what wait gives");
            }

            /// I6: the end of a source is readiness in both directions.
            #[test]
            $(#[$skip])?
            fn mutant_6() {
                killed(mutant::<6>, "6, about ends");
            }

            /// I9: a source has one name.
            #[test]
            $(#[$skip])?
            fn mutant_7() {
                killed(mutant::<7>, "7, about names");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(
        exercise,
        #[ignore = "exercise: cargo run -- check ex_poller_hunt"]
    );
}
