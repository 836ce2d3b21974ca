//! DEFLATE (RFC 1951): a stream of bytes as repetitions and Huffman codes.
//!
//! Two ideas, one on top of the other. What was there before is not written
//! again: three bytes or more that stand within the last 32 KiB become a pair
//! (length, distance). And what remains, bytes and pairs, is written in codes
//! of 1 to 15 bits, the frequent ones short:
//!
//! ```text
//! bytes     a b c a b c a b c
//! tokens    a  b  c  (6, 3)        6 bytes, as they stood 3 bytes ago
//! bits      a block: header, codes of the tokens, code of "end of block"
//!
//! block     BFINAL:1  BTYPE:2   1 if the last; then the kind:
//!   stored  00   to the next byte, LEN:16, NLEN:16, LEN bytes as they are
//!   fixed   01   codes that the RFC gives
//!   dynamic 10   HLIT:5 HDIST:5 HCLEN:4, code lengths, codes by these lengths
//!   refused 11
//! ```
//!
//! Bits fill each byte from its lowest bit up. Numbers stand lowest bit first,
//! Huffman codes highest bit first (section 3.1.1).
//!
//! - I26: what is compressed comes out again, byte for byte, whatever the
//!   bytes, the level, the flushes, and the pieces in which either side is
//!   pushed.
//! - I27: the output depends on the bytes and the flushes alone. Any split of
//!   the input, and any limit of the output, gives the same bytes.
//! - I28: no input panics, hangs, or makes more memory than was asked for: a
//!   decoder keeps about 120 KiB, an encoder about 520 KiB, and a call hands
//!   out no more than its limit.
//! - I29: what RFC 1951 does not allow is refused at the bit where it shows.
//! - I30: incompressible input grows by at most 5 bytes for each 24 KiB begun,
//!   and 8 more for the stream.
//! - I31: a decoder takes no byte that stands behind the end of its stream.
//!
//! Architecture invariant: nothing here does I/O, or waits. Bytes go in, bytes
//! come out, and [`Progress`] says how many of each.
//!
//! Left out: preset dictionaries (an exercise), several threads (`pigz`),
//! and parsing for the least bits (zopfli, libdeflate's levels 10 to 12).

pub mod outcome;
pub mod bits;
pub mod huffman;
pub mod symbols;
pub mod table;
pub mod lengths;
pub mod window;
pub mod inflate;
pub mod finder;
pub mod block;
pub mod compress;

pub use outcome::{Error, Progress};

/// How far back a copy may reach: 32 KiB (RFC 1951, section 2).
pub const WINDOW: usize = 32 * 1024;
