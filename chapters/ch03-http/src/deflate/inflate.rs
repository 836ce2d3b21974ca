//! Inflate: the decoder, which stops at any bit and goes on there.
//!
//! ```text
//!        ┌────────────────────────────────────────────────┐
//!        ▼                                                │ not the last
//!     Header ─ 00 ─▶ StoredLength ─▶ Stored ──────────────┤
//!        │ ─── 01 ─────────────────────────────▶ Symbols ─┤
//!        │ ─── 10 ─▶ Counts ─▶ CodeLengths ─▶ Lengths ─▲  │
//!        │ ─── 11 ─▶ Failed                               ▼ the last
//!                                                       Done
//! ```
//!
//! Each state wants some bits. If they are not there, the decoder keeps the
//! bits it has and stays in the state; a symbol with its extra bits is one
//! such step, of at most 48 bits. Output never stops a step: it goes to a
//! window that has room for it, and from there to the caller.
//!
//! Left out: telling how many bytes an unfinished stream still needs.

use ch03_http::deflate::bits::BitReader;
use ch03_http::deflate::huffman::{Fill, fill};
use ch03_http::deflate::lengths::{ORDER, Run, extra_bits, unpack};
use ch03_http::deflate::symbols::{DISTANCES, END, LITERALS, fixed_lengths};
use ch03_http::deflate::table::{
    BAD, Distances, LITERAL, Lengths, Literals, STOP, Table, check, distance,
    literal,
};
use ch03_http::deflate::window::Window;
use ch03_http::deflate::{Error, Progress};

// ANCHOR: state
/// Where in the stream a decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the three bits of a block.
    Header,
    /// Before LEN and NLEN.
    StoredLength,
    /// So many bytes of a stored block are left.
    Stored(usize),
    /// Before HLIT, HDIST and HCLEN.
    Counts,
    /// Reading the lengths of the third code: so many of so many.
    CodeLengths(usize, usize),
    /// Reading the lengths of the two codes: so many.
    Lengths(usize),
    /// Reading symbols.
    Symbols,
    /// After the last block.
    Done,
    /// The stream is wrong.
    Failed(Error),
}
// ANCHOR_END: state

/// A decoder of one DEFLATE stream.
#[derive(Debug, Clone)]
pub struct Inflater {
    bits: BitReader,
    state: State,
    /// BFINAL of the current block.
    last: bool,
    window: Window,
    /// What it may still hand out, and what it might at first.
    left: u64,
    most: u64,
    /// Literal and length codes, and distance codes, of the current block.
    counts: (usize, usize),
    /// Their lengths, in this order.
    lengths: [u8; LITERALS + DISTANCES],
    third: Lengths,
    literals: Box<Literals>,
    distances: Box<Distances>,
}

impl Inflater {
    /// A decoder that gives `most` bytes and refuses a stream that has more.
    pub fn new(most: u64) -> Inflater {
        Inflater {
            bits: BitReader::default(),
            state: State::Header,
            last: false,
            window: Window::default(),
            left: most,
            most,
            counts: (0, 0),
            lengths: [0; LITERALS + DISTANCES],
            third: Lengths::new(7),
            literals: Box::new(Literals::new(11)),
            distances: Box::new(Distances::new(8)),
        }
    }
}

