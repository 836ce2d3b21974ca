//! The stage of step 4: a chat with rooms, two threads for each client.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::bucket::Rate;
use ch01_sockets::chat::{Hub, Limits, serve};
use ch01_sockets::outbox::Limit;
use ch01_sockets::registry::Registry;

const COMMAND: Command = Command {
    name: "step4_chat",
    about: "A chat with rooms for any number of clients.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7001"),
        PORT,
        Opt {
            name: "max-line",
            value: Some("BYTES"),
            default: Some("4096"),
            help: "the longest line a client may send",
        },
        Opt {
            name: "outbox",
            value: Some("BYTES"),
            default: Some("262144"),
            help: "what may wait for a client before it is cut off",
        },
    ],
    try_it: "nc 127.0.0.1 7001, in two terminals",
};

fn main() -> ExitCode {
    let (addr, limits) = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr, limits) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<(SocketAddr, Limits), Stop> {
    let parsed = COMMAND.from_env();
    let limits = Limits {
        line: parsed.value("max-line")?,
        outbox: Limit {
            bytes: parsed.value("outbox")?,
            lines: 4096,
        },
        rate: Rate {
            burst: 100,
            per_second: 50,
        },
    };
    Ok((parsed.addr()?, limits))
}

// ANCHOR: run
fn run(addr: SocketAddr, limits: Limits) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    let hub = Hub::new(
        Box::new(Registry::default()),
        limits,
        Arc::new(RealClock::new()),
    );
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    thread::spawn(move || {
        let log = Log::to_stderr(Level::Info);
        let link = |stream, _| Ok(stream);
        let served = serve(&hub, listener.incoming(), link, &log);
        if let Err(error) = served {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1); // the first EMFILE is the end: see step 5
        }
    });
    signals.wait(); // and everybody is cut off: step 5 does better
    Ok(())
}
// ANCHOR_END: run
