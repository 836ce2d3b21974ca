//! The checks of the exercise `ex_pace`.

#[path = "../solutions/ex_pace.rs"]
mod solution;

#[path = "../exercises/ex_pace.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

#[path = "time/world.rs"]
#[allow(unused)] // of what is in it, these tests need a part
mod world;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::time::Duration;

            use ch00_toolbox::prop;
            use ch02_event_loop::combine::join_all;

            use super::super::$subject::Pace;
            use super::super::world::world;

            const EVERY: Duration = Duration::from_millis(100);

            /// When each of so many turns comes that are all asked for at
            /// `start`, in ms.
            fn turns(burst: u32, start: u64, count: usize) -> Vec<u128> {
                let world = world();
                let (timers, clock) = (&world.timers, &world.script.clock);
                clock.advance(Duration::from_millis(777));
                let pace = Pace::new(timers, EVERY, burst);
                clock.advance(Duration::from_millis(start) - timers.now());
                let turn = || async {
                    pace.turn().await;
                    timers.now().as_millis()
                };
                world.run(join_all((0..count).map(|_| turn())))
            }

            /// I35: who asks at once gets turns at the pace.
            #[test]
            $(#[$skip])?
            fn one_after_the_other() {
                let got = turns(1, 1_000, 4);
                assert_eq!(got, [1000, 1100, 1200, 1300], "burst 1, at 1000");
            }

            /// I35: after a silence, but not right at the start, a burst of
            /// turns comes at once.
            #[test]
            $(#[$skip])?
            fn a_burst_after_a_silence() {
                let check = |burst, start, expected: &[u128]| {
                    let got = turns(burst, start, expected.len());
                    assert_eq!(got, expected, "burst {burst} at {start}");
                };
                check(3, 2_000, &[2_000, 2_000, 2_000, 2_100, 2_200]);
                check(0, 2_000, &[2_000, 2_100]);
                check(3, 777, &[777, 877, 977]);
                check(3, 877, &[877, 877, 977, 1_077]); // one was saved up
            }

            /// I35: in any span of time there are at most as many turns as
            /// the pace gives in it, and a burst.
            #[test]
            $(#[$skip])?
            fn never_more_than_the_pace() {
                prop::check(
                    "never_more_than_the_pace",
                    1_000,
                    |random| {
                        let burst = random.range(1, 4) as u32;
                        let waits = random.vec(30, |random| random.upto(300));
                        (burst, waits)
                    },
                    |(burst, waits)| {
                        let world = world();
                        let timers = &world.timers;
                        let pace = Pace::new(timers, EVERY, *burst);
                        let at = world.run(async {
                            let mut at = Vec::new();
                            for wait in waits {
                                let wait = Duration::from_millis(*wait);
                                timers.sleep(wait).await;
                                pace.turn().await;
                                at.push(timers.now());
                            }
                            at
                        });
                        for (n, start) in at.iter().enumerate() {
                            for (more, end) in at[n..].iter().enumerate() {
                                let extra = (more as u32 + 1)
                                    .saturating_sub(*burst);
                                if *end - *start < EVERY * extra {
                                    return Err(format!(
                                        "{} turns from {start:?} to {end:?}",
                                        more + 1
                                    ));
                                }
                            }
                        }
                        Ok(())
                    },
                );
            }

            /// I35: who waits, waits in one sleep.
            #[test]
            $(#[$skip])?
            fn nobody_is_woken_in_vain() {
                let world = world();
                let pace = Pace::new(&world.timers, EVERY, 1);
                world.run(join_all((0..3).map(|_| pace.turn())));
                let parks = world.script.parks.borrow().len();
                // Two turns to wait for, and the wheel's own looks.
                assert!(parks <= 4, "{parks} sleeps of the loop");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_pace"]);
}
