//! UTF-8 that comes in pieces (RFC 3629, section 4).
//!
//! ```text
//!   first byte  then             first byte  then
//!   00–7f                        ed          80–9f, tail   no surrogates
//!   c2–df       tail             f0          90–bf, 2 × tail
//!   e0          a0–bf, tail      f1–f3       3 × tail
//!   e1–ef       2 × tail         f4          80–8f, 2 × tail
//! ```
//!
//! A tail byte is 80–bf. The odd second bytes keep out second spellings of
//! shorter characters, the surrogates, and what is past U+10FFFF.

use ch03_http::frames::fault::Fault;

// ANCHOR: utf8
/// How far a text has come: within a character, which byte may be next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Utf8 {
    need: u8, // bytes that the character still needs
    low: u8,  // the least that the next of them may be
    high: u8, // and the most
}

impl Utf8 {
    /// Takes the text's next bytes.
    ///
    /// # Errors
    /// [`Fault::Utf8`] at the first byte with which no text can go on.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        loop {
            if self.need == 0 {
                bytes = &bytes[ascii(bytes)..];
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            *self = self.step(byte).ok_or(Fault::Utf8)?;
            bytes = rest;
        }
    }
    // ANCHOR_END: utf8

    // ANCHOR: step
    /// Where one byte leads; `None`: it is wrong.
    fn step(&self, byte: u8) -> Option<Utf8> {
        let next = |need, low, high| Some(Utf8 { need, low, high });
        if self.need > 0 {
            let fits = (self.low..=self.high).contains(&byte);
            return if fits {
                next(self.need - 1, 0x80, 0xbf)
            } else {
                None
            };
        }
        match byte {
            0x00..=0x7f => next(0, 0, 0),
            0xc2..=0xdf => next(1, 0x80, 0xbf),
            0xe0 => next(2, 0xa0, 0xbf),
            0xed => next(2, 0x80, 0x9f),
            0xe1..=0xef => next(2, 0x80, 0xbf),
            0xf0 => next(3, 0x90, 0xbf),
            0xf1..=0xf3 => next(3, 0x80, 0xbf),
            0xf4 => next(3, 0x80, 0x8f),
            _ => None,
        }
    }
    // ANCHOR_END: step
}

// given: most text is ASCII, and eight bytes of it are passed at once
/// How many bytes at the front are ASCII, up to seven fewer than there are.
fn ascii(bytes: &[u8]) -> usize {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let words = bytes.as_chunks::<8>().0.iter();
    8 * words
        .take_while(|w| u64::from_ne_bytes(**w) & HIGH == 0)
        .count()
}
// given end
