//! Step 9, the process harness: start a chapter's stage, wait until it listens,
//! talk to it, and leave no process behind, whatever happens.
//!
//! ```text
//! the test ──spawn──▶ stage (its own process group)
//!    │  ▲                │ stdout: "NAME listening on HOST:PORT"
//!    │  └── lines ◀──────┘
//!    └── pipe ──▶ guard: waits for the pipe's end, then kills the group
//! ```
//!
//! Invariants:
//!
//! - I1: a started stage ends with its [`Server`]: when it is dropped, when
//!   the test panics, and when the test's whole process is killed.
//! - I2: a signal is sent to a process only before it is reaped, while its
//!   number cannot belong to anybody else.
//! - I3: no wait is without a deadline, and the error says what the stage
//!   printed instead.
//! - I4: a stage is never held up by what it prints, however much.
//!
//! Left out: `cargo run` (it would wait for the lock that `cargo test`
//! holds, and it puts a process in between that does not pass signals on).

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ch00_toolbox::process::output::{Output, follow};
use ch00_toolbox::sys::{self, Signal};

pub mod output;

/// How long a stage may take to say that it listens, and to stop. Both take
/// milliseconds; a busy machine may take a thousand times longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an end may go unnoticed of a process whose stdout did not end
/// with it.
const GLANCE: Duration = Duration::from_millis(10);

/// What to start, and how.
pub struct Launch {
    program: PathBuf,
    args: Vec<OsString>,
    environment: Vec<(String, String)>,
    /// The command that builds it, for the error when it is missing.
    build: String,
    /// Whether it takes `--port`.
    listens: bool,
}

impl Launch {
    /// Any program, by its path or its name.
    pub fn program(path: impl Into<PathBuf>) -> Launch {
        Launch {
            program: path.into(),
            args: Vec::new(),
            environment: Vec::new(),
            build: String::new(),
            listens: false,
        }
    }

    /// A chapter's finished stage.
    pub fn bin(package: &str) -> Launch {
        let launch = Launch::program(beside_test(package));
        let build = format!("cargo build -p {package}");
        Launch {
            build,
            listens: true,
            ..launch
        }
    }

    /// The stage of a chapter's step.
    pub fn example(package: &str, name: &str) -> Launch {
        let launch = Launch::program(beside_test("examples").join(name));
        let build = format!("cargo build -p {package} --example {name}");
        Launch {
            build,
            listens: true,
            ..launch
        }
    }

    /// A variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Launch {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The file that is started.
    pub fn path(&self) -> &Path {
        &self.program
    }

    /// Further arguments.
    pub fn args<I>(mut self, args: I) -> Launch
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Starts it, on a free port if it is a stage, and waits until its
    /// first line says where it listens.
    ///
    /// # Errors
    ///
    /// It is not built, it ends instead of listening, or it says nothing of
    /// the kind before the deadline. What it printed is in the message.
    pub fn start(mut self) -> io::Result<Server> {
        if self.listens {
            self.args.extend(["--port".into(), "0".into()]);
        }
        let process = self.spawn()?;
        match process.wait_for(" listening on ") {
            Ok(line) => Ok(Server {
                addr: address_in(&line)?,
                process,
            }),
            Err(e) => Err(process.explain(e)),
        }
    }

    /// Runs it to its end, with `input` as its stdin.
    ///
    /// # Errors
    ///
    /// It is not built, or it does not end before the deadline.
    pub fn run(&self, input: &[u8]) -> io::Result<Finished> {
        let mut process = self.spawn()?;
        // A program that does not read to the end is no error.
        let _ = process.send(input);
        process.close_stdin();
        let status = process.wait().map_err(|e| process.explain(e))?;
        let tails = process.output.lock();
        let (stdout, stderr) = (tails.stdout.text(), tails.stderr.text());
        drop(tails);
        Ok(Finished {
            status,
            stdout,
            stderr,
        })
    }

    // ANCHOR: spawn
    /// Starts it in a process group of its own, with a guard.
    ///
    /// # Errors
    ///
    /// It is not built, or the system has no room for a process.
    pub fn spawn(&self) -> io::Result<Process> {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|e| self.explain(e))?;
        let guard = match guard(child.id()) {
            Ok(guard) => guard,
            Err(e) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(e);
            }
        };
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stderr = child.stderr.take();
        let output = Arc::new(Output::default());
        follow(&output, stdout, |tails| &mut tails.stdout);
        follow(&output, stderr, |tails| &mut tails.stderr);
        Ok(Process {
            child,
            guard,
            stdin,
            output,
            status: None,
        })
    }
    // ANCHOR_END: spawn

    fn explain(&self, e: io::Error) -> io::Error {
        let (program, build) = (self.program.display(), &self.build);
        let hint = match e.kind() == ErrorKind::NotFound {
            true if build.is_empty() => String::new(),
            true => format!("; to build it: {build}"),
            false => String::new(),
        };
        io::Error::new(e.kind(), format!("{program}: {e}{hint}"))
    }
}

