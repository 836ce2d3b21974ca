//! Lines to events (WHATWG HTML, section 9.2.6).
//!
//! - I52: the events are those of the standard, however the bytes are cut: a
//!   CR at the end of one piece and an LF at the start of the next are one
//!   line end. No byte is looked at twice.
//! - I50: what is kept is at most the limit: one line, and one event's data
//!   and type.
//!
//! A line is decoded when it is whole. Line ends are no part of any other
//! character in UTF-8, so this is the same as decoding the stream.

use std::fmt;
use std::time::Duration;

// ANCHOR: parsed
/// An event as a reader is handed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its type, "message" unless it has another.
    pub kind: String,
    /// The lines of data, joined with line feeds.
    pub data: String,
    /// The last id that was seen up to it; empty if there was none.
    pub last_id: String,
}

/// A line, or an event's data, is over the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// The most bytes that are kept.
    pub limit: usize,
}

/// Reads a stream of events.
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// The bytes of the line that is not whole yet.
    line: Vec<u8>,
    after_cr: bool, // an LF that comes now belongs to the line end before it
    first: bool,    // no line was whole yet: there may be a BOM
    kind: String,
    data: String,
    id: String,
    last_id: String,
    retry: Option<Duration>,
    failed: bool,
}
// ANCHOR_END: parsed

// given: the sentence of an error
impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event of more than {} bytes", self.limit)
    }
}
// given end

impl std::error::Error for TooLong {}

impl Parser {
    // given: the fields' first values
    /// A reader at the stream's start. `last_id` is the one of the
    /// connection before, empty for the first.
    pub fn new(limit: usize, last_id: &str) -> Parser {
        Parser {
            limit,
            line: Vec::new(),
            after_cr: false,
            first: true,
            kind: String::new(),
            data: String::new(),
            id: last_id.to_owned(),
            last_id: last_id.to_owned(),
            retry: None,
            failed: false,
        }
    }
    // given end

    // ANCHOR: next
    /// The next event, whose bytes are taken off the front of `input`;
    /// `None` when all of it is taken and more is needed. What is not whole
    /// at the stream's end is not an event.
    ///
    /// # Errors
    /// More than the limit would have to be kept, now or earlier.
    pub fn next(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Received>, TooLong> {
        while !input.is_empty() && !self.failed {
            if std::mem::take(&mut self.after_cr) && input[0] == b'\n' {
                *input = &input[1..];
                continue;
            }
            let end = input.iter().position(|&b| b == b'\n' || b == b'\r');
            self.line
                .extend_from_slice(&input[..end.unwrap_or(input.len())]);
            let kept = self.line.len() + self.data.len() + self.kind.len();
            self.failed = kept > self.limit;
            let Some(end) = end else {
                *input = &[];
                continue;
            };
            self.after_cr = input[end] == b'\r';
            *input = &input[end + 1..];
            if !self.failed
                && let Some(event) = self.end_line()
            {
                return Ok(Some(event));
            }
        }
        if self.failed {
            (self.line, self.data) = (Vec::new(), String::new());
            *input = &[];
            return Err(TooLong { limit: self.limit });
        }
        Ok(None)
    }
    // ANCHOR_END: next

    // ANCHOR: line
    /// A line is whole: a field, a comment, or the end of an event.
    fn end_line(&mut self) -> Option<Received> {
        let line = std::mem::take(&mut self.line);
        let mut line = &line[..];
        if std::mem::take(&mut self.first) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(line);
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.kind = value.to_owned(),
            "data" => {
                self.data += value;
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = value.to_owned(),
            "retry" => self.retry = milliseconds(value).or(self.retry),
            _ => {} // a comment has an empty name
        }
        None
    }

    /// Hands out what the fields have collected, if there was data.
    fn dispatch(&mut self) -> Option<Received> {
        self.last_id.clone_from(&self.id);
        let kind = std::mem::take(&mut self.kind);
        let mut data = std::mem::take(&mut self.data);
        data.pop()?; // the last line feed
        let default = || "message".to_owned();
        Some(Received {
            kind: if kind.is_empty() { default() } else { kind },
            data,
            last_id: self.last_id.clone(),
        })
    }
    // ANCHOR_END: line

    // ANCHOR: rest
    /// What to send as `Last-Event-ID` when connecting again.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// How long the server asks to wait before connecting again.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
    // ANCHOR_END: rest
}

// ANCHOR: milliseconds
/// A number of ASCII digits and nothing else, not even a sign.
fn milliseconds(value: &str) -> Option<Duration> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_millis(value.parse().unwrap_or(u64::MAX)))
}
// ANCHOR_END: milliseconds
