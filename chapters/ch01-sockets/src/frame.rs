//! Frames: where one message ends and the next begins.
//!
//! TCP delivers bytes in order and nothing else. What one side wrote with one
//! call, the other may read with one, two or five, or together with what
//! came after. A framing puts the ends of the messages into the stream:
//!
//! ```text
//! Lines             68 65 6c 6c 6f 0a              hello\n
//! LengthPrefixed    00 00 00 05  68 65 6c 6c 6f    length, then the bytes
//! ```
//!
//! - I3: the frames depend on the bytes alone, not on how they were cut into
//!   reads, and no byte is looked at twice.
//! - I4: a frame over the limit is refused before it is stored: what is not
//!   handed out yet is at most one frame and one push. The buffer may be one
//!   frame longer: bytes that are handed out stay in it until a push finds
//!   that they are more than half.
//! - I5: only a whole frame is a frame. "Need more" is `None`; a stream that
//!   ends inside a frame is an error, never a shorter frame.
//!
//! Architecture invariant: a framing does no I/O. Bytes go in through `push`,
//! frames come out of `next`, so a test can cut a stream wherever it likes.
//!
//! Left out: frames that are handed out before they are whole (HTTP bodies
//! are), and finding the next frame again after a refused one: what
//! follows an oversized frame cannot be told from its contents.

use std::fmt;
use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use ch00_toolbox::clock::{Deadline, RealClock};
use ch00_toolbox::cursor::Cursor;
use ch01_sockets::echo::{read_some, write_all};

/// The limit that the stages use where none is given. Redis has 64 KiB for an
/// inline command, SMTP 1,000 bytes for a line (RFC 5321, section 4.5.3.1.6).
pub const MAX_FRAME: usize = 64 * 1024;

/// Bytes that [`Frames`] asks the kernel for at a time.
const CHUNK: usize = 16 * 1024;

const TICK: Duration = Duration::from_millis(1); // zero is no timeout

// ANCHOR: framing
/// A way to tell where a frame ends. Does no I/O.
pub trait Framing {
    /// Takes bytes as they came from the stream, cut anywhere. After a
    /// refused frame they are dropped.
    fn push(&mut self, bytes: &[u8]);

    /// The next whole frame without its marks, or `None` for "need more".
    ///
    /// # Errors
    /// The peer broke the limit. The place of the next frame is lost, so
    /// every later call gives the same error.
    fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError>;

    /// Says whether the stream may end here: between two frames.
    ///
    /// # Errors
    /// [`FrameError::Cut`], or the error that `next` gave.
    fn finish(&self) -> Result<(), FrameError>;

    /// Appends a frame with its marks to `out`, so that `next` on the other
    /// side gives this frame, with all of its bytes.
    ///
    /// # Errors
    /// The frame is over the limit or contains the mark that ends it; then
    /// `out` is unchanged.
    fn encode(&self, frame: &[u8], out: &mut Vec<u8>)
    -> Result<(), FrameError>;
}
// ANCHOR_END: framing

// ANCHOR: error
/// Why a frame cannot be read or written. `next` and `finish` give it where
/// the peer is at fault: tell it why and hang up. `encode` gives it where the
/// caller is, and has written nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// No end of line has come within the limit, or the frame that is to be
    /// encoded, in either framing, is over it.
    TooLong {
        /// The most bytes that a frame may have.
        limit: usize,
    },
    /// The length prefix announces more than the limit.
    Announced {
        /// What the peer says will follow, in bytes.
        length: u32,
        /// The most bytes that a frame may have.
        limit: usize,
    },
    /// The stream ended inside a frame.
    Cut {
        /// Bytes of the frame that did arrive, its marks included.
        have: usize,
    },
    /// The caller's frame contains a line feed, so it would be read as two.
    LineFeed {
        /// Where, in bytes from the frame's start.
        at: usize,
    },
}
// ANCHOR_END: error

// ANCHOR: buffer
/// Bytes received and not yet handed out: `bytes[start..]`.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    failed: Option<FrameError>, // once set, nothing is stored any more
}

impl Buffer {
    /// Stores what came, unless the stream is refused.
    fn push(&mut self, more: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        // Moved only when at least half is used up, so that each byte is
        // moved once on average, however small the frames are.
        if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(more);
    }

