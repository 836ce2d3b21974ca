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
//! A name is what people are told apart by, so it is ASCII: `ann` has one
//! spelling. A message may be all that can be seen. Of what cannot, it keeps
//! joiners and variation selectors: scripts and emoji are written with them.
//! It loses the flags that are spelled with tags (Scotland's), since tags can
//! spell anything else as well, and nobody would see it.
//!
//! Left out: Unicode normalisation and the confusables of UTS #39. IRC servers
//! pass control characters on (mIRC's colours are ^C) and leave the terminal
//! to the client.

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// The longest name or room, in bytes. RFC 1459 §1.2 has 9 for a nickname.
pub const NAME_MAX: usize = 16;

// Telnet, RFC 854: the byte that starts a command, and the commands with
// more than one byte after it.
const IAC: u8 = 255;
const WILL_TO_DONT: RangeInclusive<u8> = 251..=254;
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
/// for what a terminal or a layout would obey, and for what nobody sees.
pub fn harmless(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{2028}' | '\u{2029}' => '\u{fffd}', // line and paragraph ends
        c if c.is_control() => '\u{fffd}', // C0, DEL, and C1 (U+009B is CSI)
        // These join letters (Persian, Hindi) and choose and join emoji.
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => c,
        c if unseen(c) => '\u{fffd}',
        c => c,
    }
}
// ANCHOR_END: readable

// ANCHOR: unseen
/// Characters without a shape of their own: Unicode's property
/// Default_Ignorable_Code_Point, from DerivedCoreProperties.txt. All the
/// bidirectional controls are among them.
const UNSEEN: [RangeInclusive<char>; 17] = [
    '\u{ad}'..='\u{ad}',       // soft hyphen
    '\u{34f}'..='\u{34f}',     // combining grapheme joiner
    '\u{61c}'..='\u{61c}',     // Arabic letter mark
    '\u{115f}'..='\u{1160}',   // Hangul fillers
    '\u{17b4}'..='\u{17b5}',   // Khmer vowels that are never written
    '\u{180b}'..='\u{180f}',   // Mongolian selectors and separator
    '\u{200b}'..='\u{200f}',   // zero width; left-to-right, right-to-left
    '\u{202a}'..='\u{202e}',   // embeddings and overrides
    '\u{2060}'..='\u{206f}',   // word joiner, isolates, invisible signs
    '\u{3164}'..='\u{3164}',   // Hangul filler
    '\u{fe00}'..='\u{fe0f}',   // variation selectors
    '\u{feff}'..='\u{feff}',   // byte order mark
    '\u{ffa0}'..='\u{ffa0}',   // Hangul filler, half width
    '\u{fff0}'..='\u{fff8}',   // not assigned, and never to be seen
    '\u{1bca0}'..='\u{1bca3}', // shorthand controls
    '\u{1d173}'..='\u{1d17a}', // beams and slurs of music
    '\u{e0000}'..='\u{e0fff}', // tags, and more selectors
];

fn unseen(c: char) -> bool {
    UNSEEN.iter().any(|range| range.contains(&c))
}
// ANCHOR_END: unseen

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
            let got = strip_telnet(input).escape_ascii().to_string();
            let expected = expected.escape_ascii().to_string();
            assert_eq!(got, expected, "input: {}", input.escape_ascii());
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

    /// I10: what has no shape becomes U+FFFD, but for what letters and emoji
    /// are joined and chosen with
    #[test]
    fn what_nobody_sees_is_shown() {
        let bidi = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}";
        let zero_width = "\u{ad}\u{34f}\u{200b}\u{2060}\u{feff}";
        let fillers = "\u{115f}\u{1160}\u{180e}\u{3164}\u{ffa0}\u{fff0}";
        let tags = "\u{e0001}\u{e0068}\u{e007f}\u{e0100}\u{e0fff}";
        for c in [bidi, zero_width, fillers, tags].concat().chars() {
            let got = harmless(c);
            assert_eq!(got, '\u{fffd}', "input: U+{:04X}", u32::from(c));
        }
        for seen in ["❤\u{fe0f}", "👩\u{200d}🔬", "می\u{200c}خواهم", "א", "ﷺ"]
        {
            let got = readable(seen.as_bytes());
            assert_eq!(got, Ok(seen.into()), "input: {seen}");
        }
        let count = UNSEEN.into_iter().flatten().count();
        assert_eq!(count, 4174, "input: the characters of the property");
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
        for unseen in UNSEEN.into_iter().flatten() {
            let bad = format!("ann{unseen}");
            assert_eq!(name(&bad), None, "input: {}", bad.escape_unicode());
        }
    }
}
