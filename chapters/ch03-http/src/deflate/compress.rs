//! The compressor: a position at a time, a literal or a copy.
//!
//! Taking the longest copy at each position is *greedy*, and not the best:
//! behind a byte that is given up, a much longer one may begin. *Lazy*
//! matching looks one position further before it takes a copy:
//!
//! ```text
//! seen before   chat, hated
//! now           c h a t e d
//! greedy        (4) chat, e, d        3 tokens
//! lazy          c, (5) hated          2 tokens
//! ```
//!
//! What waits in the buffer, at the most, is one block and what a copy may
//! need to see ahead:
//!
//! ```text
//!   0        at - 32 KiB      start          at           end       ROOM
//!   │ forgotten │    window     │  the block  │  not seen  │  free   │
//! ```
//!
//! - A position is compressed only when a copy's longest length is here behind
//!   it, or a flush says that no more will come: so tokens do not depend on
//!   how the input was cut.

use ch03_http::deflate::bits::BitWriter;
use ch03_http::deflate::block::{Block, STORED, TOKENS, store};
use ch03_http::deflate::finder::{Copy, Effort, Finder};
use ch03_http::deflate::symbols::LONGEST;
use ch03_http::deflate::{Progress, WINDOW};

/// A block's bytes stay in the buffer until it is known that storing them as
/// they are would not pay. This many, then the block has to end.
const SPAN: usize = 2 * WINDOW;

/// What must be here behind a position: a copy, one from the next position,
/// and the bytes that are hashed with it.
const AHEAD: usize = LONGEST + 5;

/// How hard a compressor works, from 0, which stores, to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// The usual compromise.
    pub const DEFAULT: Level = Level(6);

    /// A level from 0 to 9.
    pub fn new(level: u8) -> Option<Level> {
        (level <= 9).then_some(Level(level))
    }

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }

    // given: numbers that were tried out
    /// What the level does. `None` stores.
    fn effort(self) -> Option<Effort> {
        let (tries, good, lazy, nice) = match self.0 {
            0 => return None,
            1 => (2, 258, 0, 16),
            2 => (6, 258, 0, 32),
            3 => (12, 258, 0, 64),
            4 => (10, 8, 8, 32),
            5 => (32, 8, 16, 64),
            6 => (128, 8, 16, 128),
            7 => (200, 8, 32, 160),
            8 => (400, 32, 128, 258),
            _ => (1200, 64, 258, 258),
        };
        Some(Effort {
            tries,
            good,
            lazy,
            nice,
        })
    }
    // given end
}

/// What is to happen when a call's input is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// Nothing: more will come, and may make better blocks.
    None,
    /// All that was pushed goes out, up to a whole byte, so that the peer can
    /// decode all of it now. Costs 5 bytes and a block that ends early.
    Sync,
    /// The stream ends.
    Finish,
}

/// A compressor of one DEFLATE stream.
#[derive(Debug, Clone)]
pub struct Deflater {
    effort: Option<Effort>,
    finder: Finder,
    /// The next position to compress.
    at: usize,
    /// Where the block begins; `None` once its bytes may leave the buffer.
    start: Option<usize>,
    block: Block,
    /// A copy from `at`, where the position before has found it.
    held: Option<Copy>,
    bits: BitWriter,
    /// Whether bytes came since the last flush.
    dirty: bool,
    finished: bool,
}

impl Deflater {
    /// A compressor at the beginning of its stream.
    pub fn new(level: Level) -> Deflater {
        Deflater {
            effort: level.effort(),
            finder: Finder::default(),
            at: 0,
            start: Some(0),
            block: Block::default(),
            held: None,
            bits: BitWriter::default(),
            dirty: false,
            finished: false,
        }
    }
}

