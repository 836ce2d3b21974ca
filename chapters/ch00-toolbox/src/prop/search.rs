//! Many inputs, made and held against a property: the part that a test calls.

use std::fmt::{Debug, Write};

use ch00_toolbox::prop::attempt::{Broken, NOT_STARTED, attempt};
use ch00_toolbox::prop::choices::Gen;
use ch00_toolbox::prop::shrink::shrink;

/// A broken property: the smallest input found, and how to see it again.
#[derive(Debug)]
pub struct Failure<T> {
    /// The seed that makes the first failing input as case 0.
    pub seed: u64,
    /// How many cases ran, the failing one included.
    pub cases: u32,
    /// How often the property ran again to shrink the input.
    pub runs: u32,
    /// The shrunk input.
    pub input: T,
    /// The choices that make it.
    pub choices: Vec<u64>,
    /// What the property said about it.
    pub why: String,
}

// ANCHOR: search
/// Holds `cases` inputs against `holds`. Case 0 is made from `seed` itself,
/// so that a failing case's own seed finds it at once.
pub fn search<T>(
    seed: u64,
    cases: u32,
    make: impl Fn(&mut Gen) -> T,
    holds: impl Fn(&T) -> Result<(), String>,
) -> Option<Failure<T>> {
    for case in 0..cases {
        let seed = seed.wrapping_add(u64::from(case));
        let found = attempt(Gen::seeded(seed), &make, &holds);
        if let Err(broken) = found {
            let (broken, runs) = shrink(broken, &make, &holds);
            let Broken {
                input,
                choices,
                why,
            } = broken;
            let cases = case + 1;
            return Some(Failure {
                seed,
                cases,
                runs,
                input,
                choices,
                why,
            });
        }
    }
    None
}
// ANCHOR_END: search

// ANCHOR: check
/// Holds `cases` inputs that `make` makes against `holds`, and panics with
/// the smallest that it finds to break it: its seed, the input, the reason,
/// and the line that replays it.
///
/// The inputs are the same on every run: the seed comes from `name`. With
/// `WORKBOOK_SEED` set, only the case of that seed runs.
#[track_caller]
pub fn check<T: Debug>(
    name: &str,
    cases: u32,
    make: impl Fn(&mut Gen) -> T,
    holds: impl Fn(&T) -> Result<(), String>,
) {
    let found = match std::env::var("WORKBOOK_SEED") {
        Ok(text) => search(parse_seed(&text), 1, make, holds),
        Err(_) => search(seed_of(name), cases, make, holds),
    };
    if let Some(failure) = found {
        if failure.why.starts_with(NOT_STARTED) {
            panic!("{}", failure.why);
        }
        panic!("{}", report(name, &failure));
    }
}
// ANCHOR_END: check

/// FNV-1a: a different start for each property, the same on each machine.
fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn parse_seed(text: &str) -> u64 {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.unwrap_or_else(|e| panic!("WORKBOOK_SEED={text}: {e}"))
}

/// What a failed check prints; its last line can be pasted into a shell, for
/// a test that is `#[ignore]`d too.
fn report<T: Debug>(name: &str, failure: &Failure<T>) -> String {
    let Failure {
        seed,
        cases,
        runs,
        input,
        why,
        ..
    } = failure;
    let package = std::env::var("CARGO_PKG_NAME");
    let package = package.map_or(String::new(), |p| format!(" -p {p}"));
    let test = std::thread::current();
    let test = test.name().filter(|name| *name != "main").unwrap_or("");
    // What cargo leaves out by itself has to be asked for again.
    let asked = ["--ignored", "--include-ignored"];
    let asked = std::env::args().any(|arg| asked.contains(&arg.as_str()));
    let flags = if asked { " -- --include-ignored" } else { "" };
    let mut text = String::new();
    let _ = write!(
        text,
        "property `{name}` is broken: seed={seed:#x}\n   \
         input: {input:?}\n     why: {why}\n   found: in case {cases}, \
         shrunk in {runs} runs\n  replay: WORKBOOK_SEED={seed:#x} \
         cargo test{package} {test}{flags}"
    );
    text.trim_end().to_owned()
}
