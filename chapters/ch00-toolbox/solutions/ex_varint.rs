//! Exercise: numbers in as few bytes as they need.
//!
//! ```text
//! 300 = 0b10_0101100
//!
//!       1010_1100  0000_0010      ac 02
//!       |          |
//!       |          the eighth bit is 0: this is the last byte
//!       the eighth bit is 1: more follow; the lowest seven bits come first
//! ```
//!
//! "Varint" in Protocol Buffers, "LEB128" in DWARF and WebAssembly.

use ch00_toolbox::cursor::{Cursor, Short};

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The bytes end in the middle of a number: in a stream, wait for more.
    Short(Short),
    /// The number has more than 64 bits.
    TooLong,
}

impl From<Short> for Wrong {
    fn from(short: Short) -> Wrong {
        Wrong::Short(short)
    }
}

/// Appends the number, in as few bytes as it needs.
pub fn write(mut number: u64, out: &mut Vec<u8>) {
    // begin: seven bits to a byte, the lowest first
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    // end
}

/// Reads a number. On an error the cursor stands where it stood.
///
/// More bytes than are needed (`80 00` for 0) are accepted, as Protocol
/// Buffers accepts them, as long as the number fits.
///
/// # Errors
/// [`Wrong::Short`] when the bytes end first; [`Wrong::TooLong`] when more
/// than ten bytes, or bits above the 64th, would be needed.
pub fn read(cursor: &mut Cursor<'_>) -> Result<u64, Wrong> {
    // begin: at most ten bytes; move the cursor at the very end
    let mut ahead = cursor.clone();
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = ahead.u8()?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return Err(Wrong::TooLong);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            *cursor = ahead;
            return Ok(number);
        }
    }
    Err(Wrong::TooLong)
    // end
}
