//! The zlib format (RFC 1950): a DEFLATE stream between 2 and 4 bytes.
//!
//! ```text
//! CMF   method: 8 (low half), and the window's size (high half): 7 is 32 KiB
//! FLG   5 bits such that CMF·256 + FLG is a multiple of 31
//!       FDICT: a preset dictionary follows; 2 bits for the level
//! …     the DEFLATE stream
//! ADLER 4 bytes, the highest first
//! ```
//!
//! git keeps its objects this way, PNG its pixels. HTTP calls it `deflate`
//! (RFC 9110, section 8.4.1.2), and since some servers sent the stream without
//! the frame, that name is best not offered.

use std::error;
use std::fmt;

use ch03_http::adler32;
use ch03_http::deflate::compress::{Deflater, Flush, Level};
use ch03_http::deflate::inflate::Inflater;
use ch03_http::deflate::{self, Progress};

/// Makes a zlib stream.
#[derive(Debug, Clone)]
pub struct Encoder {
    deflater: Deflater,
    /// The header, and later the checksum, as far as not handed out.
    waiting: Vec<u8>,
    adler: u32,
    sealed: bool,
}

impl Encoder {
    /// An encoder at the beginning of a stream.
    pub fn new(level: Level) -> Encoder {
        let flags: u8 = match level.number() {
            0..2 => 0x01,
            2..6 => 0x5e,
            6 => 0x9c,
            _ => 0xda,
        };
        Encoder {
            deflater: Deflater::new(level),
            waiting: vec![0x78, flags],
            adler: 1,
            sealed: false,
        }
    }

    /// As [`Deflater::push`], for the whole stream.
    pub fn push(
        &mut self,
        input: &[u8],
        flush: Flush,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Progress {
        let mut wrote = self.hand_out(out, limit);
        let left = limit - wrote;
        let inner = self.deflater.push(input, flush, out, left);
        self.adler = adler32::update(self.adler, &input[..inner.read]);
        wrote += inner.wrote;
        if flush == Flush::Finish && inner.done && !self.sealed {
            self.waiting.extend(self.adler.to_be_bytes());
            self.sealed = true;
        }
        wrote += self.hand_out(out, limit - wrote);
        Progress {
            read: inner.read,
            wrote,
            done: inner.done && self.waiting.is_empty(),
        }
    }

    fn hand_out(&mut self, out: &mut Vec<u8>, limit: usize) -> usize {
        let count = self.waiting.len().min(limit);
        out.extend(self.waiting.drain(..count));
        count
    }
}

/// What is wrong with a zlib stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The first two bytes are not those of a zlib stream.
    Header,
    /// It needs a dictionary that only the two ends know.
    Dictionary,
    /// The DEFLATE stream is wrong, or has more bytes than allowed.
    Deflate(deflate::Error),
    /// The checksum of the bytes is another one.
    Checksum,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Header => "not in zlib format",
            Error::Dictionary => "a dictionary is needed",
            Error::Deflate(error) => return error.fmt(f),
            Error::Checksum => "the checksum does not fit",
        })
    }
}

impl error::Error for Error {}

/// What a decoder waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Cmf,
    Flg(u8),
    Body,
    /// So many bytes of the checksum are here, as this number.
    Seal(u32, u32),
    Done,
    Failed(Error),
}

/// Decodes one zlib stream, and takes nothing that stands behind it.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: State,
    inflater: Inflater,
    adler: u32,
}

impl Decoder {
    /// A decoder that gives `most` bytes and refuses a stream that has more.
    pub fn new(most: u64) -> Decoder {
        Decoder {
            state: State::Cmf,
            inflater: Inflater::new(most),
            adler: 1,
        }
    }

    /// Decodes `input`, and appends at most `limit` bytes to `out`. It is
    /// done after the checksum.
    ///
    /// # Errors
    /// The stream is wrong. `out` then has all that stood before the error.
    pub fn pull(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Progress, Error> {
        let (mut read, mut wrote) = (0, 0);
        loop {
            if self.state == State::Body {
                let before = out.len();
                let inner = self.inflater.pull(&input[read..], out, limit);
                self.adler = adler32::update(self.adler, &out[before..]);
                match inner {
                    Err(e) => self.state = State::Failed(Error::Deflate(e)),
                    Ok(inner) => {
                        read += inner.read;
                        wrote = inner.wrote;
                        if !inner.done {
                            return Ok(Progress {
                                read,
                                wrote,
                                done: false,
                            });
                        }
                        self.state = State::Seal(0, 0);
                    }
                }
            }
            if let State::Failed(error) = self.state {
                return Err(error);
            }
            let done = self.state == State::Done;
            let Some(byte) = input.get(read).filter(|_| !done) else {
                return Ok(Progress { read, wrote, done });
            };
            read += 1;
            self.state = self.byte(*byte);
        }
    }

    /// Takes one byte of the header or of the checksum.
    fn byte(&self, byte: u8) -> State {
        match self.state {
            State::Cmf if byte & 0x0f == 8 && byte >> 4 <= 7 => {
                State::Flg(byte)
            }
            State::Cmf => State::Failed(Error::Header),
            State::Flg(cmf) => match u16::from_be_bytes([cmf, byte]) {
                both if both % 31 != 0 => State::Failed(Error::Header),
                _ if byte & 0x20 != 0 => State::Failed(Error::Dictionary),
                _ => State::Body,
            },
            State::Seal(have, sum) => {
                let sum = sum << 8 | u32::from(byte);
                match have {
                    0..3 => State::Seal(have + 1, sum),
                    _ if sum == self.adler => State::Done,
                    _ => State::Failed(Error::Checksum),
                }
            }
            state => state,
        }
    }
}
