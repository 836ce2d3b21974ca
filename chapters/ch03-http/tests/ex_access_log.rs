//! The checks of the exercise `ex_access_log`. The lines were written by
//! nginx 1.22.1.

#[path = "../solutions/ex_access_log.rs"]
mod solution;

#[path = "../exercises/ex_access_log.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::time::Duration;

            use super::super::$subject::{Entry, escaped, line};

            const ENTRY: Entry<'_> = Entry {
                peer: "127.0.0.1",
                user: None,
                unix: Duration::from_secs(1_795_780_631),
                request: b"GET / HTTP/1.1",
                status: 200,
                sent: 6,
                referer: None,
                agent: None,
            };

            fn check(entry: Entry<'_>, expected: &str) {
                let start = "127.0.0.1 - ";
                let got = line(&entry);
                assert_eq!(got, format!("{start}{expected}"), "{entry:?}");
            }

            /// The usual lines, as nginx has written them.
            #[test]
            $(#[$skip])?
            fn usual_lines() {
                let now = "[27/Nov/2026:11:57:11 +0000]";
                check(
                    Entry { agent: Some(b"curl/8.5.0"), ..ENTRY },
                    &format!(
                        "- {now} \"GET / HTTP/1.1\" 200 6 \"-\" \"curl/8.5.0\""
                    ),
                );
                check(
                    ENTRY,
                    &format!("- {now} \"GET / HTTP/1.1\" 200 6 \"-\" \"-\""),
                );
                check(
                    Entry {
                        user: Some(b"ann"),
                        request: b"HEAD / HTTP/1.0",
                        sent: 0,
                        ..ENTRY
                    },
                    &format!("ann {now} \"HEAD / HTTP/1.0\" 200 0 \"-\" \"-\""),
                );
                check(
                    Entry { agent: Some(b""), ..ENTRY },
                    &format!("- {now} \"GET / HTTP/1.1\" 200 6 \"-\" \"\""),
                );
                check(
                    Entry { unix: Duration::from_secs(68_256_000), ..ENTRY },
                    "- [01/Mar/1972:00:00:00 +0000] \"GET / HTTP/1.1\" 200 6 \
                     \"-\" \"-\"",
                );
            }

            /// What a client chose is one field, whatever is in it.
            #[test]
            $(#[$skip])?
            fn escapes() {
                let now = "[27/Nov/2026:11:57:11 +0000]";
                check(
                    Entry {
                        request: b"HEAD /none HTTP/1.1",
                        status: 200,
                        sent: 0,
                        referer: Some(b"http://a.org/?q=\"x\""),
                        agent: Some(b"a\\b \"c\""),
                        ..ENTRY
                    },
                    &format!(
                        "- {now} \"HEAD /none HTTP/1.1\" 200 0 \
                         \"http://a.org/?q=\\x22x\\x22\" \
                         \"a\\x5Cb \\x22c\\x22\""
                    ),
                );
                check(
                    Entry {
                        request: b"GET /?q=%22 HTTP/1.0",
                        agent: Some(b"caf\xc3\xa9\ttab \x7f"),
                        ..ENTRY
                    },
                    &format!(
                        "- {now} \"GET /?q=%22 HTTP/1.0\" 200 6 \"-\" \
                         \"caf\\xC3\\xA9\\x09tab \\x7F\""
                    ),
                );
                check(
                    Entry {
                        request: b"\x16\x03\x01\x02 no request",
                        status: 400,
                        sent: 157,
                        ..ENTRY
                    },
                    &format!(
                        "- {now} \"\\x16\\x03\\x01\\x02 no request\" 400 157 \
                         \"-\" \"-\""
                    ),
                );
            }

            /// A line feed is escaped: a client writes no lines of its own.
            #[test]
            $(#[$skip])?
            fn every_byte() {
                for byte in 0..=u8::MAX {
                    let is_plain = (b' '..=b'~').contains(&byte)
                        && byte != b'"'
                        && byte != b'\\';
                    let expected = match is_plain {
                        true => char::from(byte).to_string(),
                        false => format!("\\x{byte:02X}"),
                    };
                    assert_eq!(escaped(&[byte]), expected, "input: {byte}");
                }
                let forged = b"x\n127.0.0.1 - - [";
                let expected = "x\\x0A127.0.0.1 - - [";
                assert_eq!(escaped(forged), expected, "input: a forged line");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_access_log"]);
}
