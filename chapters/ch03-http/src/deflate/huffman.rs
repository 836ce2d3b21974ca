//! Huffman codes: from how often to how long, and from how long to which bits.
//!
//! A code is given by the *lengths* of its words alone. Words of the same
//! length are consecutive numbers in the order of their symbols, and longer
//! ones go on where the shorter ones ended (RFC 1951, section 3.2.2). So a
//! stream carries lengths only, and both sides count:
//!
//! ```text
//! symbol   A   B   C   D   E   F   G   H
//! length   3   3   3   3   3   2   4   4
//! word    010 011 100 101 110 00 1110 1111
//! ```
//!
//! - A word of length n takes 1/2ⁿ of all bit strings. All words together take
//!   at most 1 (Kraft), or two of them would begin alike; if they take less,
//!   some bits mean nothing.
//! - The lengths that [`lengths`] finds are the best that there are with no
//!   word longer than the limit.
//!
//! Left out: the heuristics by which zlib (`gen_bitlen` in `trees.c`) mends a
//! tree that is too deep. They are faster, and a little worse.

/// The longest word of any of DEFLATE's codes.
pub const LONGEST: usize = 15;

// ANCHOR: words
/// The words of a code, by symbol, each with its first bit lowest, as
/// [`BitWriter`](ch03_http::deflate::bits::BitWriter) wants it. A symbol of
/// length 0 has none.
pub fn words(lengths: &[u8]) -> Vec<u16> {
    let mut words = vec![0; lengths.len()];
    let mut word = 0u16;
    for length in 1..=LONGEST as u8 {
        word <<= 1;
        for (symbol, _) in
            lengths.iter().enumerate().filter(|(_, l)| **l == length)
        {
            words[symbol] = word.reverse_bits() >> (16 - length);
            word += 1;
        }
    }
    words
}
// ANCHOR_END: words

/// How well lengths fill the space of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// No symbol has a word.
    Empty,
    /// One symbol has a word, of one bit; the other bit means nothing.
    Single,
    /// Every sequence of bits means something, and one thing only.
    Complete,
    /// Some bits mean nothing.
    Incomplete,
    /// Some bits would have to mean two things.
    Over,
}

// ANCHOR: fill
/// What the lengths, each at most 15, make.
pub fn fill(lengths: &[u8]) -> Fill {
    const ALL: u32 = 1 << LONGEST;
    let words = lengths.iter().filter(|length| **length > 0);
    let taken: u32 = words.clone().map(|length| ALL >> length).sum();
    match (words.count(), taken) {
        (0, _) => Fill::Empty,
        (_, ALL) => Fill::Complete,
        (1, taken) if taken == ALL / 2 => Fill::Single,
        (_, 0..ALL) => Fill::Incomplete,
        _ => Fill::Over,
    }
}
// ANCHOR_END: fill

// ANCHOR: lengths
/// The best lengths for symbols that are used so often, none over `limit`.
/// A symbol that is not used gets 0, and one that is used alone gets 1.
/// At most `1 << limit` symbols are used, and all their counts fit 2²⁷.
pub fn lengths(counts: &[u32], limit: usize) -> Vec<u8> {
    let mut lengths = vec![0; counts.len()];
    let mut used: Vec<usize> =
        (0..counts.len()).filter(|s| counts[*s] > 0).collect();
    used.sort_by_key(|symbol| counts[*symbol]);
    if used.len() < 2 {
        used.iter().for_each(|symbol| lengths[*symbol] = 1);
        return lengths;
    }
    let leaves: Vec<u32> = used.iter().map(|s| counts[*s]).collect();
    let rows = rows(&leaves, limit);
    let mut take = 2 * leaves.len() - 2;
    for row in rows.iter().rev() {
        let taken = &row[..take.min(row.len())];
        let symbols = taken.iter().filter(|is_leaf| **is_leaf).count();
        used[..symbols].iter().for_each(|s| lengths[*s] += 1);
        take = 2 * (taken.len() - symbols); // a pair stands for two below
    }
    lengths
}
// ANCHOR_END: lengths

// ANCHOR: rows
/// One row for each bit of the longest word, the first one for the deepest:
/// the leaves, and the row before in pairs, sorted by weight. Of each item it
/// is kept whether it is a leaf.
fn rows(leaves: &[u32], limit: usize) -> Vec<Vec<bool>> {
    let mut rows = Vec::with_capacity(limit);
    let mut weights: Vec<u32> = Vec::new();
    for _ in 0..limit {
        let mut pairs = weights.chunks_exact(2).map(|p| p[0] + p[1]);
        let mut pairs = pairs.by_ref().peekable();
        let mut leaves = leaves.iter().copied().peekable();
        let mut row = Vec::with_capacity(2 * leaves.len());
        let mut merged = Vec::with_capacity(2 * leaves.len());
        loop {
            let is_leaf = match (leaves.peek(), pairs.peek()) {
                (Some(leaf), Some(pair)) => leaf <= pair,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let next = if is_leaf { leaves.next() } else { pairs.next() };
            merged.extend(next);
            row.push(is_leaf);
        }
        weights = merged;
        rows.push(row);
    }
    rows
}
// ANCHOR_END: rows
