//! A load for line servers: what `bench.toml` times them with.
//!
//! Every line is 7-bit text of a fixed length, so that an echo server, a
//! chat and `cat` do the same work; lines are counted when they come back.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::sys::{Signal, Signals, nofile, set_nofile};

const COMMAND: Command = Command {
    name: "load",
    about: "Loads a line server: throughput, rtt (round-trip time) or idle.",
    operands: "throughput|rtt|idle",
    options: &[
        addr_opt("127.0.0.1:7001"),
        PORT,
        option("connections", "N", "64", "connections at once"),
        option("size", "BYTES", "4096", "a line's length, its end included"),
        option("window", "LINES", "4", "sent before the first must be back"),
        option("seconds", "N", "3", "how long throughput is measured"),
        option("trips", "N", "20000", "round trips that rtt makes"),
        Opt {
            name: "chat",
            value: None,
            default: None,
            help: "first a name and a room of one's own; for an echo too",
        },
    ],
    try_it: "cargo run -r -p ch01-sockets -- --echo, then: load rtt",
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
    what: String,
    addr: SocketAddr,
    connections: usize,
    size: usize,
    window: u64,
    seconds: Duration,
    trips: usize,
    chat: bool,
}

fn main() -> ExitCode {
    let config = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let done = match config.what.as_str() {
        "throughput" => throughput(&config),
        "rtt" => rtt(&config),
        _ => idle(&config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<Config, Stop> {
    let parsed = COMMAND.from_env();
    let what = parsed.operands().concat();
    if !["throughput", "rtt", "idle"].contains(&what.as_str()) {
        let text = format!("{what:?} is not throughput, rtt or idle");
        return Err(Stop::Usage(text));
    }
    Ok(Config {
        what,
        addr: parsed.addr()?,
        connections: parsed.value("connections")?,
        size: parsed.value::<usize>("size")?.max(2),
        window: parsed.value::<u64>("window")?.max(1),
        seconds: Duration::from_secs(parsed.value("seconds")?),
        trips: parsed.value::<usize>("trips")?.max(1),
        chat: parsed.switch("chat"),
    })
}

/// Keeps `window` lines on their way over each connection, and counts those
/// that came back between the first second and the last.
fn throughput(config: &Config) -> io::Result<()> {
    let start = Instant::now() + Duration::from_secs(1);
    let end = start + config.seconds;
    let lines = thread::scope(|scope| {
        let threads: Vec<_> = (0..config.connections)
            .map(|at| scope.spawn(move || pump(config, at, start, end)))
            .collect();
        let mut lines = 0;
        for thread in threads {
            lines += thread.join().map_err(|_| {
                io::Error::other("a connection's thread panicked")
            })??;
        }
        Ok::<u64, io::Error>(lines)
    })?;
    let bytes = lines as f64 * config.size as f64;
    let rate = bytes / config.seconds.as_secs_f64() / 1e6;
    let per_second = lines as f64 / config.seconds.as_secs_f64();
    writeln!(
        io::stdout(),
        "throughput {rate:.1} MB/s ({per_second:.0} lines/s)"
    )
}

fn pump(
    config: &Config,
    at: usize,
    start: Instant,
    end: Instant,
) -> io::Result<u64> {
    let mut stream = connect(config, at)?;
    let line = line(config.size);
    let window = line.repeat(config.window as usize);
    stream.write_all(&window)?;
    let (mut counted, mut buf) = (0, vec![0; 64 * 1024]);
    loop {
        let count = stream.read(&mut buf)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let back = buf[..count].iter().filter(|&&b| b == b'\n').count();
        let now = Instant::now();
        if now >= end {
            return Ok(counted);
        }
        if now >= start {
            counted += back as u64;
        }
        stream.write_all(&window[..back * config.size])?;
    }
}

/// Sends a line, waits until it is back, and again: one connection.
fn rtt(config: &Config) -> io::Result<()> {
    let mut stream = connect(config, 0)?;
    let line = line(config.size.min(64));
    let mut back = BufReader::new(stream.try_clone()?);
    let mut trips = Vec::with_capacity(config.trips);
    let mut got = Vec::new();
    for _ in 0..config.trips {
        let sent = Instant::now();
        stream.write_all(&line)?;
        got.clear();
        if back.read_until(b'\n', &mut got)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        trips.push(sent.elapsed());
    }
    trips.sort();
    let us = |at: usize| trips[at].as_nanos() as f64 / 1e3;
    let (median, p99) = (us(trips.len() / 2), us(trips.len() * 99 / 100));
    writeln!(io::stdout(), "rtt {median:.1} us median, {p99:.1} us p99")
}

/// Opens the connections, sends a line over each so that both sides have
/// done all they do for a client, and holds them until a signal comes.
fn idle(config: &Config) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let limit = nofile()?;
    set_nofile(limit.hard.min(config.connections as u64 + 64))?;
    let line = line(config.size.min(64));
    let mut held = Vec::new();
    for at in 0..config.connections {
        let mut stream = connect(config, at)?;
        stream.write_all(&line)?;
        if stream.read(&mut [0; 64])? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        held.push(stream);
    }
    writeln!(io::stdout(), "idle {} connections", held.len())?;
    signals.wait();
    Ok(())
}

fn connect(config: &Config, at: usize) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(config.addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    if config.chat {
        introduce(&stream, at)?;
    }
    Ok(stream)
}

/// A name and a room of one's own. What comes back for the third line, from
/// a chat or from an echo, is the last before the load begins.
fn introduce(mut stream: &TcpStream, at: usize) -> io::Result<()> {
    let id = std::process::id();
    let text = format!("p{id}-{at}\n/join r{id}-{at}\n/rooms\n");
    stream.write_all(text.as_bytes())?;
    let mut back = BufReader::with_capacity(1, stream);
    let mut got = String::new();
    while !got.starts_with("* rooms:") && got != "/rooms\n" {
        got.clear();
        if back.read_line(&mut got)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn line(size: usize) -> Vec<u8> {
    let mut line: Vec<u8> = (b'a'..=b'z').cycle().take(size - 1).collect();
    line.push(b'\n');
    line
}
