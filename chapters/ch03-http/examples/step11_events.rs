//! The stage of the events step: a clock that says each tick to all who
//! listen, and gives who comes back the ticks that it missed.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::{Clock, RealClock};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{serve, write_all};
use ch01_sockets::frame::last_word;
use ch03_http::events::history::{Bounds, History, Next};
use ch03_http::events::writer::{Event, comment, write};

#[path = "tiny/mod.rs"]
mod tiny;

use tiny::{Hall, LAST_WAIT, Request, Seat, read_request, response};

/// The page at `/`.
const PAGE: &str = include_str!("step11_events.html");

/// What begins the response that does not end: the connection's end is its.
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Cache-Control: no-store\r\nConnection: close\r\n\r\n";

/// How long a browser is asked to wait before it connects again.
const RETRY: Duration = Duration::from_secs(1);

/// A silence after which a comment is sent: proxies cut what is quiet.
const QUIET: Duration = Duration::from_secs(15);

const COMMAND: Command = Command {
    name: "step11_events",
    about: "Counts, and sends each count as an event to all who listen.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7003"),
        PORT,
        Opt {
            name: "every",
            value: Some("MS"),
            default: Some("1000"),
            help: "how often it counts",
        },
        Opt {
            name: "keep",
            value: Some("N"),
            default: Some("100"),
            help: "how many events who comes back can catch up with",
        },
        Opt {
            name: "run",
            value: Some("NAME"),
            default: Some("now"),
            help: "what ids begin with; now: the time of the start",
        },
    ],
    try_it: "curl -N http://127.0.0.1:7003/ticks   (or open / in a browser)",
};

/// What all threads share.
struct Shared {
    history: Mutex<History>,
    /// Signalled when an event was added.
    grown: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn main() -> ExitCode {
    let config = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<(SocketAddr, Duration, History), Stop> {
    let parsed = COMMAND.from_env();
    let every = Duration::from_millis(parsed.value::<u64>("every")?.max(1));
    let bounds = Bounds {
        events: parsed.value("keep")?,
        bytes: 1 << 20,
    };
    let run: String = parsed.value("run")?;
    let start = RealClock::new().unix().as_secs().to_string();
    let run = if run == "now" { start } else { run };
    Ok((parsed.addr()?, every, History::new(&run, bounds)))
}

fn run(config: (SocketAddr, Duration, History)) -> io::Result<()> {
    let (addr, every, history) = config;
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let hall = Arc::new(Hall::default());
    let (history, grown) = (Mutex::new(history), Condvar::new());
    let shared = Arc::new(Shared { history, grown });
    let ticking = Arc::clone(&shared);
    thread::spawn(move || tick(&ticking, every));
    let clients = Arc::clone(&hall);
    let all = Arc::clone(&shared);
    thread::spawn(move || listen(&listener, &clients, &all));
    signals.wait();
    hall.close();
    drop(shared.lock()); // nobody is between its look and its wait
    shared.grown.notify_all();
    hall.wait();
    Ok(())
}

fn listen(listener: &TcpListener, hall: &Arc<Hall>, shared: &Arc<Shared>) {
    let log = Log::to_stderr(Level::Warn);
    let handle = |stream: TcpStream| {
        let seat = Seat::take(hall, &stream)?;
        let shared = Arc::clone(shared);
        thread::Builder::new().spawn(move || {
            // A client that leaves shows itself as an error of a write.
            let _ = client(&seat, &stream, &shared);
        })?;
        Ok(0)
    };
    let accept = || Ok(listener.accept()?.0);
    if let Err(error) = serve(accept, handle, &RealClock::new(), &log) {
        fail(COMMAND.name, format_args!("accept: {error}"));
        process::exit(1);
    }
}

/// Adds an event at each tick.
fn tick(shared: &Shared, every: Duration) {
    let clock = RealClock::new();
    for count in 1u64.. {
        clock.sleep(every);
        let added = shared.lock().push(Some("tick"), &count.to_string());
        if let Err(error) = added {
            fail(COMMAND.name, format_args!("--run: {error}"));
            process::exit(1);
        }
        shared.grown.notify_all();
    }
}

fn client(seat: &Seat, stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let Some((request, _)) = read_request(stream)? else {
        let answer = response("400 Bad Request", "this is no request\n");
        return last_word(stream, &answer, LAST_WAIT);
    };
    let answer = match request.line() {
        ("GET", "/ticks", _) => {
            return stream_to(seat, stream, shared, &request);
        }
        ("GET", "/", _) => response("200 OK", PAGE),
        _ => response("404 Not Found", "there are / and /ticks\n"),
    };
    last_word(stream, &answer, LAST_WAIT)
}

/// Sends events from where the client was on, until one of us leaves.
fn stream_to(
    seat: &Seat,
    mut stream: &TcpStream,
    shared: &Shared,
    request: &Request,
) -> io::Result<()> {
    let fields = request.fields();
    let mut named = fields
        .iter()
        .filter(|f| f.0.eq_ignore_ascii_case("Last-Event-ID"));
    let mut number = shared.lock().resume(named.next().map(|f| f.1));
    let mut out = HEAD.as_bytes().to_vec();
    let retry = Event {
        retry: Some(RETRY),
        ..Event::default()
    };
    write(&retry, &mut out).map_err(io::Error::other)?;
    while !seat.closing() {
        write_all(&mut stream, &out)?; // nobody waits for this client
        out.clear();
        number = more(seat, shared, number, &mut out)?;
    }
    Ok(())
}

/// Waits for the event of that number and appends it; gives the next one.
fn more(
    seat: &Seat,
    shared: &Shared,
    number: u64,
    out: &mut Vec<u8>,
) -> io::Result<u64> {
    let quiet = |history: &mut History| {
        history.get(number) == Next::Wait && !seat.closing()
    };
    let waited = shared.grown.wait_timeout_while(shared.lock(), QUIET, quiet);
    let (history, _) = waited.unwrap_or_else(PoisonError::into_inner);
    match history.get(number) {
        Next::Event(bytes, next) => {
            out.extend_from_slice(bytes);
            return Ok(next);
        }
        Next::Lost(oldest) => {
            let data = format!("all before {oldest}");
            let (kind, data) = (Some("lost"), Some(data.as_str()));
            let lost = Event {
                kind,
                data,
                ..Event::default()
            };
            write(&lost, out).map_err(io::Error::other)?;
            return Ok(oldest);
        }
        Next::Wait => comment("still here", out),
    }
    Ok(number)
}
