//! The stage of step 8: an echo server on as many loops as there are cores,
//! that ends in an orderly way.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch02_event_loop::cores::{Stop as Ending, beside, find_free};
use ch02_event_loop::drain::{Drain, Drained};
use ch02_event_loop::echo::echo;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::signals::SignalEvents;
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::{TcpListener, TcpStream};

const COMMAND: Command = Command {
    name: "step8_shutdown",
    about: "Echoes on several loops, and drains on SIGTERM or Ctrl-C.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7002"),
        PORT,
        Opt {
            name: "loops",
            value: Some("N"),
            default: Some("2"),
            help: "how many loops, each on a thread of its own",
        },
        Opt {
            name: "drain-ms",
            value: Some("MS"),
            default: Some("5000"),
            help: "from the signal to the end; another signal ends it",
        },
    ],
    try_it: "nc 127.0.0.1 7002; then Ctrl-C here, twice",
};

struct Config {
    addr: SocketAddr,
    loops: usize,
    limit: Duration,
}

fn main() -> ExitCode {
    let config = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<Config, Stop> {
    let parsed = COMMAND.from_env();
    let loops = parsed.value::<usize>("loops")?;
    if !(1..=256).contains(&loops) {
        return Err(Stop::Usage("--loops wants 1 to 256".to_owned()));
    }
    let limit = Duration::from_millis(parsed.value("drain-ms")?);
    Ok(Config {
        addr: parsed.addr()?,
        loops,
        limit,
    })
}

fn run(config: &Config) -> io::Result<()> {
    let log = Log::to_stderr(Level::Info);
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let runtime = Runtime::new()?;
    let addr = find_free(config.addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {}: {error}", config.addr))
    })?;
    let listener = listen(&runtime, addr)?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let stop = Ending::default();
    let other = || {
        let runtime = Runtime::new()?;
        let listener = listen(&runtime, addr)?;
        one_loop(&runtime, &listener, config.limit, &stop, &log)
    };
    beside(config.loops - 1, &stop, other, || {
        let events = SignalEvents::of(runtime.reactor(), signals)?;
        let ask = stop.clone();
        let _hears = runtime.spawn(async move {
            while let Ok(signal) = events.next().await {
                Log::to_stderr(Level::Info).info(format_args!("{signal}"));
                ask.ask();
            }
        });
        one_loop(&runtime, &listener, config.limit, &stop, &log)
    })
}

fn listen(runtime: &Runtime, addr: SocketAddr) -> io::Result<TcpListener> {
    let options = ListenOptions {
        reuse_port: true,
        ..ListenOptions::default()
    };
    runtime.listen(addr, options).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })
}

fn one_loop(
    runtime: &Runtime,
    listener: &TcpListener,
    limit: Duration,
    stop: &Ending,
    log: &Log,
) -> io::Result<()> {
    let drain = Drain::default();
    let (ask, begin) = (stop.clone(), drain.clone());
    let _asked = runtime.spawn(async move {
        ask.asked(1).await;
        begin.begin();
        ask.asked(2).await;
        begin.begin();
    });
    let door = Door {
        most: 10_000,
        full: "",
    };
    let handle = |stream: TcpStream, _| {
        let buffers = runtime.buffers().clone();
        let ended = drain.clone();
        async move { drop(echo(&stream, &buffers, ended.begun()).await) }
    };
    let drained = runtime.block_on(async {
        serve(runtime, listener, &drain, door, handle).await?;
        Ok::<_, io::Error>(drain.finish(runtime.timers(), limit).await)
    })?;
    let Drained { here, late } = drained?;
    log.info(format_args!(
        "a loop ends: {here} were here, {late} cut off"
    ));
    Ok(())
}
