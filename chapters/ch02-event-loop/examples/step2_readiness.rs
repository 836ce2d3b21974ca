//! The stage of step 2: an echo server for many clients, on one thread.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{Verdict, verdict};
use ch02_event_loop::poll::Poll;
use ch02_event_loop::poller::{Interest, Poller, Source, system};
use ch02_event_loop::slab::{Slab, Token};
use ch02_event_loop::sys::{ListenOptions, listen_on};

const COMMAND: Command = Command {
    name: "step2_readiness",
    about: "Sends back what its clients send: all of them, on one thread.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7002"),
        PORT,
        Opt {
            name: "poller",
            value: Some("epoll|poll"),
            default: Some(DEFAULT),
            help: "what to wait by; epoll is Linux's",
        },
    ],
    try_it: "nc 127.0.0.1 7002, in several terminals",
};

const DEFAULT: &str = match cfg!(target_os = "linux") {
    true => "epoll",
    false => "poll",
};

enum Kind {
    Epoll,
    Poll,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Kind, ()> {
        match text {
            "epoll" if cfg!(target_os = "linux") => Ok(Kind::Epoll),
            "poll" => Ok(Kind::Poll),
            _ => Err(()),
        }
    }
}

/// Bytes of one read. What is not written yet is at most this much.
const CHUNK: usize = 16 * 1024;

/// What one client, or the listener, may do before others have their turn.
const TURN: usize = 64;

/// How long to wait for a descriptor to become free.
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let (addr, kind) = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr, kind) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<(SocketAddr, Kind), Stop> {
    let parsed = COMMAND.from_env();
    Ok((parsed.addr()?, parsed.value("poller")?))
}

/// What stands behind a token.
enum Seat {
    Signals,
    Listener(TcpListener),
    Client(Client),
}

// ANCHOR: client
/// A connection, and what it is owed.
struct Client {
    stream: TcpStream,
    owed: Vec<u8>, // read, and not yet all written
    sent: usize,   // of `owed`
}

/// How a client's turn ended.
enum Turn {
    /// The stream would have to wait in this direction.
    Waits(Interest),
    /// There may be more to do, but others wait.
    Again,
    /// The end of the stream, or an error: nothing more to do.
    Over,
}

// ANCHOR_END: client

