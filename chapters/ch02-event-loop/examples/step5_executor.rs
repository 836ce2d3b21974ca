//! The stage of step 5: an echo server of tasks, one thread for all clients.
//! The line `cat FILE` is answered with a file, which a pool of threads reads.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Component, Path};
use std::process::ExitCode;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::{Clock, RealClock};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{Verdict, verdict};
use ch01_sockets::frame::{Framing, Lines};
use ch02_event_loop::blocking::Pool;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::executor::Executor;
use ch02_event_loop::poller::{Source, system};
use ch02_event_loop::promise::promise;
use ch02_event_loop::reactor::{Direction, Reactor, Registration};

/// The longest line; it is in memory as a whole.
const LIMIT: usize = 64 * 1024;
/// What is shown of a file.
const MAX_FILE: u64 = 1024 * 1024;
/// After an accept for which something is short.
const PAUSE: Duration = Duration::from_millis(100);

const COMMAND: Command = Command {
    name: "step5_executor",
    about: "Sends lines back, and for `cat FILE` the file.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7002"), PORT],
    try_it: "printf 'hello\\ncat LICENSE-MIT\\n' | nc -N 127.0.0.1 7002",
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

/// What every task has.
#[derive(Clone)]
struct Server {
    executor: Executor,
    reactor: Rc<Reactor>,
    pool: Pool,
    log: Rc<Log>,
}

fn run(addr: SocketAddr) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;

    let reactor = Reactor::new(system()?)?;
    let executor = Executor::new(reactor.clone());
    let server = Server {
        executor: executor.clone(),
        reactor,
        pool: Pool::new(4, 64),
        log: Rc::new(Log::to_stderr(Level::Info)),
    };
    let (stop, stopped) = promise();
    thread::spawn(move || stop.keep(signals.wait()));
    let ended = executor.block_on(select(server.serve(listener), stopped))?;
    executor.cancel_all(); // the clients' tasks; step 8 lets them finish
    match ended {
        Either::Left(ended) => ended,
        Either::Right(_) => Ok(()),
    }
}

impl Server {
    /// Accepts for ever: ends only with an error of the listener itself.
    async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let source = Source(listener.as_raw_fd());
        let io = self.reactor.register(source)?;
        loop {
            let accept = || listener.accept();
            match poll_fn(|cx| io.poll_io(cx, Direction::Read, accept)).await {
                Ok((stream, peer)) => self.welcome(stream, peer),
                Err(error) => match verdict(&error) {
                    Verdict::Next => {}
                    Verdict::Wait => {
                        self.log.warn(format_args!("accept: {error}"));
                        // The loop has no timers yet; a thread can sleep.
                        let pause = || RealClock::new().sleep(PAUSE);
                        let _ = self.pool.run(pause)?.await;
                    }
                    Verdict::Stop => return Err(error),
                },
            }
        }
    }

    fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        self.log.info(format_args!("{peer} connected"));
        let server = self.clone();
        let task = async move {
            match server.talk(stream).await {
                Ok(()) => server.log.info(format_args!("{peer} done")),
                Err(error) => {
                    server.log.warn(format_args!("{peer}: {error}"));
                }
            }
        };
        self.executor.spawn(task).detach();
    }

    /// One client, from its first line to its end.
    async fn talk(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let source = Source(stream.as_raw_fd());
        let io = self.reactor.register(source)?;
        let stream = Stream { io, stream };
        let mut lines = Lines::new(LIMIT);
        let mut buf = vec![0; 16 * 1024];
        let mut out = Vec::new();
        loop {
            let count = stream.read(&mut buf).await?;
            lines.push(&buf[..count]);
            while let Some(line) = lines.next().map_err(io::Error::other)? {
                match line.strip_prefix(b"cat ") {
                    Some(name) => out.extend(self.cat(name).await),
                    None => out.extend([&line[..], b"\n"].concat()),
                }
                if out.len() >= LIMIT {
                    stream.write_all(&out).await?; // or it would grow
                    out.clear();
                }
            }
            stream.write_all(&out).await?;
            out.clear();
            if count == 0 {
                return lines.finish().map_err(io::Error::other);
            }
        }
    }

    /// A file's first bytes, or a line that says why not.
    async fn cat(&self, name: &[u8]) -> Vec<u8> {
        let name = String::from_utf8_lossy(name).into_owned();
        let read = match self.pool.run(move || read_file(Path::new(&name))) {
            Ok(promised) => promised.await.map_err(io::Error::other),
            Err(full) => Err(full.into()),
        };
        match read.flatten() {
            Ok(bytes) => bytes,
            Err(error) => format!("! {error}\n").into_bytes(),
        }
    }
}

/// Reads a file below the current folder. Runs on a thread of the pool.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !path.components().all(|c| matches!(c, Component::Normal(_))) {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A connection that a task can wait for.
struct Stream {
    io: Registration, // dropped first: before the close
    stream: TcpStream,
}

impl Stream {
    async fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let wanted = buf.len();
        let read = poll_fn(|cx| {
            let call = || (&self.stream).read(buf);
            self.io.poll_io(cx, Direction::Read, call)
        });
        let count = read.await?;
        if count < wanted {
            self.io.drained(Direction::Read);
        }
        Ok(count)
    }

    async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let write = poll_fn(|cx| {
                let call = || (&self.stream).write(bytes);
                self.io.poll_io(cx, Direction::Write, call)
            });
            match write.await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => bytes = &bytes[count..],
            }
        }
        Ok(())
    }
}
