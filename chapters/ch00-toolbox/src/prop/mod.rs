//! Step 6, a property runner: make a thousand inputs from seeds, hold each
//! against a statement, and hand back the smallest input that breaks it.
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

pub mod choices;
pub mod attempt;
pub mod shrink;
pub mod search;

pub use choices::Gen;
pub use search::{Failure, check, search};
