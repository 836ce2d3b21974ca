//! The checks of the exercise `ex_letters`.

#[path = "../exercises/ex_letters.rs"]
#[allow(dead_code, unused_variables)]
mod exercise;
#[path = "../solutions/ex_letters.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Letter, expand};
            use ch00_toolbox::args::{Command, Opt};
            use std::ffi::OsString;

            const LETTERS: &[Letter] = &[
                Letter { letter: 'x', name: "extract", value: false },
                Letter { letter: 'z', name: "gzip", value: false },
                Letter { letter: 'é', name: "été", value: false },
                Letter { letter: 'f', name: "file", value: true },
            ];

            fn check(input: &[&str], expected: &[&str]) {
                let expected = expected.iter().map(ToString::to_string);
                assert_eq!(
                    expand(input, LETTERS),
                    Ok(expected.collect()),
                    "input: {input:?}"
                );
            }

            /// I1: letters become long options, alone and in clusters
            #[test]
            $(#[$skip])?
            fn letters_become_names() {
                check(&[], &[]);
                check(&["-x"], &["--extract"]);
                check(&["-xz", "-z"], &["--extract", "--gzip", "--gzip"]);
                check(&["-éx"], &["--été", "--extract"]);
            }

            /// I1: a value is the rest of the cluster or the next argument
            #[test]
            $(#[$skip])?
            fn values() {
                check(&["-f", "a.tar"], &["--file=a.tar"]);
                check(&["-fa.tar"], &["--file=a.tar"]);
                check(&["-xzf", "a"], &["--extract", "--gzip", "--file=a"]);
                check(&["-xfz", "a"], &["--extract", "--file=z", "a"]);
                check(&["-f", "-x"], &["--file=-x"]);
                check(&["-f", "--", "-x"], &["--file=--", "--extract"]);
                check(&["-f=a"], &["--file==a"]);
                check(&["-f", ""], &["--file="]);
            }

            /// I2: after -- nothing is an option, and - never is one
            #[test]
            $(#[$skip])?
            fn left_alone() {
                check(&["-", "a-x", "--file", ""], &["-", "a-x", "--file", ""]);
                check(&["-x", "--", "-x"], &["--extract", "--", "-x"]);
                check(&["--", "--", "-f"], &["--", "--", "-f"]);
            }

            /// I1: a mistake is one line that names the letter
            #[test]
            $(#[$skip])?
            fn mistakes() {
                for (input, expected) in [
                    (&["-q"][..], "unknown option -q"),
                    (&["-xq"], "unknown option -q"),
                    (&["-€"], "unknown option -€"),
                    (&["-x-"], "unknown option --"),
                    (&["-xf"], "-f wants a value"),
                ] {
                    assert_eq!(
                        expand(input, LETTERS),
                        Err(expected.to_owned()),
                        "input: {input:?}"
                    );
                }
            }

            /// I3: what comes out is what the parser of step 1 reads
            #[test]
            $(#[$skip])?
            fn meets_the_parser() {
                const TAR: Command = Command {
                    name: "tar",
                    about: "keeps files",
                    operands: "[FILE]...",
                    options: &[
                        Opt {
                            name: "gzip",
                            value: None,
                            default: None,
                            help: "",
                        },
                        Opt {
                            name: "file",
                            value: Some("FILE"),
                            default: None,
                            help: "",
                        },
                    ],
                    try_it: "",
                };
                let input = ["-zf", "--odd", "--", "-z"];
                let args = expand(&input, LETTERS).expect("is right");
                let parsed = TAR.parse(args.into_iter().map(OsString::from));
                let parsed = parsed.expect("is right for the parser too");
                assert_eq!(parsed.switch("gzip"), true, "input: {input:?}");
                let file = parsed.text("file");
                assert_eq!(file, Some("--odd"), "input: {input:?}");
                assert_eq!(parsed.operands(), ["-z"], "input: {input:?}");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_letters"]);
}
