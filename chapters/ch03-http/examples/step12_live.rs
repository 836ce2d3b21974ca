//! The stage of the last step: a room, over WebSockets and as a stream of
//! events. The finished stage serves a directory beside it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::Signal;
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::signals::SignalEvents;
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::live::Room;
use ch03_http::serve::{Server, Settings};
use ch03_http::site::{MAX_TEXT, Site};
use ch03_http::slow::Times;
use ch03_http::websocket::connection::Limits;
use ch03_http::websocket::pulse;

const COMMAND: Command = Command {
    name: "step12_live",
    about: "A room to talk in: by WebSocket, by POST, and as events.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7003"),
        PORT,
        Opt {
            name: "outbox",
            value: Some("BYTES"),
            default: Some("262144"),
            help: "what may wait for one WebSocket before it is cut off",
        },
        Opt {
            name: "drain-ms",
            value: Some("MS"),
            default: Some("5000"),
            help: "from SIGTERM to the end; another signal ends it",
        },
    ],
    try_it: "http://127.0.0.1:7003/-/chat in a browser, twice
\
             curl -N http://127.0.0.1:7003/-/events
\
             curl -d hello http://127.0.0.1:7003/-/say",
};

struct Config {
    addr: SocketAddr,
    outbox: usize,
    drain: Duration,
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
    Ok(Config {
        addr: parsed.addr()?,
        outbox: parsed.value("outbox")?,
        drain: Duration::from_millis(parsed.value("drain-ms")?),
    })
}

fn run(config: &Config) -> io::Result<()> {
    let log = Log::to_stderr(Level::Info);
    let runtime = Runtime::new()?;
    let which = [Signal::Int, Signal::Term];
    let signals = SignalEvents::new(runtime.reactor(), &which)?;
    let addr = config.addr;
    let options = ListenOptions::default();
    let listener = runtime.listen(addr, options).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;

    let drain = Drain::default();
    let begin = drain.clone();
    let _hears = runtime.spawn(async move {
        while signals.next().await.is_ok() {
            begin.begin();
        }
    });
    let settings = Settings {
        patience: Box::new(Times::default()),
        ..Settings::default()
    };
    let limits = Limits {
        message: MAX_TEXT,
        output: config.outbox,
        times: pulse::Times {
            ping_after: Duration::from_secs(30),
            pong_within: Duration::from_secs(30),
            close_within: Duration::from_secs(2), // well within the drain
        },
    };
    // The moment of the start tells this run's events from another's.
    let run = runtime.clock().unix().as_millis().to_string();
    let room = Room::new(&runtime, &drain, &run, limits, config.outbox);
    let site = Site::new(None, room);
    let server = Server::new(site, &runtime, &drain, settings);
    let door = Door {
        most: 1000,
        full: "",
    };
    let handle = |stream: TcpStream, _| {
        let server = server.clone();
        async move { drop(server.connection(stream).await) }
    };
    let drained = runtime.block_on(async {
        serve(&runtime, &listener, &drain, door, handle).await?;
        Ok::<_, io::Error>(drain.finish(runtime.timers(), config.drain).await)
    })??;
    log.info(format_args!("drained: {drained:?}"));
    Ok(())
}
