//! Lists: values that are separated by commas (RFC 9110, section 5.6.1).
//!
//! ```text
//! Connection: close, TE              close | TE
//! Connection: upgrade                upgrade: a second field goes on with it
//! Expect: a="1, 2", ,b               a="1, 2" | b
//! ```
//!
//! A comma within a quoted string (section 5.6.4) is part of it, and a
//! backslash there takes the byte behind it literally. Empty members are
//! left out, as a recipient must. A quoted string that never ends takes the
//! rest of its field with it.

// ANCHOR: list
/// The members of a list, over all fields of a name: see
/// [`Headers::list`](ch03_http::head::Headers::list).
#[derive(Debug, Clone)]
pub struct List<'a, I> {
    values: I,
    rest: &'a [u8], // of the value at hand
}

// given: the fields' first values
impl<'a, I: Iterator<Item = &'a [u8]>> List<'a, I> {
    /// The list that these values are.
    pub fn new(values: I) -> List<'a, I> {
        List { values, rest: &[] }
    }
}
// given end

impl<'a, I: Iterator<Item = &'a [u8]>> Iterator for List<'a, I> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if self.rest.is_empty() {
                self.rest = self.values.next()?;
            }
            let (member, rest) = split(self.rest, b',');
            self.rest = rest;
            if !member.is_empty() {
                return Some(member);
            }
        }
    }
}
// ANCHOR_END: list

// ANCHOR: split
/// What stands before the first `separator` that is not in a quoted string,
/// without the spaces and tabs around it, and what stands behind it.
pub fn split(value: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in value.iter().enumerate() {
        if byte == separator && !quoted {
            return (trim(&value[..at]), &value[at + 1..]);
        }
        quoted ^= byte == b'"' && !escaped;
        escaped = quoted && byte == b'\\' && !escaped;
    }
    (trim(value), &[])
}

/// Without the spaces and tabs around it.
pub fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii() // no other white space can stand in a value
}
// ANCHOR_END: split
