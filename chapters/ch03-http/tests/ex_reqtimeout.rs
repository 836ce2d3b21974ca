//! The checks of the exercise `ex_reqtimeout`.

mod peer;

#[path = "../solutions/ex_reqtimeout.rs"]
mod solution;

#[path = "../exercises/ex_reqtimeout.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use ch02_event_loop::sim::{Faults, Sim};
            use ch03_http::patience::{Patience, Phase};
            use ch03_http::serve::Settings;

            use super::super::$subject::{ReadTimeout, Term};
            use super::super::peer::{SEC, answers, simulated, statuses};

            fn term(first: u32, most: Option<u32>, rate: u64) -> Option<Term> {
                Some(Term {
                    first: SEC * first,
                    most: most.map(|most| SEC * most),
                    rate,
                })
            }

            /// The directive's forms, as Apache's manual has them.
            #[test]
            $(#[$skip])?
            fn directives() {
                let check = |text: &str, header, body| {
                    let expected = Some(ReadTimeout { header, body });
                    assert_eq!(ReadTimeout::parse(text), expected, "{text}");
                };
                check("", None, None);
                check("header=1 body=3", term(1, None, 0), term(3, None, 0));
                check("body=10,MinRate=1000", None, term(10, None, 1000));
                check(
                    "header=20-40,MinRate=500 body=20,MinRate=500",
                    term(20, Some(40), 500),
                    term(20, None, 500),
                );
                check("header=0 body=0", None, None);
                check("header=7-7,MinRate=1", term(7, Some(7), 1), None);
                for wrong in [
                    "head=1", "header", "header=", "header=x", "header=+1",
                    "header=1-", "header=10-20", "header=20-10,MinRate=1",
                    "header=1,MinRate=", "header=1,minrate=5", "header=1 2",
                ] {
                    assert_eq!(ReadTimeout::parse(wrong), None, "{wrong}");
                }
            }

            /// What is left: bytes earn seconds, up to the most.
            #[test]
            $(#[$skip])?
            fn what_is_left() {
                let both = ReadTimeout {
                    header: term(20, Some(40), 500),
                    body: term(20, None, 500),
                };
                let check = |phase, elapsed, moved, expected: Option<u32>| {
                    let got = both.left(phase, SEC * elapsed, moved);
                    let expected = expected.map(|left| SEC * left);
                    assert_eq!(got, expected, "{phase:?} {elapsed} {moved}");
                };
                check(Phase::Head, 0, 0, Some(20));
                check(Phase::Head, 5, 499, Some(15));
                check(Phase::Head, 5, 500, Some(16));
                check(Phase::Head, 5, 500_000, Some(35));
                check(Phase::Head, 41, 500_000, Some(0));
                check(Phase::Body, 5, 500_000, Some(1015));
                check(Phase::Idle, 1000, 0, None);
                check(Phase::Send, 1000, 0, None);
                check(Phase::Linger, 1, 9, Some(1));
                let none = ReadTimeout { header: None, body: None };
                let left = none.left(Phase::Head, SEC * 9, 9);
                assert_eq!(left, None, "no directive");
            }

            /// In a server: a byte a second gets 20 s, and a kilobyte a
            /// second gets 40.
            #[test]
            $(#[$skip])?
            fn in_a_server() {
                let text = "header=20-40,MinRate=500";
                for (count, expected) in [(1, 20), (1000, 40)] {
                    let patience = ReadTimeout::parse(text).expect("one");
                    let mut settings = Settings {
                        patience: Box::new(patience),
                        ..Settings::default()
                    };
                    settings.rules.head = 1 << 20;
                    settings.rules.line = 1 << 20;
                    let mut pieces = vec![(SEC * 0, b"GET /".to_vec())];
                    pieces.extend((0..99).map(|_| (SEC, vec![b'x'; count])));
                    let sim = Sim::new(1, Faults::NONE);
                    let got = simulated(&sim, settings, async |world| {
                        world.drip(pieces).await
                    });
                    let (got, end) = got.expect("a world");
                    let (found, _) = answers(got.as_bytes(), &[]);
                    assert_eq!(statuses(&found), [408], "{count} bytes a s");
                    assert_eq!(end.as_secs(), expected, "{count} bytes a s");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_reqtimeout"]);
}