// ANCHOR: beside
/// The file `name` in the folder `target/<profile>`, where this program
/// stands itself: a binary there, a test below it in `deps`, a stage in
/// `examples`.
fn beside_test(name: &str) -> PathBuf {
    let this = env::current_exe().unwrap_or_default();
    let folder = this.parent().unwrap_or(Path::new("."));
    let profile = match folder.file_name().and_then(OsStr::to_str) {
        Some("deps" | "examples") => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    profile.join(name)
}
// ANCHOR_END: beside

/// The address in `NAME listening on HOST:PORT`.
fn address_in(line: &str) -> io::Result<SocketAddr> {
    let text = line.rsplit(' ').next().unwrap_or(line);
    text.parse().map_err(|_| {
        let text = format!("no HOST:PORT at the end of {line:?}");
        io::Error::new(ErrorKind::InvalidData, text)
    })
}

// ANCHOR: guard
/// What the guard runs: `read` returns when the pipe to it ends, and the
/// pipe ends when its one writer is gone, be it by SIGKILL.
const GUARD: &str = r#"read -r _; kill -s KILL -- "-$1""#;

/// Starts the process that outlives this one for a moment, if it must, to
/// kill the group of the process `pid`. It stands in a group of its own,
/// so that a Ctrl-C that ends this process does not end it too.
fn guard(pid: u32) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", GUARD, "guard", &pid.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}
// ANCHOR_END: guard

/// A running process that ends with this value.
pub struct Process {
    child: Child,
    /// Holds the pipe whose end makes it kill.
    guard: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
    /// Set once it is reaped: from here on, its number is not ours.
    status: Option<ExitStatus>,
}

impl Process {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its stdin.
    ///
    /// # Errors
    ///
    /// It has ended, or closed its stdin, or [`Process::close_stdin`] did.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(bytes).and_then(|()| stdin.flush()),
            None => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    /// Ends its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// What it printed on stdout so far, without the ends of lines.
    pub fn lines(&self) -> Vec<String> {
        self.output.lock().stdout.lines()
    }

    /// What it printed on stderr so far, without the ends of lines.
    pub fn errors(&self) -> Vec<String> {
        self.output.lock().stderr.lines()
    }

    // ANCHOR: wait_for
    /// Waits until a line on stdout contains `text`. Each line is looked at
    /// once: a second call goes on after the line that the first returned.
    ///
    /// # Errors
    ///
    /// Its stdout ends, or the deadline passes.
    pub fn wait_for(&self, text: &str) -> io::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut output = self.output.lock();
        loop {
            if let Some(line) = output.stdout.find(text) {
                return Ok(line);
            }
            if output.stdout.has_ended() {
                let text = format!("ended without a line with {text:?}");
                return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = format!("no line with {text:?} in {PATIENCE:?}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            output = self.output.changed(output, left);
        }
    }
    // ANCHOR_END: wait_for

    /// Waits until it has ended and what it printed is read.
    ///
    /// # Errors
    ///
    /// The deadline passes; it still runs.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended()? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = format!("still running after {PATIENCE:?}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            // Its end closes its stdout, which wakes us; a look now and then
            // is for one that closed it early or left it to a child.
            let output = self.output.lock();
            drop(self.output.changed(output, left.min(GLANCE)));
        }
        let status = self.reap()?;
        let mut output = self.output.lock();
        while !(output.stdout.has_ended() && output.stderr.has_ended()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break; // held open by a process that left the group
            }
            output = self.output.changed(output, left);
        }
        Ok(status)
    }

    /// Asks it to end (SIGTERM), waits until the deadline, then kills what
    /// is left of its group.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::Term);
        match self.wait() {
            Ok(status) => status,
            Err(_) => self.kill(),
        }
    }

    // ANCHOR: signal
    /// Sends a signal, unless it has been reaped: I2.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            let _ = sys::kill(self.pid(), signal); // it may have ended
        }
    }
    // ANCHOR_END: signal

    /// Kills its group, and reaps it.
    pub fn kill(&mut self) -> ExitStatus {
        self.reap().expect("nobody else reaps our own child")
    }

    // ANCHOR: reap
    /// Has the guard kill what is left of the group, while the leader's
    /// number is still ours (I2), and only then reaps the leader.
    fn reap(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        drop(self.guard.stdin.take());
        self.guard.wait()?;
        let _ = self.child.kill(); // had the guard itself been killed
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }
    // ANCHOR_END: reap

    /// Whether it has ended. It is not reaped by the question.
    fn has_ended(&self) -> io::Result<bool> {
        Ok(self.status.is_some() || sys::has_ended(self.pid())?)
    }

    /// Adds what was printed to an error.
    fn explain(&self, e: io::Error) -> io::Error {
        let mut text = e.to_string();
        for (name, lines) in
            [("stdout", self.lines()), ("stderr", self.errors())]
        {
            for line in lines.iter().rev().take(20).rev() {
                text += &format!("\n  {name}: {line}");
            }
        }
        io::Error::new(e.kind(), text)
    }
}

// ANCHOR: drop
impl Drop for Process {
    /// Runs when a test returns, when it panics, and when its `?` leaves:
    /// a process that needs a line of code to be ended is one that stays.
    fn drop(&mut self) {
        let _ = self.reap();
    }
}
// ANCHOR_END: drop

/// A stage that listens, and ends with this value.
pub struct Server {
    addr: SocketAddr,
    process: Process,
}

impl Server {
    /// A chapter's finished stage, to be started on a free port.
    pub fn bin(package: &str) -> Launch {
        Launch::bin(package)
    }

    /// The stage of a chapter's step, to be started on a free port.
    pub fn example(package: &str, name: &str) -> Launch {
        Launch::example(package, name)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Connects to it. Reads and writes of the connection have a deadline,
    /// so that a stage that does not answer fails a test and not stalls it.
    ///
    /// # Errors
    ///
    /// It does not listen any more.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it printed on stdout so far.
    pub fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// The process, to wait for it or for what it prints.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Asks it to end (SIGTERM), waits until the deadline, then kills it.
    pub fn terminate(&mut self) -> ExitStatus {
        self.process.terminate()
    }
}

/// How a program ended, and all that it printed.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// The last 1,000 lines of its stdout.
    pub stdout: String,
    /// The last 1,000 lines of its stderr.
    pub stderr: String,
}
