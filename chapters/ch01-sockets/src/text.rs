//! What a stranger may put on somebody else's screen.
//!
//! A line of chat ends up in other people's terminals, and a terminal obeys
//! bytes: `ESC ] 0 ; x BEL` renames the window, `ESC [ 2 J` wipes it, CSI
//! sequences can answer back as if typed. So a line passes three gates, in
//! this order, before anybody else sees it:
//!
//! ```text
//!   bytes ── telnet commands out ── UTF-8? ── controls replaced ──▶ text
//!             (RFC 854)              no: refused, to the sender alone
//! ```
//!
//! I10: no byte of a peer reaches another peer's terminal as a control
//! character, and no line of a peer can look like a line of the server.
//!
//! Left out: Unicode normalisation and the confusables of UTS #39. Names are
//! ASCII instead, so that `ann` has one spelling. IRC servers pass control
//! characters on (mIRC's colours are ^C) and leave the terminal to the client.

use std::borrow::Cow;

/// The longest name or room, in bytes. RFC 1459 §1.2 has 9 for a nickname.
pub const NAME_MAX: usize = 16;

// Telnet, RFC 854: the byte that starts a command, and the commands with
// more than one byte after it.
const IAC: u8 = 255;
const WILL_TO_DONT: std::ops::RangeInclusive<u8> = 251..=254;
const SB: u8 = 250;
const SE: u8 = 240;

// ANCHOR: telnet
/// `line` without the telnet commands in it; `IAC IAC` is one byte 255.
///
/// A command that the line's end cuts off goes too. We never answer: an
/// option nobody agrees to stays off (RFC 854, "General Considerations").
pub fn strip_telnet(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&IAC) {
        return Cow::Borrowed(line);
    }
    let mut kept = Vec::with_capacity(line.len());
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        at += 1;
        if byte != IAC {
            kept.push(byte);
            continue;
        }
        match line.get(at) {
            Some(&IAC) => {
                kept.push(IAC);
                at += 1;
            }
            Some(command) if WILL_TO_DONT.contains(command) => at += 2,
            Some(&SB) => {
                let rest = line.get(at..).unwrap_or_default();
                let end = rest.windows(2).position(|w| w == [IAC, SE]);
                at = end.map_or(line.len(), |end| at + end + 2);
            }
            _ => at += 1, // two bytes in all: NOP, IP, AYT, …
        }
    }
    Cow::Owned(kept)
}
// ANCHOR_END: telnet

// ANCHOR: readable
/// The text of a line, safe to print; or where it stops being UTF-8.
///
/// # Errors
/// The offset of the first byte that is not UTF-8, counted after telnet's
/// commands are out.
pub fn readable(line: &[u8]) -> Result<Cow<'_, str>, usize> {
    // `&` and not `all`: no way out early lets it look at 32 bytes at once.
    let plain = |ok, byte: &u8| ok & matches!(byte, b' '..=b'~');
    if line.iter().fold(true, plain)
        && let Ok(text) = std::str::from_utf8(line)
    {
        return Ok(Cow::Borrowed(text)); // most lines, and not copied
    }
    let line = strip_telnet(line);
    let text = std::str::from_utf8(&line).map_err(|bad| bad.valid_up_to())?;
    Ok(text.chars().map(harmless).collect())
}

/// The character itself, or what stands for it: a space for a tab, U+FFFD
/// for what a terminal or a bidirectional layout would obey.
pub fn harmless(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{2028}' | '\u{2029}' => '\u{fffd}', // line and paragraph ends
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}', // C0, DEL, and C1 (U+009B is CSI)
        c => c,
    }
}
// ANCHOR_END: readable

// ANCHOR: name
/// `text` as a name, or `None`: 1 to 16 of ASCII letters, digits, `-`, `_`,
/// the first of them a letter.
pub fn name(text: &str) -> Option<&str> {
    let letter_first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let fits = text.len() <= NAME_MAX;
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    (letter_first && fits && text.bytes().all(plain)).then_some(text)
}

/// What a name is compared by: `Ann` and `ann` are one name.
pub fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
// ANCHOR_END: name

#[cfg(test)]
mod tests {
    use super::*;

    /// I10: telnet's commands vanish, wherever in the line they stand
    #[test]
    fn telnet_commands_are_taken_out() {
        let check = |input: &[u8], expected: &[u8]| {
            assert_eq!(&*strip_telnet(input), expected, "input: {input:?}");
        };
        check(b"plain", b"plain");
        check(b"\xff\xfd\x03ann", b"ann"); // DO SUPPRESS-GO-AHEAD
        check(b"\xff\xfb\x18\xff\xfb\x1fann", b"ann"); // WILL x, WILL y
        check(b"a\xff\xffb", b"a\xffb"); // an escaped 255
        check(b"\xff\xfa\x18\x00xterm\xff\xf0ann", b"ann"); // SB … SE
        check(b"\xff\xf4\xff\xfd\x06hi", b"hi"); // Ctrl-C: IP, DO TM
        check(b"hi\xff", b"hi"); // cut off after IAC
        check(b"hi\xff\xfd", b"hi"); // cut off before the option
        check(b"hi\xff\xfa\x18never", b"hi"); // SB without its SE
    }

    /// I10: a terminal's and a layout's controls come out as U+FFFD
    #[test]
    fn controls_are_replaced() {
        let check = |input: &str, expected: Result<&str, usize>| {
            let got = readable(input.as_bytes());
            assert_eq!(got, expected.map(Cow::from), "input: {input:?}");
        };
        check("grüße, 世界 🦀", Ok("grüße, 世界 🦀"));
        check("a\tb", Ok("a b"));
        check("\x1b[2Jwiped", Ok("\u{fffd}[2Jwiped"));
        check("\u{9b}2Jwiped", Ok("\u{fffd}2Jwiped"));
        check("a\rb\0c\x7f", Ok("a\u{fffd}b\u{fffd}c\u{fffd}"));
        check("\u{202e}gnp.exe", Ok("\u{fffd}gnp.exe"));
        check("a\u{2028}* server", Ok("a\u{fffd}* server"));
    }

    /// I10: what is not UTF-8 is refused, with its place
    #[test]
    fn not_utf8_is_refused_with_its_offset() {
        assert_eq!(readable(b"caf\xe9"), Err(3), "input: Latin-1");
        assert_eq!(readable(b"\xc0\xaf"), Err(0), "input: an overlong /");
        assert_eq!(readable(b"ok\xed\xa0\x80"), Err(2), "input: surrogate");
        assert_eq!(readable(b"\xff\xff"), Err(0), "input: escaped 255");
    }

    /// I8: names are plain and bounded
    #[test]
    fn names() {
        let long = "a".repeat(NAME_MAX);
        for good in ["a", "Ann", "r2-d2", "x_y", long.as_str()] {
            assert_eq!(name(good), Some(good), "input: {good}");
        }
        let longer = "a".repeat(NAME_MAX + 1);
        let bad = ["", "2pac", "-a", "a b", "a:", "änn", "a\u{fffd}", &longer];
        for bad in bad {
            assert_eq!(name(bad), None, "input: {bad:?}");
        }
    }
}
