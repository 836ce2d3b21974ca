//! Step 6, a property runner: make a thousand inputs from seeds, hold each against a
//! statement, and hand back the smallest input that breaks it.
//!
//! A generator is an ordinary function that asks a [`Gen`] for numbers. The
//! numbers that it was given are written down, and that list, the *choice
//! sequence*, is what gets shrunk:
//!
//! ```text
//! choices   1  9  1  0  0      vec: 1 = one more, then the element; 0 = stop
//! input    [   9,    0   ]
//! shrink    1  0  1  0  0  ->  [0, 0]      lower a choice
//!           1  9  0        ->  [9]         delete a block of choices
//! ```
//!
//! Invariants:
//!
//! - I1: a seed decides everything. The same seed gives the same input.
//! - I2: every input that a property sees, shrunk ones too, was made by the
//!   generator: a shrink never builds a value that the generator cannot.
//! - I3: a shrink only goes down: shorter, or as long and smaller.
//!
//! Left out: a database of failures, coverage feedback, and a search for
//! inputs that are rare. Hypothesis has the first and the third
//! (`hypothesis/internal/conjecture`), cargo-fuzz the second.

use std::cell::Cell;
use std::fmt::{Debug, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use ch00_toolbox::rng::Rng;

pub mod shrink;

/// The most choices that one input may draw. A generator that recurses
/// without an end meets zeros from here on, which end it.
const MAX_CHOICES: usize = 1 << 16;

// ANCHOR: gen
/// Where a generator gets its numbers from: a seed, or an earlier run's
/// choices.
pub struct Gen {
    /// What this run has drawn, as it was used.
    choices: Vec<u64>,
    /// Choices to hand out again; past their end come zeros.
    replay: Vec<u64>,
    /// The source of new choices; `None` while replaying.
    fresh: Option<Rng>,
}

impl Gen {
    /// A source of new choices.
    pub fn seeded(seed: u64) -> Gen {
        let fresh = Some(Rng::seeded(seed));
        Gen {
            choices: Vec::new(),
            replay: Vec::new(),
            fresh,
        }
    }

    /// A source that hands out `choices` again, cut down to what is asked
    /// for, and zeros after their end.
    pub fn replaying(choices: &[u64]) -> Gen {
        let replay = choices.to_vec();
        Gen {
            choices: Vec::new(),
            replay,
            fresh: None,
        }
    }
    // ANCHOR_END: gen

    // ANCHOR: draw
    /// A number in `0..=max`: the one way to the choice sequence.
    /// `propose` says what a fresh one is; its answer is cut down to `max`.
    fn draw(&mut self, max: u64, propose: impl Fn(&mut Rng) -> u64) -> u64 {
        let at = self.choices.len();
        if at >= MAX_CHOICES {
            return 0;
        }
        let choice = match &mut self.fresh {
            Some(rng) => propose(rng),
            None => self.replay.get(at).copied().unwrap_or(0),
        };
        self.choices.push(choice.min(max));
        choice.min(max)
    }
    // ANCHOR_END: draw

    // ANCHOR: ask
    /// A number in `0..=max`. Shrinks towards 0. One in four is an end of
    /// the range or close to it, where the bugs are.
    pub fn upto(&mut self, max: u64) -> u64 {
        self.draw(max, |rng| match rng.next_u64() % 8 {
            0 => rng.next_u64() % 3,
            1 => max - (rng.next_u64() % 3).min(max),
            _ if max == u64::MAX => rng.next_u64(),
            _ => rng.below(max + 1),
        })
    }

    /// A number in `low..=high`. Shrinks towards `low`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range: {low}..={high}");
        low + self.upto(high - low)
    }

    /// Any `i64`. Shrinks towards 0, and to 3 rather than to -3.
    pub fn int(&mut self) -> i64 {
        let folded = self.upto(u64::MAX); // 0 1 2 3 4 → 0 -1 1 -2 2
        ((folded >> 1) as i64) ^ -((folded & 1) as i64)
    }
    // ANCHOR_END: ask

    /// A byte. Shrinks towards 0.
    pub fn byte(&mut self) -> u8 {
        self.upto(255) as u8
    }

    /// True once in `n` times, on average. Shrinks to false.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.draw(1, |rng| u64::from(rng.below(n.max(1)) == 0)) == 1
    }

    /// One of `items`. Shrinks towards the first.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "nothing to pick from");
        let last = items.len() as u64 - 1;
        &items[self.draw(last, |rng| rng.below(last + 1)) as usize]
    }

    // ANCHOR: vec
    /// Up to `max` values that `item` makes. Shrinks by losing items, then
    /// by shrinking them.
    pub fn vec<T>(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Gen) -> T,
    ) -> Vec<T> {
        // How long a fresh one gets is decided here, and not written down:
        // the choices say only "one more" before each item, and "stop".
        let target = match &mut self.fresh {
            Some(rng) => {
                let few = max.min(8);
                let most = if rng.chance(0.5) { max } else { few };
                rng.below(most as u64 + 1)
            }
            None => 0,
        };
        let mut items = Vec::new();
        while items.len() < max {
            let more = u64::from((items.len() as u64) < target);
            if self.draw(1, |_| more) == 0 {
                break;
            }
            items.push(item(self));
        }
        items
    }
    // ANCHOR_END: vec

    /// Up to `max` bytes.
    pub fn bytes(&mut self, max: usize) -> Vec<u8> {
        self.vec(max, Gen::byte)
    }

    /// Up to `max` characters: letters, now and then a space, a control
    /// character, a quote, or one of several bytes. Shrinks towards `aaa…`.
    pub fn text(&mut self, max: usize) -> String {
        const RARE: [char; 10] =
            [' ', '\n', '\r', '\t', '\0', '"', '\\', 'é', '漢', '🦀'];
        let letter = |g: &mut Gen| match g.once_in(6) {
            true => *g.pick(&RARE),
            false => (b'a' + g.upto(25) as u8) as char,
        };
        self.vec(max, letter).into_iter().collect()
    }
}

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
            let (broken, runs) = shrink::shrink(broken, &make, &holds);
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

