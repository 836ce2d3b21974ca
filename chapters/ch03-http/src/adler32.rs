//! Adler-32: the checksum of zlib, two sums instead of a division.
//!
//! ```text
//! a = 1 + d₁ + d₂ + … + dₙ                    modulo 65521
//! b = n + n·d₁ + (n - 1)·d₂ + … + 1·dₙ        modulo 65521
//! checksum = b << 16 | a
//! ```
//!
//! The second sum weighs each byte by its place, so that bytes which change
//! places are noticed (RFC 1950, section 8.2). For a few bytes it is weak: the
//! sums are far from 65521, and the high bits of both are always 0.

/// The largest prime below 2¹⁶.
const PRIME: u32 = 65_521;

/// So many bytes of 255 can be added to both sums before the second passes
/// 2³²: the remainder is taken once for all of them.
const RUN: usize = 5552;

/// The checksum of some bytes and of `bytes` behind them, from that of the
/// former; that of no bytes is 1.
pub fn update(adler: u32, bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (adler & 0xffff, adler >> 16);
    for run in bytes.chunks(RUN) {
        for byte in run {
            a += u32::from(*byte);
            b += a;
        }
        a %= PRIME;
        b %= PRIME;
    }
    b << 16 | a
}
