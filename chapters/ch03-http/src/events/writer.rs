//! Events to lines (WHATWG HTML, section 9.2.5).
//!
//! I51: what a field is given cannot become another field, or the end of the
//! event: a line end within data begins a new `data:` line, and within any
//! other field it is refused.
//!
//! A reader joins the lines of data with line feeds. So CR and CRLF within
//! data come out as LF: the format has no way to send them.

use std::fmt;
use std::time::Duration;

// ANCHOR: event
/// What goes to all who listen. All fields may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// What a reader gives as `Last-Event-ID` when it comes back.
    pub id: Option<&'a str>,
    /// The event's type; "message" to a reader if there is none.
    pub kind: Option<&'a str>,
    /// The text. An event without it is not handed out, but its id counts.
    pub data: Option<&'a str>,
    /// How long a reader is to wait before it connects again.
    pub retry: Option<Duration>,
}

/// What cannot be written: the field's value would end its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwritable {
    /// An id with a line end, or with a NUL, for which a reader ignores it.
    Id,
    /// A type with a line end.
    Kind,
}
// ANCHOR_END: event

// given: sentences
impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unwritable::Id => "an id has no line ends and no NUL",
            Unwritable::Kind => "a type has no line ends",
        })
    }
}
// given end

impl std::error::Error for Unwritable {}

// ANCHOR: write
/// Appends the event to `out`, with the blank line that hands it out.
///
/// # Errors
/// A field that cannot be written; then `out` is unchanged.
pub fn write(event: &Event, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let ends_line = |text: &str| text.contains(['\r', '\n']);
    if event
        .id
        .is_some_and(|id| ends_line(id) || id.contains('\0'))
    {
        return Err(Unwritable::Id);
    }
    if event.kind.is_some_and(ends_line) {
        return Err(Unwritable::Kind);
    }
    let mut field = |name: &str, value: &str| {
        // One blank after the colon: a reader takes one off (I51).
        out.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    };
    if let Some(id) = event.id {
        field("id", id);
    }
    if let Some(kind) = event.kind {
        field("event", kind);
    }
    if let Some(retry) = event.retry {
        field("retry", &retry.as_millis().to_string());
    }
    if let Some(data) = event.data {
        lines(data).for_each(|line| field("data", line));
    }
    out.push(b'\n');
    Ok(())
}

/// Appends a comment: nobody is told of it, but the connection carries
/// something, and a proxy between does not take it for dead.
pub fn comment(text: &str, out: &mut Vec<u8>) {
    for line in lines(text) {
        out.extend_from_slice(format!(": {line}\n").as_bytes());
    }
}
// ANCHOR_END: write

// ANCHOR: lines
/// The text's lines, which CRLF, LF or CR ends: one more than it has ends.
fn lines(text: &str) -> std::vec::IntoIter<&str> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        all.push(&rest[..at]);
        let end = if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[at + end..];
    }
    all.push(rest);
    all.into_iter()
}
// ANCHOR_END: lines
