//! The encoder: a compressor between a header and a seal.

use ch03_http::crc32;
use ch03_http::deflate::Progress;
use ch03_http::deflate::compress::{Deflater, Flush, Level};
use ch03_http::gzip::header::Header;

/// Makes one member.
#[derive(Debug, Clone)]
pub struct Encoder {
    deflater: Deflater,
    /// The header, and later the seal, as far as they are not handed out.
    waiting: Vec<u8>,
    crc: u32,
    size: u32,
    sealed: bool,
}

impl Encoder {
    /// An encoder at the beginning of a member.
    pub fn new(level: Level, header: &Header) -> Encoder {
        Encoder {
            deflater: Deflater::new(level),
            waiting: header.encode(),
            crc: 0,
            size: 0,
            sealed: false,
        }
    }

    // ANCHOR: push
    /// As [`Deflater::push`], for the whole member.
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
        let taken = &input[..inner.read];
        self.crc = crc32::update(self.crc, taken);
        self.size = self.size.wrapping_add(taken.len() as u32);
        wrote += inner.wrote;
        if flush == Flush::Finish && inner.done && !self.sealed {
            self.waiting.extend(self.crc.to_le_bytes());
            self.waiting.extend(self.size.to_le_bytes());
            self.sealed = true;
        }
        wrote += self.hand_out(out, limit - wrote);
        Progress {
            read: inner.read,
            wrote,
            done: inner.done && self.waiting.is_empty(),
        }
    }
    // ANCHOR_END: push

    fn hand_out(&mut self, out: &mut Vec<u8>, limit: usize) -> usize {
        let count = self.waiting.len().min(limit);
        out.extend(self.waiting.drain(..count));
        count
    }
}
