//! The alphabets: which symbol a byte, a length and a distance has.
//!
//! ```text
//! 0..=255    the byte
//! 256        the end of the block
//! 257..=285  a length of 3 to 258: a base, and extra bits that are added
//! 0..=29     a distance of 1 to 32768: the same, in an alphabet of its own
//!
//! length   3 4 … 10 │ 11,12  13,14 …  │ 19…22  …  │ 227…257 │ 258
//! symbol   257 … 264 │ 265    266  …  │ 269    …  │ 284     │ 285
//! extra    0         │ 1              │ 2         │ 5       │ 0
//! ```
//!
//! RFC 1951, section 3.2.5. Four lengths in a row, or two distances, have the
//! same number of extra bits, so both tables are arithmetic on the position of
//! the highest bit. 258 breaks the rule: it would be 284 with all extra bits
//! set, and has a symbol of its own, since long runs are full of it.

/// The symbol that ends a block.
pub const END: usize = 256;

/// Literal and length symbols that may be used.
pub const LITERALS: usize = 286;

/// Distance symbols that may be used.
pub const DISTANCES: usize = 30;

/// The shortest copy.
pub const SHORTEST: usize = 3;

/// The longest copy.
pub const LONGEST: usize = 258;

/// A symbol, and the extra bits that follow its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol {
    /// The number in its alphabet.
    pub symbol: usize,
    /// How many extra bits follow.
    pub bits: u32,
    /// Their value.
    pub extra: u32,
}

// ANCHOR: symbols
/// The symbol of a length from 3 to 258.
pub fn of_length(length: usize) -> Symbol {
    let over = (length - SHORTEST) as u32;
    let bits = match over {
        255 => return without_extra(285),
        0..8 => return without_extra(257 + over as usize),
        _ => over.ilog2() - 2, // four symbols for each number of bits
    };
    Symbol {
        symbol: 257 + (4 * bits + (over >> bits)) as usize,
        bits,
        extra: over & ((1 << bits) - 1),
    }
}

/// The symbol of a distance from 1 to 32768.
pub fn of_distance(distance: usize) -> Symbol {
    let over = (distance - 1) as u32;
    if over < 4 {
        return without_extra(over as usize);
    }
    let bits = over.ilog2() - 1; // two symbols for each number of bits
    Symbol {
        symbol: (2 * bits + (over >> bits)) as usize,
        bits,
        extra: over & ((1 << bits) - 1),
    }
}
// ANCHOR_END: symbols

fn without_extra(symbol: usize) -> Symbol {
    Symbol {
        symbol,
        bits: 0,
        extra: 0,
    }
}

// given: the same tables the other way round
/// The smallest length of a symbol from 257 to 285, and its extra bits.
pub fn length_base(symbol: usize) -> Option<(u32, u32)> {
    let over = (symbol.checked_sub(257)?) as u32;
    match over {
        0..8 => Some((over + 3, 0)),
        8..28 => {
            let bits = over / 4 - 1;
            Some((((4 + over % 4) << bits) + 3, bits))
        }
        28 => Some((258, 0)),
        _ => None, // 286 and 287 have codes in a fixed block, and no meaning
    }
}

/// The smallest distance of a symbol from 0 to 29, and its extra bits.
pub fn distance_base(symbol: usize) -> Option<(u32, u32)> {
    let over = symbol as u32;
    match over {
        0..4 => Some((over + 1, 0)),
        4..30 => {
            let bits = over / 2 - 1;
            Some((((2 + over % 2) << bits) + 1, bits))
        }
        _ => None,
    }
}

/// The code lengths of a fixed block (section 3.2.6): 288 literals and
/// lengths, then 32 distances. The last two of each mean nothing, but without
/// them the codes would not be complete.
pub fn fixed_lengths() -> ([u8; 288], [u8; 32]) {
    let mut literals = [8; 288];
    literals[144..256].fill(9);
    literals[256..280].fill(7);
    (literals, [5; 32])
}
// given end
