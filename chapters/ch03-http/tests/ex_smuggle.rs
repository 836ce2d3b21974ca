//! The checks of the exercise `ex_smuggle`. The mutants are below: whoever
//! reads on before having hunted them spoils the hunt.

use ch03_http::framing::{Body, FramingError, request_body};
use ch03_http::head::{Request, Version};

#[path = "../solutions/ex_smuggle.rs"]
mod solution;

#[path = "../exercises/ex_smuggle.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A second implementation of `request_body`, with the hole of that number.
/// Number 0 has none: a hunt that panics on it is wrong.
fn mutant<const HOLE: u8>(request: &Request) -> Result<Body, FramingError> {
    let headers = &request.headers;
    let mut lengths = headers.all("content-length");
    let (length, more) = (lengths.next(), lengths.next().is_some());
    if headers.get("transfer-encoding").is_none() {
        return match length {
            None => Ok(Body::Empty),
            Some(_) if more && HOLE != 1 => Err(FramingError::ManyLengths),
            Some(text) => number::<HOLE>(text).map(Body::Length),
        };
    }
    if request.version == Version::Http10 && HOLE != 2 {
        return Err(FramingError::CodingIn10);
    }
    match length {
        Some(text) if HOLE == 3 => number::<0>(text).map(Body::Length),
        Some(_) if HOLE != 4 => Err(FramingError::CodingAndLength),
        _ => coding::<HOLE>(headers.list("transfer-encoding").collect()),
    }
}

fn number<const HOLE: u8>(text: &[u8]) -> Result<u64, FramingError> {
    let text = match (HOLE, text) {
        (5, [b'+', digits @ ..]) => digits,
        _ => text,
    };
    if text.contains(&b',') {
        return Err(FramingError::ManyLengths);
    }
    let digits = text.iter().all(u8::is_ascii_digit) && !text.is_empty();
    let mut length: u64 = 0;
    for byte in text.iter().filter(|_| digits) {
        let digit = u64::from(byte - b'0');
        length = match length.checked_mul(10) {
            _ if HOLE == 6 => length.wrapping_mul(10).wrapping_add(digit),
            Some(tens) => {
                tens.checked_add(digit).ok_or(FramingError::Length)?
            }
            None => return Err(FramingError::Length),
        };
    }
    digits.then_some(length).ok_or(FramingError::Length)
}

fn coding<const HOLE: u8>(list: Vec<&[u8]>) -> Result<Body, FramingError> {
    let chunked = |coding: &&[u8]| match HOLE {
        7 => coding.to_ascii_lowercase().ends_with(b"chunked"),
        _ => coding.eq_ignore_ascii_case(b"chunked"),
    };
    let Some((last, before)) = list.split_last() else {
        return Err(FramingError::Coding);
    };
    if before.iter().any(chunked) {
        return match HOLE {
            8 => Ok(Body::Chunked), // anywhere will do
            9 if chunked(last) => Ok(Body::Chunked), // twice is once
            _ => Err(FramingError::Coding),
        };
    }
    match chunked(last) && (before.is_empty() || HOLE == 10) {
        true => Ok(Body::Chunked),
        false => Err(FramingError::UnknownCoding),
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use ch03_http::framing::request_body;

            use super::super::$subject::{Framing, hunt};
            use super::super::mutant;

            fn killed(framing: Framing, hole: &str) {
                hunt(request_body);
                let survived = catch_unwind(move || hunt(framing)).is_ok();
                assert!(!survived, "this mutant survives: {hole}");
            }

            /// I6: the finished framing passes, and so does another one that
            /// does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(request_body);
                hunt(mutant::<0>);
            }

            /// I6: holes in lengths are found.
            #[test]
            $(#[$skip])?
            fn lengths() {
                killed(mutant::<1>, "1, of lengths");
                killed(mutant::<5>, "5, of lengths");
                killed(mutant::<6>, "6, of lengths");
            }

            /// I6: holes between lengths and codings are found.
            #[test]
            $(#[$skip])?
            fn lengths_and_codings() {
                killed(mutant::<2>, "2, of versions");
                killed(mutant::<3>, "3, of lengths and codings");
                killed(mutant::<4>, "4, of lengths and codings");
            }

            /// I6: holes in codings are found.
            #[test]
            $(#[$skip])?
            fn codings() {
                killed(mutant::<7>, "7, of codings");
                killed(mutant::<8>, "8, of codings");
                killed(mutant::<9>, "9, of codings");
                killed(mutant::<10>, "10, of codings");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_smuggle"]);
}

/// I6: the second implementation is one.
#[test]
fn the_second_implementation_is_one() {
    use ch03_http::head::{RequestParser, Rules};
    let values = ["5", "+5", "", "5, 5", "99999999999999999999"];
    let codings = ["chunked", "gzip", "gzip, chunked", "chunked, gzip", ""];
    for version in ["1.0", "1.1"] {
        for value in values {
            for coding in codings {
                let head = format!(
                    "PUT / HTTP/{version}\r\nHost: a\r\n\
                     Content-Length: {value}\r\nX: y\r\n\r\nPUT / \
                     HTTP/{version}\r\nHost: a\r\n\
                     Transfer-Encoding: {coding}\r\n\r\n"
                );
                let mut rest = head.as_bytes();
                let mut parser = RequestParser::new(Rules::default());
                for _ in 0..2 {
                    let said = parser.parse(rest);
                    let Ok(Some(length)) = said else {
                        panic!("{said:?} for {head:?}");
                    };
                    let request = parser.head(rest);
                    let expected = request_body(&request);
                    let got = mutant::<0>(&request);
                    assert_eq!(got, expected, "input: {head:?}");
                    rest = &rest[length..];
                    parser.reset();
                }
            }
        }
    }
}
