//! The stage of step 5: waits for lines and for signals at the same time.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::{self, ExitCode};

use ch00_toolbox::args::{Command, fail};
use ch00_toolbox::sys::{
    Fd, POLLIN, PollFd, Signal, Signals, kill, nofile, pipe, poll, set_nofile,
};

const COMMAND: Command = Command {
    name: "step5_sys",
    about: "Waits for lines and for signals at the same time.\n\
            Lines: usr1, hup, term (sends itself the signal); \
            open N (opens pipes\nuntil N descriptors are the limit)",
    operands: "",
    options: &[],
    try_it: "printf 'usr1\\nopen 20\\nterm\\n' | step5_sys",
};

fn main() -> ExitCode {
    COMMAND.from_env();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run() -> io::Result<()> {
    let signals =
        Signals::new(&[Signal::Hup, Signal::Int, Signal::Term, Signal::Usr1])?;
    let stdin = Fd::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut out = io::stdout();
    let (mut line, mut ended) = (Vec::new(), false);
    loop {
        let mut fds =
            [PollFd::new(&signals, POLLIN), PollFd::new(&stdin, POLLIN)];
        // At the end of the input only signals are left to wait for.
        let n = if ended { 1 } else { 2 };
        poll(&mut fds[..n], None)?;
        while let Some(signal) = signals.try_wait() {
            writeln!(out, "{signal}")?;
            if matches!(signal, Signal::Int | Signal::Term) {
                return Ok(());
            }
        }
        if fds[1].readable() {
            let mut byte = [0];
            match stdin.read(&mut byte)? {
                0 => ended = true,
                _ if byte == *b"\n" => obey(&std::mem::take(&mut line))?,
                _ if line.len() < 80 => line.push(byte[0]),
                _ => {}
            }
        }
    }
}

fn obey(line: &[u8]) -> io::Result<()> {
    let line = String::from_utf8_lossy(line);
    let mut out = io::stdout();
    match line.split_once(' ').unwrap_or((&line, "")) {
        ("usr1", "") => kill(process::id(), Signal::Usr1),
        ("hup", "") => kill(process::id(), Signal::Hup),
        ("term", "") => kill(process::id(), Signal::Term),
        ("open", n) if n.parse::<u64>().is_ok() => {
            let before = nofile()?;
            set_nofile(n.parse().unwrap_or(before.soft))?;
            let mut pipes = Vec::new();
            let error = loop {
                match pipe() {
                    Ok(pipe) => pipes.push(pipe),
                    Err(error) => break error,
                }
            };
            set_nofile(before.soft)?;
            writeln!(out, "{} pipes, then: {error}", pipes.len())
        }
        _ => writeln!(out, "not understood: {line:?}"),
    }
}
