//! A block: tokens are collected and counted, and when there are enough, the
//! cheapest of the three ways to write them is taken.
//!
//! ```text
//! stored    3 bits, to the next byte, 32 bits and the bytes, for each 65,535
//! fixed     3 bits, then each token in the RFC's codes
//! dynamic   17 bits, the lengths of the codes, then each token in codes that
//!           were made for this block
//! ```
//!
//! - All three sizes are known before the first bit is written: a code's
//!   length times how often it is used, summed up.

use ch03_http::deflate::bits::BitWriter;
use ch03_http::deflate::huffman::{LONGEST, lengths, words};
use ch03_http::deflate::lengths::{ORDER, Run, extra_bits, pack};
use ch03_http::deflate::symbols::{
    DISTANCES, END, LITERALS, fixed_lengths, of_distance, of_length,
};

/// Tokens that make a block full. Each block pays 60 to 90 bytes for its
/// codes; codes for more tokens fit each of them less well.
pub const TOKENS: usize = 24 * 1024;

/// The most bytes in one stored block.
pub const STORED: usize = 0xffff;

/// The tokens of a block, and how often each symbol is used in it.
#[derive(Debug, Clone)]
pub struct Block {
    /// A literal as it is; a copy as its length << 16 and its distance.
    tokens: Vec<u32>,
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
    /// Extra bits of all copies.
    extra: u64,
}

impl Default for Block {
    fn default() -> Block {
        let mut literals = [0; LITERALS];
        literals[END] = 1;
        Block {
            tokens: Vec::with_capacity(TOKENS + LONGEST),
            literals,
            distances: [0; DISTANCES],
            extra: 0,
        }
    }
}

impl Block {
    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    // ANCHOR: count
    /// Appends a byte.
    #[inline(always)]
    pub fn literal(&mut self, byte: u8) {
        self.literals[usize::from(byte)] += 1;
        self.tokens.push(u32::from(byte));
    }

    /// Appends a copy of 3 to 258 bytes from 1 to 32768 back.
    #[inline(always)]
    pub fn copy(&mut self, length: usize, distance: usize) {
        let (far, long) = (of_distance(distance), of_length(length));
        self.literals[long.symbol] += 1;
        self.distances[far.symbol] += 1;
        self.extra += u64::from(long.bits + far.bits);
        self.tokens.push((length << 16 | distance) as u32);
    }
    // ANCHOR_END: count
}

/// The words and lengths of the two codes of a block.
struct Codes {
    literals: Vec<(u16, u8)>,
    distances: Vec<(u16, u8)>,
}

// given: it asks the functions of the steps below
impl Codes {
    fn new(literals: &[u8], distances: &[u8]) -> Codes {
        let code = |lengths: &[u8]| {
            let words = words(lengths).into_iter();
            words.zip(lengths.iter().copied()).collect()
        };
        Codes {
            literals: code(literals),
            distances: code(distances),
        }
    }

    /// How many bits a block's tokens take in these codes.
    fn bits(&self, block: &Block) -> u64 {
        let bits = |counts: &[u32], code: &[(u16, u8)]| -> u64 {
            let both = counts.iter().zip(code);
            both.map(|(n, (_, l))| u64::from(*n) * u64::from(*l)).sum()
        };
        block.extra
            + bits(&block.literals, &self.literals)
            + bits(&block.distances, &self.distances)
    }
}
// given end

/// The head of a dynamic block, ready to be written.
struct Header {
    /// Literal codes, distance codes, and codes of the third code.
    counts: (usize, usize, usize),
    runs: Vec<Run>,
    third: Vec<u8>,
    bits: u64,
}

// given: what the decoder reads, in the same order
impl Header {
    fn new(literals: &[u8], distances: &[u8]) -> Header {
        let used = |lengths: &[u8]| {
            lengths
                .iter()
                .rposition(|l| *l > 0)
                .map_or(0, |last| last + 1)
        };
        let (most, far) = (used(literals).max(257), used(distances).max(1));
        let all = [&literals[..most], &distances[..far]].concat();
        let runs = pack(&all);
        let mut counts = [0; ORDER.len()];
        runs.iter().for_each(|run| counts[run.symbol as usize] += 1);
        // Never fewer than two symbols: the byte symbols alone need some, and
        // no complete code has 257 to 286 words of one length.
        let third = lengths(&counts, 7);
        let kept = ORDER.iter().rposition(|symbol| third[*symbol] > 0);
        let kept = kept.map_or(4, |last| (last + 1).max(4));
        let bit_count = |run: &Run| {
            u64::from(third[run.symbol as usize])
                + u64::from(extra_bits(run.symbol))
        };
        let bits = runs.iter().map(bit_count).sum::<u64>();
        Header {
            counts: (most, far, kept),
            bits: bits + 14 + 3 * kept as u64,
            runs,
            third,
        }
    }

