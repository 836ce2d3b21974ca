//! The code lengths of a dynamic block, themselves compressed.
//!
//! Up to 316 lengths stand at the head of a block. Most are 0, many are equal
//! to the one before, so runs are shortened, and what is left is written in a
//! third Huffman code (RFC 1951, section 3.2.7):
//!
//! ```text
//! symbol 0..=15   this length
//!        16       the last length again, 3 to 6 times     2 extra bits
//!        17       0, 3 to 10 times                        3 extra bits
//!        18       0, 11 to 138 times                      7 extra bits
//! ```
//!
//! A run may begin in the literals' lengths and end in the distances'.

use ch03_http::deflate::Error;

/// In which order the lengths of the third code stand in the stream: those
/// that are most often 0 last, so that they can be left out.
pub const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// One symbol of the third code, and its extra bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// 0 to 18.
    pub symbol: u8,
    /// The value of the extra bits, of which [`extra_bits`] says how many.
    pub extra: u8,
}

// given: the table that stands above, in code
/// How many extra bits a symbol has.
pub fn extra_bits(symbol: u8) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}
// given end

// ANCHOR: pack
/// Shortens the runs, each as far as it goes.
pub fn pack(lengths: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    for same in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (same[0], same.len());
        if length > 0 {
            runs.push(Run {
                symbol: length,
                extra: 0,
            });
            left -= 1;
        }
        while left > 0 {
            let (symbol, least, most) = match (length, left) {
                (_, ..3) => (length, 1, 1),
                (1.., _) => (16, 3, 6),
                (0, ..11) => (17, 3, 10),
                (0, _) => (18, 11, 138),
            };
            let count = left.min(most);
            let extra = (count - least) as u8;
            runs.push(Run { symbol, extra });
            left -= count;
        }
    }
    runs
}
// ANCHOR_END: pack

// ANCHOR: unpack
/// Puts what a symbol stands for at `lengths[at..end]`, and says how many
/// lengths that were.
///
/// # Errors
/// A repetition with no length before it, or past the end.
pub fn unpack(
    run: Run,
    lengths: &mut [u8],
    at: usize,
    end: usize,
) -> Result<usize, Error> {
    let extra = usize::from(run.extra);
    let (length, count) = match run.symbol {
        16 => {
            let before = at.checked_sub(1).ok_or(Error::Repeat)?;
            (lengths[before], 3 + extra)
        }
        17 => (0, 3 + extra),
        18 => (0, 11 + extra),
        length => (length, 1),
    };
    if count > end - at {
        return Err(Error::Repeat);
    }
    lengths[at..at + count].fill(length);
    Ok(count)
}
// ANCHOR_END: unpack
