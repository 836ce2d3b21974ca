//! The table for a page.

use std::fmt::Write as _;

/// What stands in the table, in its order.
pub enum Part<'a> {
    /// What the requests below have in common: a table of its own.
    Title(&'a str),
    /// A comment on those that follow.
    Comment(&'a str),
    /// A request, what was answered to it three times, and who is right.
    Request(&'a str, [String; 4]),
}

/// The table of a page.
pub fn table(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        // Writing to a string cannot fail.
        let _ = match part {
            Part::Title(title) => write!(
                text,
                "\n**{title}**\n\n| request | ours | nginx | ours, behind \
                 nginx | who is right |\n|---|---|---|---|---|\n"
            ),
            Part::Comment(comment) => {
                writeln!(text, "| *{comment}* | | | | |")
            }
            Part::Request(command, cells) => {
                writeln!(text, "| {} | {} |", code(command), cells.join(" | "))
            }
        };
    }
    text
}

/// A request for a table: each line as code, without the Host that nearly all
/// have and without the head that those in chunks share.
fn code(command: &str) -> String {
    const CHUNKED: &str = "POST / HTTP/1.1\\r\\n\nHost: a.org\\r\\n\n\
        Transfer-Encoding: chunked\\r\\n\n\\r\\n\n";
    let (dots, rest) = match command.strip_prefix(CHUNKED) {
        Some(rest) => ("… ", rest),
        None => ("", command),
    };
    let lines = rest.lines().filter(|line| *line != "Host: a.org\\r\\n");
    let code = lines.map(|line| match line.replace('|', "\\|") {
        line if line.contains('`') => format!("`` {line} ``"),
        line => format!("`{line}`"),
    });
    dots.to_owned() + &code.collect::<Vec<_>>().join(" ")
}
