//! One input, made and held against a property.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use ch00_toolbox::prop::choices::Gen;

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
    let choices = source.into_choices();
    verdict.map_err(|why| Broken {
        input,
        choices,
        why,
    })
}
// ANCHOR_END: attempt

/// How the panic of a function that is still to be written begins. It says
/// nothing about an input, so it is passed on as it is.
pub const NOT_STARTED: &str = "not yet implemented";

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
