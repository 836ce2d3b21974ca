//! The checks of the exercise `ex_log_cost`.

#[path = "../exercises/ex_log_cost.rs"]
#[allow(dead_code, unused_variables)]
mod exercise;
#[path = "../solutions/ex_log_cost.rs"]
mod solution;

use std::fmt;
use std::io;
use std::time::Duration;

use ch00_toolbox::clock::{Clock, VirtualClock};
use ch00_toolbox::log::{Level, Log};

/// What is measured takes this long, on a clock that is moved by hand: so
/// the ratio is the same on every machine.
const TAKES: Duration = Duration::from_nanos(700);

fn log() -> Log {
    Log::new(Level::Error, || Duration::ZERO, io::sink())
}

/// Something that takes its time to be formatted.
struct Slow(VirtualClock);

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.advance(TAKES);
        f.write_str("slow")
    }
}

/// A clock that moves in ticks of 100 µs, as some machines' do.
struct Coarse(VirtualClock);

impl Clock for Coarse {
    fn now(&self) -> Duration {
        let ticks = self.0.now().as_micros() / 100;
        Duration::from_micros(ticks as u64 * 100)
    }

    fn unix(&self) -> Duration {
        self.0.unix()
    }

    fn sleep(&self, d: Duration) {
        self.0.sleep(d);
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{CALLS, Gate, ROUNDS, cost};
            use super::super::*;

            /// A call's time is measured, and all calls are made.
            #[test]
            $(#[$skip])?
            fn steady_work() {
                let clock = VirtualClock::new();
                let mut calls = 0;
                let got = cost(&clock, &mut || {
                    clock.advance(TAKES);
                    calls += 1;
                });
                assert_eq!(got, TAKES, "input: 700 ns");
                let expected = (ROUNDS + 1) * CALLS as usize;
                assert_eq!(calls, expected, "calls, with those to warm up");
            }

            /// The first round does not count.
            #[test]
            $(#[$skip])?
            fn a_cold_start() {
                let clock = VirtualClock::new();
                let mut calls = 0;
                let got = cost(&clock, &mut || {
                    calls += 1;
                    clock.advance(TAKES);
                    // Then four that are slow for another reason: the fifth
                    // slow round would be the median.
                    if calls <= CALLS * 5 {
                        clock.advance(TAKES);
                    }
                });
                assert_eq!(got, TAKES, "input: five rounds of twice 700 ns");
            }

            /// Rounds in which the machine did something else do not count.
            #[test]
            $(#[$skip])?
            fn interrupted_rounds() {
                let clock = VirtualClock::new();
                let mut calls = 0;
                let got = cost(&clock, &mut || {
                    clock.advance(TAKES);
                    if calls % (CALLS * 3) == 7 {
                        clock.advance(Duration::from_millis(50));
                    }
                    calls += 1;
                });
                assert_eq!(got, TAKES, "input: 50 ms in every third round");
            }

            /// A call shorter than the clock's tick is measured all the same.
            #[test]
            $(#[$skip])?
            fn a_coarse_clock() {
                let clock = VirtualClock::new();
                let mut work = || clock.advance(TAKES);
                let got = cost(&Coarse(clock.clone()), &mut work);
                assert_eq!(got, TAKES, "input: a tick of 100 us");
            }

            /// The ratio: a line that is let through costs its formatting,
            /// one that is not costs none of it.
            #[test]
            $(#[$skip])?
            fn off_against_on() {
                let clock = VirtualClock::new();
                let slow = Slow(clock.clone());
                let gate = Gate { level: Level::Warn, log: log() };
                for (level, expected) in [
                    (Level::Error, TAKES),
                    (Level::Warn, TAKES),
                    (Level::Info, Duration::ZERO),
                    (Level::Debug, Duration::ZERO),
                ] {
                    let got = cost(&clock, &mut || {
                        gate.record(level, format_args!("{slow}"));
                    });
                    assert_eq!(got, expected, "input: {level:?}");
                }
            }

            /// What is let through reaches the ring, and nothing else does.
            #[test]
            $(#[$skip])?
            fn what_goes_through() {
                let gate = Gate { level: Level::Info, log: log() };
                for (n, level) in
                    [Level::Debug, Level::Info, Level::Error].iter().enumerate()
                {
                    gate.record(*level, format_args!("line {n}"));
                }
                let got = gate.log.recent();
                let expected = [
                    "    0.000000 INFO  line 1",
                    "    0.000000 ERROR line 2",
                ];
                assert_eq!(got, expected, "input: debug, info, error");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_log_cost"]);
}
