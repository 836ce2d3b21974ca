//! The stage of the WebSocket step: an echo server with a thread for each
//! client, and a page that talks to it.
//!
//! Its HTTP is the least that will do: one request for each connection, a
//! head of at most 8 KiB that has to come within seconds, no body.

use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::{Clock, Deadline, RealClock};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{read_some, serve, write_all};
use ch01_sockets::frame::last_word;
use ch03_http::websocket::connection::{Connection, Limits, Unsent};
use ch03_http::websocket::handshake::{
    Accepted, Origins, Policy, Refusal, accept,
};
use ch03_http::websocket::message::Event;
use ch03_http::websocket::pulse::Times;

/// The page at `/`.
const PAGE: &str = include_str!("step1_websocket.html");

/// The most bytes of a request's head, and how long it may take to come.
const MAX_HEAD: usize = 8 * 1024;
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long a client may leave what we write unread.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// How long a client has for its end of the stream after ours.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Each client is a thread.
const MAX_CLIENTS: usize = 500;

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
    name: "step1_websocket",
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
    hall.empty();
    Ok(())
}

/// The clients that are here: at the end, each is told that we go.
#[derive(Default)]
struct Hall {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closing: bool,
    next: u64,
    streams: Vec<(u64, TcpStream)>,
}

impl Hall {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every read, so that each thread sees that we are closing, and
    /// waits until all have said goodbye, or long enough.
    fn empty(&self) {
        let mut state = self.lock();
        state.closing = true;
        for (_, stream) in &state.streams {
            let _ = stream.shutdown(Shutdown::Read);
        }
        drop(state);
        let clock = RealClock::new();
        let deadline = Deadline::after(&clock, LAST_WAIT + LAST_WAIT);
        while !self.lock().streams.is_empty() && !deadline.passed(&clock) {
            clock.sleep(Duration::from_millis(10));
        }
    }
}

/// A client's place in the hall; given back when it is dropped.
struct Seat {
    hall: Arc<Hall>,
    number: u64,
}

impl Seat {
    fn take(hall: &Arc<Hall>, stream: &TcpStream) -> io::Result<Seat> {
        let mut state = hall.lock();
        if state.closing || state.streams.len() >= MAX_CLIENTS {
            return Err(io::Error::other("no room for another client"));
        }
        let number = state.next;
        state.next += 1;
        state.streams.push((number, stream.try_clone()?));
        Ok(Seat {
            hall: Arc::clone(hall),
            number,
        })
    }

    fn closing(&self) -> bool {
        self.hall.lock().closing
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hall
            .lock()
            .streams
            .retain(|(number, _)| *number != self.number);
    }
}

/// One connection, from its request to its end.
fn client(seat: &Seat, stream: &TcpStream, max: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE_WITHIN))?;
    let Some((head, rest)) = read_head(stream)? else {
        return last_word(stream, &response("400 Bad Request", ""), LAST_WAIT);
    };
    match request(&head) {
        Ok(accepted) => {
            write_all(&mut &*stream, accepted.head().as_bytes())?;
            echo(seat, stream, rest, max)
        }
        Err(answer) => last_word(stream, &answer, LAST_WAIT),
    }
}

/// A head, to its blank line, and what came after it; `None` if it is too
/// long.
fn read_head(mut stream: &TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let clock = RealClock::new();
    let deadline = Deadline::after(&clock, HEAD_WITHIN);
    let (mut bytes, mut chunk) = (Vec::new(), [0; 1024]);
    loop {
        let left = deadline.left(&clock).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        let count = read_some(&mut stream, &mut chunk)?;
        if count == 0 || deadline.passed(&clock) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let from = bytes.len().saturating_sub(3); // the end may be cut
        bytes.extend_from_slice(&chunk[..count]);
        let mut ends = bytes[from..].windows(4);
        if let Some(at) = ends.position(|end| end == b"\r\n\r\n") {
            let rest = bytes.split_off(from + at + 4);
            return Ok(String::from_utf8(bytes).ok().map(|head| (head, rest)));
        }
        if bytes.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

/// What the request asks for: a WebSocket, or an answer and the end.
fn request(head: &str) -> Result<Accepted, Vec<u8>> {
    let bad = || response("400 Bad Request", "this is no request\n");
    let mut lines = head.trim_end().split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let line = match (words.next(), words.next(), words.next(), words.next()) {
        (Some(method), Some(target), Some(version), None) => {
            (method, target, version)
        }
        _ => return Err(bad()),
    };
    let mut fields = Vec::new();
    for field in lines {
        let (name, value) = field.split_once(':').ok_or_else(bad)?;
        fields.push((name, value.trim_matches([' ', '\t'])));
    }
    accept(line, &fields, &POLICY).map_err(|refusal| match (refusal, line.1) {
        (Refusal::NotAsked, "/") => response("200 OK", PAGE),
        (Refusal::NotAsked | Refusal::Version, _) => response(
            "426 Upgrade Required\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13",
            "this is a WebSocket\n",
        ),
        (Refusal::Bad(name), _) => {
            response("400 Bad Request", &format!("{name} is wrong\n"))
        }
        (Refusal::Origin, _) => {
            response("403 Forbidden", "not for pages of this origin\n")
        }
    })
}

/// A response that ends the connection. `status` may bring fields along.
fn response(status: &str, body: &str) -> Vec<u8> {
    let kind = if body.starts_with('<') {
        "html"
    } else {
        "plain"
    };
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: \
         text/{kind}; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

// ANCHOR: echo
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
// ANCHOR_END: echo
