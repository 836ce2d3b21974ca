//! The stage of step 7: a script against a little calculator, and what
//! differs.

use std::process::ExitCode;

use ch00_toolbox::args::{self, Command, Opt};
use ch00_toolbox::golden::{diff, play, show};

const COMMAND: Command = Command {
    name: "step7_golden",
    about: "run a script of sums, and show what differs",
    operands: "[FILE]",
    options: &[Opt {
        name: "update",
        value: None,
        default: None,
        help: "print the script with what was got",
    }],
    try_it: "step7_golden\nstep7_golden --update",
};

/// Run when no FILE is given. One of its answers is wrong, and one has a
/// space too many.
const SCRIPT: &str = "\
# Numbers, added from the left.
1 2 3
---
sum 6

9 9
---
sum 19

4 4
---
sum 8 
";

/// `1 2 3` → `sum 6`; for what is not a number, its bytes.
fn sum(command: &str) -> String {
    let mut total: u64 = 0;
    for word in command.split_whitespace() {
        match word.parse::<u64>() {
            Ok(n) => total = total.saturating_add(n),
            Err(_) => {
                return format!("not a number: {}", show(word.as_bytes()));
            }
        }
    }
    format!("sum {total}\n")
}

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let script = match parsed.operands() {
        [file, ..] => std::fs::read_to_string(file),
        [] => Ok(SCRIPT.to_owned()),
    };
    let played = script
        .map_err(|e| e.to_string())
        .and_then(|script| play(&script, sum));
    match played {
        Err(text) => args::fail(COMMAND.name, text),
        Ok((script, _)) if parsed.switch("update") => {
            print!("{script}");
            ExitCode::SUCCESS
        }
        Ok((_, differences)) => {
            for it in &differences {
                println!("line {}: {}", it.line, it.command);
                print!("{}", diff(&it.expected, &it.got));
            }
            match differences.len() {
                0 => ExitCode::SUCCESS,
                n => args::fail(COMMAND.name, format!("{n} outputs differ")),
            }
        }
    }
}
