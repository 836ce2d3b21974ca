//! How the runner's words look: coloured on a terminal, plain over a pipe and with `NO_COLOR`; 80 columns.

use std::io::IsTerminal;

/// The widest line that the runner prints of its own.
pub const WIDTH: usize = 80;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences are written.
    pub colour: bool,
}

impl Style {
    /// Colour where stdout is a terminal that can show it and nobody objects (<https://no-color.org>).
    pub fn stdout() -> Style {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Style { colour: std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb }
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_string(),
        }
    }

    /// What is right, or the book's.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What is wrong, or yours.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What is not there yet.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// Breaks a text at spaces so that its lines fit into [`WIDTH`] behind `indent`; a word that does not fit stands alone.
pub fn wrap(text: &str, indent: &str) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut line = String::from(indent);
        let mut empty = true;
        for word in paragraph.split_whitespace() {
            let length = line.chars().count() + word.chars().count() + usize::from(!empty);
            if !empty && length > WIDTH {
                out.push_str(&line);
                out.push('\n');
                line = String::from(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A text that the reader's code, a compiler or a server has said, for a terminal: what would move the cursor, clear the
/// screen or turn the writing around is spelled out. `\r\n` is a line's end.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\t' => out.push(letter),
            // DEL and what is below a space, the second set of controls, and the marks of the direction of writing.
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(letter))),
            '\u{80}'..='\u{9f}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => out.extend(letter.escape_unicode()),
            _ => out.push(letter),
        }
    }
    out
}

/// The same for what the compiler has coloured on our behalf: colours stay.
pub fn shown_in_colour(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split("\x1b[");
    out.push_str(&shown(parts.next().unwrap_or_default()));
    for part in parts {
        let is_colour = part
            .split_once('m')
            .is_some_and(|(code, _)| code.bytes().all(|b| b.is_ascii_digit() || b == b';'));
        out.push_str(if is_colour { "\x1b[" } else { "\\x1b[" });
        out.push_str(&shown(part));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        for (text, expected) in [
            ("a\tb\n", "a\tb\n"),
            ("a\r\nb\rc", "a\nb\\x0dc"),
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("\u{9b}2J \x7f", "\\u{9b}2J \\x7f"),
            ("\u{202e}", "\\u{202e}"),
            ("größer €😀", "größer €😀"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
            assert_eq!(shown(&shown(text)), expected, "{text:?} twice");
        }
        let coloured = "\x1b[1;31merror\x1b[0m \x1b[2J\x1b[m";
        assert_eq!(shown_in_colour(coloured), "\x1b[1;31merror\x1b[0m \\x1b[2J\x1b[m");
        assert_eq!(shown(coloured), "\\x1b[1;31merror\\x1b[0m \\x1b[2J\\x1b[m");
    }

    #[test]
    fn lines_break_at_spaces_and_never_within_a_word() {
        let long = "x".repeat(90);
        assert_eq!(wrap("a b", "  "), "  a b\n");
        assert_eq!(wrap(&format!("a {long} b"), "  "), format!("  a\n  {long}\n  b\n"));
        let words = "word ".repeat(45);
        assert!(wrap(&words, "    ").lines().all(|line| line.len() <= WIDTH && line.len() > 70));
    }
}