    fn write(&self, to: &mut BitWriter) {
        let (literals, distances, kept) = self.counts;
        to.put(literals as u32 - 257, 5);
        to.put(distances as u32 - 1, 5);
        to.put(kept as u32 - 4, 4);
        for symbol in &ORDER[..kept] {
            to.put(u32::from(self.third[*symbol]), 3);
        }
        let words = words(&self.third);
        for run in &self.runs {
            let symbol = run.symbol as usize;
            to.put(words[symbol].into(), self.third[symbol].into());
            to.put(run.extra.into(), extra_bits(run.symbol));
        }
    }
}
// given end

impl Block {
    // ANCHOR: write
    /// Writes the block in the cheapest way, and forgets its tokens. `raw` are
    /// the bytes that it stands for, or `None` where it is known that the
    /// tokens take less room than these.
    pub fn write(
        &mut self,
        raw: Option<&[u8]>,
        last: bool,
        to: &mut BitWriter,
    ) {
        let literals = lengths(&self.literals, LONGEST);
        let distances = lengths(&self.distances, LONGEST);
        let header = Header::new(&literals, &distances);
        let dynamic = Codes::new(&literals, &distances);
        let (literals, distances) = fixed_lengths();
        let fixed = Codes::new(&literals, &distances);

        let fixed_bits = fixed.bits(self);
        let dynamic_bits = dynamic.bits(self) + header.bits;
        let stored_bits = raw.map_or(u64::MAX, |raw| stored_bits(raw, to));
        if stored_bits <= fixed_bits.min(dynamic_bits) + 3 {
            store(raw.unwrap_or_default(), last, to);
        } else if fixed_bits <= dynamic_bits {
            to.put(u32::from(last) | 1 << 1, 3);
            self.write_tokens(&fixed, to);
        } else {
            to.put(u32::from(last) | 2 << 1, 3);
            header.write(to);
            self.write_tokens(&dynamic, to);
        }
        let tokens = std::mem::take(&mut self.tokens);
        *self = Block {
            tokens,
            ..Block::default()
        };
        self.tokens.clear();
    }
    // ANCHOR_END: write

    // ANCHOR: tokens
    fn write_tokens(&self, codes: &Codes, to: &mut BitWriter) {
        for token in &self.tokens {
            let (length, low) = (token >> 16, token & 0xffff);
            if length == 0 {
                let (word, bits) = codes.literals[low as usize];
                to.put(word.into(), bits.into());
                continue;
            }
            let long = of_length(length as usize);
            let (word, bits) = codes.literals[long.symbol];
            let both = u32::from(word) | long.extra << bits;
            to.put(both, u32::from(bits) + long.bits);
            let far = of_distance(low as usize);
            let (word, bits) = codes.distances[far.symbol];
            let both = u32::from(word) | far.extra << bits;
            to.put(both, u32::from(bits) + far.bits);
        }
        let (word, bits) = codes.literals[END];
        to.put(word.into(), bits.into());
    }
    // ANCHOR_END: tokens
}

/// How many bits it takes to store `raw`.
fn stored_bits(raw: &[u8], to: &BitWriter) -> u64 {
    let blocks = raw.len().div_ceil(STORED).max(1) as u64;
    let first = (to.over() + 3).next_multiple_of(8) - to.over();
    u64::from(first) + 40 * blocks - 8 + 8 * raw.len() as u64
}

// ANCHOR: store
/// Stores `raw` in as many blocks as it takes, at least one.
pub fn store(raw: &[u8], last: bool, to: &mut BitWriter) {
    let mut rest = raw;
    loop {
        let (piece, after) = rest.split_at(rest.len().min(STORED));
        let ends = last && after.is_empty();
        to.put(u32::from(ends), 3);
        to.align();
        let len = piece.len() as u16;
        to.bytes(&len.to_le_bytes());
        to.bytes(&(!len).to_le_bytes());
        to.bytes(piece);
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}
// ANCHOR_END: store
