//! The checks of the exercise `ex_race`.

#[path = "../solutions/ex_race.rs"]
mod solution;

#[path = "../exercises/ex_race.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::cell::Cell;
            use std::future::{Future, Pending, poll_fn};
            use std::pin::pin;
            use std::task::{Context, Poll, Waker};

            use ch02_event_loop::promise::{block_on, promise};

            use super::super::$subject::race;

            /// I19: the first value wins, and comes with its place.
            #[test]
            $(#[$skip])?
            fn the_first_wins() {
                for winner in 0..3 {
                    let (mut promises, parts): (Vec<_>, Vec<_>) =
                        (0..3).map(|_| promise()).unzip();
                    let mut race = pin!(race(parts));
                    let mut cx = Context::from_waker(Waker::noop());
                    let got = race.as_mut().poll(&mut cx);
                    assert_eq!(got, Poll::Pending, "nobody has a value");
                    promises.remove(winner).keep("won");
                    let got = race.as_mut().poll(&mut cx);
                    let expected = Some((winner, Ok("won")));
                    assert_eq!(got, Poll::Ready(expected), "{winner} is kept");
                    let told = promises.iter().all(|p| p.is_abandoned());
                    assert!(told, "the losers are dropped by now");
                }
            }

            /// I19: of two that are ready the first in order wins, and who
            /// comes behind it is not asked.
            #[test]
            $(#[$skip])?
            fn the_order_decides() {
                let polls = [const { Cell::new(0) }; 4];
                let part = |place: usize| {
                    let polls = &polls[place];
                    poll_fn(move |_| {
                        polls.set(polls.get() + 1);
                        match place {
                            1 | 2 => Poll::Ready(place * 10),
                            _ => Poll::Pending,
                        }
                    })
                };
                let got = block_on(race((0..4).map(part)));
                assert_eq!(got, Some((1, 10)), "1 and 2 are ready");
                let polls = polls.each_ref().map(Cell::get);
                assert_eq!(polls, [1, 1, 0, 0], "polls of each");
            }

            /// I19: a race of nobody is over, and nobody has won.
            #[test]
            $(#[$skip])?
            fn nobody() {
                let none: [Pending<u8>; 0] = [];
                assert_eq!(block_on(race(none)), None, "input: no futures");
            }

            /// I16: each of them wakes who waits for the race.
            #[test]
            $(#[$skip])?
            fn a_wake_up_from_another_thread() {
                let (kept, first) = promise();
                let (_never, second) = promise();
                let keeper = std::thread::spawn(move || kept.keep(7));
                let got = block_on(race([second, first]));
                assert_eq!(got, Some((1, Ok(7))), "the second is kept");
                keeper.join().expect("no panic");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_race"]);
}
