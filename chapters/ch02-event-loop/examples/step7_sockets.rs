//! The stage of step 7: an echo server of tasks on async sockets; or the same
//! tasks on a simulated network, with the faults that a seed says.

use std::future::pending;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::Clock;
use ch00_toolbox::sys::{Signal, Signals};
use ch02_event_loop::combine::join;
use ch02_event_loop::echo::echo;
use ch02_event_loop::poller::Source;
use ch02_event_loop::reactor::Direction;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::TcpListener;

const COMMAND: Command = Command {
    name: "step7_sockets",
    about: "Sends back what its clients send, each client a task.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7002"),
        PORT,
        Opt {
            name: "simulate",
            value: Some("SEED"),
            default: None,
            help: "one client on a rough simulated network; print its trace",
        },
    ],
    try_it: "printf 'hello\\n' | nc -N 127.0.0.1 7002",
};

fn main() -> ExitCode {
    let (addr, seed) = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let done = match seed {
        Some(seed) => simulate(seed),
        None => run(addr),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<(SocketAddr, Option<u64>), Stop> {
    let parsed = COMMAND.from_env();
    let seed = match parsed.text("simulate") {
        Some(_) => Some(parsed.value("simulate")?),
        None => None,
    };
    Ok((parsed.addr()?, seed))
}

fn run(addr: SocketAddr) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let runtime = Runtime::new()?;
    let options = ListenOptions::default();
    let listener = runtime.listen(addr, options).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    accept_all(&runtime, listener);
    // The signals' pipe is a source like any other; step 8 makes more of it.
    let source = Source(std::os::fd::AsRawFd::as_raw_fd(&signals));
    let signalled = runtime.reactor().register(source)?;
    runtime.block_on(async {
        loop {
            signalled.ready(Direction::Read).await?;
            match signals.try_wait() {
                Some(_) => return Ok(()),
                None => signalled.blocked(Direction::Read),
            }
        }
    })?
}

/// A task that accepts, and a task for each connection.
fn accept_all(runtime: &Runtime, listener: TcpListener) {
    let for_tasks = runtime.clone();
    let accepts = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let buffers = for_tasks.buffers().clone();
            let task = async move { echo(&stream, &buffers, pending()).await };
            for_tasks.spawn(task).detach();
        }
    };
    runtime.spawn(accepts).detach();
}

/// One client that sends a few bytes to the same server, in memory.
fn simulate(seed: u64) -> io::Result<()> {
    let sim = Sim::new(
        seed,
        Faults {
            room: 8,
            ..Faults::ROUGH
        },
    );
    let runtime = Runtime::simulated(&sim);
    let addr = SocketAddr::from(([10, 0, 0, 1], 7));
    let listener = runtime.listen(addr, ListenOptions::default())?;
    accept_all(&runtime, listener);
    let back = runtime.block_on(async {
        let (reader, writer) = runtime.connect(addr).await?.split();
        let sends =
            async move { writer.stream().write_all(b"hello, world").await };
        let reads = async {
            let (mut back, mut buf) = (Vec::new(), [0; 64]);
            loop {
                match reader.stream().read(&mut buf).await? {
                    0 => return Ok::<_, io::Error>(back),
                    count => back.extend_from_slice(&buf[..count]),
                }
            }
        };
        let (sent, back) = join(sends, reads).await;
        sent?;
        back
    })??;
    let (mut out, trace) = (io::stdout(), sim.trace());
    write!(out, "{trace}")?;
    let took = sim.clock().now().as_millis();
    let text = back.escape_ascii();
    writeln!(
        out,
        "\"{text}\" came back after {took} ms of simulated time"
    )?;
    writeln!(out, "trace {:016x}, {} lines", trace.hash(), trace.count())
}
