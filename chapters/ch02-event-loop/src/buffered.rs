//! A reader with a buffer, which is there while there are bytes in it.
//!
//! ```text
//!   start      end         room
//!     ▼         ▼           ▼
//!   ..[ unread ][           ]     fill reads here; consume moves start on
//! ```
//!
//! - **I39** `fill` waits for more bytes, adds them to what is unread, and
//!   takes none away: dropped while it waits, it has lost nothing.
//! - **I40** A reader holds at most its limit of unread bytes; a reader that
//!   waits with nothing unread holds no memory.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use ch02_event_loop::tcp::{ReadHalf, TcpStream};

/// How large a buffer is at first.
const CHUNK: usize = 16 * 1024;

/// How many free buffers are kept for the next reader.
const SPARE: usize = 64;

// ANCHOR: buffers
/// Buffers that nobody uses just now. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Buffers(Rc<RefCell<Vec<Box<[u8]>>>>);

impl Buffers {
    /// A buffer of at least 16 KiB, with whatever was in it before.
    pub fn take(&self) -> Box<[u8]> {
        let spare = self.0.borrow_mut().pop();
        spare.unwrap_or_else(|| vec![0; CHUNK].into())
    }

    /// Gives a buffer back.
    pub fn give(&self, buffer: Box<[u8]>) {
        let mut spare = self.0.borrow_mut();
        if buffer.len() == CHUNK && spare.len() < SPARE {
            spare.push(buffer);
        }
    }
}
// ANCHOR_END: buffers

// ANCHOR: reader
/// A buffered reader of a connection.
#[derive(Debug)]
pub struct BufReader {
    half: ReadHalf,
    buffers: Buffers,
    bytes: Box<[u8]>, // empty while nothing is unread
    start: usize,
    end: usize,
    limit: usize,
}
// ANCHOR_END: reader

impl BufReader {
    // given: the first values, and what is read out
    /// A reader that holds at most `limit` unread bytes (at least one).
    pub fn new(half: ReadHalf, buffers: Buffers, limit: usize) -> BufReader {
        let bytes = Box::default();
        let limit = limit.max(1);
        BufReader {
            half,
            buffers,
            bytes,
            start: 0,
            end: 0,
            limit,
        }
    }

    /// What was read and not consumed yet.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The stream that it reads from.
    pub fn stream(&self) -> &TcpStream {
        self.half.stream()
    }
    // given end

    /// Takes the first `count` unread bytes away; the buffer too, if they
    /// were the last ones.
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
        if self.start == self.end {
            self.buffers.give(std::mem::take(&mut self.bytes));
            (self.start, self.end) = (0, 0);
        }
    }

    // ANCHOR: fill
    /// Waits for more bytes and adds them. Returns how many; 0 is the end.
    ///
    /// # Errors
    /// The stream's; `OutOfMemory` when `limit` bytes are unread already.
    pub async fn fill(&mut self) -> io::Result<usize> {
        if self.end - self.start >= self.limit {
            return Err(ErrorKind::OutOfMemory.into());
        }
        loop {
            self.stream().readable().await?;
            self.make_room();
            let most = self.bytes.len().min(self.start + self.limit);
            let room = &mut self.bytes[self.end..most];
            let read = self.half.stream().try_read(room);
            if let Ok(Some(count)) = read {
                self.end += count;
            }
            self.consume(0); // with nothing unread, the buffer goes back
            if let Some(count) = read? {
                return Ok(count);
            }
        }
    }

    // ANCHOR_END: fill

    // ANCHOR: make_room
    /// Makes room behind the unread bytes: takes a buffer, moves them to its
    /// front, or moves to one twice as large.
    fn make_room(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = self.buffers.take();
        }
        if self.end < self.bytes.len() && self.start == 0 {
            return;
        }
        // Moving less than half of the buffer: each byte is moved at most
        // once for each that was read.
        if self.end == self.bytes.len() && self.start < self.end / 2 {
            let mut larger = vec![0; self.bytes.len() * 2].into_boxed_slice();
            let unread = self.end - self.start;
            larger[..unread].copy_from_slice(self.unread());
            self.buffers
                .give(std::mem::replace(&mut self.bytes, larger));
            (self.start, self.end) = (0, unread);
        } else if self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }
    // ANCHOR_END: make_room

    /// What comes next, up to the first line feed and with it, without
    /// taking it: then `consume` its length. `None` is the end of the stream.
    ///
    /// # Errors
    /// As [`BufReader::fill`]; `UnexpectedEof` for an end within a line.
    pub async fn line(&mut self) -> io::Result<Option<&[u8]>> {
        let mut seen = 0;
        loop {
            let new = &self.unread()[seen..];
            if let Some(at) = new.iter().position(|&byte| byte == b'\n') {
                return Ok(Some(&self.unread()[..seen + at + 1]));
            }
            seen = self.unread().len();
            if self.fill().await? == 0 {
                return match seen {
                    0 => Ok(None),
                    _ => Err(ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }
}

// given: a panic of a `todo!` in a drop would abort all tests.
impl Drop for BufReader {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.buffers.give(std::mem::take(&mut self.bytes));
        }
    }
}
// given end
