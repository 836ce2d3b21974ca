//! The stage of step 6: sends lines at times that its clients ask for.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::{pending, poll_fn};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{Verdict, verdict};
use ch01_sockets::frame::{Framing, Lines};
use ch02_event_loop::combine::select;
use ch02_event_loop::executor::{Executor, Task};
use ch02_event_loop::poller::{self, Source};
use ch02_event_loop::reactor::{Direction, Reactor, Registration};
use ch02_event_loop::timers::Timers;

const MOST_CLIENTS: usize = 1_000;
const MOST_TIMERS: usize = 1_000; // of one client
const LONGEST_LINE: usize = 1_024;
const LONGEST_WAIT_MS: u64 = 24 * 60 * 60 * 1_000;
/// A client that reads more slowly than its timers fire is cut off.
const MOST_UNSENT: usize = 64 * 1_024;

const COMMAND: Command = Command {
    name: "step6_time",
    about: "Sends lines later: in MS LINE, every MS LINE N, cancel ID.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7002"), PORT],
    try_it: "printf 'in 500 hello\\n' | nc -N 127.0.0.1 7002",
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
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let reactor = Reactor::new(poller::system()?)?;
    let clock = Arc::new(RealClock::new());
    let timers = Timers::new(clock, reactor.clone());
    let server = Server {
        executor: Executor::new(timers.clone()),
        reactor,
        timers,
        seats: Rc::new(()),
    };
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let until_signal = server.signal(&signals);
    let serve = select(server.accept(&listener), until_signal);
    server.executor.block_on(serve).map(drop)
}

/// What the tasks share.
#[derive(Clone)]
struct Server {
    executor: Executor,
    reactor: Rc<Reactor>,
    timers: Rc<Timers>,
    seats: Rc<()>, // one for each client, and one for the listener
}

impl Server {
    async fn signal(&self, signals: &Signals) -> io::Result<Signal> {
        let watch = self.reactor.register(Source(signals.as_raw_fd()))?;
        poll_fn(|cx| {
            watch.poll_io(cx, Direction::Read, || {
                let came = signals.try_wait();
                came.ok_or_else(|| io::ErrorKind::WouldBlock.into())
            })
        })
        .await
    }

    async fn accept(&self, listener: &TcpListener) -> io::Result<()> {
        let watch = self.reactor.register(Source(listener.as_raw_fd()))?;
        loop {
            let accepted = poll_fn(|cx| {
                watch.poll_io(cx, Direction::Read, || listener.accept())
            });
            match accepted.await {
                Ok((stream, _))
                    if Rc::strong_count(&self.seats) <= MOST_CLIENTS =>
                {
                    let server = self.clone();
                    let client = async move { server.serve(stream).await };
                    self.executor.spawn(client).detach();
                }
                Ok(_) => {} // one too many: closed
                Err(error) => match verdict(&error) {
                    Verdict::Next => {}
                    Verdict::Wait => {
                        self.timers.sleep(Duration::from_millis(50)).await;
                    }
                    Verdict::Stop => return Err(error),
                },
            }
        }
    }

    /// One client, until its last timer has fired or it is gone.
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let watch = self.reactor.register(Source(stream.as_raw_fd()))?;
        let outbox = Rc::new(Outbox::default());
        let session = async {
            let mut session = Session::new(self, &outbox);
            if let Err(error) = session.run(&stream, &watch).await {
                outbox.say(&format!("error: {error}"));
            }
            outbox.close();
            pending::<()>().await // until the rest is written
        };
        select(write_all(&stream, &watch, &outbox), session).await;
        Ok(())
    }
}

/// One client's timers, by id.
type Ringing = RefCell<BTreeMap<u64, Task<()>>>;

/// What one client has asked for. Its drop cancels its timers.
struct Session<'a> {
    server: &'a Server,
    outbox: &'a Rc<Outbox>,
    ringing: Rc<Ringing>,
    last_id: u64,
}

