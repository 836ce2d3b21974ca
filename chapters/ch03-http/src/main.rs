//! The finished stage: it listens, and has nothing to say yet.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::sys::{Signal, Signals};

const COMMAND: Command = Command {
    name: "ch03-http",
    about: "Listens, and has nothing to say yet.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7003"), PORT],
    try_it: "nc 127.0.0.1 7003",
};

fn main() -> ExitCode {
    let addr = match COMMAND.from_env().addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run(addr: SocketAddr) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    signals.wait();
    Ok(())
}
