//! Step 4: reading bytes that somebody else wrote.
//!
//! ```text
//!         position            remaining
//!       |--------->|--------------------------->|
//!       00 03 6b 65 79 00 00 00 05 68 65 6c 6c 6f
//!                   ^ the next read starts here
//! ```
//!
//! - **I1** Whatever the bytes and whatever is asked for, a read ends in a
//!   value or in [`Short`]; it never panics.
//! - **I2** A read that fails moves nothing: the caller can wait for more
//!   bytes and ask again.
//! - **I3** A count is checked against the bytes that are there before
//!   anything of its size is allocated.
//!
//! Left out: reading text (`std::str::from_utf8` on what `bytes` gives),
//! floats (`f64::from_bits`), and borrowing from several buffers at once,
//! which `bytes::Buf` does.

use std::fmt;

// ANCHOR: short
/// There are fewer bytes than the read needs.
///
/// In a file or a whole message that is corruption. In a stream it is neither
/// success nor error: it means "come back with more".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// How many bytes the read needs.
    pub needed: usize,
    /// How many there are.
    pub left: usize,
    /// Where the read began, counted from the start of the outermost buffer.
    pub at: usize,
}
// ANCHOR_END: short

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Short { needed, left, at } = self;
        write!(f, "at byte {at}: {needed} bytes needed, {left} left")
    }
}

impl std::error::Error for Short {}

// ANCHOR: cursor
/// A position in a slice, and reads that check before they move it.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    /// The bytes that are left. It shrinks from the front.
    left: &'a [u8],
    /// How many bytes of this cursor were read.
    position: usize,
    /// Where this cursor starts in the outermost buffer.
    base: usize,
}
// ANCHOR_END: cursor

impl<'a> Cursor<'a> {
    /// A cursor at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor {
            left: bytes,
            position: 0,
            base: 0,
        }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.left.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// What is left, unread.
    pub fn rest(&self) -> &'a [u8] {
        self.left
    }

    // ANCHOR: bytes
    /// The next `n` bytes. Every other read goes through here.
    ///
    /// # Errors
    /// [`Short`] when fewer are left.
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], Short> {
        let Some((taken, left)) = self.left.split_at_checked(n) else {
            return Err(self.short(n));
        };
        self.left = left;
        self.position += n;
        Ok(taken)
    }
    // ANCHOR_END: bytes

    // ANCHOR: array
    /// The next `N` bytes, by value.
    ///
    /// # Errors
    /// [`Short`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }
    // ANCHOR_END: array

    /// Passes over `n` bytes.
    ///
    /// # Errors
    /// [`Short`] when fewer are left.
    pub fn skip(&mut self, n: usize) -> Result<(), Short> {
        self.bytes(n).map(|_| ())
    }

    // ANCHOR: sub
    /// A cursor over the next `n` bytes alone, which are read here with that.
    /// Whatever is wrong inside them, this cursor goes on after them.
    ///
    /// # Errors
    /// [`Short`] when fewer are left.
    pub fn sub(&mut self, n: usize) -> Result<Cursor<'a>, Short> {
        let base = self.base + self.position;
        Ok(Cursor {
            left: self.bytes(n)?,
            position: 0,
            base,
        })
    }
    // ANCHOR_END: sub

    // ANCHOR: until
    /// The bytes before the next `end`, which is read too and left out.
    ///
    /// # Errors
    /// [`Short`] when there is no `end` among the bytes that are left.
    pub fn until(&mut self, end: u8) -> Result<&'a [u8], Short> {
        let found = self.left.iter().position(|&byte| byte == end);
        let n = found.ok_or(self.short(self.left.len() + 1))?;
        let taken = self.bytes(n + 1)?;
        Ok(&taken[..n])
    }
    // ANCHOR_END: until

    // ANCHOR: items
    /// Checks a count that was read from the bytes themselves: `count` items
    /// of at least `size` bytes each must still fit. What it returns is safe
    /// to allocate for.
    ///
    /// # Errors
    /// [`Short`] when they cannot fit.
    pub fn items(&self, count: u64, size: usize) -> Result<usize, Short> {
        let needed = u128::from(count) * size.max(1) as u128;
        if needed > self.left.len() as u128 {
            let needed = usize::try_from(needed).unwrap_or(usize::MAX);
            return Err(self.short(needed));
        }
        Ok(count as usize)
    }
    // ANCHOR_END: items

    fn short(&self, needed: usize) -> Short {
        let at = self.base + self.position;
        Short {
            needed,
            left: self.left.len(),
            at,
        }
    }
}

// ANCHOR: integers
/// A method for each integer and byte order.
macro_rules! integers {
    ($($name:ident $type:ident $from:ident $order:literal;)*) => {
        impl Cursor<'_> {
            $(
                #[doc = concat!(
                    "The next `", stringify!($type), "`, ", $order, "."
                )]
                ///
                /// # Errors
                /// [`Short`] when too few bytes are left.
                pub fn $name(&mut self) -> Result<$type, Short> {
                    self.array().map($type::$from)
                }
            )*
        }
    };
}
// ANCHOR_END: integers

integers! {
    u8 u8 from_be_bytes "one byte";
    u16_be u16 from_be_bytes "the high byte first";
    u32_be u32 from_be_bytes "the high byte first";
    u64_be u64 from_be_bytes "the high byte first";
    u16_le u16 from_le_bytes "the low byte first";
    u32_le u32 from_le_bytes "the low byte first";
    u64_le u64 from_le_bytes "the low byte first";
    i8 i8 from_be_bytes "one byte";
    i16_be i16 from_be_bytes "the high byte first";
    i32_be i32 from_be_bytes "the high byte first";
    i64_be i64 from_be_bytes "the high byte first";
    i16_le i16 from_le_bytes "the low byte first";
    i32_le i32 from_le_bytes "the low byte first";
    i64_le i64 from_le_bytes "the low byte first";
}
