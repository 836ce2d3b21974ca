//! Decoding by table: one look says what the next bits mean.
//!
//! Walking a tree takes a branch for each bit, and none of them can be
//! predicted. A table with a place for every value of the next `root` bits
//! needs one load. A word shorter than that fills all places that begin with
//! it; a longer one begins at a place that points to a second table:
//!
//! ```text
//! root = 2      00 ─▶ F, 2 bits        index, the first bit lowest
//! words         01 ─▶ second table ─▶ 0 ─▶ A, 3 bits
//! F 00                                1 ─▶ B, 3 bits
//! A 010  …      10 ─▶ second table …
//!
//! entry    31 ──────── 16 │ 15 14 13 12 │ 11 ── 8 │ 7 ──────────── 0
//!          literal, base, │ BAD SUB END │ extra   │ length of the word,
//!          place of a     │ LITERAL     │ bits    │ in bits
//!          second table   │             │         │
//! ```
//!
//! - Every place of a table is set: bits that are no word are [`BAD`].

use ch03_http::deflate::Error;
use ch03_http::deflate::huffman::{Fill, LONGEST, fill};
use ch03_http::deflate::symbols::{END, distance_base, length_base};

/// The entry is a byte.
pub const LITERAL: u32 = 1 << 12;
/// The entry ends the block.
pub const STOP: u32 = 1 << 13;
/// The entry points to a second table.
pub const SUB: u32 = 1 << 14;
/// The bits are no word, or that of a symbol without a meaning.
pub const BAD: u32 = 1 << 15;

// ANCHOR: look_up
/// A table with `SIZE` places, a power of two, of which the first `1 << root`
/// are indexed by the next bits, and the others are second tables.
#[derive(Debug, Clone)]
pub struct Table<const SIZE: usize> {
    entries: [u32; SIZE],
    root: u32,
}

impl<const SIZE: usize> Table<SIZE> {
    /// A table in which nothing is a word.
    pub fn new(root: u32) -> Table<SIZE> {
        let entries = [BAD | 1; SIZE];
        Table { entries, root }
    }

    /// What the bits begin with. The entry's low byte is the length of the
    /// whole word; if fewer bits than that are here, more have to come before
    /// the entry can be believed.
    #[inline(always)]
    pub fn look_up(&self, bits: u64) -> u32 {
        let at = bits & ((1 << self.root) - 1);
        let entry = self.entries[at as usize & (SIZE - 1)];
        if entry & SUB == 0 {
            return entry;
        }
        let second = bits >> self.root & ((1 << (entry & 0xff)) - 1);
        let at = (entry >> 16) as usize + second as usize;
        self.entries[at & (SIZE - 1)]
    }
    // ANCHOR_END: look_up
}

impl<const SIZE: usize> Table<SIZE> {
    // ANCHOR: build
    /// Fills the table for a code of at most 320 symbols with these lengths.
    /// `meaning` says what a symbol's entry holds, but for the length of its
    /// word.
    pub fn build(&mut self, lengths: &[u8], meaning: impl Fn(usize) -> u32) {
        self.entries.fill(BAD | 1);
        let (sorted, mut left) = sort(lengths);
        let (mut word, mut before) = (0u32, 0);
        let mut free = 1usize << self.root;
        let mut second = Second::default();
        for symbol in sorted.iter().take(lengths.len()) {
            let symbol = usize::from(*symbol);
            let length = u32::from(lengths[symbol]);
            if length == 0 {
                continue;
            }
            word <<= length - before;
            before = length;
            let entry = meaning(symbol) | length;
            let bits = word.reverse_bits() >> (32 - length);
            if length <= self.root {
                let step = 1 << length;
                self.fill(bits as usize, step, 1 << self.root, entry);
            } else {
                let start = bits as usize & ((1 << self.root) - 1);
                let over = length - self.root;
                if second.start != start || second.bits == 0 {
                    let bits = self.second_bits(&left, length);
                    second = Second {
                        start,
                        at: free,
                        bits,
                    };
                    free += 1 << bits;
                    self.entries[start] = SUB | (second.at as u32) << 16 | bits;
                }
                let end = second.at + (1 << second.bits);
                let at = second.at + (bits >> self.root) as usize;
                self.fill(at, 1 << over, end, entry);
            }
            left[length as usize] -= 1;
            word += 1;
        }
    }
    // ANCHOR_END: build

    // given: counting, and what each entry holds
    /// Writes an entry at every `step`-th place from `at` on, before `end`.
    fn fill(&mut self, at: usize, step: usize, end: usize, entry: u32) {
        for place in (at..end).step_by(step) {
            self.entries[place & (SIZE - 1)] = entry;
        }
    }

    /// How many bits the second table needs whose first word has this length:
    /// as many as it takes until the words that are `left` fill it.
    fn second_bits(&self, left: &[u16; LONGEST + 1], length: u32) -> u32 {
        let mut bits = length - self.root;
        let mut room = 1i32 << bits;
        for words in &left[length as usize..LONGEST] {
            room -= i32::from(*words);
            if room <= 0 {
                break;
            }
            bits += 1;
            room <<= 1;
        }
        bits
    }
    // given end
}

/// The second table that is being filled.
#[derive(Default)]
struct Second {
    /// The bits that lead to it.
    start: usize,
    /// Its first place.
    at: usize,
    /// It has `1 << bits` places; 0 as long as there is none.
    bits: u32,
}

// given: a counting sort
/// The symbols by the length of their words, and how many have each length.
fn sort(lengths: &[u8]) -> ([u16; 320], [u16; LONGEST + 1]) {
    let mut counts = [0u16; LONGEST + 1];
    lengths.iter().for_each(|l| counts[usize::from(*l)] += 1);
    let mut next = [0usize; LONGEST + 1];
    for length in 0..LONGEST {
        next[length + 1] = next[length] + usize::from(counts[length]);
    }
    let mut sorted = [0; 320];
    for (symbol, length) in lengths.iter().enumerate() {
        sorted[next[usize::from(*length)]] = symbol as u16;
        next[usize::from(*length)] += 1;
    }
    (sorted, counts)
}
// given end

/// Literals and lengths: 11 bits at once. 2,342 places are the most that
/// 288 words of at most 15 bits can need.
pub type Literals = Table<4096>;
/// Distances: 8 bits at once; 402 places are the most for 32 words.
pub type Distances = Table<512>;
/// The code of the code lengths, whose words have at most 7 bits.
pub type Lengths = Table<128>;

// given: the layout that stands above, in code
/// The entry of a literal or length symbol.
pub fn literal(symbol: usize) -> u32 {
    match length_base(symbol) {
        Some((base, bits)) => base << 16 | bits << 8,
        None if symbol < END => LITERAL | (symbol as u32) << 16,
        None if symbol == END => STOP,
        None => BAD,
    }
}

/// The entry of a distance symbol.
pub fn distance(symbol: usize) -> u32 {
    match distance_base(symbol) {
        Some((base, bits)) => base << 16 | bits << 8,
        None => BAD,
    }
}
// given end

// ANCHOR: check
/// Whether the lengths make a code that a stream may use.
///
/// # Errors
/// They take more than all words, or leave some without a meaning. One word
/// of one bit is allowed, and where `none_is_fine`, no word at all: a block
/// of literals needs no distance (section 3.2.7).
pub fn check(lengths: &[u8], none_is_fine: bool) -> Result<(), Error> {
    match fill(lengths) {
        Fill::Complete | Fill::Single => Ok(()),
        Fill::Empty if none_is_fine => Ok(()),
        _ => Err(Error::CodeLengths),
    }
}
// ANCHOR_END: check
