//! The stage of step 1: ch01's echo, a thread for each client, and what that
//! costs.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals, nofile, set_nofile};
use ch01_sockets::echo::{echo, serve};
use ch02_event_loop::cost::Cost;

const COMMAND: Command = Command {
    name: "step1_threads",
    about: "Sends back what a client sends, with a thread for each client, \
            and says what they cost at 1, 2, 4, 8, … of them.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7002"),
        PORT,
        Opt {
            name: "stack",
            value: Some("KIB"),
            default: Some("2048"),
            help: "reserved for the stack of each thread",
        },
    ],
    try_it: "cargo run -r -p ch02-event-loop --example load -- \
             idle --connections 1000",
};

fn main() -> ExitCode {
    let (addr, stack) = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr, stack) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<(SocketAddr, usize), Stop> {
    let parsed = COMMAND.from_env();
    let kib = parsed.value::<usize>("stack")?.min(1024 * 1024);
    Ok((parsed.addr()?, kib * 1024))
}

fn run(addr: SocketAddr, stack: usize) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    set_nofile(nofile()?.hard)?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let log = Log::to_stderr(Level::Info);
    thread::spawn(move || {
        let here = Arc::new(AtomicUsize::new(0));
        let accept = || Ok(listener.accept()?.0);
        let handle = |stream| start(stream, stack, &here, &log);
        // Ends only when there cannot be another client.
        if let Err(error) = serve(accept, handle, &RealClock::new(), &quiet()) {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1);
        }
    });
    // Those who are being served are cut off: step 8 does better.
    signals.wait();
    Ok(())
}

/// `serve` logs what `handle` returns, which here is no client's end.
fn quiet() -> Log {
    Log::to_stderr(Level::Warn)
}

/// Starts a client's thread. It fails when the system has no thread left:
/// then this client is dropped, and the server goes on.
fn start(
    mut stream: TcpStream,
    stack: usize,
    here: &Arc<AtomicUsize>,
    log: &Log,
) -> io::Result<u64> {
    let count = here.fetch_add(1, SeqCst) + 1;
    let left = Left(here.clone());
    thread::Builder::new().stack_size(stack).spawn(move || {
        let _left = left;
        // How it ended is its own business.
        let _ = echo(&mut stream);
    })?;
    if count.is_power_of_two() {
        say(count, log);
    }
    Ok(0)
}

fn say(count: usize, log: &Log) {
    match Cost::own() {
        Ok(cost) => log.info(format_args!(
            "{count} clients: {} threads, {} KiB resident, {} switches",
            cost.threads,
            cost.rss_kib,
            cost.switches.voluntary + cost.switches.involuntary,
        )),
        Err(error) => log.warn(format_args!("{count} clients: {error}")),
    }
}

/// Counts a client out, however its thread ends, or if it never begins.
struct Left(Arc<AtomicUsize>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
