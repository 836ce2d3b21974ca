//! Bits in bytes: the lowest bit of a byte is its first.
//!
//! ```text
//! put(0b1, 1), put(0b01, 2), put(0b10110, 5)      first byte
//!                                      bit  7 6 5 4 3 2 1 0
//!                                           1 0 1 1 0 0 1 1
//!                                           └───────┘ └─┘ │
//!                                             third  2nd 1st
//! ```
//!
//! - A reader takes a byte only when a bit of it is wanted, so it never eats a
//!   byte of what follows the stream. `refill`, which takes as much as there
//!   is room for, has `give_back` as its counterpart.

/// The most that one `put` takes, and one `need` waits for: with less than a
/// byte held before, 64 bits are enough.
pub const MOST: u32 = 32;

// ANCHOR: reader
/// Bits that were taken from the input and not used yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct BitReader {
    /// The bits, the next one lowest. Above `count` they are 0, or those that
    /// come next.
    hold: u64,
    /// How many.
    count: u32,
}

impl BitReader {
    /// Takes bytes from `input` until `bits` bits are here, at most 48, and no
    /// more. False if the input ends before; what was taken is kept.
    pub fn need(&mut self, bits: u32, input: &mut &[u8]) -> bool {
        while self.count < bits {
            let Some((&byte, rest)) = input.split_first() else {
                return false;
            };
            self.hold |= u64::from(byte) << self.count;
            self.count += 8;
            *input = rest;
        }
        true
    }
    // ANCHOR_END: reader

    /// The next bits, without taking them; those not here yet are 0.
    pub fn hold(&self) -> u64 {
        self.hold
    }

    /// How many bits are here.
    pub fn count(&self) -> u32 {
        self.count
    }

    // ANCHOR: take
    /// Drops `bits` bits, of which [`need`](BitReader::need) has said that
    /// they are here.
    pub fn skip(&mut self, bits: u32) {
        self.hold >>= bits;
        self.count -= bits;
    }

    /// The next `bits` bits as a number, the lowest first.
    pub fn take(&mut self, bits: u32) -> u32 {
        let value = self.hold & ((1 << bits) - 1);
        self.skip(bits);
        value as u32
    }

    /// Drops what is left of the current byte.
    pub fn align(&mut self) {
        self.skip(self.count % 8);
    }
    // ANCHOR_END: take
}

impl BitReader {
    // ANCHOR: refill
    /// Fills up to at least 56 bits from the next 8 bytes, and says how many
    /// bytes are used up; none if there are fewer than 8. The bits of a byte
    /// that fits only in part are in `hold` already, above `count`: to put
    /// them there once more changes nothing.
    #[inline(always)]
    pub fn refill(&mut self, bytes: &[u8]) -> usize {
        let Some(bytes) = bytes.first_chunk() else {
            return 0;
        };
        self.hold |= u64::from_le_bytes(*bytes) << self.count;
        let used = (63 - self.count) / 8;
        self.count |= 56;
        used as usize
    }

    /// Gives back the whole bytes that are here, and says how many.
    pub fn give_back(&mut self) -> usize {
        let bytes = self.count / 8;
        self.count %= 8;
        self.hold &= (1 << self.count) - 1;
        bytes as usize
    }
    // ANCHOR_END: refill
}

/// Bits on their way into bytes.
#[derive(Debug, Clone, Default)]
pub struct BitWriter {
    /// Bits that are no whole word yet, the first one lowest.
    hold: u64,
    /// How many, always less than 32.
    count: u32,
    /// What is whole.
    bytes: Vec<u8>,
    /// How many of `bytes` are handed out.
    sent: usize,
}

impl BitWriter {
    // ANCHOR: put
    /// Appends the low `bits` bits of `value`, at most 32, the lowest first.
    /// The bits above them are 0.
    #[inline(always)]
    pub fn put(&mut self, value: u32, bits: u32) {
        self.hold |= u64::from(value) << self.count;
        self.count += bits;
        if self.count >= 32 {
            let word = (self.hold as u32).to_le_bytes();
            self.bytes.extend_from_slice(&word);
            self.hold >>= 32;
            self.count -= 32;
        }
    }
    // ANCHOR_END: put

    /// Fills the current byte up with zeros, and makes whole what is there.
    pub fn align(&mut self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.bytes
            .extend_from_slice(&self.hold.to_le_bytes()[..bytes]);
        self.hold = 0;
        self.count = 0;
    }

    // given: the way from here to the caller, as in a queue
    /// Appends whole bytes; after [`align`](BitWriter::align) only.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bits in the last byte that was begun, 0 to 7.
    pub fn over(&self) -> u32 {
        self.count % 8
    }
}

impl BitWriter {
    /// Moves whole bytes to the end of `out`, at most `limit`, and says how
    /// many.
    pub fn drain(&mut self, out: &mut Vec<u8>, limit: usize) -> usize {
        let count = limit.min(self.bytes.len() - self.sent);
        out.extend_from_slice(&self.bytes[self.sent..][..count]);
        self.sent += count;
        if self.is_drained() {
            self.bytes.clear();
            self.sent = 0;
        }
        count
    }

    /// Whether all whole bytes are handed out.
    pub fn is_drained(&self) -> bool {
        self.sent == self.bytes.len()
    }
    // given end
}
