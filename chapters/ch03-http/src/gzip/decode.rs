//! The decoder: members, one after the other, cut anywhere.
//!
//! ```text
//!  ┌─▶ Between ─▶ Fixed ─▶ Extra… ─▶ Name ─▶ Comment ─▶ Check… ─▶ Body ─▶ Seal
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Each byte of a header or a seal moves it on by one; what the flags leave out
//! is passed over. In `Body` the inflater has the input.

use ch03_http::crc32;
use ch03_http::deflate::inflate::Inflater;
use ch03_http::deflate::{self, Progress};
use ch03_http::gzip::Error;
use ch03_http::gzip::header::{
    FCOMMENT, FEXTRA, FHCRC, FNAME, Header, LONGEST_TEXT, RESERVED,
};

/// What a decoder waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between members: a magic, zeros, or the end.
    Between,
    /// The rest of the 10 bytes; so many are here.
    Fixed(usize),
    /// The extra field's length, low byte and high byte.
    ExtraLow,
    ExtraHigh(u8),
    Extra(u16),
    Name,
    Comment,
    /// The header's checksum.
    CheckLow,
    CheckHigh(u8),
    Body,
    /// The seal; so many of its 8 bytes are here.
    Seal(usize),
    Failed(Error),
}

/// Decodes all members of a file.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: State,
    members: u64,
    flags: u8,
    header: Header,
    /// Of the header's bytes, as far as they are here.
    header_crc: u32,
    inflater: Inflater,
    /// What all members together may still give, and what it was at first.
    left: u64,
    most: u64,
    crc: u32,
    size: u32,
    seal: [u8; 8],
}

impl Decoder {
    /// A decoder that gives `most` bytes and refuses a file that has more.
    pub fn new(most: u64) -> Decoder {
        Decoder {
            state: State::Between,
            members: 0,
            flags: 0,
            header: Header::default(),
            header_crc: 0,
            inflater: Inflater::new(most),
            left: most,
            most,
            crc: 0,
            size: 0,
            seal: [0; 8],
        }
    }

    /// Decodes `input`, and appends at most `limit` bytes to `out`. It is
    /// done when the file may end here; further members may still come.
    ///
    /// # Errors
    /// The file is wrong. `out` then has all that stood before the error.
    pub fn pull(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Progress, Error> {
        let (mut read, mut wrote) = (0, 0);
        loop {
            if let State::Failed(error) = self.state {
                return Err(error);
            }
            if self.state == State::Body {
                let inner = self.body(&input[read..], out, limit - wrote)?;
                read += inner.read;
                wrote += inner.wrote;
                if !inner.done {
                    return Ok(Progress {
                        read,
                        wrote,
                        done: false,
                    });
                }
            }
            let Some(byte) = input.get(read) else {
                let done = self.finish().is_ok();
                return Ok(Progress { read, wrote, done });
            };
            read += 1;
            self.state = match self.byte(*byte) {
                Ok(state) => state,
                Err(error) => State::Failed(error),
            };
        }
    }

    /// Whether the file may end here.
    ///
    /// # Errors
    /// It is wrong, or cut, or has no member at all.
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Between if self.members > 0 => Ok(()),
            State::Failed(error) => Err(error),
            _ => Err(Error::Cut),
        }
    }

    /// The header of the last member that has begun.
    pub fn header(&self) -> &Header {
        &self.header
    }
}

