//! A bug hunt: a test that no wrong reader of a Range field survives.

use std::ops::Range;

use ch03_http::files::ranges::{Asked, MAX_RANGES};

/// Panics when `asked` is not the function of that name in `files::ranges`.
/// Gets the right one, and mutants of it with one bug each.
pub fn hunt(asked: fn(Option<&[u8]>, u64) -> Asked) {
    todo!("ex_range_hunt: fields, a length, and what is asked for")
}
