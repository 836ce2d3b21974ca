//! The finished stage: ch01's chat, ten thousand on one thread; or with
//! `--echo` an echo server, on as many loops as you like.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals, nofile, set_nofile};
use ch01_sockets::bucket::Rate;
use ch01_sockets::patience::Terms;
use ch01_sockets::registry::Registry;
use ch02_event_loop::chat::{Hall, Limits};
use ch02_event_loop::cores::{Stop as Ending, beside, cores, find_free};
use ch02_event_loop::drain::{Drain, Drained};
use ch02_event_loop::echo::echo;
use ch02_event_loop::poll::Poll;
use ch02_event_loop::poller::{Poller, system};
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::signals::SignalEvents;
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::{TcpListener, TcpStream};

const COMMAND: Command = Command {
    name: "ch02-event-loop",
    about: "The chat of ch01, with all its clients on one thread.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7002"),
        PORT,
        Opt {
            name: "echo",
            value: None,
            default: None,
            help: "send back what comes instead",
        },
        option(
            "loops",
            "N",
            "1",
            "with --echo: loops; 0: one for each core",
        ),
        option("poller", "epoll|poll", "epoll", "how to wait"),
        option("max-clients", "N", "10000", "how many may be here at once"),
        option("max-line", "BYTES", "4096", "the longest line of a client"),
        option("outbox", "BYTES", "262144", "what may wait for a client"),
        option("burst", "N", "100", "lines that a client may say at once"),
        option("rate", "N", "50", "lines a second after that; 0: no limit"),
        option("login", "SECONDS", "30", "from connecting to a name"),
        option("idle", "SECONDS", "600", "silence that ends a connection"),
        option(
            "send",
            "SECONDS",
            "30",
            "for a client to take what it is told",
        ),
        option("linger", "SECONDS", "2", "from our goodbye to the peer's"),
        option("drain", "SECONDS", "5", "from SIGTERM to the end"),
    ],
    try_it: "nc 127.0.0.1 7002, in two terminals",
};

const fn option(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Opt {
    Opt {
        name,
        value: Some(value),
        default: Some(default),
        help,
    }
}

struct Config {
    addr: SocketAddr,
    is_echo: bool,
    loops: usize,
    poller: Kind,
    max_clients: usize,
    limits: Limits,
    drain: Duration,
}

/// The poller's kind, as the command line has it.
#[derive(Clone, Copy)]
enum Kind {
    System,
    Poll,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Kind, ()> {
        match text {
            "epoll" => Ok(Kind::System),
            "poll" => Ok(Kind::Poll),
            _ => Err(()),
        }
    }
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
    let seconds = |name| parsed.value::<Seconds>(name).map(|s| s.0);
    let is_echo = parsed.switch("echo");
    let loops = match parsed.value("loops")? {
        0 => cores(),
        loops => loops,
    };
    if loops > 1 && !is_echo {
        let why = "--loops wants --echo: a chat's rooms are on one loop";
        return Err(Stop::Usage(why.to_owned()));
    }
    Ok(Config {
        addr: parsed.addr()?,
        is_echo,
        loops,
        poller: parsed.value("poller")?,
        max_clients: parsed.value("max-clients")?,
        limits: Limits {
            line: parsed.value("max-line")?,
            outbox: parsed.value("outbox")?,
            rate: Rate {
                burst: parsed.value("burst")?,
                per_second: parsed.value("rate")?,
            },
            terms: Terms {
                login: seconds("login")?,
                idle: seconds("idle")?,
            },
            send: seconds("send")?,
            linger: seconds("linger")?,
        },
        drain: seconds("drain")?,
    })
}

/// The first loop listens at the address and hears the signals; the others,
/// if any, listen at the port that it got.
fn run(config: &Config) -> io::Result<()> {
    let log = Log::to_stderr(Level::Info);
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    raise_nofile(config.max_clients, &log)?;
    let runtime = config.runtime()?;
    let addr = find_free(config.addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {}: {error}", config.addr))
    })?;
    let listener = config.listen(&runtime, addr)?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;

    let stop = Ending::default();
    let other = || {
        let runtime = config.runtime()?;
        let listener = config.listen(&runtime, addr)?;
        run_loop(config, &runtime, &listener, &stop, &log)
    };
    beside(config.loops - 1, &stop, other, || {
        let events = SignalEvents::of(runtime.reactor(), signals)?;
        let ask = stop.clone();
        let hears = runtime.spawn(async move {
            while events.next().await.is_ok() {
                ask.ask();
            }
        });
        run_loop(config, &runtime, &listener, &stop, &log)?;
        drop(hears);
        Ok(())
    })
}