impl Session<'_> {
    fn new<'a>(server: &'a Server, outbox: &'a Rc<Outbox>) -> Session<'a> {
        Session {
            server,
            outbox,
            ringing: Rc::default(),
            last_id: 0,
        }
    }

    /// Reads lines until the client has said all, and waits for its timers.
    async fn run(
        &mut self,
        mut stream: &TcpStream,
        watch: &Registration,
    ) -> io::Result<()> {
        let mut lines = Lines::new(LONGEST_LINE);
        let mut buf = [0; 4_096];
        loop {
            let count = poll_fn(|cx| {
                let read = || stream.read(&mut buf);
                watch.poll_io(cx, Direction::Read, read)
            })
            .await?;
            if count == 0 {
                break;
            }
            lines.push(&buf[..count]);
            while let Some(line) = lines.next()? {
                self.obey(&line);
            }
        }
        while let Some(timer) = self.first() {
            let _ = timer.await; // a timer does not panic
        }
        Ok(())
    }

    fn first(&self) -> Option<Task<()>> {
        Some(self.ringing.borrow_mut().pop_first()?.1)
    }

    fn obey(&mut self, line: &[u8]) {
        match parse(line) {
            Some(Order::Start { .. })
                if self.ringing.borrow().len() >= MOST_TIMERS =>
            {
                self.outbox.say("error: too many timers");
            }
            Some(Order::Start { every, text, times }) => {
                self.start(every, text, times);
            }
            Some(Order::Cancel(id)) => self.cancel(id),
            None => self.outbox.say(
                "error: say `in MS LINE`, `every MS LINE N` or `cancel ID`",
            ),
        }
    }

    // ANCHOR: timer
    /// A timer is a task that sleeps and speaks.
    fn start(&mut self, every: Duration, text: &str, times: u64) {
        self.last_id += 1;
        let id = self.last_id;
        self.outbox.say(&format!("timer {id}"));
        let mut interval = self.server.timers.interval(every);
        let (to, text) = (self.outbox.clone(), text.to_owned());
        let ringing: Weak<Ringing> = Rc::downgrade(&self.ringing);
        let task = self.server.executor.spawn(async move {
            for _ in 0..times {
                interval.tick().await;
                to.say(&text);
            }
            if let Some(ringing) = ringing.upgrade() {
                ringing.borrow_mut().remove(&id); // its own Task: it is over
            }
        });
        self.ringing.borrow_mut().insert(id, task);
    }

    /// Dropping the task drops its sleep, and that takes it off the wheel.
    fn cancel(&mut self, id: u64) {
        match self.ringing.borrow_mut().remove(&id) {
            Some(_task) => self.outbox.say(&format!("cancelled {id}")),
            None => self.outbox.say("error: no such timer"),
        }
    }
    // ANCHOR_END: timer
}

/// What a client's line asks for.
enum Order<'a> {
    Start {
        every: Duration,
        text: &'a str,
        times: u64,
    },
    Cancel(u64),
}

fn parse(line: &[u8]) -> Option<Order<'_>> {
    let line = str::from_utf8(line).ok()?.trim();
    let (verb, rest) = line.split_once(' ')?;
    if verb == "cancel" {
        return rest.trim().parse().ok().map(Order::Cancel);
    }
    let (ms, text) = rest.trim().split_once(' ')?;
    let ms = ms.parse().ok().filter(|ms| *ms <= LONGEST_WAIT_MS)?;
    let (text, times) = match verb {
        "in" => (text, 1),
        "every" => {
            let (text, times) = text.rsplit_once(' ')?;
            (text, times.parse().ok()?)
        }
        _ => return None,
    };
    Some(Order::Start {
        every: Duration::from_millis(ms),
        text,
        times,
    })
}

/// What is to be sent to one client.
#[derive(Default)]
struct Outbox {
    bytes: RefCell<VecDeque<u8>>,
    is_closed: Cell<bool>,
    writer: RefCell<Option<Waker>>,
}

impl Outbox {
    fn say(&self, line: &str) {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.len() + line.len() > MOST_UNSENT {
            bytes.clear();
            self.is_closed.set(true); // the writer ends, and with it all
        } else if !self.is_closed.get() {
            bytes.extend(line.as_bytes());
            bytes.push_back(b'\n');
        }
        drop(bytes);
        self.wake();
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

/// Writes what comes, until the outbox is closed and empty.
async fn write_all(
    mut stream: &TcpStream,
    watch: &Registration,
    outbox: &Outbox,
) -> io::Result<()> {
    poll_fn(|cx| {
        // Also while the socket is full: the outbox may be closed then.
        outbox.writer.replace(Some(cx.waker().clone()));
        loop {
            let mut bytes = outbox.bytes.borrow_mut();
            if bytes.is_empty() && outbox.is_closed.get() {
                return Poll::Ready(Ok(()));
            }
            if bytes.is_empty() {
                return Poll::Pending;
            }
            let write = || stream.write(bytes.as_slices().0);
            match watch.poll_io(cx, Direction::Write, write) {
                Poll::Ready(Ok(count)) => drop(bytes.drain(..count)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}
