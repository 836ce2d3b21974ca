//! Opens connections, asks once on each, and holds them: what `bench.toml`
//! weighs the memory of an idle connection with.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::sys::{Signal, Signals, nofile, set_nofile};
use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyLimits;
use ch03_http::framing::response_body;
use ch03_http::head::{Method, ResponseParser, Rules};

const COMMAND: Command = Command {
    name: "load",
    about: "Holds connections on which one request was answered.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7003"),
        PORT,
        Opt {
            name: "connections",
            value: Some("N"),
            default: Some("1000"),
            help: "connections at once",
        },
        Opt {
            name: "path",
            value: Some("PATH"),
            default: Some("/"),
            help: "what is asked for",
        },
    ],
    try_it: "load --connections 1000, beside ch03-http",
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

struct Config {
    addr: SocketAddr,
    connections: usize,
    path: String,
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
        connections: parsed.value("connections")?,
        path: parsed.value("path")?,
    })
}

fn run(config: &Config) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let wanted = (config.connections as u64).saturating_add(32);
    set_nofile(wanted.clamp(nofile()?.soft, nofile()?.hard))?;
    let mut held = Vec::new();
    for number in 0..config.connections {
        let stream = ask(config).map_err(|error| {
            io::Error::other(format!("after {number} connections: {error}"))
        })?;
        held.push(stream);
    }
    writeln!(io::stdout(), "holding {}", held.len())?;
    signals.wait();
    Ok(())
}

/// A connection on which one request was answered.
fn ask(config: &Config) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(config.addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!("GET {} HTTP/1.1\r\nHost: load\r\n\r\n", config.path);
    stream.write_all(head.as_bytes())?;
    let mut parser = ResponseParser::new(Rules::default());
    let (mut bytes, mut buf) = (Vec::new(), vec![0; 64 * 1024]);
    let mut more = |bytes: &mut Vec<u8>| match (&stream).read(&mut buf)? {
        0 => Err(io::Error::from(ErrorKind::UnexpectedEof)),
        count => {
            bytes.extend_from_slice(&buf[..count]);
            Ok(())
        }
    };
    let length = loop {
        match parser.parse(&bytes).map_err(io::Error::other)? {
            Some(length) => break length,
            None => more(&mut bytes)?,
        }
    };
    let head = parser.head(&bytes[..length]);
    let body = response_body(Method::Get, &head).map_err(io::Error::other)?;
    let limits = BodyLimits {
        body: u64::MAX,
        ..BodyLimits::default()
    };
    let reader = BodyReader::new(body, limits).map_err(io::Error::other)?;
    let (mut reader, mut rest) = (reader, bytes.split_off(length));
    loop {
        let taken = reader.decode(&rest).map_err(io::Error::other)?;
        let (used, is_done) = (taken.used, taken.done);
        rest.drain(..used);
        if is_done {
            return Ok(stream);
        }
        more(&mut rest)?;
    }
}
