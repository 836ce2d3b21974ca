//! Base64 (RFC 4648, section 4): three bytes as four characters.
//!
//! ```text
//!   bytes       4d       61       6e            Man
//!   bits    010011 010110 000101 101110
//!   text         T      W      F      u         TWFu
//!   two bytes: TWE=      one byte: TQ==
//! ```
//!
//! [`decode`] takes exactly what [`encode`] gives, so that a value has one
//! spelling: padding must be there, and the bits that the last character has
//! too many must be zero (section 3.5).
//!
//! Left out: the URL-safe alphabet (section 5) and line breaks (MIME).

const ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// ANCHOR: encode
/// The bytes as base64, padded with `=` to a multiple of four characters.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(*group.get(at).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let value = (bits >> (18 - 6 * at)) as usize & 63;
            let pad = at > group.len(); // n bytes fill n + 1 characters
            text.push(if pad { '=' } else { ALPHABET[value].into() });
        }
    }
    text
}
// ANCHOR_END: encode

// ANCHOR: decode
/// The bytes that [`encode`] makes into this text; `None` if there are none.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (groups, []) = text.as_bytes().as_chunks::<4>() else {
        return None;
    };
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for (index, group) in groups.iter().enumerate() {
        let pads = group.iter().rev().take_while(|&&c| c == b'=').count();
        if pads > 2 || (pads > 0 && index + 1 < groups.len()) {
            return None;
        }
        let mut bits = 0;
        for &character in &group[..4 - pads] {
            bits = bits << 6 | value(character)?;
        }
        let decoded = (bits << (6 * pads)).to_be_bytes(); // 0 and 3 bytes
        let (kept, spare) = decoded[1..].split_at(3 - pads);
        if spare.iter().any(|&byte| byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}
// ANCHOR_END: decode

/// The six bits that a character stands for.
fn value(character: u8) -> Option<u32> {
    let at = ALPHABET.iter().position(|&known| known == character)?;
    Some(at as u32)
}
