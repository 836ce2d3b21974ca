//! The stage of step 1: says back what it understood.

use std::io::{self, Write};
use std::process::ExitCode;

use ch00_toolbox::args::{Command, Opt, PORT, Parsed, Stop, addr_opt, usage};

const COMMAND: Command = Command {
    name: "step1_args",
    about: "Says back what it understood of its arguments.",
    operands: "[WORD]...",
    options: &[
        addr_opt("127.0.0.1:7000"),
        PORT,
        Opt {
            name: "times",
            value: Some("N"),
            default: Some("1"),
            help: "how often to say the words",
        },
        Opt {
            name: "loud",
            value: None,
            default: None,
            help: "shout",
        },
    ],
    try_it: "step1_args --times 2 --loud hello -- --not-an-option",
};

fn main() -> ExitCode {
    match say(&COMMAND.from_env()) {
        Ok(text) => {
            // Nobody reads any more: nothing is left to do.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(stop) => usage(COMMAND.name, stop),
    }
}

fn say(parsed: &Parsed) -> Result<String, Stop> {
    let mut text = format!("the address is {}\n", parsed.addr()?);
    for _ in 0..parsed.value::<u8>("times")? {
        for word in parsed.operands() {
            let loud = parsed.switch("loud");
            let word = if loud { &word.to_uppercase() } else { word };
            text.push_str(word);
            text.push('\n');
        }
    }
    Ok(text)
}
