//! The checks of the exercise `ex_masks`. The mutants are below: whoever
//! reads on before having hunted them spoils the hunt.

#[path = "../solutions/ex_masks.rs"]
mod solution;

#[path = "../exercises/ex_masks.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// Eight bytes at a time, with the bug of that number; 0 has none.
fn mutant<const BUG: u8>(key: &mut [u8; 4], bytes: &mut [u8]) {
    let [a, b, c, d] = *key;
    let word = match BUG {
        1 => u64::from_ne_bytes([a, b, c, d, d, c, b, a]),
        _ => u64::from_ne_bytes([a, b, c, d, a, b, c, d]),
    };
    let length = bytes.len();
    let (words, rest) = bytes.as_chunks_mut::<8>();
    let count = words.len();
    for eight in words {
        let mixed = u64::from_ne_bytes(*eight) ^ word;
        *eight = mixed.to_ne_bytes();
    }
    let left = rest.len();
    for (i, byte) in rest.iter_mut().enumerate() {
        *byte ^= match BUG {
            2 => key[(i + count) % 4], // right where no word is before it
            3 if i >= 4 => 0,
            _ => key[i % 4],
        };
    }
    match BUG {
        4 => {}
        5 => key.rotate_right(length % 4), // right for 0, 2 and 4
        6 => key.rotate_left(left.min(4)), // right but for 5, 6 and 7
        _ => key.rotate_left(length % 4),
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use super::super::$subject::{Apply, hunt};
            use super::super::mutant;
            use ch03_http::frames::mask::Mask;

            /// The finished one.
            fn right(key: &mut [u8; 4], bytes: &mut [u8]) {
                Mask::new(*key).apply(bytes);
                key.rotate_left(bytes.len() % 4);
            }

            fn killed(apply: Apply, bug: &str) {
                hunt(right);
                let survived = catch_unwind(move || hunt(apply)).is_ok();
                assert!(!survived, "this mutant survives: {bug}");
            }

            /// I4: the finished one passes, and another that does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(right);
                hunt(mutant::<0>);
            }

            /// I4: all eight bytes of a word are masked alike.
            #[test]
            $(#[$skip])?
            fn mutant_1() {
                killed(mutant::<1>, "1, within a word");
            }

            /// I4: behind a word the key goes on as before it.
            #[test]
            $(#[$skip])?
            fn mutant_2() {
                killed(mutant::<2>, "2, behind a word");
            }

            /// I4: every byte is masked.
            #[test]
            $(#[$skip])?
            fn mutant_3() {
                killed(mutant::<3>, "3, behind a word");
            }

            /// I44: the next piece goes on where this one ends.
            #[test]
            $(#[$skip])?
            fn mutant_4() {
                killed(mutant::<4>, "4, between two pieces");
            }

            /// I44: and not somewhere else.
            #[test]
            $(#[$skip])?
            fn mutant_5() {
                killed(mutant::<5>, "5, between two pieces");
            }

            /// I44: whatever the length of this one is.
            #[test]
            $(#[$skip])?
            fn mutant_6() {
                killed(mutant::<6>, "6, between two pieces");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_masks"]);
}
