//! The stage of the WebSocket step: an echo server with a thread for each
//! client, and a page that talks to it.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::{Clock, RealClock};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{read_some, serve, write_all};
use ch01_sockets::frame::last_word;
use ch03_http::upgrade::handshake::{Origins, Policy, Refusal, accept};
use ch03_http::websocket::connection::{Connection, Limits, Unsent};
use ch03_http::websocket::message::Event;
use ch03_http::websocket::pulse::Times;

#[path = "tiny/mod.rs"]
mod tiny;

use tiny::{Hall, LAST_WAIT, Seat, read_request, refused, response};

/// The page at `/`.
const PAGE: &str = include_str!("step10_websocket.html");

const TIMES: Times = Times {
    ping_after: Duration::from_secs(30),
    pong_within: Duration::from_secs(10),
    close_within: Duration::from_secs(5),
};

const POLICY: Policy = Policy {
    origins: Origins::Same,
    protocols: &["echo"],
};

const COMMAND: Command = Command {
    name: "step10_websocket",
    about: "Sends back each message, and serves a page that sends some.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7003"),
        PORT,
        Opt {
            name: "max-message",
            value: Some("BYTES"),
            default: Some("16777216"),
            help: "the longest message that is taken",
        },
    ],
    try_it: "curl -i http://127.0.0.1:7003/   (or open it in a browser)",
};

fn main() -> ExitCode {
    let (addr, max_message) = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr, max_message) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<(SocketAddr, usize), Stop> {
    let parsed = COMMAND.from_env();
    Ok((parsed.addr()?, parsed.value("max-message")?))
}

fn run(addr: SocketAddr, max_message: usize) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let (hall, log) = (Arc::new(Hall::default()), Log::to_stderr(Level::Warn));
    let clients = Arc::clone(&hall);
    thread::spawn(move || {
        let clock = RealClock::new();
        let handle = |stream: TcpStream| {
            let seat = Seat::take(&clients, &stream)?;
            let log = log.clone();
            thread::Builder::new().spawn(move || {
                if let Err(error) = client(&seat, &stream, max_message) {
                    log.warn(format_args!("{error}"));
                }
            })?;
            Ok(0)
        };
        let accept = || Ok(listener.accept()?.0);
        if let Err(error) = serve(accept, handle, &clock, &log) {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1);
        }
    });
    signals.wait();
    hall.close();
    hall.wait();
    Ok(())
}

/// One connection, from its request to its end.
fn client(seat: &Seat, stream: &TcpStream, max: usize) -> io::Result<()> {
    let Some((request, rest)) = read_request(stream)? else {
        let answer = response("400 Bad Request", "this is no request\n");
        return last_word(stream, &answer, LAST_WAIT);
    };
    match accept(request.line(), &request.fields(), &POLICY) {
        Ok(accepted) => {
            write_all(&mut &*stream, accepted.head().as_bytes())?;
            echo(seat, stream, rest, max)
        }
        Err(refusal) => {
            let answer = match (refusal, request.line().1) {
                (Refusal::NotAsked, "/") => response("200 OK", PAGE),
                _ => refused(refusal),
            };
            last_word(stream, &answer, LAST_WAIT)
        }
    }
}

/// Sends back each message. `first` is what came behind the head.
fn echo(
    seat: &Seat,
    mut stream: &TcpStream,
    first: Vec<u8>,
    max: usize,
) -> io::Result<()> {
    let clock = RealClock::new();
    let limits = Limits {
        message: max,
        output: 64 * 1024,
        times: TIMES,
    };
    let mut connection = Connection::server(limits, clock.now());
    let mut count = first.len();
    let mut chunk = first;
    chunk.resize(count.max(16 * 1024), 0);
    loop {
        let mut input = &chunk[..count];
        while let Some(event) = connection.receive(&mut input, clock.now()) {
            answer(&mut connection, stream, event)?;
        }
        flush(&mut connection, stream)?;
        let Some(deadline) = connection.deadline() else {
            return last_word(stream, &[], LAST_WAIT); // it is over
        };
        let left = deadline.saturating_sub(clock.now());
        let left = left.max(Duration::from_millis(1)); // zero is no timeout
        stream.set_read_timeout(Some(left))?;
        count = match read_some(&mut stream, &mut chunk) {
            Ok(0) if seat.closing() => {
                let _ = connection.close(1001, "we close", clock.now());
                return last_word(stream, connection.output(), LAST_WAIT);
            }
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                connection.tick(clock.now());
                0
            }
            Err(error) => return Err(error),
        };
    }
}

/// Sends a message back, after what waits if that is too much already.
fn answer(
    connection: &mut Connection,
    stream: &TcpStream,
    event: Event,
) -> io::Result<()> {
    let send = |connection: &mut Connection| match &event {
        Event::Text(text) => connection.text(text),
        Event::Binary(bytes) => connection.binary(bytes),
        _ => Ok(()), // pongs and closes are on their way
    };
    if send(connection) == Err(Unsent::Full) {
        flush(connection, stream)?;
        let _ = send(connection); // nothing waits now
    }
    Ok(())
}

fn flush(connection: &mut Connection, mut to: &TcpStream) -> io::Result<()> {
    while !connection.output().is_empty() {
        write_all(&mut to, connection.output())?;
        connection.sent(connection.output().len());
    }
    Ok(())
}
