//! The checks of the exercise `ex_ends`. The mutants are below: whoever reads
//! on before having hunted them spoils the hunt.

use ch03_http::head::Version;
use ch03_http::manner::Manner;
use ch03_http::out::Framing;

#[path = "../solutions/ex_ends.rs"]
mod solution;

#[path = "../exercises/ex_ends.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A second implementation of `Manner::framing`, with the bug of that number.
/// Number 0 has none: a hunt that panics on it is wrong.
fn mutant<const BUG: u8>(
    manner: &Manner,
    status: u16,
    length: Option<u64>,
) -> (Framing, bool) {
    let goes_on = manner.goes_on;
    let is_empty = match status {
        100..=199 | 204 => true,
        205 => BUG != 1,
        304 => BUG != 2,
        _ => BUG == 3 && manner.is_head,
    };
    if is_empty {
        return (Framing::Length(0), goes_on || BUG == 4);
    }
    match (length, manner.version) {
        (Some(0), _) if BUG == 5 => (Framing::Chunked, goes_on),
        (Some(length), _) => (Framing::Length(length), goes_on),
        (None, Version::Http11) => (Framing::Chunked, goes_on && BUG != 6),
        (None, Version::Http10) if BUG == 7 && goes_on => {
            (Framing::Chunked, true) // it asked to be kept
        }
        (None, Version::Http10) => (Framing::Close, BUG == 8 && goes_on),
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use ch03_http::manner::Manner;

            use super::super::$subject::{Ends, hunt};
            use super::super::mutant;

            fn killed(ends: Ends, bug: &str) {
                hunt(Manner::framing);
                let survived = catch_unwind(move || hunt(ends)).is_ok();
                assert!(!survived, "this mutant survives: {bug}");
            }

            /// I16, I17: the finished one passes, and so does another one
            /// that does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(Manner::framing);
                hunt(mutant::<0>);
            }

            /// I17: statuses without a content have none.
            #[test]
            $(#[$skip])?
            fn mutants_1_to_3() {
                killed(mutant::<1>, "1, of what has no content");
                killed(mutant::<2>, "2, of what has no content");
                killed(mutant::<3>, "3, of what has a content");
            }

            /// I16: the connection goes on just if it can and may.
            #[test]
            $(#[$skip])?
            fn mutants_4_to_6() {
                killed(mutant::<4>, "4, of what goes on");
                killed(mutant::<5>, "5, of how an end is told");
                killed(mutant::<6>, "6, of what goes on");
            }

            /// I11: HTTP/1.0 has no chunks.
            #[test]
            $(#[$skip])?
            fn mutants_7_and_8() {
                killed(mutant::<7>, "7, of an old client");
                killed(mutant::<8>, "8, of an old client");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_ends"]);
}
