//! The stage of this step: the same small site, for clients that are not
//! trusted to be quick.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::sys::{Signal, nofile, set_nofile};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::signals::SignalEvents;
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::head::Method;
use ch03_http::incoming::{Fault, Incoming};
use ch03_http::out::Out;
use ch03_http::response::{Content, Later, Payload, Response};
use ch03_http::serve::{Server, Service, Settings};
use ch03_http::slow::{Crowded, Times};

const COMMAND: Command = Command {
    name: "step4_slow",
    about: "Serves a small site from memory: /, /echo, /count/N.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7003"),
        PORT,
        Opt {
            name: "keep-alive-ms",
            value: Some("MS"),
            default: Some("75000"),
            help: "from an answer to the next request",
        },
        Opt {
            name: "head-ms",
            value: Some("MS"),
            default: Some("20000"),
            help: "from a head's first byte to its last",
        },
        Opt {
            name: "body-ms",
            value: Some("MS"),
            default: Some("20000"),
            help: "for a body, besides what its bytes earn",
        },
        Opt {
            name: "send-ms",
            value: Some("MS"),
            default: Some("60000"),
            help: "for an answer to be read, besides what its bytes earn",
        },
        Opt {
            name: "rate",
            value: Some("N"),
            default: Some("500"),
            help: "bytes that earn a second",
        },
        Opt {
            name: "max-clients",
            value: Some("N"),
            default: Some("10000"),
            help: "how many connections at once",
        },
    ],
    try_it: "printf 'GET / HT' | nc 127.0.0.1 7003, and wait",
};

struct Config {
    addr: SocketAddr,
    times: Times,
    most: usize,
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
    let time = |name| parsed.value(name).map(Duration::from_millis);
    Ok(Config {
        addr: parsed.addr()?,
        most: parsed.value("max-clients")?,
        times: Times {
            keep_alive: time("keep-alive-ms")?,
            head: time("head-ms")?,
            body: time("body-ms")?,
            send: time("send-ms")?,
            rate: parsed.value("rate")?,
            ..Times::default()
        },
    })
}

fn run(config: &Config) -> io::Result<()> {
    let Config { addr, times, most } = *config;
    let wanted = (most as u64).saturating_add(64);
    set_nofile(wanted.clamp(nofile()?.soft, nofile()?.hard))?;
    let runtime = Runtime::new()?;
    let which = [Signal::Int, Signal::Term];
    let signals = SignalEvents::new(runtime.reactor(), &which)?;
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
    // ANCHOR: settings
    let crowded = Crowded {
        times,
        least: Duration::from_secs(1).min(times.keep_alive),
        drain: drain.clone(),
        most,
    };
    let settings = Settings {
        patience: Box::new(crowded),
        ..Settings::default()
    };
    let server = Server::new(Site, &runtime, &drain, settings);
    let door = Door { most, full: "" };
    // ANCHOR_END: settings
    let handle = |stream: TcpStream, _| {
        let server = server.clone();
        async move { drop(server.connection(stream).await) }
    };
    runtime.block_on(async {
        serve(&runtime, &listener, &drain, door, handle).await?;
        drain.finish(runtime.timers(), Duration::from_secs(5)).await;
        Ok(())
    })?
}

/// Pages in memory.
struct Site;

impl Service for Site {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        let request = incoming.request();
        let path = request.target.path().unwrap_or("").to_owned();
        let (allowed, is_known) = match path.as_str() {
            "" | "/" => ("GET, HEAD, OPTIONS", true),
            "/echo" => ("POST, PUT, OPTIONS", true),
            path => ("GET, HEAD, OPTIONS", path.starts_with("/count/")),
        };
        let method = String::from_utf8_lossy(request.method.token());
        match request.method {
            Method::Options => {
                return Ok(Response::new(204).with("Allow", allowed)?);
            }
            Method::Other(_) => {
                return Ok(Response::text(501, format!("{method}?\n")));
            }
            _ if !is_known => return Ok(Response::text(404, "nothing\n")),
            _ if !allowed.split(", ").any(|it| it == method) => {
                let text = format!("{allowed} alone\n");
                return Ok(Response::text(405, text).with("Allow", allowed)?);
            }
            _ => {}
        }
        match path.strip_prefix("/count/").map(str::parse) {
            Some(Ok(to)) => Ok(count(to)),
            Some(Err(_)) => Ok(Response::text(404, "no number\n")),
            None if path == "/echo" => {
                let body = incoming.whole().await?;
                let said = Payload::Bytes(body.into());
                Ok(Response::new(200).with_payload(said))
            }
            None => Ok(Response::text(200, "hello\n")),
        }
    }
}

/// Numbers up to this one: a content whose length nobody knows before.
struct Count(u32);

fn count(to: u32) -> Response {
    Response::new(200)
        .with_fixed("Content-Type", "text/plain")
        .with_payload(Payload::Content(Box::new(Count(to))))
}

impl Content for Count {
    fn length(&self) -> Option<u64> {
        None
    }

    fn send<'a>(&'a mut self, out: &'a mut Out<'_>) -> Later<'a> {
        Box::pin(async move {
            for number in 1..=self.0 {
                out.write(format!("{number}\n").as_bytes()).await?;
            }
            Ok(())
        })
    }
}
