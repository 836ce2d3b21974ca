//! The checks of the exercise `ex_range_hunt`. The mutants are below: whoever
//! reads on before having hunted them spoils the hunt.

use std::ops::Range;

use ch03_http::files::ranges::{Asked, MAX_RANGES};

#[path = "../solutions/ex_range_hunt.rs"]
mod solution;

#[path = "../exercises/ex_range_hunt.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

fn number(digits: &str, bug: u8) -> Option<u64> {
    let is_number =
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let read = digits.parse::<u64>();
    match bug {
        1 => read.ok().filter(|_| is_number), // a long one is none
        _ => is_number.then(|| read.unwrap_or(u64::MAX)),
    }
}

fn part(spec: &str, length: u64, bug: u8) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let count = number(last, bug)?;
        if bug == 2 && count > length {
            return Some(0..0); // a long suffix is not satisfied
        }
        return Some(length.saturating_sub(count)..length);
    }
    let first = number(first, bug)?;
    if last.is_empty() {
        return Some(first.min(length)..length);
    }
    let last = number(last, bug)?;
    if last < first && bug != 3 {
        return None;
    }
    let end = match bug {
        4 => last,                    // it is the last byte's place
        5 if last >= length => first, // an end past the end
        _ => last.saturating_add(1),
    };
    let end = end.min(length);
    Some(first.min(end)..end)
}

/// A second implementation of `asked`, with the bug of that number. Number 0
/// has none: a hunt that panics on it is wrong.
fn mutant<const BUG: u8>(field: Option<&[u8]>, length: u64) -> Asked {
    let text = field.and_then(|field| std::str::from_utf8(field).ok());
    let Some(set) = text.and_then(|text| text.strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    if length == 0 && BUG != 6 {
        return Asked::Whole;
    }
    let (mut parts, mut specs) = (Vec::new(), 0);
    for spec in set.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        specs += 1;
        match part(spec, length, BUG) {
            None if BUG == 7 => {} // passes over what is none
            None => return Asked::Whole,
            Some(part) if part.is_empty() && BUG == 8 => {
                return Asked::Nothing; // one that is missing spoils all
            }
            Some(part) if part.is_empty() => {}
            Some(part) => parts.push(part),
        }
    }
    let most = if BUG == 9 { MAX_RANGES + 1 } else { MAX_RANGES };
    let mut sorted = parts.clone();
    if BUG != 10 {
        sorted.sort_by_key(|part| part.start); // or only neighbours count
    }
    let meets = |pair: &[Range<u64>]| match BUG {
        11 => pair[0].end >= pair[1].start, // side by side is no overlap
        _ => pair[0].end > pair[1].start && pair[1].end > pair[0].start,
    };
    let overlaps = sorted.windows(2).any(meets);
    match parts.len() {
        _ if specs == 0 || specs > most || overlaps => Asked::Whole,
        0 => Asked::Nothing,
        _ if BUG == 12 => Asked::Parts(sorted), // not in their order
        _ => Asked::Parts(parts),
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use ch03_http::files::ranges::{Asked, asked};

            use super::super::$subject::hunt;
            use super::super::mutant;

            fn killed(asks: fn(Option<&[u8]>, u64) -> Asked, bug: &str) {
                hunt(asked);
                let survived = catch_unwind(move || hunt(asks)).is_ok();
                assert!(!survived, "this mutant survives: {bug}");
            }

            /// I25: the finished reader passes, and so does another one that
            /// does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(asked);
                hunt(mutant::<0>);
            }

            /// I25: the numbers of a range, from 1 to 5.
            #[test]
            $(#[$skip])?
            fn mutants_of_numbers() {
                killed(mutant::<1>, "1, of numbers");
                killed(mutant::<2>, "2, of a suffix");
                killed(mutant::<3>, "3, of what is no range");
                killed(mutant::<4>, "4, of ends");
                killed(mutant::<5>, "5, of ends");
            }

            /// I25: what the whole field asks for, from 6 to 9.
            #[test]
            $(#[$skip])?
            fn mutants_of_the_field() {
                killed(mutant::<6>, "6, of empty files");
                killed(mutant::<7>, "7, of what is no range");
                killed(mutant::<8>, "8, of what the file does not have");
                killed(mutant::<9>, "9, of a limit");
            }

            /// I25: several ranges, from 10 to 12.
            #[test]
            $(#[$skip])?
            fn mutants_of_several() {
                killed(mutant::<10>, "10, of ranges that overlap");
                killed(mutant::<11>, "11, of ranges that do not");
                killed(mutant::<12>, "12, of an order");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_range_hunt"]);
}
