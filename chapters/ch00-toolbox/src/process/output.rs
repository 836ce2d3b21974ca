//! What a process prints, kept by threads that read it as it comes.
//!
//! ```text
//! process ──stdout──▶ thread ──▶ last lines ──▶ whoever asks or waits
//!         ──stderr──▶ thread ──▶ last lines
//! ```
//!
//! A pipe holds 64 KiB on Linux, and a process that writes to a full one
//! stops. So the streams are read all the time, wanted or not, and what is
//! kept is bounded: the invariant I4 of `process`.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines kept of what a stage printed: the first, and the last.
const MAX_LINES: usize = 1_000;

/// The longest line kept; the rest of it counts as further lines.
const MAX_LINE: u64 = 8 * 1024;

/// What a process prints, read by a thread per stream as it comes (I4).
#[derive(Default)]
pub struct Output {
    tails: Mutex<Tails>,
    grown: Condvar,
}

/// Both of its streams.
#[derive(Default)]
pub struct Tails {
    /// Its standard output.
    pub stdout: Tail,
    /// Its standard error.
    pub stderr: Tail,
}

impl Output {
    /// What was printed so far.
    pub fn lock(&self) -> MutexGuard<'_, Tails> {
        // Lines are added whole: valid whoever panicked.
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is printed or a stream ends, or for `patience`.
    pub fn changed<'a>(
        &'a self,
        tails: MutexGuard<'a, Tails>,
        patience: Duration,
    ) -> MutexGuard<'a, Tails> {
        let waited = self.grown.wait_timeout(tails, patience);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

// ANCHOR: follow
/// Reads a stream to its end on a thread of its own.
pub fn follow(
    output: &Arc<Output>,
    stream: Option<impl Read + Send + 'static>,
    tail: fn(&mut Tails) -> &mut Tail,
) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        let mut reader = stream.map(BufReader::new);
        while let Some(open) = &mut reader {
            let mut line = Vec::new();
            let read = open.take(MAX_LINE).read_until(b'\n', &mut line);
            match read {
                Ok(1..) => tail(&mut output.lock()).push(&line),
                _ => reader = None,
            }
            // Lines that are here already come without a wait: tell of all
            // at once, and not of each.
            let here = reader.as_ref().map_or(&[][..], BufReader::buffer);
            if !here.contains(&b'\n') {
                output.grown.notify_all();
            }
        }
        tail(&mut output.lock()).ended = true;
        output.grown.notify_all();
    });
}
// ANCHOR_END: follow

/// The first line of a stream, and the last ones.
#[derive(Default)]
pub struct Tail {
    lines: VecDeque<String>,
    /// Of `lines`, how many [`Tail::find`] has looked at.
    looked_at: usize,
    ended: bool,
}

impl Tail {
    fn push(&mut self, line: &[u8]) {
        if self.lines.len() == MAX_LINES {
            // Not the first: it says where a stage listens, and whoever
            // waits for it may wake up a thousand lines later.
            self.lines.remove(1);
            if self.looked_at > 1 {
                self.looked_at -= 1;
            }
        }
        self.lines
            .push_back(String::from_utf8_lossy(line).into_owned());
    }

    /// The first line with `text` in it after the last that was found.
    pub fn find(&mut self, text: &str) -> Option<String> {
        while let Some(line) = self.lines.get(self.looked_at) {
            self.looked_at += 1;
            if line.contains(text) {
                return Some(line.trim_end().to_owned());
            }
        }
        None
    }

    /// The lines, without their ends.
    pub fn lines(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// The lines as they were printed.
    pub fn text(&self) -> String {
        self.lines.iter().map(String::as_str).collect()
    }

    /// Whether the stream has ended: every process that held it is gone, or
    /// has closed it.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}
