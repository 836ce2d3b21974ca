//! The stage of step 2: logs its input, and shows the ring when it goes wrong.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, fail, usage};
use ch00_toolbox::log::{Level, Log};

const COMMAND: Command = Command {
    name: "step2_log",
    about: "Adds up the numbers on its input, one per line, and logs it.",
    operands: "",
    options: &[Opt {
        name: "level",
        value: Some("error|warn|info|debug"),
        default: Some("warn"),
        help: "what reaches stderr",
    }],
    try_it: "printf '1\\n2\\nthree\\n' | step2_log --level debug",
};

fn main() -> ExitCode {
    let level: Level = match COMMAND.from_env().value("level") {
        Ok(level) => level,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    // Lines instead of time, so that every run reads the same.
    let log = Log::new(level, || Duration::ZERO, io::stderr());
    let sum = add_up(&log);
    match sum.and_then(|sum| writeln!(io::stdout(), "{sum}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.error(format_args!("{error}"));
            for line in log.recent() {
                let _ = writeln!(io::stderr(), "recent: {line}");
            }
            fail(COMMAND.name, error)
        }
    }
}

fn add_up(log: &Log) -> io::Result<i64> {
    let mut sum = 0i64;
    for (n, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        let n = n + 1;
        let number: i64 = line.trim().parse().map_err(|_| {
            io::Error::other(format!("line {n} is no number: {line:?}"))
        })?;
        let Some(next) = sum.checked_add(number) else {
            log.warn(format_args!("line {n} left out: {sum} would overflow"));
            continue;
        };
        sum = next;
        log.debug(format_args!("line {n}: {number}, sum {sum}"));
    }
    log.info(format_args!("the sum is {sum}"));
    Ok(sum)
}
