//! CRC-32: the checksum of gzip, PNG, zip and Ethernet.
//!
//! The bytes, as one long polynomial over one bit, are divided by another of
//! degree 32, and the remainder is the checksum (RFC 1952, section 8):
//!
//! ```text
//! one bit     crc = crc >> 1 ^ (if the bit that fell out is 1: 0xedb88320)
//! one byte    8 of these; of 256 bytes the effect stands in a table
//! 8 bytes     the effects of 8 bytes, each moved on by those behind it, in
//!             8 tables, added (xor): division is linear
//! ```
//!
//! - It finds every error of up to 32 bits in a row, and lets one of 2³² of
//!   the others through. It proves nothing about intent: whoever can change
//!   the bytes can change the checksum.
//!
//! Left out: the instructions that do this (`PCLMULQDQ` on x86, `CRC32` on
//! ARM), which need `unsafe`.

/// x³² + x²⁶ + … + 1, the highest power in the lowest bit.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// `TABLES[k][b]`: what the byte `b` does to the checksum when `k` zeros
/// come after it.
static TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ ((crc & 1) * POLYNOMIAL);
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut after = 1;
    while after < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc: u32 = tables[after - 1][byte];
            let low = (crc & 0xff) as usize;
            tables[after][byte] = (crc >> 8) ^ tables[0][low];
            byte += 1;
        }
        after += 1;
    }
    tables
};

// ANCHOR: update
/// The checksum of some bytes and of `bytes` behind them, from that of the
/// former; that of no bytes is 0.
pub fn update(crc: u32, bytes: &[u8]) -> u32 {
    let mut crc = !crc;
    let mut eights = bytes.chunks_exact(8);
    for eight in eights.by_ref() {
        let mut next = 0;
        for (at, byte) in eight.iter().enumerate() {
            let old = if at < 4 { (crc >> (8 * at)) as u8 } else { 0 };
            next ^= TABLES[7 - at][usize::from(byte ^ old)];
        }
        crc = next;
    }
    for byte in eights.remainder() {
        crc = (crc >> 8) ^ TABLES[0][usize::from(crc as u8 ^ byte)];
    }
    !crc
}
// ANCHOR_END: update