impl Inflater {
    // ANCHOR: pull
    /// Decodes `input`, and appends at most `limit` bytes to `out`. It is
    /// done when the stream has ended and all of it is handed out; bytes
    /// behind the end are not taken.
    ///
    /// # Errors
    /// The stream is wrong, or longer than it may be. `out` then has all that
    /// stood before the error.
    pub fn pull(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Progress, Error> {
        let mut rest = input;
        let mut wrote = 0;
        loop {
            let left = usize::try_from(self.left).unwrap_or(usize::MAX);
            let sent = self.window.drain(out, left.min(limit - wrote));
            wrote += sent;
            self.left -= sent as u64;
            if self.window.pending() > 0 && self.left > 0 {
                break; // the limit
            }
            if self.window.pending() > 0 {
                self.state = State::Failed(Error::TooLong { most: self.most });
            }
            if let State::Failed(error) = self.state {
                return Err(error);
            }
            if !self.steps(&mut rest) {
                break;
            }
        }
        let read = input.len() - rest.len();
        let done = self.state == State::Done && self.window.pending() == 0;
        Ok(Progress { read, wrote, done })
    }
    // ANCHOR_END: pull

    /// Goes on until the window is full, the input used up or the stream at
    /// its end. False if it could do nothing.
    fn steps(&mut self, input: &mut &[u8]) -> bool {
        let mut moved = false;
        while self.window.room() > 0 {
            match self.step(input) {
                Ok(true) => moved = true,
                Ok(false) => break,
                Err(error) => {
                    self.state = State::Failed(error);
                    return true; // what stands before it goes out first
                }
            }
        }
        moved
    }
}

impl Inflater {
    // ANCHOR: step
    /// One step. False if it wants more input, or there is none to make.
    fn step(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        match self.state {
            State::Header => {
                if !self.bits.need(3, input) {
                    return Ok(false);
                }
                self.last = self.bits.take(1) == 1;
                self.state = match self.bits.take(2) {
                    0 => {
                        self.bits.align();
                        State::StoredLength
                    }
                    1 => self.fixed(),
                    2 => State::Counts,
                    _ => return Err(Error::BlockType),
                };
            }
            State::StoredLength => {
                if !self.bits.need(32, input) {
                    return Ok(false);
                }
                let (len, nlen) = (self.bits.take(16), self.bits.take(16));
                if len ^ nlen != 0xffff {
                    return Err(Error::StoredLength);
                }
                self.state = State::Stored(len as usize);
            }
            State::Stored(0) => self.state = self.after(),
            State::Stored(left) => {
                let here = left.min(input.len());
                let count = self.window.append(&input[..here]);
                *input = &input[count..];
                self.state = State::Stored(left - count);
                return Ok(count > 0);
            }
            State::Counts => return self.counts(input),
            State::CodeLengths(..) => return self.code_lengths(input),
            State::Lengths(at) => return self.lengths(at, input),
            State::Symbols => return self.symbols(input),
            State::Done | State::Failed(_) => return Ok(false),
        }
        Ok(true)
    }
    // ANCHOR_END: step

    /// What follows a block.
    fn after(&self) -> State {
        match self.last {
            true => State::Done,
            false => State::Header,
        }
    }
}

impl Inflater {
    fn fixed(&mut self) -> State {
        let (literals, distances) = fixed_lengths();
        self.literals.build(&literals, literal);
        self.distances.build(&distances, distance);
        State::Symbols
    }

    // ANCHOR: dynamic
    fn counts(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        if !self.bits.need(14, input) {
            return Ok(false);
        }
        let literals = self.bits.take(5) as usize + 257;
        let distances = self.bits.take(5) as usize + 1;
        let third = self.bits.take(4) as usize + 4;
        if literals > LITERALS || distances > DISTANCES {
            return Err(Error::TooManyCodes);
        }
        self.counts = (literals, distances);
        self.lengths.fill(0);
        self.state = State::CodeLengths(0, third);
        Ok(true)
    }

