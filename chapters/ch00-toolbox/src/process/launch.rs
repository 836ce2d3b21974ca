//! What to start: a chapter's stage on a free port, or any program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use ch00_toolbox::process::child::{PATIENCE, Process};

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
        let mut process = self.spawn()?;
        match process.wait_for(" listening on ") {
            Ok(line) => Ok(Server {
                addr: address_in(&line)?,
                process,
            }),
            Err(e) => {
                process.kill(); // so that all it had to say is here
                Err(process.explain(e))
            }
        }
    }

    /// Runs it to its end, with `input` as its stdin.
    ///
    /// # Errors
    ///
    /// It is not built, or it does not end before the deadline.
    pub fn run(&self, input: &[u8]) -> io::Result<Finished> {
        let mut process = self.spawn()?;
        match process.send(input) {
            Err(e) if e.kind() == ErrorKind::TimedOut => {
                return Err(process.explain(e));
            }
            _ => {} // one that ends before it has read all is no error
        }
        process.close_stdin();
        let status = process.wait().map_err(|e| process.explain(e))?;
        let (stdout, stderr) = process.printed();
        Ok(Finished {
            status,
            stdout,
            stderr,
        })
    }

    /// Starts it in a process group of its own, with a guard.
    ///
    /// # Errors
    ///
    /// It is not built, or the system has no room for a process.
    pub fn spawn(&self) -> io::Result<Process> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.environment.iter().cloned());
        Process::spawn(&mut command).map_err(|e| self.explain(e))
    }

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
    /// The first line and the last 999 of its stdout.
    pub stdout: String,
    /// The first line and the last 999 of its stderr.
    pub stderr: String,
}
