//! A load of many connections from one thread: what `bench.toml` times this
//! chapter's servers, ch01's and others' with.
//!
//! It stands on this chapter's poller, so that ten thousand connections cost
//! it one thread. Each has one request in flight: a line of 7-bit text, so
//! that an echo of bytes and an echo of lines do the same work.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::sys::{POLLIN, PollFd, Signal, Signals, poll};
use ch00_toolbox::sys::{nofile, set_nofile};
use ch02_event_loop::poller::{Event, Interest, Poller, Source, system};
use ch02_event_loop::slab::{Slab, Token};
use ch02_event_loop::sys::start_connect;

const COMMAND: Command = Command {
    name: "load",
    about: "Loads an echo server: active (round trips) or idle (held open).",
    operands: "active|idle",
    options: &[
        addr_opt("127.0.0.1:7002"),
        PORT,
        option("connections", "N", "64", "connections at once"),
        option("size", "BYTES", "64", "a line's length, its end included"),
        option("seconds", "N", "3", "how long is measured, after a warm-up"),
        Opt {
            name: "hold",
            value: None,
            default: None,
            help: "after the numbers, hold the connections as idle does",
        },
    ],
    try_it: "cargo run -r -p ch02-event-loop --example step1_threads, then \
             load active --connections 1000",
};

/// Connects that may be under way at once: within the smallest backlog that
/// servers ask for, so that no SYN is dropped and sent again a second later.
const BATCH: usize = 100;

/// How long a whole batch of connects may make no progress.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is not counted, at the beginning.
const WARM_UP: Duration = Duration::from_secs(1);

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
    is_idle: bool,
    addr: SocketAddr,
    connections: usize,
    size: usize,
    seconds: u64,
    hold: bool,
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
    let what = parsed.operands().concat();
    if !["active", "idle"].contains(&what.as_str()) {
        let text = format!("{what:?} is neither active nor idle");
        return Err(Stop::Usage(text));
    }
    Ok(Config {
        is_idle: what == "idle",
        addr: parsed.addr()?,
        connections: parsed.value::<usize>("connections")?.max(1),
        size: parsed.value::<usize>("size")?.clamp(2, 64 * 1024),
        seconds: parsed.value::<u64>("seconds")?.clamp(1, 3600),
        hold: parsed.switch("hold"),
    })
}

fn run(config: &Config) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    raise_nofile(config.connections as u64)?;
    let mut load = Load::new(config.size)?;
    load.connect(config, &signals)?;
    if config.is_idle {
        writeln!(io::stdout(), "holding {}", load.clients.len())?;
        return hold(&signals);
    }
    load.begin();
    load.run(&signals, WARM_UP)?;
    let before = std::mem::take(&mut load.seen);
    let took = load.run(&signals, Duration::from_secs(config.seconds))?;
    report(&mut load, &before, took)?;
    match config.hold {
        true => hold(&signals),
        false => Ok(()),
    }
}

/// Says what was seen, the requests and errors of before included.
fn report(load: &mut Load, before: &Seen, took: Duration) -> io::Result<()> {
    let busiest = load.share_of_the_busiest_tenth() * 100.0;
    let seen = &load.seen;
    let rate = seen.trips as f64 / took.as_secs_f64();
    let ms = |part| seen.delay(part).as_secs_f64() * 1e3;
    let errors = before.errors + seen.errors;
    let requests = before.trips + seen.trips;
    writeln!(
        io::stdout(),
        "active {rate:.0} round trips/s, p50 {:.3} ms, p99 {:.3} ms, \
         errors {errors}\nrequests {requests}\n\
         the busiest tenth made {busiest:.0} % of them",
        ms(0.5),
        ms(0.99),
    )
}

fn raise_nofile(connections: u64) -> io::Result<()> {
    let wanted = connections.saturating_add(32);
    let limit = nofile()?;
    if wanted > limit.hard {
        return Err(io::Error::other(format!(
            "{connections} connections need {wanted} descriptors, and the \
             hard limit (ulimit -Hn) is {}",
            limit.hard
        )));
    }
    set_nofile(limit.soft.max(wanted))
}

