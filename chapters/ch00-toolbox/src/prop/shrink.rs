//! Makes a failing input smaller by editing its choices.
//!
//! Each pass proposes edits of the choice sequence and keeps those that
//! still break the property and go down; the passes repeat until none of
//! them finds anything. No pass knows what the choices mean.
//!
//! | pass | edit | what it is for |
//! |---|---|---|
//! | `delete_blocks` | leave out 8, 7, … 1 in a row | items of a list |
//! | `zero_blocks` | set 8, 4, 2 in a row to 0 | values of several choices |
//! | `lower_each` | halve the way to 0 | numbers |
//! | `lower_twins` | lower equal ones together | two that must agree |
//! | `shorten_counts` | one less here, some left out after | lengths |
//! | `move_right` | take here, give there | sums |
//! | `swap_neighbours` | swap | order |

use ch00_toolbox::prop::attempt::{Broken, attempt};
use ch00_toolbox::prop::choices::Gen;

/// The most often that a shrink runs the property. A property that takes a
/// millisecond is then shrunk within seconds.
const MAX_RUNS: u32 = 4_000;

// ANCHOR: shrink
/// Edits the choice sequence as long as some edit still breaks the property
/// and goes down. Returns the smallest found, and how many runs it took.
pub fn shrink<T>(
    mut best: Broken<T>,
    make: impl Fn(&mut Gen) -> T,
    holds: impl Fn(&T) -> Result<(), String>,
) -> (Broken<T>, u32) {
    let mut runs = 0;
    // None: the runs are used up, and the passes end where they are.
    let mut try_edit = |best: &mut Broken<T>, edited: &[u64]| {
        if runs >= MAX_RUNS {
            return None;
        }
        if !is_smaller(edited, &best.choices) {
            return Some(false);
        }
        runs += 1;
        match attempt(Gen::replaying(edited), &make, &holds) {
            Err(found) if is_smaller(&found.choices, &best.choices) => {
                *best = found; // what was used, which may be less than given
                Some(true)
            }
            _ => Some(false),
        }
    };
    while pass(&mut best, &mut try_edit) == Some(true) {}
    (best, runs)
}

/// I3: shorter, or as long and smaller at the first difference.
fn is_smaller(a: &[u64], b: &[u64]) -> bool {
    (a.len(), a) < (b.len(), b)
}
// ANCHOR_END: shrink

/// Every pass once. Returns whether some edit was kept.
fn pass<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<bool> {
    let before = best.choices.clone();
    delete_blocks(best, try_edit)?;
    zero_blocks(best, try_edit)?;
    lower_each(best, try_edit)?;
    lower_twins(best, try_edit)?;
    shorten_counts(best, try_edit)?;
    move_right(best, try_edit)?;
    swap_neighbours(best, try_edit)?;
    Some(best.choices != before)
}

// ANCHOR: delete
/// Leaves out 8, 7, … 1 choices in a row, from the end: later choices
/// depend on earlier ones, so the end is the cheapest to lose.
fn delete_blocks<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<()> {
    for size in (1..=8).rev() {
        let mut end = best.choices.len();
        while end >= size {
            let mut edited = best.choices.clone();
            edited.drain(end - size..end);
            if !try_edit(best, &edited)? {
                end -= 1;
            }
            end = end.min(best.choices.len());
        }
    }
    Some(())
}
// ANCHOR_END: delete

/// Sets 8, 4, 2 choices in a row to zero at once, for values that make
/// sense only together.
fn zero_blocks<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<()> {
    for size in [8, 4, 2] {
        let mut start = 0;
        while start + size <= best.choices.len() {
            if best.choices[start..start + size].iter().any(|c| *c > 0) {
                let mut edited = best.choices.clone();
                edited[start..start + size].fill(0);
                try_edit(best, &edited)?;
            }
            start += 1;
        }
    }
    Some(())
}

// ANCHOR: lower
/// Finds for each choice the least value that still fails, by halving: 64
/// runs for a choice of 64 bits. Right where failing is monotone in the
/// choice, and a good guess elsewhere.
fn lower_each<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<()> {
    let mut at = 0;
    while at < best.choices.len() {
        let mut low = 0; // below `low`, nothing fails as far as we know
        while at < best.choices.len() && low < best.choices[at] {
            let middle = low + (best.choices[at] - low) / 2;
            let mut edited = best.choices.clone();
            edited[at] = middle;
            if !try_edit(best, &edited)? {
                low = middle + 1;
            }
        }
        at += 1;
    }
    Some(())
}
// ANCHOR_END: lower

/// As [`lower_each`], for all choices of one value at once: two numbers that
/// break the property by being equal cannot fall one by one.
fn lower_twins<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<()> {
    let mut at = 0;
    while at < best.choices.len() {
        let mut low = 0;
        while at < best.choices.len() && low < best.choices[at] {
            let value = best.choices[at];
            let middle = low + (value - low) / 2;
            let lower = |choice: &u64| match *choice == value {
                true => middle,
                false => *choice,
            };
            let edited: Vec<u64> = best.choices.iter().map(lower).collect();
            if !try_edit(best, &edited)? {
                low = middle + 1;
            }
        }
        at += 1;
    }
    Some(())
}

/// Lowers a choice by one and leaves out some that follow: what a list
/// needs whose generator draws its length first.
fn shorten_counts<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<()> {
    let mut at = 0;
    while at < best.choices.len() {
        for size in [1, 2, 4] {
            let mut from = at + 1;
            while from + size <= best.choices.len() && best.choices[at] > 0 {
                let mut edited = best.choices.clone();
                edited[at] -= 1;
                edited.drain(from..from + size);
                if !try_edit(best, &edited)? {
                    from += 1;
                }
            }
        }
        at += 1;
    }
    Some(())
}

// ANCHOR: move
/// Takes from a choice and gives to one that follows close by: the sum
/// stays, the earlier one falls. All of it first, then by halves.
fn move_right<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<()> {
    for gap in 1..=4 {
        let mut at = 0;
        while at + gap < best.choices.len() {
            let mut amount = best.choices[at];
            while amount > 0 && at + gap < best.choices.len() {
                let mut edited = best.choices.clone();
                edited[at] = edited[at].saturating_sub(amount);
                edited[at + gap] = edited[at + gap].saturating_add(amount);
                if !try_edit(best, &edited)? {
                    amount /= 2;
                }
            }
            at += 1;
        }
    }
    Some(())
}
// ANCHOR_END: move

/// Swaps neighbours that descend, so that one bug has one smallest input
/// and not a permutation of it.
fn swap_neighbours<T>(
    best: &mut Broken<T>,
    try_edit: &mut impl FnMut(&mut Broken<T>, &[u64]) -> Option<bool>,
) -> Option<()> {
    for gap in 1..=4 {
        let mut at = 0;
        while at + gap < best.choices.len() {
            if best.choices[at] > best.choices[at + gap] {
                let mut edited = best.choices.clone();
                edited.swap(at, at + gap);
                try_edit(best, &edited)?;
            }
            at += 1;
        }
    }
    Some(())
}
