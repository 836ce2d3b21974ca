//! The checks of the exercise `ex_inflate_hunt`. The mutants are in
//! `naive/mod.rs`: whoever reads that before having hunted them spoils the
//! hunt.

use ch03_http::deflate::inflate::Inflater;

mod naive;

#[path = "../solutions/ex_inflate_hunt.rs"]
mod solution;

#[path = "../exercises/ex_inflate_hunt.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// The finished decoder.
fn right(stream: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let end = Inflater::new(1 << 24).pull(stream, &mut out, usize::MAX);
    end.is_ok_and(|end| end.done).then_some(out)
}

/// The naive decoder, with a bug; 0 is none.
fn mutant(bug: u8, stream: &[u8]) -> Option<Vec<u8>> {
    let (out, end) = naive::with_bug(bug, stream, 1 << 24);
    matches!(end, naive::End::Done(_)).then_some(out)
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use super::super::$subject::hunt;
            use super::super::{mutant, right};

            fn killed(bug: u8, about: &str) {
                hunt(&right);
                let hunt = || hunt(&|stream| mutant(bug, stream));
                let survived = catch_unwind(hunt).is_ok();
                assert!(!survived, "mutant {bug} survives: {about}");
            }

            /// I26: the finished decoder passes, and so does another one that
            /// does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(&right);
                hunt(&|stream| mutant(0, stream));
            }

            /// I26: each block's codes are its own.
            #[test]
            $(#[$skip])?
            fn mutant_1() {
                killed(1, "it is about what a block begins with");
            }

            /// I26: the longest copy has a symbol of its own.
            #[test]
            $(#[$skip])?
            fn mutant_2() {
                killed(2, "it is about a length");
            }

            /// I26: extra bits are a number, and stand lowest bit first.
            #[test]
            $(#[$skip])?
            fn mutant_3() {
                killed(3, "it is about the order of bits");
            }

            /// I26: the window has 32768 bytes.
            #[test]
            $(#[$skip])?
            fn mutant_4() {
                killed(4, "it is about a distance");
            }

            /// I26: a copy may read what it has just written.
            #[test]
            $(#[$skip])?
            fn mutant_5() {
                killed(5, "it is about copies");
            }

            /// I26: what is stored begins at a whole byte, wherever the block
            /// begins.
            #[test]
            $(#[$skip])?
            fn mutant_6() {
                killed(6, "it is about where a block begins");
            }

            /// I26: the stream ends after the block that says so.
            #[test]
            $(#[$skip])?
            fn mutant_7() {
                killed(7, "it is about where the stream ends");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(
        exercise,
        #[ignore = "exercise: cargo run -- check ex_inflate_hunt"]
    );
}
