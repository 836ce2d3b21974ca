//! The checks of the exercise `ex_dissect`. The tape has what the client and
//! the server of Python's `websockets` 17.4 sent each other after their
//! handshake, byte for byte.

#[path = "../solutions/ex_dissect.rs"]
mod solution;

#[path = "../exercises/ex_dissect.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// The bytes of one side.
fn tape(side: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut ours = false;
    for line in include_str!("tape/websockets.txt").lines() {
        if line.len() == 1 {
            ours = line == side;
        } else if ours {
            let digits = line.as_bytes().chunks(2);
            bytes.extend(digits.map(|two| {
                let text = str::from_utf8(two).unwrap_or("");
                u8::from_str_radix(text, 16).unwrap_or(0)
            }));
        }
    }
    bytes
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::dissect;
            use super::super::tape;
            use ch03_http::frames::frame::Side;

            /// I45: what the client sent, masked, in fragments, with a ping.
            #[test]
            $(#[$skip])?
            fn the_client() {
                let expected = [
                    "Text 5 \"hello\"",
                    "Text 5 \"\\xc3\\xa9\\xe6\\xbc\\xa2\"",
                    "Binary 2 \"\\x00\\xff\"",
                    "Text 0 \"\"",
                    "Text 126 \"xxxxxxxxxxxxxxxx…\"",
                    "Text+ 4 \"one \"",
                    "Continuation+ 4 \"two \"",
                    "Continuation+ 0 \"\"",
                    "Continuation 0 \"\"",
                    "Ping 14 \"are you there?\"",
                    "Pong 7 \"unasked\"",
                    "Text 3 \"bye\"",
                    "Close 9 4000 \"see you\"",
                ];
                let got = dissect(Side::Client, &tape("c"));
                assert_eq!(got, expected, "input: tape/websockets.txt, c");
            }

            /// I45: what the server sent.
            #[test]
            $(#[$skip])?
            fn the_server() {
                let expected = [
                    "Text 5 \"hello\"",
                    "Text 5 \"\\xc3\\xa9\\xe6\\xbc\\xa2\"",
                    "Binary 2 \"\\x00\\xff\"",
                    "Text 0 \"\"",
                    "Text 126 \"xxxxxxxxxxxxxxxx…\"",
                    "Text 8 \"one two \"",
                    "Pong 14 \"are you there?\"",
                    "Close 9 4000 \"see you\"",
                ];
                let got = dissect(Side::Server, &tape("s"));
                assert_eq!(got, expected, "input: tape/websockets.txt, s");
            }

            /// I45: ends, cuts, and what breaks a rule.
            #[test]
            $(#[$skip])?
            fn the_rest() {
                let check = |bytes: &[u8], expected: &[&str]| {
                    let got = dissect(Side::Server, bytes);
                    let input = bytes.escape_ascii();
                    assert_eq!(got, expected, "input: {input}");
                };
                check(b"", &[]);
                check(b"\x88\x00", &["Close 0"]);
                check(b"\x88\x02\x03\xe8", &["Close 2 1000 \"\""]);
                check(b"\x88\x02\x03\xed", &["Close 2 1005 \"\""]);
                check(b"\x88\x01\x03", &["Close 1"]);
                let a = "Text 1 \"a\"";
                check(b"\x81\x01a\x81", &[a, "cut: 1 bytes"]);
                check(b"\x81\x01a\x81\x02b", &[a, "cut: 3 bytes"]);
                let most = b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
                check(most, &["cut: 10 bytes"]);
                let fault = "fault: a reserved bit is set";
                check(b"\x81\x01a\xc1\x01b", &[a, fault]);
                check(b"\x81\x10aaaaaaaaaaaaaaaa", &[
                    "Text 16 \"aaaaaaaaaaaaaaaa\"",
                ]);
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_dissect"]);
}
