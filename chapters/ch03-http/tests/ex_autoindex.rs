//! The checks of the exercise `ex_autoindex`, recorded from nginx 1.22.1.

use std::time::Duration;

#[path = "../solutions/ex_autoindex.rs"]
mod solution;

#[path = "../exercises/ex_autoindex.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// Sun, 06 Nov 1994 08:49:37 GMT, and 28 Feb 2026, 23:59:59.
const THEN: Duration = Duration::from_secs(784_111_777);
const LATER: Duration = Duration::from_secs(1_772_323_199);

/// The lines of a page that nginx gave, without their CR LF: see `nginx`.
const HEAD: [&str; 2] = ["<html>", "<head><title>Index of /d/</title></head>"];

/// A page of these lines.
fn nginx(path: &str, lines: &[&str]) -> String {
    let head = HEAD.map(|line| line.replace("/d/", path)).join("\r\n");
    let first = "<hr><pre><a href=\"../\">../</a>";
    format!(
        "{head}\r\n<body>\r\n<h1>Index of {path}</h1>{first}\r\n{}\
         </pre><hr></body>\r\n</html>\r\n",
        lines
            .iter()
            .map(|it| format!("{it}\r\n"))
            .collect::<String>()
    )
}

/// What stands behind a link of so many characters.
fn gap(width: usize) -> String {
    " ".repeat(51 - width)
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::page;
            use super::super::{LATER, THEN, gap, nginx};

            fn check(entries: &[(&str, Option<u64>, std::time::Duration)],
                lines: &[&str]) {
                let got = page("/d/", entries);
                assert_eq!(got, nginx("/d/", lines), "input: {entries:?}");
            }

            /// I23: an empty directory, and the top.
            #[test]
            $(#[$skip])?
            fn nothing_in_it() {
                check(&[], &[]);
                assert_eq!(page("/", &[]), nginx("/", &[]), "input: /");
                let escaped = nginx("/it's &lt;b&gt;/", &[]);
                assert_eq!(page("/it's <b>/", &[]), escaped);
            }

            /// I23: directories first, then by bytes; sizes to the right.
            #[test]
            $(#[$skip])?
            fn order_and_columns() {
                let (then, later) =
                    ("06-Nov-1994 08:49", "28-Feb-2026 23:59");
                let line = |name: &str, link: &str, date, size: &str| {
                    let link = format!("<a href=\"{link}\">{name}</a>");
                    format!("{link}{}{date}{size:>20}", gap(name.len()))
                };
                check(
                    &[
                        ("a.txt", Some(5), LATER),
                        ("empty", Some(0), THEN),
                        ("Big.bin", Some(123_456), THEN),
                        ("big.bin", Some(1_073_741_824), THEN),
                        ("zz sub", None, THEN),
                        ("sub", None, LATER),
                    ],
                    &[
                        &line("sub/", "sub/", later, "-"),
                        &line("zz sub/", "zz%20sub/", then, "-"),
                        &line("Big.bin", "Big.bin", then, "123456"),
                        &line("a.txt", "a.txt", later, "5"),
                        &line("big.bin", "big.bin", then, "1073741824"),
                        &line("empty", "empty", then, "0"),
                    ],
                );
            }

            /// I23: a name is text in its link and in the page, by two rules.
            #[test]
            $(#[$skip])?
            fn names_are_escaped() {
                let line = |link: &str, shown: &str, width| {
                    let date = "06-Nov-1994 08:49";
                    let link = format!("<a href=\"{link}\">{shown}</a>");
                    format!("{link}{}{date}                   1", gap(width))
                };
                let one = Some(1);
                check(
                    &[
                        ("a b&<c>.txt", one, THEN),
                        ("don't.txt", one, THEN),
                        ("q\"r:s%20?#t.txt", one, THEN),
                        ("\u{e4}.txt", one, THEN),
                    ],
                    &[
                        &line(
                            "a%20b%26%3Cc%3E.txt",
                            "a b&amp;&lt;c&gt;.txt",
                            11,
                        ),
                        &line("don%27t.txt", "don't.txt", 9),
                        &line(
                            "q%22r%3As%2520%3F%23t.txt",
                            "q&quot;r:s%20?#t.txt",
                            15,
                        ),
                        &line("%C3%A4.txt", "\u{e4}.txt", 5),
                    ],
                );
            }

            /// I23: a long name is cut, by characters; its link is not.
            #[test]
            $(#[$skip])?
            fn long_names() {
                let (m, o) = ("m".repeat(50), "o".repeat(51));
                let (d, e) = ("d".repeat(49), "\u{e9}".repeat(60));
                let rest = " 06-Nov-1994 08:49                   ";
                check(
                    &[
                        (&m, Some(1), THEN),
                        (&o, Some(1), THEN),
                        (&d, None, THEN),
                        (&e, Some(1), THEN),
                    ],
                    &[
                        &format!("<a href=\"{d}/\">{d}/</a>{rest}-"),
                        &format!("<a href=\"{m}\">{m}</a>{rest}1"),
                        &format!(
                            "<a href=\"{o}\">{}..&gt;</a>{rest}1",
                            &o[..47]
                        ),
                        &format!(
                            "<a href=\"{}\">{}..&gt;</a>{rest}1",
                            "%C3%A9".repeat(60),
                            "\u{e9}".repeat(47)
                        ),
                    ],
                );
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_autoindex"]);
}