// ANCHOR: attempt
/// An input that breaks the property.
pub struct Broken<T> {
    /// The input.
    pub input: T,
    /// The choices that make it.
    pub choices: Vec<u64>,
    /// What the property said about it.
    pub why: String,
}

/// Makes one input and holds it against the property.
///
/// # Errors
///
/// The property does not hold: with what it does not.
pub fn attempt<T>(
    mut source: Gen,
    make: impl Fn(&mut Gen) -> T,
    holds: impl Fn(&T) -> Result<(), String>,
) -> Result<(), Broken<T>> {
    let input = make(&mut source);
    let verdict = quietly(|| holds(&input)).unwrap_or_else(Err);
    let choices = source.choices;
    verdict.map_err(|why| Broken {
        input,
        choices,
        why,
    })
}
// ANCHOR_END: attempt

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

/// What a failed check prints.
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
    let mut text = String::new();
    let _ = write!(
        text,
        "property `{name}` is broken: seed={seed:#x}\n   \
         input: {input:?}\n     why: {why}\n   found: in case {cases}, \
         shrunk in {runs} runs\n  replay: WORKBOOK_SEED={seed:#x} \
         cargo test{package} {test}"
    );
    text.trim_end().to_owned()
}

/// How the panic of a function that is still to be written begins. It says
/// nothing about an input, so it is passed on as it is.
const NOT_STARTED: &str = "not yet implemented";

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`, and gives a panic's message back instead of printing it: a
/// shrink panics a thousand times on its way to the input worth printing.
fn quietly<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info); // other threads' panics print as ever
            }
        }));
    });
    let outer = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    QUIET.set(outer);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("a panic without a message");
        if text.starts_with(NOT_STARTED) {
            return text.to_owned();
        }
        format!("panicked: {text}")
    })
}
