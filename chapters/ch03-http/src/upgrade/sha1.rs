//! SHA-1 (FIPS 180-4, section 6.1): 20 bytes out of any number of them.
//!
//! ```text
//!   message ‖ 80 ‖ zeros ‖ length in bits (8 bytes)     a multiple of 64 bytes
//!   block   ─▶ 16 words ─▶ 80 words
//!   state   ─▶ 80 rounds over (a, b, c, d, e) ─▶ added to the state
//! ```
//!
//! WebSocket uses it as a checksum that no other protocol computes. It is no
//! protection: two messages with the same SHA-1 were published in 2017, so
//! nothing may rely on it against somebody who chooses the message.
//!
//! Left out: input in pieces. A handshake hashes 60 bytes.

/// The state before the first block (section 5.3.1).
const START: [u32; 5] =
    [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

// ANCHOR: sha1
/// The SHA-1 of the bytes.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state = START;
    let (blocks, rest) = bytes.as_chunks::<64>();
    for block in blocks {
        compress(&mut state, block);
    }
    let mut tail = [0; 128]; // the rest, its mark and its length: 1 or 2 blocks
    tail[..rest.len()].copy_from_slice(rest);
    tail[rest.len()] = 0x80;
    let end = if rest.len() < 56 { 64 } else { 128 };
    let bits = (bytes.len() as u64).wrapping_mul(8);
    tail[end - 8..end].copy_from_slice(&bits.to_be_bytes());
    for block in tail[..end].as_chunks::<64>().0 {
        compress(&mut state, block);
    }
    let mut digest = [0; 20];
    for (place, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    digest
}
// ANCHOR_END: sha1

// ANCHOR: compress
/// One block into the state (section 6.1.2).
fn compress(state: &mut [u32; 5], block: &[u8; 64]) {
    let mut words = [0; 80];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for t in 16..80 {
        let mixed = words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16];
        words[t] = mixed.rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (t, word) in words.iter().enumerate() {
        let (mixed, constant) = match t {
            0..20 => ((b & c) | (!b & d), 0x5a827999),
            20..40 => (b ^ c ^ d, 0x6ed9eba1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8f1bbcdc),
            _ => (b ^ c ^ d, 0xca62c1d6),
        };
        let next = a
            .rotate_left(5)
            .wrapping_add(mixed)
            .wrapping_add(e)
            .wrapping_add(*word)
            .wrapping_add(constant);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(word);
    }
}
// ANCHOR_END: compress
