//! The checks of the exercise `ex_slack`.

#[path = "../solutions/ex_slack.rs"]
mod solution;

#[path = "../exercises/ex_slack.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::collections::BTreeSet;

            use ch00_toolbox::{prop, rng::Rng};
            use ch02_event_loop::queue::Tick;

            use super::super::$subject::coalesce;

            /// I31: never early, and never later than the slack allows.
            #[test]
            $(#[$skip])?
            fn stays_in_its_window() {
                prop::check(
                    "stays_in_its_window",
                    1_000,
                    |random| {
                        let most = *random.pick(&[5, 100_000, u64::MAX]);
                        (random.upto(most), random.upto(most))
                    },
                    |(at, slack)| {
                        let got = coalesce(Tick(*at), *slack).0;
                        match got >= *at && got - at <= *slack {
                            true => Ok(()),
                            false => Err(format!("{at} + {slack}: {got}")),
                        }
                    },
                );
            }

            /// I31: who has no slack keeps the tick.
            #[test]
            $(#[$skip])?
            fn no_slack_no_change() {
                for at in [0, 1, 63, 64, 60_000, u64::MAX] {
                    let got = coalesce(Tick(at), 0);
                    assert_eq!(got, Tick(at), "input: {at}, slack 0");
                }
            }

            /// I35: 100,000 timers within an hour, half of them with a slack
            /// of 255 ms and half of 1 s, end the loop's sleep 14,100 times
            /// at most.
            #[test]
            $(#[$skip])?
            fn timers_meet() {
                let mut random = Rng::seeded(7);
                let mut ticks = BTreeSet::new();
                for n in 0..100_000 {
                    let at = Tick(random.below(3_600_000));
                    let slack = if n % 2 == 0 { 255 } else { 1_000 };
                    ticks.insert(coalesce(at, slack));
                }
                let count = ticks.len();
                assert!(count <= 14_100, "{count} different ticks");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_slack"]);
}