/// One loop: serves until it is asked to stop, then drains; asked again, it
/// cuts off who is still here.
fn run_loop(
    config: &Config,
    runtime: &Runtime,
    listener: &TcpListener,
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
    let drained = runtime.block_on(async {
        match config.is_echo {
            true => echoes(config, runtime, listener, &drain).await?,
            false => chats(config, runtime, listener, &drain).await?,
        }
        let timers = runtime.timers();
        Ok::<Drained, io::Error>(drain.finish(timers, config.drain).await)
    })?;
    runtime.cancel_all();
    let Drained { here, late } = drained?;
    let shortages = listener.shortages();
    if shortages > 0 {
        log.warn(format_args!("accept had to wait {shortages} times"));
    }
    log.info(format_args!(
        "drained: {here} were here, {late} were cut off"
    ));
    Ok(())
}

async fn echoes(
    config: &Config,
    runtime: &Runtime,
    listener: &TcpListener,
    drain: &Drain,
) -> io::Result<()> {
    let door = Door {
        most: config.max_clients,
        full: "",
    };
    let handle = |stream: TcpStream, _| {
        let (buffers, drain) = (runtime.buffers().clone(), drain.clone());
        async move {
            // How a connection ends is its own business.
            let _ = echo(&stream, &buffers, drain.begun()).await;
        }
    };
    serve(runtime, listener, drain, door, handle).await
}

async fn chats(
    config: &Config,
    runtime: &Runtime,
    listener: &TcpListener,
    drain: &Drain,
) -> io::Result<()> {
    let full = "* the server is full: try again later\n";
    let door = Door {
        most: config.max_clients,
        full,
    };
    let core = Box::new(Registry::default());
    let hall = Hall::new(core, config.limits, runtime);
    let handle = |stream: TcpStream, _| {
        let hall = hall.clone();
        async move {
            let _ = hall.client(stream).await;
        }
    };
    serve(runtime, listener, drain, door, handle).await?;
    hall.end_all("the server is closing: goodbye");
    Ok(())
}

impl Config {
    fn runtime(&self) -> io::Result<Runtime> {
        let poller: Box<dyn Poller> = match self.poller {
            Kind::System => system()?,
            Kind::Poll => Box::new(Poll::new()),
        };
        Runtime::with_poller(poller)
    }

    fn listen(
        &self,
        runtime: &Runtime,
        addr: SocketAddr,
    ) -> io::Result<TcpListener> {
        let options = ListenOptions {
            reuse_port: self.loops > 1,
            ..ListenOptions::default()
        };
        runtime.listen(addr, options).map_err(|error| {
            io::Error::other(format!("cannot listen on {addr}: {error}"))
        })
    }
}

/// One descriptor a client, and some for ourselves; as many as we may have.
fn raise_nofile(max_clients: usize, log: &Log) -> io::Result<()> {
    let (limit, wanted) = (nofile()?, (max_clients as u64).saturating_add(32));
    if wanted > limit.soft {
        set_nofile(wanted.min(limit.hard))?;
    }
    if wanted > limit.hard {
        log.warn(format_args!(
            "{max_clients} clients need {wanted} descriptors, \
             and the hard limit is {}",
            limit.hard
        ));
    }
    Ok(())
}

/// A time as the command line has it: `5`, `0.25`.
struct Seconds(Duration);

impl FromStr for Seconds {
    type Err = ();

    fn from_str(text: &str) -> Result<Seconds, ()> {
        let seconds = text.parse().map_err(|_| ())?;
        Duration::try_from_secs_f64(seconds)
            .map(Seconds)
            .map_err(|_| ())
    }
}