// ANCHOR: turn
impl Client {
    /// Reads only when all that was read before is written: a client that
    /// does not take its answers gets no more of our memory.
    fn turn(&mut self, buf: &mut [u8]) -> io::Result<Turn> {
        for _ in 0..TURN {
            while self.sent < self.owed.len() {
                match self.stream.write(&self.owed[self.sent..]) {
                    Ok(count) => self.sent += count,
                    Err(error) if blocks(&error) => {
                        return Ok(Turn::Waits(Interest::WRITE));
                    }
                    Err(error) => return Err(error),
                }
            }
            match self.stream.read(buf) {
                Ok(0) => return Ok(Turn::Over),
                Ok(count) => {
                    self.owed.clear();
                    self.owed.extend_from_slice(&buf[..count]);
                    self.sent = 0;
                }
                Err(error) if blocks(&error) => {
                    return Ok(Turn::Waits(Interest::READ));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Turn::Again)
    }
}
// ANCHOR_END: turn

fn blocks(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

struct Server {
    poller: Box<dyn Poller>,
    seats: Slab<Seat>,
    again: BTreeSet<Token>, // whose turn ended before they had to wait
    pause: Option<Duration>,
    buf: Vec<u8>,
    log: Log,
}

impl Server {
    fn seat(&mut self, source: Source, seat: Seat) -> io::Result<()> {
        let token = self.seats.insert(seat);
        let added = self.poller.add(source, token);
        added
            .and_then(|()| self.poller.arm(source, Interest::READ))
            .inspect_err(|_| drop(self.seats.remove(token)))
    }

    /// One event's work. `false`: the program is to end.
    fn turn(&mut self, token: Token, signals: &Signals) -> io::Result<bool> {
        match self.seats.get_mut(token) {
            None => {} // closed by an event before this one in the batch
            Some(Seat::Signals) => {
                let came = signals.try_wait().is_some();
                signals.empty_pipe();
                self.poller.arm(source(&signals.as_fd()), Interest::READ)?;
                return Ok(!came);
            }
            Some(Seat::Listener(_)) => self.accept(token)?,
            Some(Seat::Client(client)) => {
                let from = source(&client.stream);
                match client.turn(&mut self.buf) {
                    Ok(Turn::Waits(interest)) => {
                        self.poller.arm(from, interest)?;
                    }
                    Ok(Turn::Again) => drop(self.again.insert(token)),
                    Ok(Turn::Over) => self.close(token, from),
                    Err(error) => {
                        self.log.warn(format_args!("{error}"));
                        self.close(token, from);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Out of the poller's set, and only then closed.
    fn close(&mut self, token: Token, source: Source) {
        if let Err(error) = self.poller.remove(source) {
            self.log.warn(format_args!("{source:?}: {error}"));
        }
        self.seats.remove(token);
    }

    fn welcome(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let from = source(&stream);
        let client = Client {
            stream,
            owed: Vec::new(),
            sent: 0,
        };
        self.seat(from, Seat::Client(client))
    }

    // ANCHOR: accept
    /// Takes who has connected, until nobody has, or for a turn.
    fn accept(&mut self, token: Token) -> io::Result<()> {
        for _ in 0..TURN {
            let Some(Seat::Listener(listener)) = self.seats.get_mut(token)
            else {
                return Ok(());
            };
            match listener.accept() {
                Ok((stream, peer)) => {
                    let welcomed = self.welcome(stream);
                    match welcomed {
                        Ok(()) => self.log.info(format_args!("{peer}")),
                        Err(e) => self.log.warn(format_args!("{peer}: {e}")),
                    }
                }
                Err(error) if blocks(&error) => {
                    let from = source(listener);
                    return self.poller.arm(from, Interest::READ);
                }
                Err(error) => match verdict(&error) {
                    Verdict::Next => {}
                    Verdict::Wait => {
                        // The connection stays in the queue, and its edge
                        // has passed: nobody would tell us again.
                        self.log.warn(format_args!("accept: {error}"));
                        self.pause = Some(PAUSE);
                        break;
                    }
                    Verdict::Stop => return Err(error),
                },
            }
        }
        self.again.insert(token);
        Ok(())
    }
    // ANCHOR_END: accept

    // ANCHOR: serve
    /// Waits and works, until a signal comes.
    fn serve(&mut self, signals: &Signals) -> io::Result<()> {
        let mut events = Vec::new();
        loop {
            let limit = match self.again.is_empty() {
                true => None,
                false => Some(self.pause.take().unwrap_or_default()),
            };
            events.clear();
            self.poller.wait(&mut events, limit)?;
            // One turn each, whether an event or the last turn asks for it.
            let mut turns = std::mem::take(&mut self.again);
            turns.extend(events.iter().map(|event| event.token));
            for token in turns {
                if !self.turn(token, signals)? {
                    return Ok(());
                }
            }
        }
    }
    // ANCHOR_END: serve
}

fn source(of: &impl AsRawFd) -> Source {
    Source(of.as_raw_fd())
}

fn run(addr: SocketAddr, kind: Kind) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let options = ListenOptions::default();
    let listener = listen_on(addr, options).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    let mut server = Server {
        poller: match kind {
            Kind::Epoll => system()?,
            Kind::Poll => Box::new(Poll::new()),
        },
        seats: Slab::default(),
        again: BTreeSet::new(),
        pause: None,
        buf: vec![0; CHUNK],
        log: Log::to_stderr(Level::Info),
    };
    server.seat(source(&signals.as_fd()), Seat::Signals)?;
    server.seat(source(&listener), Seat::Listener(listener))?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    // Clients that are owed something at the end are cut off: step 8.
    server.serve(&signals)
}