    /// One length of the third code; after the last, the code itself.
    fn code_lengths(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        let State::CodeLengths(at, count) = self.state else {
            return Ok(false);
        };
        if at < count {
            if !self.bits.need(3, input) {
                return Ok(false);
            }
            self.lengths[ORDER[at]] = self.bits.take(3) as u8;
            self.state = State::CodeLengths(at + 1, count);
            return Ok(true);
        }
        let lengths = &self.lengths[..ORDER.len()];
        if fill(lengths) != Fill::Complete {
            return Err(Error::CodeLengths);
        }
        self.third.build(lengths, |symbol| (symbol as u32) << 16);
        self.state = State::Lengths(0);
        Ok(true)
    }
    // ANCHOR_END: dynamic
}

impl Inflater {
    // ANCHOR: lengths
    /// One symbol of the third code; after the last length, the two codes.
    fn lengths(&mut self, at: usize, input: &mut &[u8]) -> Result<bool, Error> {
        let (literals, distances) = self.counts;
        let end = literals + distances;
        if at < end {
            let Some(entry) = word(&mut self.bits, 0, &self.third, input)
            else {
                return Ok(false);
            };
            let symbol = (entry >> 16) as u8;
            let length = entry & 0xff;
            let bits = extra_bits(symbol);
            if !self.bits.need(length + bits, input) {
                return Ok(false);
            }
            self.bits.skip(length);
            let extra = self.bits.take(bits) as u8;
            let run = Run { symbol, extra };
            let count = unpack(run, &mut self.lengths, at, end)?;
            self.state = State::Lengths(at + count);
            return Ok(true);
        }
        let (literals, distances) = self.lengths[..end].split_at(literals);
        if literals[END] == 0 {
            return Err(Error::NoEnd);
        }
        check(literals, false)?;
        check(distances, true)?;
        self.literals.build(literals, literal);
        self.distances.build(distances, distance);
        self.state = State::Symbols;
        Ok(true)
    }
    // ANCHOR_END: lengths
}

// ANCHOR: word
/// The entry of the word that begins `used` bits ahead, which takes bytes one
/// by one until the whole word is here. `None` if the input ends before.
fn word<const SIZE: usize>(
    bits: &mut BitReader,
    used: u32,
    table: &Table<SIZE>,
    input: &mut &[u8],
) -> Option<u32> {
    loop {
        let entry = table.look_up(bits.hold() >> used);
        if used + (entry & 0xff) <= bits.count() {
            return Some(entry);
        }
        if !bits.need(bits.count() + 1, input) {
            return None;
        }
    }
}
// ANCHOR_END: word

impl Inflater {
    // ANCHOR: symbol
    /// One literal, pair or end. Nothing is dropped before all of it is here.
    fn symbol(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        let bits = &mut self.bits;
        let Some(entry) = word(bits, 0, &self.literals, input) else {
            return Ok(false);
        };
        let used = (entry & 0xff) + extra(entry);
        if entry & (LITERAL | STOP | BAD) != 0 {
            bits.skip(used);
            match entry {
                _ if entry & BAD != 0 => return Err(Error::Code),
                _ if entry & STOP != 0 => self.state = self.after(),
                _ => self.window.push((entry >> 16) as u8),
            }
            return Ok(true);
        }
        if !bits.need(used, input) {
            return Ok(false);
        }
        let Some(far) = word(bits, used, &self.distances, input) else {
            return Ok(false);
        };
        if far & BAD != 0 {
            return Err(Error::Code);
        }
        if !bits.need(used + (far & 0xff) + extra(far), input) {
            return Ok(false);
        }
        let length = value(bits, entry);
        let distance = value(bits, far);
        self.window.copy(distance, length)?;
        Ok(true)
    }
    // ANCHOR_END: symbol
}

/// How many extra bits follow the word.
#[inline(always)]
fn extra(entry: u32) -> u32 {
    entry >> 8 & 0xf
}

/// Drops the word, takes its extra bits, and adds them to its base.
#[inline(always)]
fn value(bits: &mut BitReader, entry: u32) -> usize {
    bits.skip(entry & 0xff);
    (entry >> 16) as usize + bits.take(extra(entry)) as usize
}

/// Input that one turn of the fast loop may take: two refills.
const AHEAD: usize = 16;

impl Inflater {
    // ANCHOR: fast
    /// Symbols, for as long as a turn is certain to find all that it wants.
    fn symbols(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        if input.len() < AHEAD {
            return self.symbol(input);
        }
        let bytes = *input;
        let (mut bits, mut at) = (self.bits, 0);
        while let Some(ahead) = bytes[at..].first_chunk::<AHEAD>()
            && self.window.room() > 0
        {
            at += bits.refill(ahead);
            let mut entry = self.literals.look_up(bits.hold());
            if entry & LITERAL != 0 {
                self.literal(&mut bits, entry);
                entry = self.literals.look_up(bits.hold());
            }
            if entry & LITERAL != 0 {
                self.literal(&mut bits, entry);
                continue;
            }
            if entry & (STOP | BAD) != 0 {
                bits.skip(entry & 0xff);
                if entry & BAD != 0 {
                    return Err(Error::Code);
                }
                self.state = self.after();
                break;
            }
            let length = value(&mut bits, entry);
            if bits.count() < 28 {
                at += bits.refill(&bytes[at..]);
            }
            let far = self.distances.look_up(bits.hold());
            if far & BAD != 0 {
                return Err(Error::Code);
            }
            let distance = value(&mut bits, far);
            self.window.copy(distance, length)?;
        }
        at -= bits.give_back();
        self.bits = bits;
        *input = &bytes[at..];
        Ok(true)
    }
    // ANCHOR_END: fast

    /// Hands out the literal of an entry, and drops its word.
    #[inline(always)]
    fn literal(&mut self, bits: &mut BitReader, entry: u32) {
        bits.skip(entry & 0xff);
        self.window.push((entry >> 16) as u8);
    }
}
