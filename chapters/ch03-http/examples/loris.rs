//! Holds slow connections, each with a head that never ends, and says how
//! long a request takes beside them; or holds idle ones, and says nothing
//! more: the loads of two benches.

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, Stop, addr_opt, fail, usage};
use ch00_toolbox::sys::{nofile, set_nofile};
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyLimits;
use ch03_http::framing::response_body;
use ch03_http::head::{Method, ResponseParser, Rules};

const COMMAND: Command = Command {
    name: "loris",
    about: "Holds slow connections, and times requests beside them.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7003"),
        Opt {
            name: "connections",
            value: Some("N"),
            default: Some("1000"),
            help: "how many slow connections to hold",
        },
        Opt {
            name: "every-ms",
            value: Some("MS"),
            default: Some("1000"),
            help: "how often each of them sends a byte",
        },
        Opt {
            name: "requests",
            value: Some("N"),
            default: Some("100000"),
            help: "how many requests to time, one after the other",
        },
        Opt {
            name: "idle",
            value: None,
            default: None,
            help: "hold connections that have had an answer, until the end",
        },
        Opt {
            name: "path",
            value: Some("PATH"),
            default: Some("/"),
            help: "what is asked for",
        },
    ],
    try_it: "loris --connections 1000, beside step4_slow",
};

struct Config {
    addr: SocketAddr,
    connections: usize,
    every: Duration,
    requests: usize,
    path: String,
    is_idle: bool,
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
    let requests = parsed.value::<usize>("requests")?.max(1);
    Ok(Config {
        addr: parsed.value("addr")?,
        connections: parsed.value("connections")?,
        every: Duration::from_millis(parsed.value("every-ms")?),
        requests,
        path: parsed.value("path")?,
        is_idle: parsed.switch("idle"),
    })
}

fn run(config: &Config) -> io::Result<()> {
    let wanted = (config.connections as u64).saturating_add(64);
    set_nofile(wanted.clamp(nofile()?.soft, nofile()?.hard))?;
    let runtime = Runtime::new()?;
    if config.is_idle {
        return runtime.block_on(idle(&runtime, config))?;
    }
    let held = Rc::new(Cell::new(0));
    for _ in 0..config.connections {
        let (for_task, held) = (runtime.clone(), held.clone());
        let (addr, every) = (config.addr, config.every);
        let task = async move {
            loop {
                // The server ends it: another one takes its place.
                let _ = hold(&for_task, addr, every, &held).await;
                for_task.sleep(Duration::from_millis(10)).await;
            }
        };
        runtime.spawn(task).detach();
    }
    let mut times = runtime.block_on(async {
        while held.get() < config.connections {
            runtime.sleep(Duration::from_millis(10)).await;
        }
        measure(&runtime, config).await
    })??;
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_micros();
    writeln!(
        io::stdout(),
        "{} held; p50 {} us, p99 {} us, most {} us",
        held.get(),
        at(50),
        at(99),
        at(100)
    )
}

/// Holds connections that have asked once.
async fn idle(runtime: &Runtime, config: &Config) -> io::Result<()> {
    let mut held = Vec::new();
    for _ in 0..config.connections {
        let stream = runtime.connect(config.addr).await?;
        ask(&stream, config).await?;
        held.push(stream);
    }
    writeln!(io::stdout(), "{} held", held.len())?;
    std::future::pending().await
}

/// One request, to the last byte of its answer.
async fn ask(stream: &TcpStream, config: &Config) -> io::Result<()> {
    let head = format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", config.path);
    stream.write_all(head.as_bytes()).await?;
    answer(stream).await
}

/// One slow connection, up to its end.
async fn hold(
    runtime: &Runtime,
    addr: SocketAddr,
    every: Duration,
    held: &Rc<Cell<usize>>,
) -> io::Result<()> {
    let stream = runtime.connect(addr).await?;
    let start = b"GET / HTTP/1.1\r\nHost: a\r\nX: ";
    stream.write_all(start).await?;
    held.set(held.get() + 1);
    let done = drip(runtime, &stream, every).await;
    held.set(held.get() - 1);
    done
}

async fn drip(
    runtime: &Runtime,
    stream: &TcpStream,
    every: Duration,
) -> io::Result<()> {
    loop {
        runtime.sleep(every).await;
        stream.write_all(b"x").await?;
    }
}

/// Times requests on one connection.
async fn measure(
    runtime: &Runtime,
    config: &Config,
) -> io::Result<Vec<Duration>> {
    let stream = runtime.connect(config.addr).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::with_capacity(config.requests);
    for _ in 0..config.requests {
        let began = runtime.now();
        ask(&stream, config).await?;
        times.push(runtime.now().saturating_sub(began));
    }
    Ok(times)
}

/// Reads one answer, to its last byte.
async fn answer(stream: &TcpStream) -> io::Result<()> {
    let (mut parser, mut bytes) =
        (ResponseParser::new(Rules::default()), Vec::new());
    let length = loop {
        match parser.parse(&bytes).map_err(io::Error::other)? {
            Some(length) => break length,
            None => more(stream, &mut bytes).await?,
        }
    };
    let head = parser.head(&bytes[..length]);
    let body = response_body(Method::Get, &head).map_err(io::Error::other)?;
    let reader = BodyReader::new(body, BodyLimits::default());
    let (mut reader, mut used) = (reader.map_err(io::Error::other)?, length);
    loop {
        let taken = reader.decode(&bytes[used..]).map_err(io::Error::other)?;
        used += taken.used;
        if taken.done {
            return Ok(());
        }
        if taken.used == 0 {
            more(stream, &mut bytes).await?;
        }
    }
}

async fn more(stream: &TcpStream, to: &mut Vec<u8>) -> io::Result<()> {
    let mut buf = [0; 4096];
    match stream.read(&mut buf).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        count => {
            to.extend_from_slice(&buf[..count]);
            Ok(())
        }
    }
}
