//! "Only if it has changed": RFC 9110, section 13.
//!
//! ```text
//!   If-Match ───────────── no match ──────────────────────────▶ 412
//!   else If-Unmodified-Since ── modified since ───────────────▶ 412
//!   then If-None-Match ─── match: GET, HEAD ▶ 304, others ────▶ 412
//!   else If-Modified-Since (GET, HEAD) ── not modified ───────▶ 304
//!   then Range, if If-Range agrees
//! ```

use std::time::Duration;

use ch03_http::date;
use ch03_http::head::Headers;

// ANCHOR: validators
/// What tells two states of a file apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag, with its quotes: strong, since it is made from the
    /// length and from nanoseconds.
    pub etag: String,
    /// The last modification, in whole seconds since 1970.
    pub modified: Duration,
    /// Whether that second is over, so that no other state can share it: a
    /// strong validator (RFC 9110, section 8.8.2.2).
    pub is_date_strong: bool,
}

impl Validators {
    /// Those of a file of so many bytes, modified at this time, at the time
    /// `now`. A time in the future becomes now (section 8.8.2.1).
    pub fn of(length: u64, modified: Duration, now: Duration) -> Validators {
        let second = modified.min(now).as_secs();
        Validators {
            etag: format!("\"{:x}-{length:x}\"", modified.as_nanos()),
            modified: Duration::from_secs(second),
            is_date_strong: second < now.as_secs(),
        }
    }
}
// ANCHOR_END: validators

/// What is to be done with a request that has conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// What was asked for.
    Go,
    /// The client has it: 304.
    NotModified,
    /// The client was about to act on another state: 412.
    Failed,
}

// ANCHOR: evaluate
/// Evaluates the conditions in the order of RFC 9110, section 13.2.2.
/// `is_read`: the method is GET or HEAD. What is not one date is ignored.
pub fn evaluate(
    headers: &Headers<'_>,
    now: &Validators,
    is_read: bool,
) -> Verdict {
    let since = |name| only(headers, name).and_then(date::parse);
    if headers.get("if-match").is_some() {
        if !matches(headers, "if-match", &now.etag, true) {
            return Verdict::Failed;
        }
    } else if since("if-unmodified-since").is_some_and(|d| now.modified > d) {
        return Verdict::Failed;
    }
    if headers.get("if-none-match").is_some() {
        return match matches(headers, "if-none-match", &now.etag, false) {
            false => Verdict::Go,
            true if is_read => Verdict::NotModified,
            true => Verdict::Failed,
        };
    }
    match since("if-modified-since") {
        Some(d) if is_read && now.modified <= d => Verdict::NotModified,
        _ => Verdict::Go,
    }
}

/// The value of a field that may stand once: `None` where it stands twice,
/// since nobody knows which one was meant.
pub fn only<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a [u8]> {
    let mut all = headers.all(name);
    let first = all.next()?;
    all.next().is_none().then_some(first)
}
// ANCHOR_END: evaluate

// ANCHOR: if_range
/// Whether a Range field counts: there is no If-Range, or it names just this
/// state. A weak tag never does, nor a date that is not the very same, nor
/// one that is weak (RFC 9110, section 13.1.5).
pub fn range_counts(headers: &Headers<'_>, now: &Validators) -> bool {
    if headers.get("if-range").is_none() {
        return true;
    }
    match only(headers, "if-range") {
        None => false,
        Some(value) if value == now.etag.as_bytes() => true,
        Some(value) => {
            now.is_date_strong && date::parse(value) == Some(now.modified)
        }
    }
}
// ANCHOR_END: if_range

// ANCHOR: matches
/// Whether a field's tags have this one, or it is `*`. The strong comparison
/// takes no weak tag; the weak one passes over `W/` (section 8.8.3.2).
fn matches(
    headers: &Headers<'_>,
    name: &str,
    etag: &str,
    is_strong: bool,
) -> bool {
    let mut values = headers.all(name);
    values.any(|value| value == b"*" || has(value, etag.as_bytes(), is_strong))
}

/// Looks through a list of tags, up to what is none. Not an ordinary list:
/// a backslash in a tag is a backslash (section 8.8.3).
fn has(mut list: &[u8], etag: &[u8], is_strong: bool) -> bool {
    loop {
        let start = list.iter().position(|b| !b" \t,".contains(b));
        list = &list[start.unwrap_or(list.len())..];
        let opaque = list.strip_prefix(b"W/");
        let is_weak = opaque.is_some();
        let Some(rest) = opaque.unwrap_or(list).strip_prefix(b"\"") else {
            return false;
        };
        let Some(end) = rest.iter().position(|byte| *byte == b'"') else {
            return false;
        };
        let is_same = etag.get(1..etag.len() - 1) == Some(&rest[..end]);
        if is_same && !(is_weak && is_strong) {
            return true;
        }
        list = &rest[end + 1..];
    }
}
// ANCHOR_END: matches
