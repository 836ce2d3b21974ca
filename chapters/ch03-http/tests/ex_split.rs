//! The checks of the exercise `ex_split`.

#[path = "../solutions/ex_split.rs"]
mod solution;

#[path = "../exercises/ex_split.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use ch00_toolbox::rng::Rng;

            use super::super::$subject::{Token, bits, split};

            /// Tokens of a kind: text, numbers, or copies from far away.
            fn some(kind: u64, count: usize, rng: &mut Rng) -> Vec<Token> {
                let mut one = || match (kind, rng.below(4)) {
                    (0, 0) => Token::Copy(4 + rng.below(9) as usize, 90),
                    (0, _) => Token::Literal(b'a' + rng.below(16) as u8),
                    (1, _) => Token::Literal(rng.below(200) as u8 | 1),
                    _ => Token::Copy(3, 1 + rng.below(32_768) as usize),
                };
                (0..count).map(|_| one()).collect()
            }

            fn split_bits(tokens: &[Token]) -> u64 {
                let runs = split(tokens);
                assert_eq!(runs.concat(), tokens, "the runs are the tokens");
                runs.iter().map(|run| bits(run)).sum()
            }

            /// I26: nothing is lost, and no run is empty.
            #[test]
            $(#[$skip])?
            fn the_runs_are_the_tokens() {
                let mut rng = Rng::seeded(1);
                for count in [0, 1, 999, 1000, 1001, 5000] {
                    let tokens = some(0, count, &mut rng);
                    let runs = split(&tokens);
                    assert_eq!(runs.concat(), tokens, "input: {count} tokens");
                    let empty = runs.iter().any(|run| run.is_empty());
                    assert!(!empty || count == 0, "input: {count} tokens");
                }
            }

            /// Measured: where the data changes, blocks of their own save at
            /// least 9 % of the bits.
            #[test]
            $(#[$skip])?
            fn data_that_changes_is_split() {
                let mut rng = Rng::seeded(2);
                let mut tokens = Vec::new();
                for part in 0..6 {
                    let count = 3000 + rng.below(2000) as usize;
                    tokens.extend(some(part % 3, count, &mut rng));
                }
                let (one, got) = (bits(&tokens), split_bits(&tokens));
                let most = one * 91 / 100;
                assert!(got <= most, "got {got} bits, at most {most} of {one}");
            }

            /// Measured: where it does not change, splitting costs nothing
            /// worth speaking of: at most 0.2 %.
            #[test]
            $(#[$skip])?
            fn data_that_stays_is_not() {
                let mut rng = Rng::seeded(3);
                for kind in 0..3 {
                    let tokens = some(kind, 20_000, &mut rng);
                    let (one, got) = (bits(&tokens), split_bits(&tokens));
                    let most = one + one / 500;
                    assert!(got <= most, "kind {kind}: {got} bits, not {most}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_split"]);
}
