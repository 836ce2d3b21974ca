//! The checks of the exercise `ex_source`.

#[path = "../solutions/ex_source.rs"]
mod solution;

#[path = "../exercises/ex_source.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::time::Duration;

            use super::super::$subject::{Source, Then};
            use ch03_http::events::parser::Parser;

            const SECOND: Duration = Duration::from_secs(1);

            fn source() -> Source {
                Source::new(2 * SECOND, 60 * SECOND)
            }

            fn parsed(stream: &str) -> Parser {
                let mut parser = Parser::new(1_000, "");
                let mut input = stream.as_bytes();
                while let Ok(Some(_)) = parser.next(&mut input) {}
                parser
            }

            /// I52: only a 200 with the right type is a stream.
            #[test]
            $(#[$skip])?
            fn answers() {
                let kind = "text/event-stream";
                for (status, kind, expected) in [
                    (200, Some(kind), Then::Listen),
                    (200, Some("Text/Event-Stream"), Then::Listen),
                    (200, Some("text/event-stream;x=y"), Then::Listen),
                    (200, Some("text/event-stream ; x=y"), Then::Listen),
                    (200, Some("text/event-streams"), Then::Stop),
                    (200, Some("text/html"), Then::Stop),
                    (200, Some("x;text/event-stream"), Then::Stop),
                    (200, None, Then::Stop),
                    (204, Some(kind), Then::Stop),
                    (206, Some(kind), Then::Stop),
                    (301, Some(kind), Then::Stop),
                    (500, Some(kind), Then::Stop),
                    (503, None, Then::Stop),
                ] {
                    let got = source().answered(status, kind);
                    assert_eq!(got, expected, "input: {status}, {kind:?}");
                }
            }

            /// I53: what was seen last is said when coming back.
            #[test]
            $(#[$skip])?
            fn comes_back_with_the_last_id() {
                let mut source = source();
                let mut expected = vec![
                    ("Accept", "text/event-stream".to_owned()),
                    ("Cache-Control", "no-store".to_owned()),
                ];
                assert_eq!(source.fields(), expected, "the first request");
                let again = Then::Again(2 * SECOND);
                let parser = parsed("id: r-7\n\nid: r-8\ndata: half\n");
                assert_eq!(source.cut(&parser), again, "no retry is named");
                expected.push(("Last-Event-ID", "r-7".to_owned()));
                assert_eq!(source.fields(), expected, "after r-7");
                let parser = parsed("retry: 5000\nid\n\n");
                let again = Then::Again(5 * SECOND);
                assert_eq!(source.cut(&parser), again, "retry: 5000");
                expected.pop();
                assert_eq!(source.fields(), expected, "the id was taken back");
                let again = Then::Again(5 * SECOND);
                assert_eq!(source.cut(&parsed("")), again, "it stays so");
            }

            /// I8: a server that is down is asked less and less often, and
            /// as before when it has answered.
            #[test]
            $(#[$skip])?
            fn waits_grow() {
                let mut source = source();
                for expected in [2, 4, 8, 16, 32, 60, 60] {
                    let got = source.failed(0);
                    let expected = Then::Again(expected * SECOND);
                    assert_eq!(got, expected, "one failure more");
                }
                for _ in 0..100 {
                    let got = source.failed(0);
                    assert_eq!(got, Then::Again(60 * SECOND), "many more");
                }
                let kind = Some("text/event-stream");
                assert_eq!(source.answered(200, kind), Then::Listen);
                let got = source.failed(0);
                assert_eq!(got, Then::Again(2 * SECOND), "after an answer");
            }

            /// I8: chance takes off up to a half; what the server asks for
            /// is never cut short by the cap.
            #[test]
            $(#[$skip])?
            fn chance_and_the_cap() {
                for (chance, expected) in
                    [(0, 2_000), (1, 1_999), (500, 1_500), (1_000, 1_000)]
                {
                    let got = source().failed(chance);
                    let expected = Duration::from_millis(expected);
                    assert_eq!(got, Then::Again(expected), "{chance}");
                }
                let got = source().failed(u32::MAX);
                assert_eq!(got, Then::Again(SECOND), "no more than a half");
                let mut source = source();
                source.cut(&parsed("retry: 90000\n"));
                let again = Then::Again(90 * SECOND);
                assert_eq!(source.failed(0), again, "retry is over the cap");
                assert_eq!(source.failed(0), again, "and does not grow");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_source"]);
}
