//! The stage of step 9: a server to be started by a test, that can start a
//! second one itself.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

use ch00_toolbox::args::{self, Command, Opt, PORT, Parsed, addr_opt};
use ch00_toolbox::process::Server;
use ch00_toolbox::sys::{Signal, Signals};

const COMMAND: Command = Command {
    name: "step9_process",
    about: "tell each client this process's number",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7009"),
        PORT,
        Opt {
            name: "child",
            value: None,
            default: None,
            help: "start a second one, and keep it as long as this one lives",
        },
        Opt {
            name: "chatter",
            value: Some("N"),
            default: Some("0"),
            help: "print N lines after the first",
        },
        Opt {
            name: "stubborn",
            value: None,
            default: None,
            help: "do not end on SIGTERM",
        },
    ],
    try_it: "step9_process --child\nnc 127.0.0.1 7009",
};

/// Says its number, then waits for the client to say something or to go.
fn serve(mut client: TcpStream) -> io::Result<()> {
    writeln!(client, "pid {}", std::process::id())?;
    let mut line = String::new();
    BufReader::new(client).read_line(&mut line)?;
    Ok(())
}

/// Prints as long as somebody reads.
fn chat(lines: u64) -> io::Result<()> {
    let mut out = io::stdout();
    (0..lines).try_for_each(|n| writeln!(out, "line {n} of {lines}"))
}

fn run(parsed: &Parsed, addr: SocketAddr, chatter: u64) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr)?;
    let mut out = io::stdout();
    let addr = listener.local_addr()?;
    writeln!(out, "step9_process listening on {addr}")?;
    let child = match parsed.switch("child") {
        true => Some(Server::example("ch00-toolbox", COMMAND.name).start()?),
        false => None,
    };
    if let Some(child) = &child {
        writeln!(out, "child {} at {}", child.pid(), child.addr())?;
    }
    // On a thread of its own, and not before the wait for signals: a write
    // takes as long as its reader likes.
    thread::spawn(move || chat(chatter));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || serve(client));
        }
    });
    while signals.wait() == Signal::Term && parsed.switch("stubborn") {}
    Ok(()) // and with `child`, the second server ends
}

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let both = parsed
        .addr()
        .and_then(|a| Ok((a, parsed.value("chatter")?)));
    match both.map(|(addr, chatter)| run(&parsed, addr, chatter)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(e)) => args::fail(COMMAND.name, e),
        Err(stop) => args::usage(COMMAND.name, stop),
    }
}