    /// What is not handed out yet, or why nothing ever will be.
    fn unread(&self) -> Result<&[u8], FrameError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(&self.bytes[self.start..]),
        }
    }

    /// The first so many bytes of `unread` are handed out.
    fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Drops all that is stored, and gives this error from here on.
    fn refuse(&mut self, error: FrameError) -> FrameError {
        *self = Buffer {
            failed: Some(error),
            ..Buffer::default()
        };
        error
    }
}
// ANCHOR_END: buffer

// ANCHOR: lines_state
/// Frames that end with a line feed; one carriage return before it (telnet
/// sends one) is part of the end, and is taken off as well.
#[derive(Debug)]
pub struct Lines {
    limit: usize, // of a line without its end, in bytes
    buffer: Buffer,
    scanned: usize, // bytes of `unread` known to hold no line feed
    examined: usize, // bytes looked at in all
}
// ANCHOR_END: lines_state

// given: the fields' first values, and one that is read out
impl Lines {
    /// Lines of at most `limit` bytes, not counting their end.
    pub fn new(limit: usize) -> Lines {
        Lines {
            limit,
            buffer: Buffer::default(),
            scanned: 0,
            examined: 0,
        }
    }

    /// How many bytes the search for line feeds has looked at so far: as many
    /// as were pushed, when none is looked at twice (I3).
    pub fn examined(&self) -> usize {
        self.examined
    }
}
// given end

// ANCHOR: lines
impl Framing for Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let unread = self.buffer.unread()?;
        let fresh = &unread[self.scanned..];
        let found = line_feed(fresh);
        self.examined += found.map_or(fresh.len(), |at| at + 1);

        let end = found.map_or(unread.len(), |at| self.scanned + at);
        let line = without_cr(&unread[..end]);
        if line.len() > self.limit {
            let error = FrameError::TooLong { limit: self.limit };
            return Err(self.buffer.refuse(error));
        }
        if found.is_none() {
            self.scanned = unread.len();
            return Ok(None);
        }
        let line = line.to_vec();
        self.buffer.consume(end + 1);
        self.scanned = 0;
        Ok(Some(line))
    }
    // ANCHOR_END: lines

    // ANCHOR: lines_ends
    fn finish(&self) -> Result<(), FrameError> {
        match self.buffer.unread()?.len() {
            0 => Ok(()),
            have => Err(FrameError::Cut { have }),
        }
    }

    fn encode(
        &self,
        frame: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        if let Some(at) = frame.iter().position(|&byte| byte == b'\n') {
            return Err(FrameError::LineFeed { at });
        }
        if frame.len() > self.limit {
            return Err(FrameError::TooLong { limit: self.limit });
        }
        out.extend_from_slice(frame);
        // The reader takes one `\r` off, so a frame's own gets another.
        let end: &[u8] = match frame.last() {
            Some(b'\r') => b"\r\n",
            _ => b"\n",
        };
        out.extend_from_slice(end);
        Ok(())
    }
}
// ANCHOR_END: lines_ends

// given: to find a byte, and to take one off, is not what this step is about
/// Where the first line feed is. `contains` compares a word at a time, which
/// `position` on a slice does not: 64 bytes that have none are soon passed.
fn line_feed(bytes: &[u8]) -> Option<usize> {
    let mut blocks = bytes.chunks(64);
    let block = blocks.position(|block| block.contains(&b'\n'))?;
    let mut rest = bytes[block * 64..].iter();
    rest.position(|&byte| byte == b'\n')
        .map(|at| block * 64 + at)
}

/// The line without the carriage return of its end, if it has one.
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
// given end

// ANCHOR: length_state
/// Frames with their length before them: four bytes, most significant first
/// ("network order"), as DNS over TCP (two bytes), PostgreSQL and Kafka do.
#[derive(Debug)]
pub struct LengthPrefixed {
    limit: usize, // of a frame without its length, in bytes
    buffer: Buffer,
}
// ANCHOR_END: length_state

// given: the fields' first values, and one that is read out
impl LengthPrefixed {
    /// Frames of at most `limit` bytes, not counting the length itself.
    pub fn new(limit: usize) -> LengthPrefixed {
        LengthPrefixed {
            limit,
            buffer: Buffer::default(),
        }
    }

    /// Bytes of memory held for what has arrived of the next frame.
    pub fn held(&self) -> usize {
        self.buffer.bytes.capacity()
    }
}
// given end

