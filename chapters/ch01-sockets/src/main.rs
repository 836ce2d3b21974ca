//! The finished stage: the chat server, or with `--echo` an echo server on the
//! same threads, limits and endings.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals, nofile, set_nofile};
use ch01_sockets::bucket::Rate;
use ch01_sockets::chat::{Hub, Limits, serve};
use ch01_sockets::endings::{Drained, Timed, Times, drain, hurry};
use ch01_sockets::gate::Gate;
use ch01_sockets::outbox::Limit;
use ch01_sockets::patience::Terms;
use ch01_sockets::registry::{Core, Echo, Registry};

const COMMAND: Command = Command {
    name: "ch01-sockets",
    about: "A chat server that speaks to nc, socat and telnet.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7001"),
        PORT,
        Opt {
            name: "echo",
            value: None,
            default: None,
            help: "send each line back to its sender instead",
        },
        option("max-clients", "N", "1000", "how many may be here at once"),
        option("max-line", "BYTES", "4096", "the longest line of a client"),
        option("outbox", "BYTES", "262144", "what may wait for a client"),
        option("outbox-lines", "N", "4096", "lines that may wait for it"),
        option("burst", "N", "100", "lines that a client may say at once"),
        option("rate", "N", "50", "lines a second after that; 0: no limit"),
        option("login", "SECONDS", "30", "from connecting to a name"),
        option("idle", "SECONDS", "600", "silence that ends a connection"),
        option(
            "send",
            "SECONDS",
            "30",
            "for a client to take a batch of lines",
        ),
        option("linger", "SECONDS", "2", "from our goodbye to the peer's"),
        option(
            "drain",
            "SECONDS",
            "5",
            "from SIGTERM to the end; another one ends it",
        ),
    ],
    try_it: "nc 127.0.0.1 7001, in two terminals",
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
    echo: bool,
    limits: Limits,
    times: Times,
    drain: Duration,
    max_clients: usize,
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
    let echo = parsed.switch("echo");
    let mut rate = Rate {
        burst: parsed.value("burst")?,
        per_second: parsed.value("rate")?,
    };
    if echo {
        rate.per_second = 0; // an echo floods its own sender and nobody else
    }
    Ok(Config {
        addr: parsed.addr()?,
        echo,
        limits: Limits {
            line: parsed.value("max-line")?,
            outbox: Limit {
                bytes: parsed.value("outbox")?,
                lines: parsed.value("outbox-lines")?,
            },
            rate,
        },
        times: Times {
            terms: Terms {
                login: seconds("login")?,
                idle: seconds("idle")?,
            },
            send: seconds("send")?,
            linger: seconds("linger")?,
        },
        drain: seconds("drain")?,
        max_clients: parsed.value("max-clients")?,
    })
}

fn run(config: &Config) -> io::Result<()> {
    let log = Log::to_stderr(Level::Info);
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let addr = config.addr;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    raise_nofile(config.max_clients, &log)?;
    let core: Box<dyn Core> = match config.echo {
        true => Box::new(Echo),
        false => Box::new(Registry::default()),
    };
    let hub = Hub::new(core, config.limits, Arc::new(RealClock::new()));
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;

    let max_clients = config.max_clients;
    let gate = Gate::new(listener, &signals, &hub, max_clients, log.clone())?;
    let times = config.times;
    let link = |stream, seat| Timed::new(stream, seat, times);
    serve(&hub, gate, link, &log)?;

    hurry(signals, &hub, log.clone());
    let Drained { here, late } = drain(&hub, config.drain);
    log.info(format_args!(
        "drained: {here} were here, {late} were cut off"
    ));
    Ok(())
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
