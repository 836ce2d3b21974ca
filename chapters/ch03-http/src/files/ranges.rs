//! Parts of a file: RFC 9110, section 14.
//!
//! ```text
//! bytes=0-99        the first hundred
//! bytes=100-        from there to the end
//! bytes=-100        the last hundred
//! bytes=0-0,-1      the first and the last byte: two parts
//! ```
//!
//! A server may ignore a Range field, so whatever is not understood, and
//! whatever would cost more than the file (many small or overlapping ranges:
//! CVE-2011-3192, with which a few requests ended an Apache), gets the file.

use std::ops::Range;

/// The most ranges that are answered one by one.
pub const MAX_RANGES: usize = 16;

// ANCHOR: asked
/// What a Range field asks for, of a file of a certain length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The whole file: no field, or one that is ignored.
    Whole,
    /// These parts, none of them empty, none overlapping another.
    Parts(Vec<Range<u64>>),
    /// Nothing that the file has: 416.
    Nothing,
}

/// Reads the field. An empty file has no parts, so all of it is sent.
pub fn asked(field: Option<&[u8]>, length: u64) -> Asked {
    let text = field.and_then(|field| std::str::from_utf8(field).ok());
    let Some((unit, set)) = text.and_then(|text| text.split_once('=')) else {
        return Asked::Whole;
    };
    if !unit.eq_ignore_ascii_case("bytes") || length == 0 {
        return Asked::Whole;
    }
    let (mut parts, mut specs) = (Vec::new(), 0);
    for spec in set.split(',').map(|spec| spec.trim_matches([' ', '\t'])) {
        if spec.is_empty() {
            continue; // as in any list (RFC 9110, section 5.6.1.2)
        }
        let Some(part) = part(spec, length) else {
            return Asked::Whole; // not the grammar's
        };
        specs += 1;
        if specs > MAX_RANGES {
            return Asked::Whole;
        }
        if !part.is_empty() {
            parts.push(part); // else past the end
        }
    }
    match parts.len() {
        _ if specs == 0 || overlap(&parts) => Asked::Whole,
        0 => Asked::Nothing,
        _ => Asked::Parts(parts),
    }
}
// ANCHOR_END: asked

// ANCHOR: part
/// One range; empty if the file has none of it. `None`: it is no range.
fn part(spec: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let start = length.saturating_sub(number(last)?);
        return Some(start..length);
    }
    let first = number(first)?;
    let end = match last {
        "" => length,
        last => {
            let last = number(last)?;
            if last < first {
                return None;
            }
            length.min(last.saturating_add(1))
        }
    };
    Some(first.min(end)..end)
}

/// Digits alone; what does not fit is more than any file has.
fn number(digits: &str) -> Option<u64> {
    let is_number =
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn overlap(parts: &[Range<u64>]) -> bool {
    let mut sorted: Vec<&Range<u64>> = parts.iter().collect();
    sorted.sort_unstable_by_key(|part| part.start);
    sorted.windows(2).any(|pair| pair[0].end > pair[1].start)
}
// ANCHOR_END: part
