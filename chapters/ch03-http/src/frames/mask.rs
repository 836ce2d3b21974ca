//! Masking (RFC 6455, section 5.3): byte i of a client's payload is sent as
//! `payload[i] ^ key[i % 4]`. The same again takes it off.
//!
//! ```text
//!   key       37 fa 21 3d  37 fa 21 3d  …
//!   payload   48 65 6c 6c  6f            Hello
//!   sent      7f 9f 4d 51  58
//! ```
//!
//! A payload comes in pieces, cut anywhere. So [`Mask`] is the key as it
//! stands at the next byte: after n bytes it has been turned by n % 4.

/// A masking key, turned to the next byte of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mask([u8; 4]);

impl Mask {
    /// A key at the beginning of a payload.
    pub fn new(key: [u8; 4]) -> Mask {
        Mask(key)
    }

    // ANCHOR: apply
    /// Masks or unmasks the payload's next bytes, eight at a time.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for eight in words {
            *eight = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
            *byte ^= key;
        }
        self.turn(bytes.len());
    }

    /// Passes over so many bytes of the payload.
    pub fn turn(&mut self, count: usize) {
        self.0.rotate_left(count % 4);
    }
    // ANCHOR_END: apply

    // ANCHOR: naive
    /// The same as the RFC writes it, a byte at a time: slower, and plainly
    /// right. The tests compare the two, and `examples/unmask.rs` times them.
    pub fn apply_bytes(&mut self, bytes: &mut [u8]) {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte ^= self.0[i % 4];
        }
        self.turn(bytes.len());
    }
    // ANCHOR_END: naive
}