impl Decoder {
    fn body(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Progress, Error> {
        let before = out.len();
        let inner = self.inflater.pull(input, out, limit);
        let new = &out[before..];
        self.crc = crc32::update(self.crc, new);
        self.size = self.size.wrapping_add(new.len() as u32);
        self.left -= new.len() as u64;
        match inner {
            Ok(progress) if progress.done => self.state = State::Seal(0),
            Ok(_) => {}
            Err(error) => {
                let error = Error::Deflate(match error {
                    // Of all members, not of the rest that this one had.
                    deflate::Error::TooLong { .. } => {
                        deflate::Error::TooLong { most: self.most }
                    }
                    error => error,
                });
                self.state = State::Failed(error);
                return Err(error);
            }
        }
        inner.map_err(Error::Deflate)
    }
}

impl Decoder {
    /// Takes one byte of a header or a seal, and says what comes next.
    fn byte(&mut self, byte: u8) -> Result<State, Error> {
        if !matches!(self.state, State::CheckLow | State::CheckHigh(_)) {
            self.header_crc = crc32::update(self.header_crc, &[byte]);
        }
        match self.state {
            State::Between => self.begin(byte),
            State::Fixed(at) => self.fixed(at, byte),
            State::ExtraLow => Ok(State::ExtraHigh(byte)),
            State::ExtraHigh(low) => {
                let length = u16::from_le_bytes([low, byte]);
                Ok(self.after(FEXTRA, length))
            }
            State::Extra(left) => Ok(self.after(FEXTRA, left - 1)),
            State::Name => {
                let ended = text(&mut self.header.name, byte)?;
                Ok(if ended {
                    self.after(FNAME, 0)
                } else {
                    State::Name
                })
            }
            State::Comment => {
                let ended = text(&mut self.header.comment, byte)?;
                let next = |me: &Decoder| me.after(FCOMMENT, 0);
                Ok(if ended { next(self) } else { State::Comment })
            }
            State::CheckLow => Ok(State::CheckHigh(byte)),
            State::CheckHigh(low) => match u16::from_le_bytes([low, byte]) {
                crc if crc == self.header_crc as u16 => Ok(State::Body),
                _ => Err(Error::HeaderChecksum),
            },
            State::Seal(at) => self.seal(at, byte),
            State::Body | State::Failed(_) => Ok(self.state),
        }
    }

    // ANCHOR: after
    /// What comes after a part of the header, of which `left` bytes are left.
    fn after(&self, part: u8, left: u16) -> State {
        let has = |flag| self.flags & flag != 0;
        match part {
            FEXTRA if left > 0 => State::Extra(left),
            0 if has(FEXTRA) => State::ExtraLow,
            0 | FEXTRA if has(FNAME) => State::Name,
            0 | FEXTRA | FNAME if has(FCOMMENT) => State::Comment,
            _ if has(FHCRC) => State::CheckLow,
            _ => State::Body,
        }
    }
    // ANCHOR_END: after
}

/// Appends to a text of the header; true at the 00 that ends it.
fn text(text: &mut Option<Vec<u8>>, byte: u8) -> Result<bool, Error> {
    let text = text.get_or_insert_default();
    if byte == 0 {
        return Ok(true);
    }
    if text.len() == LONGEST_TEXT {
        return Err(Error::Text);
    }
    text.push(byte);
    Ok(false)
}

impl Decoder {
    /// The first byte of a member, or a zero between two.
    fn begin(&mut self, byte: u8) -> Result<State, Error> {
        match byte {
            0x1f => {}
            0 if self.members > 0 => return Ok(State::Between),
            _ => return Err(Error::Magic),
        }
        self.members += 1;
        self.header = Header::default();
        self.header_crc = crc32::update(0, &[byte]);
        self.inflater = Inflater::new(self.left);
        (self.crc, self.size) = (0, 0);
        Ok(State::Fixed(1))
    }

    // given: a byte at a time, as the layout above has them
    fn fixed(&mut self, at: usize, byte: u8) -> Result<State, Error> {
        match (at, byte) {
            (1, 0x8b) | (2, 8) => {}
            (1, _) => return Err(Error::Magic),
            (2, _) => return Err(Error::Unknown),
            (3, flags) if flags & RESERVED != 0 => return Err(Error::Unknown),
            (3, flags) => self.flags = flags,
            (4..=7, _) => {
                self.header.mtime |= u32::from(byte) << (8 * (at - 4));
            }
            (9, _) => return Ok(self.after(0, 0)),
            _ => {}
        }
        Ok(State::Fixed(at + 1))
    }

    fn seal(&mut self, at: usize, byte: u8) -> Result<State, Error> {
        self.seal[at] = byte;
        if at < 7 {
            return Ok(State::Seal(at + 1));
        }
        let seal = u64::from_le_bytes(self.seal);
        if seal as u32 != self.crc {
            return Err(Error::Checksum);
        }
        if (seal >> 32) as u32 != self.size {
            return Err(Error::Length);
        }
        Ok(State::Between)
    }
    // given end
}
