//! The finished stage: a file server, with an echo and a chat beside it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, nofile, set_nofile};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::signals::SignalEvents;
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::files::Files;
use ch03_http::live::Room;
use ch03_http::serve::{Server, Settings};
use ch03_http::site::{MAX_TEXT, Site};
use ch03_http::slow::{Crowded, Times};
use ch03_http::websocket::connection::Limits;
use ch03_http::websocket::pulse;

const COMMAND: Command = Command {
    name: "ch03-http",
    about: "Serves a directory over HTTP/1.1.",
    operands: "[DIR]",
    options: &[
        addr_opt("127.0.0.1:7003"),
        PORT,
        Opt {
            name: "list",
            value: None,
            default: None,
            help: "show directories without an index.html",
        },
        Opt {
            name: "max-clients",
            value: Some("N"),
            default: Some("10000"),
            help: "how many connections at once",
        },
        Opt {
            name: "drain-ms",
            value: Some("MS"),
            default: Some("5000"),
            help: "from SIGTERM to the end; another signal ends it",
        },
    ],
    try_it: "curl -v http://127.0.0.1:7003/\n\
             http://127.0.0.1:7003/-/chat in a browser, twice",
};

/// What may wait for one WebSocket, in bytes.
const OUTBOX: usize = 256 * 1024;

/// What one connection too many is told, whatever it asks.
const FULL: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
                    Content-Length: 0\r\nConnection: close\r\n\r\n";

struct Config {
    addr: SocketAddr,
    root: PathBuf,
    has_listings: bool,
    max_clients: usize,
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
    let root = parsed.operands().first().map_or(".", String::as_str);
    Ok(Config {
        addr: parsed.addr()?,
        root: PathBuf::from(root),
        has_listings: parsed.switch("list"),
        max_clients: parsed.value("max-clients")?,
        drain: Duration::from_millis(parsed.value("drain-ms")?),
    })
}

fn run(config: &Config) -> io::Result<()> {
    let log = Log::to_stderr(Level::Info);
    // One for each connection, and one for the file that it is sent.
    let wanted = (config.max_clients as u64).saturating_mul(2);
    let wanted = wanted.saturating_add(64);
    set_nofile(wanted.clamp(nofile()?.soft, nofile()?.hard))?;
    let runtime = Runtime::new()?;
    let which = [Signal::Int, Signal::Term];
    let signals = SignalEvents::new(runtime.reactor(), &which)?;
    let root = &config.root;
    let files = Files::new(root, config.has_listings).map_err(|error| {
        io::Error::other(format!("{}: {error}", root.display()))
    })?;
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
        patience: Box::new(Crowded {
            times: Times::default(),
            least: Duration::from_secs(5),
            drain: drain.clone(),
            most: config.max_clients,
        }),
        ..Settings::default()
    };
    let limits = Limits {
        message: MAX_TEXT,
        output: OUTBOX,
        times: pulse::Times {
            ping_after: Duration::from_secs(30),
            pong_within: Duration::from_secs(30),
            close_within: Duration::from_secs(2), // well within the drain
        },
    };
    // The moment of the start tells this run's events from another's.
    let run = runtime.clock().unix().as_millis().to_string();
    let room = Room::new(&runtime, &drain, &run, limits, OUTBOX);
    let site = Site::new(files, room);
    let server = Server::new(site, &runtime, &drain, settings);
    let door = Door {
        most: config.max_clients,
        full: FULL,
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
