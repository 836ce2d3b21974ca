//! The stage of this step: a small site in memory, for clients that are
//! trusted to be quick.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::sys::Signal;
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

const COMMAND: Command = Command {
    name: "step3_serve",
    about: "Serves a small site from memory: /, /echo, /count/N.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7003"), PORT],
    try_it: "curl -v http://127.0.0.1:7003/ http://127.0.0.1:7003/count/3",
};

fn main() -> ExitCode {
    let addr = match COMMAND.from_env().addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run(addr: SocketAddr) -> io::Result<()> {
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
    let server = Server::new(Site, &runtime, &drain, Settings::default());
    let door = Door {
        most: 10_000,
        full: "",
    };
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

// ANCHOR: site
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
// ANCHOR_END: site

// ANCHOR: count
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
// ANCHOR_END: count