/// Until a signal, or until stdin ends, if it had not ended before.
fn hold(signals: &Signals) -> io::Result<()> {
    let stdin = io::stdin();
    let is_open = stdin_has_not_ended()?;
    while signals.try_wait().is_none() {
        let signal = PollFd::new(&signals, POLLIN);
        if !is_open {
            poll(&mut [signal], None)?;
            continue;
        }
        let mut both = [signal, PollFd::new(&stdin, POLLIN)];
        poll(&mut both, None)?;
        if both[1].readable() && stdin.lock().read(&mut [0; 512])? == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// A program in the background often gets /dev/null: no reason to end.
fn stdin_has_not_ended() -> io::Result<bool> {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, POLLIN)];
    poll(&mut fds, Some(Duration::ZERO))?;
    match fds[0].readable() {
        true => Ok(stdin.lock().read(&mut [0; 512])? > 0),
        false => Ok(true),
    }
}

/// A connection with at most one request in flight.
struct Client {
    stream: TcpStream,
    sent: usize,    // bytes of the line that the socket has taken
    back: usize,    // bytes that have come back
    begun: Instant, // of the request
    round: u64,     // requests that are done
}

/// What was seen.
#[derive(Default)]
struct Seen {
    trips: u64,
    errors: u64,
    first: Option<String>, // error
    delays: Vec<u64>,      // by `bucket`
}

struct Load {
    poller: Box<dyn Poller>,
    clients: Slab<Client>,
    tokens: Vec<Token>,
    events: Vec<Event>,
    line: Vec<u8>,
    seen: Seen,
    stops: bool, // begins no further request
}

impl Load {
    fn new(size: usize) -> io::Result<Load> {
        let mut line: Vec<u8> = (b'a'..=b'z').cycle().take(size - 1).collect();
        line.push(b'\n');
        Ok(Load {
            poller: system()?,
            clients: Slab::default(),
            tokens: Vec::new(),
            events: Vec::new(),
            line,
            seen: Seen::default(),
            stops: true,
        })
    }

    /// Opens all connections, a batch at a time. One is open when a line has
    /// come back: when the server, not only its kernel, has taken it.
    fn connect(
        &mut self,
        config: &Config,
        signals: &Signals,
    ) -> io::Result<()> {
        let mut progress = Instant::now();
        while self.seen.trips < config.connections as u64 {
            let before = self.seen.trips;
            let under_way = self.tokens.len() - before as usize;
            let left = config.connections - self.tokens.len();
            for _ in 0..left.min(BATCH - under_way) {
                self.start(config.addr)?;
            }
            self.turn(Instant::now() + PATIENCE)?;
            if signals.try_wait().is_some() {
                return Err(io::Error::other("ended by a signal"));
            }
            if self.seen.errors > 0 {
                let first = self.seen.first.take().unwrap_or_default();
                return Err(io::Error::other(format!(
                    "after {before} connections: {first}"
                )));
            }
            if self.seen.trips > before {
                progress = Instant::now();
            } else if progress.elapsed() > PATIENCE {
                return Err(io::Error::other(format!(
                    "{before} of {} connections are open, and no further \
                     one for {PATIENCE:?}",
                    config.connections
                )));
            }
        }
        Ok(())
    }

    fn start(&mut self, addr: SocketAddr) -> io::Result<()> {
        let stream = start_connect(addr)?;
        stream.set_nodelay(true)?;
        let source = Source(stream.as_raw_fd());
        let token = self.clients.insert(Client {
            stream,
            sent: 0,
            back: 0,
            begun: Instant::now(),
            round: 0,
        });
        self.tokens.push(token);
        self.poller.add(source, token)?;
        self.poller.arm(source, Interest::BOTH)
    }

    fn wait(&mut self, limit: Duration) -> io::Result<Vec<Event>> {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        self.poller.wait(&mut events, Some(limit))?;
        Ok(events)
    }

