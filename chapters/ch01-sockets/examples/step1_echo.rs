//! The stage of step 1: an echo server, one client at a time.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{self, ExitCode};
use std::thread;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{echo, serve};

const COMMAND: Command = Command {
    name: "step1_echo",
    about: "Sends back what a client sends, one client at a time.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7001"), PORT],
    try_it: "printf 'hello\\n' | nc -N 127.0.0.1 7001",
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
    let log = Log::to_stderr(Level::Info);
    thread::spawn(move || {
        let accept = || {
            let (stream, peer) = listener.accept()?;
            log.info(format_args!("{peer} connected"));
            Ok(stream)
        };
        let handle = |mut stream| echo(&mut stream);
        // Ends only when there cannot be another client.
        if let Err(error) = serve(accept, handle, &RealClock::new(), &log) {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1);
        }
    });
    // A client that is being served is cut off: step 5 does better.
    signals.wait();
    Ok(())
}