// ANCHOR: length
impl Framing for LengthPrefixed {
    fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let unread = self.buffer.unread()?;
        let mut cursor = Cursor::new(unread);
        let Ok(length) = cursor.u32_be() else {
            return Ok(None);
        };
        if length as usize > self.limit {
            let error = FrameError::Announced {
                length,
                limit: self.limit,
            };
            return Err(self.buffer.refuse(error));
        }
        let Ok(frame) = cursor.bytes(length as usize) else {
            return Ok(None);
        };
        let frame = frame.to_vec();
        self.buffer.consume(4 + frame.len());
        Ok(Some(frame))
    }
    // ANCHOR_END: length

    // ANCHOR: length_ends
    fn finish(&self) -> Result<(), FrameError> {
        match self.buffer.unread()?.len() {
            0 => Ok(()),
            have => Err(FrameError::Cut { have }),
        }
    }

    fn encode(
        &self,
        frame: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        let length = match u32::try_from(frame.len()) {
            Ok(length) if frame.len() <= self.limit => length,
            _ => return Err(FrameError::TooLong { limit: self.limit }),
        };
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(frame);
        Ok(())
    }
}
// ANCHOR_END: length_ends

// ANCHOR: frames
/// The frames of a blocking stream: the one place where a framing meets I/O.
#[derive(Debug)]
pub struct Frames<R, F> {
    from: R,
    framing: F,
    chunk: Vec<u8>,
}

impl<R: Read, F: Framing> Frames<R, F> {
    /// Reads from `from`, cutting with `framing`.
    pub fn new(from: R, framing: F) -> Frames<R, F> {
        Frames {
            from,
            framing,
            chunk: vec![0; CHUNK],
        }
    }

    /// The next frame, or `None` at an end of the stream that falls between
    /// two frames.
    ///
    /// # Errors
    /// What the stream says, or a [`FrameError`] wrapped as an `io::Error`:
    /// [`FrameError::within`] gets it out again.
    pub fn next_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(frame) = self.framing.next()? {
                return Ok(Some(frame));
            }
            match read_some(&mut self.from, &mut self.chunk)? {
                0 => return Ok(self.framing.finish().map(|()| None)?),
                count => self.framing.push(&self.chunk[..count]),
            }
        }
    }
}
// ANCHOR_END: frames

// ANCHOR: last_word
/// Says why, and hangs up so that the peer can read it. Waits for the peer's
/// end, for at most `limit` in all, whether the peer is silent or goes on
/// sending: enough for what was on its way, not for one that never stops.
///
/// A close with bytes unread sends RST instead of FIN (RFC 9293, section
/// 3.6.1). RST takes what we have not sent yet with it, and may take what
/// the peer has not read yet (RFC 9112, section 9.6). So the sending half is
/// closed first, and what still comes is read and dropped.
///
/// # Errors
/// What the stream says, before the last word is out.
pub fn last_word(
    mut stream: &TcpStream,
    word: &[u8],
    limit: Duration,
) -> io::Result<()> {
    write_all(&mut stream, word)?;
    stream.shutdown(Shutdown::Write)?;
    let clock = RealClock::new();
    let deadline = Deadline::after(&clock, limit);
    let mut dropped = vec![0; CHUNK];
    while !deadline.passed(&clock) {
        stream.set_read_timeout(Some(deadline.left(&clock).max(TICK)))?;
        if matches!(read_some(&mut stream, &mut dropped), Ok(0) | Err(_)) {
            break;
        }
    }
    Ok(())
}
// ANCHOR_END: last_word

// given: how an error reads and travels is not what this step is about
impl FrameError {
    /// The frame error that an I/O error carries, if it carries one.
    pub fn within(error: &io::Error) -> Option<FrameError> {
        error.get_ref()?.downcast_ref::<FrameError>().copied()
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong { limit } => {
                write!(f, "a frame of more than {limit} bytes")
            }
            FrameError::Announced { length, limit } => {
                write!(f, "a frame of {length} bytes announced, {limit} is ")?;
                write!(f, "the most")
            }
            FrameError::Cut { have } => {
                write!(f, "the stream ended {have} bytes into a frame")
            }
            FrameError::LineFeed { at } => {
                write!(f, "a line feed inside the frame, at byte {at}")
            }
        }
    }
}

impl std::error::Error for FrameError {}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> io::Error {
        let kind = match error {
            FrameError::Cut { .. } => io::ErrorKind::UnexpectedEof,
            FrameError::LineFeed { .. } => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}
// given end
