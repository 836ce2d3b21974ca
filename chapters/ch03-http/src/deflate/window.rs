//! What a decoder has written: the last 32 KiB of it, and what nobody has
//! fetched yet.
//!
//! ```text
//!   0            sent        at             FULL        SIZE
//!   │  at least   │  not yet  │   free        │  slack    │
//!   │  32 KiB     │  handed   │               │  for one  │
//!   │  of history │  out      │               │  copy     │
//! ```
//!
//! A ring would copy without ever moving the history; but then every copy has
//! to ask whether it crosses the end. Here 32 KiB move for each 96 KiB.
//!
//! - A copy never reads before the first byte of the stream. It cannot reach
//!   further back than 32 KiB: no symbol says so.

use ch03_http::deflate::symbols::LONGEST;
use ch03_http::deflate::{Error, WINDOW};

/// No copy begins at or after this.
const FULL: usize = 3 * WINDOW;

/// One copy may go on past `FULL`, in steps of [`STEP`] bytes.
const SIZE: usize = FULL + LONGEST + STEP;

/// How much is copied at a time.
const STEP: usize = 16;

/// A decoder's output.
#[derive(Debug, Clone)]
pub struct Window {
    bytes: Box<[u8; SIZE]>,
    /// Up to here it is written.
    at: usize,
    /// Up to here it is handed out.
    sent: usize,
}

impl Default for Window {
    fn default() -> Window {
        let bytes = Box::new([0; SIZE]);
        Window {
            bytes,
            at: 0,
            sent: 0,
        }
    }
}

impl Window {
    /// Room for further bytes; a copy fits where there is any.
    #[inline(always)]
    pub fn room(&self) -> usize {
        FULL.saturating_sub(self.at)
    }

    /// Bytes that are not handed out.
    pub fn pending(&self) -> usize {
        self.at - self.sent
    }

    // ANCHOR: drain
    /// Moves bytes to the end of `out`, at most `limit`, and says how many.
    /// Makes room when all are handed out and there is none.
    pub fn drain(&mut self, out: &mut Vec<u8>, limit: usize) -> usize {
        let count = limit.min(self.pending());
        out.extend_from_slice(&self.bytes[self.sent..][..count]);
        self.sent += count;
        if self.pending() == 0 && self.room() == 0 {
            self.bytes.copy_within(self.at - WINDOW..self.at, 0);
            self.at = WINDOW;
            self.sent = WINDOW;
        }
        count
    }
    // ANCHOR_END: drain

    /// Appends what there is room for, and says how much that was.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        self.bytes[self.at..][..count].copy_from_slice(&bytes[..count]);
        self.at += count;
        count
    }
}

impl Window {
    /// Appends one byte, for which there is room.
    #[inline(always)]
    pub fn push(&mut self, byte: u8) {
        self.bytes[self.at] = byte;
        self.at += 1;
    }

    // ANCHOR: copy
    /// Appends `length` bytes, at most 258, as they stand `distance` bytes
    /// back, at most 32 KiB. There is room. The copy may read what it has just
    /// written: that is how three bytes become two hundred.
    ///
    /// # Errors
    /// Nothing stands there.
    #[inline(always)]
    pub fn copy(
        &mut self,
        distance: usize,
        length: usize,
    ) -> Result<(), Error> {
        if distance > self.at {
            return Err(Error::Distance);
        }
        let (from, to) = (self.at - distance, self.at);
        self.at += length;
        if distance >= STEP {
            let mut done = 0;
            while done < length {
                let mut step = [0; STEP];
                step.copy_from_slice(&self.bytes[from + done..][..STEP]);
                self.bytes[to + done..][..STEP].copy_from_slice(&step);
                done += STEP;
            }
        } else if distance == 1 {
            let byte = self.bytes[from];
            self.bytes[to..to + length].fill(byte);
        } else {
            for at in to..to + length {
                self.bytes[at] = self.bytes[at - distance];
            }
        }
        Ok(())
    }
    // ANCHOR_END: copy
}
