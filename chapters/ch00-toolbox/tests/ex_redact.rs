//! The exercise "What varies": ports out of a script's output.

#[allow(unused, reason = "it is the reader's to write")]
#[path = "../exercises/ex_redact.rs"]
mod exercise;
#[path = "../solutions/ex_redact.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use ch00_toolbox::golden::play;
            use ch00_toolbox::prop::check;

            use super::super::$subject::redact;

            fn redacts(text: &str, expected: &str) {
                assert_eq!(redact(text), expected, "input: {text:?}");
            }

            /// A port becomes `[port]`, wherever it stands.
            #[test]
            $(#[$skip])?
            fn takes_the_port() {
                redacts("127.0.0.1:50123", "127.0.0.1:[port]");
                redacts(
                    "a listening on 127.0.0.1:1\nb at 127.0.0.1:22, done",
                    "a listening on 127.0.0.1:[port]\n\
                     b at 127.0.0.1:[port], done",
                );
            }

            /// What is no port of this address stays.
            #[test]
            $(#[$skip])?
            fn leaves_the_rest() {
                for text in ["", "127.0.0.1", "127.0.0.1:", "port 80",
                    "127.0.0.1:http", "10.0.0.1:80", "漢127.0.0.1:é"]
                {
                    redacts(text, text);
                }
                redacts("127.0.0.1:127.0.0.1:9", "127.0.0.1:[port].0.0.1:9");
            }

            /// Redacting twice is redacting once.
            #[test]
            $(#[$skip])?
            fn twice_is_once() {
                check(
                    "twice is once",
                    1_000,
                    |g| {
                        let parts = g.vec(8, |g| {
                            *g.pick(&["", "127.0.0.1:", "80", "x", "\n", "é"])
                        });
                        parts.concat()
                    },
                    |text| {
                        let once = redact(text);
                        match redact(&once) == once {
                            true => Ok(()),
                            false => Err(format!("got {once:?} first")),
                        }
                    },
                );
            }

            /// A script of a server that takes any port passes on each run.
            #[test]
            $(#[$skip])?
            fn a_script_passes_on_every_port() {
                let script = "start\n---\nlistening on 127.0.0.1:[port]\n";
                for port in [1024, 50_000] {
                    let says = |_: &str| {
                        redact(&format!("listening on 127.0.0.1:{port}\n"))
                    };
                    let (_, differences) = play(script, says).unwrap();
                    assert_eq!(differences, vec![], "input: port {port}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_redact"]);
}
