//! The stage of this step: a directory, and nothing else.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::sys::Signal;
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::signals::SignalEvents;
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::files::Files;
use ch03_http::serve::{Server, Settings};
use ch03_http::slow::Times;

const COMMAND: Command = Command {
    name: "step5_files",
    about: "Serves a directory over HTTP.",
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
    ],
    try_it: "step5_files --list book/ch03-http\n\
             curl -v http://127.0.0.1:7003/",
};

/// How many connections at once, and how long the last ones may take.
const CLIENTS: usize = 400;
const DRAIN: Duration = Duration::from_secs(5);

struct Config {
    addr: SocketAddr,
    root: PathBuf,
    has_listings: bool,
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
    })
}

fn run(config: &Config) -> io::Result<()> {
    let root = &config.root;
    let files = Files::new(root, config.has_listings).map_err(|error| {
        io::Error::other(format!("{}: {error}", root.display()))
    })?;
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
    // ANCHOR: server
    let settings = Settings {
        patience: Box::new(Times::default()),
        ..Settings::default()
    };
    let server = Server::new(files, &runtime, &drain, settings);
    let handle = |stream: TcpStream, _| {
        let server = server.clone();
        async move { drop(server.connection(stream).await) }
    };
    // ANCHOR_END: server
    let door = Door {
        most: CLIENTS,
        full: "",
    };
    runtime.block_on(async {
        serve(&runtime, &listener, &drain, door, handle).await?;
        drain.finish(runtime.timers(), DRAIN).await;
        Ok(())
    })?
}
