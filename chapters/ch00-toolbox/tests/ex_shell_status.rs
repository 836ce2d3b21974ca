//! The checks of the exercise `ex_shell_status`.

#[path = "../exercises/ex_shell_status.rs"]
#[allow(unused_variables)]
mod exercise;
#[path = "../solutions/ex_shell_status.rs"]
mod solution;

use std::process::{Command, Stdio};

/// What the shell of this machine says after a program with an argument.
fn real(program: &str, args: &[&str]) -> u8 {
    let mut sh = Command::new("sh");
    sh.args(["-c", "\"$@\"; echo $?", "sh", program]).args(args);
    let said = sh.stderr(Stdio::null()).output().expect("sh starts").stdout;
    let said = String::from_utf8(said).expect("a number");
    said.trim().parse().expect("a number of 8 bits")
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::shell_status;
            use super::super::*;
            use std::io;
            use std::os::unix::process::ExitStatusExt;
            use std::process::ExitStatus;

            /// The program's status, said by the exercise.
            fn ours(program: &str, args: &[&str]) -> u8 {
                let mut command = Command::new(program);
                let command = command.args(args).stderr(Stdio::null());
                shell_status(&command.status())
            }

            /// I1: recorded from dash 0.5.12 and bash 5.2, on Linux
            #[test]
            $(#[$skip])?
            fn recorded() {
                // What wait(2) fills in: a status in the second byte, or a
                // signal in the first, whose eighth bit says "core dumped".
                for (filled_in, expected) in [
                    (0, 0),
                    (3 << 8, 3),
                    (143 << 8, 143),
                    (255 << 8, 255),
                    (1, 129),
                    (2, 130),
                    (9, 137),
                    (15, 143),
                    (6 | 0x80, 134),
                    (11 | 0x80, 139),
                ] {
                    let ended = ExitStatus::from_raw(filled_in);
                    let got = shell_status(&Ok(ended));
                    assert_eq!(got, expected, "input: {filled_in:#06x}");
                }
                for (error, expected) in [
                    (io::ErrorKind::NotFound, 127),
                    (io::ErrorKind::PermissionDenied, 126),
                ] {
                    let got = shell_status(&Err(error.into()));
                    assert_eq!(got, expected, "input: {error}");
                }
            }

            /// I1: what the shell of this machine says of an end
            #[test]
            $(#[$skip])?
            fn ends() {
                for script in [
                    "exit 0",
                    "exit 1",
                    "exit 126",
                    "exit 255",
                    "kill -s HUP $$",
                    "kill -s INT $$",
                    "kill -s KILL $$",
                    "kill -s TERM $$",
                    "kill -s USR1 $$",
                    "ulimit -c 0; kill -s QUIT $$",
                ] {
                    let got = ours("sh", &["-c", script]);
                    let expected = real("sh", &["-c", script]);
                    assert_eq!(got, expected, "input: {script}");
                }
            }

            /// I1: and of what is no program
            #[test]
            $(#[$skip])?
            fn never_ran() {
                // A file that nobody may execute.
                let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
                for program in [
                    "/nonexistent/program",
                    "no-such-program-anywhere",
                    "/",
                    file,
                ] {
                    let (got, expected) =
                        (ours(program, &[]), real(program, &[]));
                    assert_eq!(got, expected, "input: {program}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(
        exercise,
        #[ignore = "exercise: cargo run -- check ex_shell_status"]
    );
}