impl Deflater {
    // ANCHOR: push
    /// Compresses `input`, and appends at most `limit` bytes to `out`. It is
    /// done when all input is taken and all that the flush asks for is handed
    /// out; until then the same flush has to be asked for again, with what was
    /// not taken. After the end of the stream it takes nothing.
    pub fn push(
        &mut self,
        input: &[u8],
        flush: Flush,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Progress {
        let (mut read, mut wrote) = (0, 0);
        loop {
            wrote += self.bits.drain(out, limit - wrote);
            let all = read == input.len() && self.has_done(flush);
            let done = self.bits.is_drained() && (all || self.finished);
            if done || !self.bits.is_drained() {
                return Progress { read, wrote, done };
            }
            read += self.append(&input[read..]);
            let ends = read == input.len() && flush != Flush::None;
            if self.advance(ends) && ends {
                self.flush(flush);
            }
        }
    }
    // ANCHOR_END: push

    /// Whether there is nothing left to do, once all input is taken.
    fn has_done(&self, flush: Flush) -> bool {
        match flush {
            Flush::None => true,
            Flush::Sync => !self.dirty,
            Flush::Finish => self.finished,
        }
    }

    // ANCHOR: flush
    /// Ends the block, and the byte.
    fn flush(&mut self, flush: Flush) {
        if flush == Flush::Finish {
            self.close(true);
            self.bits.align();
            self.finished = true;
            return;
        }
        if self.start != Some(self.at) {
            self.close(false);
        }
        store(&[], false, &mut self.bits);
        self.dirty = false;
    }
    // ANCHOR_END: flush
}

impl Deflater {
    /// Takes input into the buffer, and says how much; lets go of what is
    /// further back than any copy can reach.
    fn append(&mut self, input: &[u8]) -> usize {
        if self.finder.is_crowded() {
            let keep = self.at.saturating_sub(WINDOW);
            let keep = keep.min(self.start.unwrap_or(keep));
            let gone = self.finder.forget(keep);
            self.at -= gone;
            self.start = self.start.map(|start| start - gone);
        }
        let count = self.finder.append(input);
        self.dirty |= count > 0;
        count
    }

    // ANCHOR: advance
    /// Compresses what is here, up to the end if nothing more will come
    /// before it is flushed. False if a block was full, and was written.
    fn advance(&mut self, ends: bool) -> bool {
        loop {
            if self.is_full() {
                self.close(false);
                return false;
            }
            let here = self.finder.bytes().len() - self.at;
            if here == 0 || here < AHEAD && !ends {
                return true;
            }
            match self.effort {
                Some(effort) => self.token(&effort),
                None => self.at += here.min(self.room()),
            }
        }
    }
    // ANCHOR_END: advance

    /// Bytes of the block.
    fn span(&self) -> usize {
        self.start.map_or(0, |start| self.at - start)
    }

    /// How many bytes may still be stored in this block.
    fn room(&self) -> usize {
        STORED - self.span()
    }

    // ANCHOR: is_full
    /// Whether the block must end. Where its tokens take, at 4 bytes each, no
    /// more than half of its bytes, it is clear that storing it will not pay:
    /// then its bytes may leave, and it goes on.
    fn is_full(&mut self) -> bool {
        if self.block.len() >= TOKENS {
            return true;
        }
        if self.span() < SPAN {
            return self.effort.is_none() && self.room() == 0;
        }
        if self.block.len() * 8 <= self.span() {
            self.start = None;
        }
        self.start.is_some()
    }
    // ANCHOR_END: is_full

    /// Writes the block, and begins another.
    fn close(&mut self, last: bool) {
        let raw = self.start.map(|at| &self.finder.bytes()[at..self.at]);
        match self.effort {
            Some(_) => self.block.write(raw, last, &mut self.bits),
            None => store(raw.unwrap_or_default(), last, &mut self.bits),
        }
        self.start = Some(self.at);
    }
}

impl Deflater {
    // ANCHOR: token
    /// One literal or one copy for the bytes from `at`.
    fn token(&mut self, effort: &Effort) {
        let here = match self.held.take() {
            Some(copy) => copy,
            None => self.finder.find(self.at, 0, effort),
        };
        if here.length == 0 {
            return self.literal();
        }
        let more = self.finder.bytes().len() - self.at > 1;
        if here.length < effort.lazy && more {
            let next = self.finder.find(self.at + 1, here.length, effort);
            if next.length > 0 {
                self.held = Some(next);
                return self.literal();
            }
        }
        self.block.copy(here.length, here.distance);
        self.at += here.length;
    }
    // ANCHOR_END: token

    fn literal(&mut self) {
        self.block.literal(self.finder.bytes()[self.at]);
        self.at += 1;
    }
}
