//! The stage of step 5: the chat of step 4, with an end to every wait.
//!
//! `cargo run -p ch01-sockets` is the same with all its limits as options.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::bucket::Rate;
use ch01_sockets::chat::{Hub, Limits, serve};
use ch01_sockets::endings::{Timed, Times, drain, hurry};
use ch01_sockets::gate::Gate;
use ch01_sockets::outbox::Limit;
use ch01_sockets::patience::Terms;
use ch01_sockets::registry::Registry;

const COMMAND: Command = Command {
    name: "step5_endings",
    about: "The chat, with deadlines, a drain, and a limit of clients.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7001"),
        PORT,
        Opt {
            name: "login",
            value: Some("MILLISECONDS"),
            default: Some("30000"),
            help: "how long a client may take to say its name",
        },
        Opt {
            name: "idle",
            value: Some("MILLISECONDS"),
            default: Some("600000"),
            help: "how long a client may be silent",
        },
        Opt {
            name: "max-clients",
            value: Some("N"),
            default: Some("1000"),
            help: "how many may be here at once",
        },
    ],
    try_it: "nc 127.0.0.1 7001, and wait",
};

fn main() -> ExitCode {
    let (addr, times, max_clients) = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr, times, max_clients) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<(SocketAddr, Times, usize), Stop> {
    let parsed = COMMAND.from_env();
    let ms = |name| parsed.value(name).map(Duration::from_millis);
    let times = Times {
        terms: Terms {
            login: ms("login")?,
            idle: ms("idle")?,
        },
        send: Duration::from_secs(30),
        linger: Duration::from_secs(2),
    };
    Ok((parsed.addr()?, times, parsed.value("max-clients")?))
}

// ANCHOR: run
fn run(addr: SocketAddr, times: Times, max_clients: usize) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let limits = Limits {
        line: 4096,
        outbox: Limit {
            bytes: 256 * 1024,
            lines: 4096,
        },
        rate: Rate {
            burst: 100,
            per_second: 50,
        },
    };
    let hub = Hub::new(
        Box::new(Registry::default()),
        limits,
        Arc::new(RealClock::new()),
    );
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;

    let log = Log::to_stderr(Level::Info);
    let gate = Gate::new(listener, &signals, &hub, max_clients, log.clone())?;
    let link = |stream, seat| Timed::new(stream, seat, times);
    serve(&hub, gate, link, &log)?;
    hurry(signals, &hub, log);
    drain(&hub, Duration::from_secs(5));
    Ok(())
}
// ANCHOR_END: run