    /// Requests over all connections for this long; and how long it was.
    fn run(
        &mut self,
        signals: &Signals,
        length: Duration,
    ) -> io::Result<Duration> {
        let start = Instant::now();
        let end = start + length;
        while Instant::now() < end {
            self.turn(end)?;
            if self.clients.is_empty() {
                let first = self.seen.first.take().unwrap_or_default();
                return Err(io::Error::other(format!("all gone: {first}")));
            }
            if signals.try_wait().is_some() {
                return Err(io::Error::other("ended by a signal"));
            }
        }
        Ok(start.elapsed())
    }

    /// The part of all round trips that went over the busiest tenth of the
    /// connections: 0.1 is a fair share.
    fn share_of_the_busiest_tenth(&mut self) -> f64 {
        let mut rounds = Vec::new();
        for &token in &self.tokens {
            rounds.extend(self.clients.get_mut(token).map(|c| c.round));
        }
        rounds.sort_unstable_by(|a, b| b.cmp(a));
        let busiest: u64 = rounds.iter().take(rounds.len().div_ceil(10)).sum();
        busiest as f64 / rounds.iter().sum::<u64>().max(1) as f64
    }

    /// Sends over all connections.
    fn begin(&mut self) {
        self.stops = false;
        let now = Instant::now();
        for token in self.tokens.clone() {
            if let Some(client) = self.clients.get_mut(token) {
                client.begun = now;
            }
            self.step(token);
        }
    }

    fn turn(&mut self, end: Instant) -> io::Result<()> {
        let left = end.saturating_duration_since(Instant::now());
        let events = self.wait(left.min(Duration::from_millis(100)))?;
        for event in &events {
            self.step(event.token);
        }
        self.events = events;
        Ok(())
    }

    /// All that this connection can do now.
    fn step(&mut self, token: Token) {
        let Some(client) = self.clients.get_mut(token) else {
            return;
        };
        let result = client.step(&self.line, self.stops, &mut self.seen);
        let source = Source(client.stream.as_raw_fd());
        let result = result.and_then(|next| self.poller.arm(source, next));
        if let Err(error) = result {
            self.seen.errors += 1;
            self.seen.first.get_or_insert_with(|| error.to_string());
            // An error here would say that it is unknown already.
            let _ = self.poller.remove(source);
            self.clients.remove(token);
        }
    }
}

impl Client {
    /// Writes and reads until one of them would wait, and says which.
    fn step(
        &mut self,
        line: &[u8],
        stops: bool,
        seen: &mut Seen,
    ) -> io::Result<Interest> {
        let mut buf = [0; 4096];
        loop {
            let rest = &line[self.sent..];
            let is_done = rest.is_empty() || (stops && self.round > 0);
            if !is_done {
                match self.stream.write(rest) {
                    Ok(count) => self.sent += count,
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {
                        return Ok(Interest::BOTH);
                    }
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
                continue;
            }
            match self.stream.read(&mut buf) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.back += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    return Ok(Interest::READ);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if self.back > line.len() {
                return Err(io::Error::other("more came back than was sent"));
            }
            if self.back == line.len() {
                let now = Instant::now();
                seen.add(now.duration_since(self.begun));
                (self.sent, self.back, self.begun) = (0, 0, now);
                self.round += 1;
            }
        }
    }
}

impl Seen {
    fn add(&mut self, delay: Duration) {
        self.trips += 1;
        let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        let at = bucket(nanos);
        if self.delays.len() <= at {
            self.delays.resize(at + 1, 0);
        }
        self.delays[at] += 1;
    }

    /// The delay that this part of all trips did not exceed, to 1 in 32.
    fn delay(&self, part: f64) -> Duration {
        let wanted = (self.trips as f64 * part).ceil() as u64;
        let mut sum = 0;
        let at = self.delays.iter().position(|count| {
            sum += count;
            sum >= wanted
        });
        Duration::from_nanos(at.map_or(0, least))
    }
}

/// Which bucket: 32 for each power of two, so that a million delays take no
/// more memory than ten.
fn bucket(nanos: u64) -> usize {
    let power = nanos.max(32).ilog2() - 5;
    (power as usize) * 32 + (nanos >> power) as usize
}

/// The least delay of a bucket.
fn least(at: usize) -> u64 {
    match at {
        0..64 => at as u64,
        _ => ((at % 32 + 32) as u64) << (at / 32 - 1),
    }
}
