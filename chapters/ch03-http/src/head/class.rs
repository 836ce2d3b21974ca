//! Which bytes may stand where, and how far a run of them goes.
//!
//! A head is scanned with three questions: where does this token end, where
//! does this target end, where does this value end? Each is a class of bytes.
//! Tokens are short and asked byte by byte, from a table. The others are
//! asked of many bytes at once:
//!
//! - of 16 whether all are in the class, with no branch between them: the
//!   compiler makes a few vector instructions of that;
//! - where one is not, of 8, to find its place: a word of 64 bits holds
//!   eight *lanes*, and each instruction works on all of them.
//!
//! ```text
//! bytes             k  e  e  p  CR LF H  o    the first in the lowest lane
//! value_stops(w)    00 00 00 00 80 80 00 00   80 where the run ends
//! trailing zeros    39, so lane 39 / 8 = 4
//! ```
//!
//! - The lowest lane that is marked is right, and none below it should be.
//!   Those above may be marked wrongly: a subtraction borrows from them.
//!   Nobody asks for more than the lowest.
//! - What a lane says of a byte is what its class says, but for the tab,
//!   about which the class is asked again.
//!
//! Left out: vector instructions by name, chosen while the program runs.
//! They look at 32 bytes or 64, and need `unsafe`.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

// given: the compiler evaluates it, so a starter cannot cut it
/// RFC 9110, section 5.6.2: the characters of a token.
///
/// ```text
/// tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
///         "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
/// ```
const TOKEN: [bool; 256] = {
    let marks = b"!#$%&'*+-.^_`|~";
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};
// given end

// ANCHOR: classes
/// Whether the byte may stand in a method or in a field's name.
pub fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Whether the byte may stand in a request's target: visible ASCII without
/// `#`, since a fragment never travels (RFC 9112, section 3.2). RFC 3986
/// allows less, but what browsers send (`|`, `{`, `"`) is more than that.
pub fn is_target(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7f) & (byte != b'#')
}

/// Whether the byte may stand in a field's value (RFC 9110, section 5.5):
/// visible ASCII, a space, a tab, or a byte over 0x7f.
pub fn is_value(byte: u8) -> bool {
    (byte >= b' ') & (byte != 0x7f) | (byte == b'\t')
}
// ANCHOR_END: classes

// ANCHOR: lanes
/// 80 in each lane whose byte is less than `least`, which is at most 0x80.
fn below(word: u64, least: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(least)) & !word & HIGHS
}

/// 80 in each lane that holds `byte`.
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

/// 80 in each lane whose byte ends a target.
fn target_stops(word: u64) -> u64 {
    below(word, b'!') | equal(word, 0x7f) | equal(word, b'#') | word & HIGHS
}

/// 80 in each lane whose byte ends a value; a tab as well, which does not.
fn value_stops(word: u64) -> u64 {
    below(word, b' ') | equal(word, 0x7f)
}
// ANCHOR_END: lanes

// ANCHOR: runs
/// Where the run of token bytes that begins at `from` ends: the index of the
/// first byte that is none, or the length. Names are short: byte by byte.
#[inline(always)]
pub fn token_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while bytes.get(at).is_some_and(|byte| is_token(*byte)) {
        at += 1;
    }
    at
}
// ANCHOR_END: runs

// given: one name for each class
/// As [`token_end`], for the bytes of a target.
#[inline(always)]
pub fn target_end(bytes: &[u8], from: usize) -> usize {
    run_end(bytes, from, target_stops, is_target)
}

/// As [`token_end`], for the bytes of a value.
#[inline(always)]
pub fn value_end(bytes: &[u8], from: usize) -> usize {
    run_end(bytes, from, value_stops, is_value)
}
// given end

// ANCHOR: run_end
/// Where the run of a class ends that begins at `from`; `stops` marks the
/// lanes whose byte may not be in it.
#[inline(always)]
fn run_end(
    bytes: &[u8],
    from: usize,
    stops: fn(u64) -> u64,
    is_in: fn(u8) -> bool,
) -> usize {
    let mut at = from;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>)
    {
        if !block.iter().fold(true, |all, byte| all & is_in(*byte)) {
            break;
        }
        at += block.len();
    }
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = stops(u64::from_le_bytes(*word));
        at += found.trailing_zeros() as usize / 8; // 64 / 8 where none is
        if found != 0 {
            if !is_in(bytes[at]) {
                return at;
            }
            at += 1; // a tab
        }
    }
    while bytes.get(at).is_some_and(|byte| is_in(*byte)) {
        at += 1;
    }
    at
}
// ANCHOR_END: run_end

#[cfg(test)]
mod tests {
    use super::*;

    /// I2: for each byte, in each of eight lanes and in the rest of a slice,
    /// the run ends where the table says.
    #[test]
    fn lanes_and_tables_agree() {
        type Class = (&'static str, fn(&[u8], usize) -> usize, fn(u8) -> bool);
        let classes: [Class; 3] = [
            ("token", token_end, is_token),
            ("target", target_end, is_target),
            ("value", value_end, is_value),
        ];
        for (name, end, is_in) in classes {
            for byte in 0..=255 {
                for lane in 0..19 {
                    let mut bytes = [b'a'; 19];
                    bytes[lane] = byte;
                    // What lies above must not matter.
                    if let Some(next) = bytes.get_mut(lane + 1) {
                        *next = byte.wrapping_add(1);
                    }
                    let expected = bytes.iter().position(|b| !is_in(*b));
                    let expected = expected.unwrap_or(bytes.len());
                    let got = end(&bytes, 0);
                    assert_eq!(got, expected, "{name}: {byte:#x} at {lane}");
                }
            }
        }
    }
}
