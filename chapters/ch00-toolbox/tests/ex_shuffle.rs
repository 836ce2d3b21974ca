//! The checks of the exercise `ex_shuffle`.

#[path = "../exercises/ex_shuffle.rs"]
#[allow(dead_code, unused_variables)]
mod exercise;
#[path = "../solutions/ex_shuffle.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Shuffle, hunt};
            use ch00_toolbox::rng::Rng;

            fn caught(shuffle: Shuffle) -> bool {
                hunt(shuffle, &mut Rng::seeded(1)).is_err()
            }

            /// I3: the hunt lets the book's shuffle pass
            #[test]
            $(#[$skip])?
            fn the_finished_one_passes() {
                for seed in 1..=10 {
                    let shuffle: Shuffle = |rng, items| rng.shuffle(items);
                    let got = hunt(shuffle, &mut Rng::seeded(seed));
                    assert_eq!(got, Ok(()), "input: Rng::shuffle, seed {seed}");
                }
            }

            /// I3: the hunt catches `below(last)`: no item stays in place
            #[test]
            $(#[$skip])?
            fn without_itself_is_caught() {
                let got = caught(|rng, items| {
                    for last in (1..items.len()).rev() {
                        items.swap(last, rng.below(last as u64) as usize);
                    }
                });
                assert_eq!(got, true, "input: below(last)");
            }

            /// I3: the hunt catches a swap with any place: n^n ways, and n!
            /// does not divide them
            #[test]
            $(#[$skip])?
            fn with_any_place_is_caught() {
                let got = caught(|rng, items| {
                    for place in 0..items.len() {
                        let any = rng.below(items.len() as u64) as usize;
                        items.swap(place, any);
                    }
                });
                assert_eq!(got, true, "input: swap(place, any)");
            }

            /// I3: the hunt catches a sort whose comparisons are coins
            #[test]
            $(#[$skip])?
            fn by_a_coin_is_caught() {
                // Insertion by coin: `sort_by` may panic on such an order.
                let got = caught(|rng, items| {
                    for end in 1..items.len() {
                        let mut place = end;
                        while place > 0 && rng.chance(0.5) {
                            items.swap(place, place - 1);
                            place -= 1;
                        }
                    }
                });
                assert_eq!(got, true, "input: insertion by a coin");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_shuffle"]);
}
