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
}

impl Validators {
    /// Those of a file of so many bytes, modified at this time.
    pub fn of(length: u64, modified: Duration) -> Validators {
        Validators {
            etag: format!("\"{:x}-{length:x}\"", modified.as_nanos()),
            modified: Duration::from_secs(modified.as_secs()),
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
/// `is_read`: the method is GET or HEAD. Dates that are none are ignored.
pub fn evaluate(
    headers: &Headers<'_>,
    now: &Validators,
    is_read: bool,
) -> Verdict {
    let since = |name| headers.get(name).and_then(date::parse);
    if has(headers, "if-match") {
        if !matches(headers, "if-match", &now.etag, true) {
            return Verdict::Failed;
        }
    } else if since("if-unmodified-since").is_some_and(|d| now.modified > d) {
        return Verdict::Failed;
    }
    if has(headers, "if-none-match") {
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
// ANCHOR_END: evaluate

// ANCHOR: if_range
/// Whether a Range field counts: there is no If-Range, or it names just this
/// state. A weak tag never does, nor a date that is not the very same.
pub fn range_counts(headers: &Headers<'_>, now: &Validators) -> bool {
    match headers.get("if-range") {
        None => true,
        Some(value) if value.first() == Some(&b'"') => {
            value == now.etag.as_bytes()
        }
        Some(value) => date::parse(value) == Some(now.modified),
    }
}
// ANCHOR_END: if_range

fn has(headers: &Headers<'_>, name: &str) -> bool {
    headers.get(name).is_some()
}

// ANCHOR: matches
/// Whether a list of tags has this one, or is `*`. The strong comparison
/// takes no weak tag; the weak one passes over `W/` (section 8.8.3.2).
fn matches(
    headers: &Headers<'_>,
    name: &str,
    etag: &str,
    is_strong: bool,
) -> bool {
    headers.list(name).any(|tag| {
        let weak = tag.strip_prefix(b"W/");
        match weak {
            _ if tag == b"*" => true,
            Some(tag) => !is_strong && tag == etag.as_bytes(),
            None => tag == etag.as_bytes(),
        }
    })
}
// ANCHOR_END: matches
