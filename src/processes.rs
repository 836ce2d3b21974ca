//! The processes that the runner starts, and how none of them outlives what it was started for.
//!
//! Each is led by a process of this program's own (see [`crate::leader`]), which ends it and all that it started:
//!
//! - I1: when a [`Group`] is dropped, or what [`run`] started ends, is cancelled or takes too long, all of it is ended.
//! - I2: on SIGINT, SIGTERM and SIGHUP all of it is ended before the runner is, and its temporary files are removed.
//! - I3: when the runner itself is killed, the kernel closes its sockets, and with that the leaders do the same.
//! - I4: when what is started kills its leader, the kernel hands what is below it to the runner (Linux), which ends it. A leader
//!   that is stopped is let go on; one that does not get to it is killed.
//! - I5: a process is started by fork(2), in the runner's own process group, without a lock. With posix_spawn(3), the runner
//!   would stand still within the call, and no key would help, when Ctrl-Z stops the child before it has become another
//!   program. So it stops like any child of a shell's, and `fg` lets both go on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use crate::{descendants, leader};

/// What is kept of each stream's beginning; a test that prints without end must not fill the memory.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// What is kept of its end at least, where the verdict stands.
const TAIL: usize = 64 * 1024;
/// How long the streams may stay open after all was ended; only what escaped its leader can hold them.
const STRAGGLERS: Duration = Duration::from_millis(200);
/// How long the thread that reads what is in them may take to get to it; on a busy machine that is longer than it seems.
const READING: Duration = Duration::from_secs(20);
/// How long a leader may take to start its program, on a machine that is busy with something else.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a leader or the guard may take to end all that it keeps.
const END_LIMIT: Duration = Duration::from_secs(10);
/// How often a leader is let go on that somebody may have stopped.
const URGE: Duration = Duration::from_millis(250);
/// How often to look at a leader that is to end, and for what is left of one that was killed.
const AGAIN: Duration = Duration::from_millis(10);

/// The runner's folder for what is temporary, and the guard that removes it when the runner is gone.
struct Ground {
    folder: PathBuf,
    socket: UnixStream,
    guard: Child,
}

struct State {
    ground: Option<Ground>,
    /// The guard's id.
    guard: Option<u32>,
    /// Nothing is started any more.
    closed: bool,
    /// A signal came: its handler ends the runner, and nobody else does.
    interrupted: bool,
    /// The leaders that live, by their ids.
    leaders: BTreeMap<u32, UnixStream>,
    /// How many leaders are being started, and are not among these yet.
    starting: usize,
    /// What a leader leaves when it is killed comes to the runner (I4).
    is_subreaper: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    ground: None,
    guard: None,
    closed: false,
    interrupted: false,
    leaders: BTreeMap::new(),
    starting: 0,
    is_subreaper: false,
});

/// The program that leads; unless a test names one, it is this one.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leads a process, or guards a runner, when the command line asks for it. `main` calls this before it looks at anything
/// else: without it, the program can start no process here, as it would start itself for another purpose.
pub fn main_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(word) if word == leader::LEAD => Some(leader::lead(args)),
        Some(word) if word == leader::GUARD => Some(leader::guard()),
        _ => {
            // On Linux this is the same program even when a build has put another in its place.
            let own = match cfg!(target_os = "linux") {
                true => Ok(PathBuf::from("/proc/self/exe")),
                false => std::env::current_exe(),
            };
            own.into_iter().for_each(led_by);
            None
        }
    }
}

/// Says which program leads: one whose `main` calls [`main_if_asked`]. The first word counts.
pub fn led_by(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// This program under another word, at the other end of a socket.
fn own(word: &str, adapt: impl FnOnce(&mut Command)) -> Result<(Child, UnixStream)> {
    let program = PROGRAM.get().context("`processes::main_if_asked` was not called")?;
    let (ours, theirs) = UnixStream::pair().context("cannot make a socket")?;
    let mut command = Command::new(program);
    command.arg0("workbook").arg(word);
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::null());
    adapt(&mut command);
    // I5: it is our group already, and std forks for it.
    command.gid(rustix::process::getgid().as_raw());
    let child = command.spawn().context("cannot start this program once more")?;
    Ok((child, ours))
}

/// The runner's own folder for what is temporary. It is made with the first process or folder that needs it, and removed with
/// the last of the runner.
fn folder() -> Result<PathBuf> {
    let mut state = state();
    match &state.ground {
        Some(ground) => return Ok(ground.folder.clone()),
        None if state.closed => return Err(Cancelled.into()),
        None => {}
    }
    let (guard, socket) = own(leader::GUARD, |_| {})?;
    let mut lines = Lines::new(socket.try_clone().context("cannot share a socket")?);
    let Line::Text(path) = lines.next(Some(START_LIMIT)) else {
        bail!("cannot make a folder in {}", std::env::temp_dir().display());
    };
    let folder = PathBuf::from(OsString::from_vec(path));
    state.guard = Some(guard.id());
    state.ground = Some(Ground { folder: folder.clone(), socket, guard });
    Ok(folder)
}

/// A temporary folder that is removed even when the runner is killed.
///
/// # Errors
/// When there is no room for it.
pub fn scratch() -> Result<tempfile::TempDir> {
    tempfile::tempdir_in(folder()?).context("cannot make a temporary folder")
}

/// Sees to it that a signal ends everything: `status` is the runner's own then.
///
/// # Errors
/// When the system has no room for a process, or signals are taken already.
pub fn begin(status: i32) -> Result<()> {
    folder()?;
    #[cfg(target_os = "linux")]
    {
        let done = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        state().is_subreaper = done.is_ok();
    }
    ctrlc::set_handler(move || {
        close(true);
        // The cursor may stand behind a line that is not finished, and behind the terminal's own ^C. There may be nobody
        // left to read it: eprintln! would panic, and this thread is the one that ends the runner.
        let _ = writeln!(std::io::stderr());
        std::process::exit(status);
    })
    .context("cannot take signals")
}

/// Ends what runs, and waits for the guard: after this, nothing is left.
pub fn end() {
    stay_if_interrupted();
    close(false);
}

/// What a signal's handler has ended looks as if it had failed by itself. It is not reported, and the runner's status is
/// the handler's to give: whoever comes here after the signal stays until the handler ends the process.
fn stay_if_interrupted() {
    while state().interrupted {
        thread::park();
    }
}

fn close(interrupted: bool) {
    let ground = {
        let mut state = state();
        state.closed = true;
        state.interrupted |= interrupted;
        state.leaders.iter().for_each(|(id, socket)| dismiss(*id, socket));
        state.ground.take()
    };
    let Some(Ground { socket, guard, .. }) = ground else { return };
    dismiss(guard.id(), &socket);
    // The guard goes when all leaders have gone.
    let mut lines = Lines::new(socket);
    let until = Instant::now() + END_LIMIT;
    let mut stills: BTreeMap<u32, usize> = BTreeMap::new();
    while !matches!(lines.next(Some(AGAIN)), Line::Closed) && Instant::now() < until {
        urge(guard.id());
        for id in state().leaders.keys() {
            leader::hurry(*id as i32, stills.entry(*id).or_default());
        }
    }
    end_strays();
}

/// Tells a leader or the guard to end, and lets it go on if somebody has stopped it.
fn dismiss(id: u32, socket: &UnixStream) {
    let _ = socket.shutdown(Shutdown::Write);
    urge(id);
}

fn urge(id: u32) {
    if let Some(pid) = Pid::from_raw(id as i32) {
        let _ = rustix::process::kill_process(pid, Signal::CONT);
    }
}

/// I4: ends what leaders have left that were killed.
#[cfg(target_os = "linux")]
fn end_strays() {
    let until = Instant::now() + END_LIMIT;
    loop {
        let state = state();
        if !state.is_subreaper {
            return;
        }
        // One that is being started looks like what a leader has left.
        if state.starting == 0 {
            let known = state.leaders.keys().copied().chain(state.guard);
            let known = known.map(|id| id as i32).collect();
            if !descendants::kill_strays(&known) {
                return;
            }
        }
        drop(state);
        if Instant::now() >= until {
            return;
        }
        thread::sleep(AGAIN);
    }
}

#[cfg(not(target_os = "linux"))]
fn end_strays() {}

/// Kills what has escaped its leader; to be called when nothing else is running.
pub fn sweep_own() {
    if let Ok(folder) = folder() {
        leader::sweep(&folder);
    }
}

/// Asks a check to stop: the next save makes it obsolete.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ends what runs; what would be started is refused.
    pub fn cancel(&self) {
        let state = state();
        self.0.store(true, Ordering::SeqCst);
        state.leaders.iter().for_each(|(id, socket)| dismiss(*id, socket));
    }

    /// Whether the check is obsolete.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The check was cancelled: there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl std::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the check was stopped")
    }
}

impl std::error::Error for Cancelled {}

/// A program and all that it starts.
pub struct Group {
    leader: Child,
    lines: Lines,
    pid: i32,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts a command, of which the program, the arguments, the environment and the folder count, and returns its pipes
    /// where it was given some. It reads nothing.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(
        command: &Command,
        stdout: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
    ) -> Result<(Group, Option<ChildStdout>, Option<ChildStderr>)> {
        let (stdout, stderr) = (stdout.into(), stderr.into());
        Group::start(command, leader::NO_INPUT, stdout, stderr, &Cancel::default())
    }

    /// Starts a command on a terminal.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn_on(command: &Command, terminal: &std::fs::File) -> Result<Group> {
        let (stdout, stderr) = (terminal.try_clone()?.into(), terminal.try_clone()?.into());
        let (group, ..) =
            Group::start(command, leader::TERMINAL, stdout, stderr, &Cancel::default())?;
        Ok(group)
    }

    fn start(
        command: &Command,
        input: &str,
        stdout: Stdio,
        stderr: Stdio,
        cancel: &Cancel,
    ) -> Result<(Group, Option<ChildStdout>, Option<ChildStderr>)> {
        let program = command.get_program();
        let cannot = || format!("cannot start {}", program.to_string_lossy());
        stay_if_interrupted();
        let folder = folder()?;
        state().starting += 1;
        let led = own(leader::LEAD, |leader| {
            leader.arg(&folder).arg(input).arg(program).args(command.get_args());
            for (name, value) in command.get_envs() {
                match value {
                    Some(value) => leader.env(name, value),
                    None => leader.env_remove(name),
                };
            }
            if let Some(dir) = command.get_current_dir() {
                leader.current_dir(dir);
            }
            leader.stdout(stdout).stderr(stderr);
        })
        .and_then(|(leader, socket)| {
            let shared = socket.try_clone().context("cannot share a socket")?;
            Ok((leader, socket, shared))
        });
        let mut state = state();
        state.starting -= 1;
        let (mut leader, socket, shared) = led.with_context(cannot)?;
        let streams = (leader.stdout.take(), leader.stderr.take());
        state.leaders.insert(leader.id(), shared);
        let is_refused = state.closed || cancel.is_cancelled();
        drop(state);
        let mut group = Group { leader, lines: Lines::new(socket), pid: 0, ended: None };
        if is_refused {
            return Err(Cancelled.into());
        }
        let said = match group.next(Some(START_LIMIT)) {
            Line::Text(text) => String::from_utf8_lossy(&text).into_owned(),
            Line::Late | Line::Closed => String::new(),
        };
        stay_if_interrupted();
        match (said.split_once(' '), cancel.is_cancelled()) {
            (_, true) => Err(Cancelled.into()),
            (Some(("started", pid)), _) => {
                group.pid = pid.parse().with_context(cannot)?;
                Ok((group, streams.0, streams.1))
            }
            (Some(("error", why)), _) => Err(anyhow::anyhow!("{why}")).with_context(cannot),
            _ => Err(anyhow::anyhow!("its leader has ended")).with_context(cannot),
        }
    }

    /// The program's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The program's exit status, if it ends in time.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.wait_for(Some(limit))
    }

    fn wait_for(&mut self, limit: Option<Duration>) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = match self.next(limit) {
                Line::Text(text) => {
                    let text = String::from_utf8_lossy(&text);
                    let status = text.strip_prefix("ended ").and_then(|raw| raw.parse().ok());
                    status.map(ExitStatus::from_raw)
                }
                Line::Late => None,
                // What the leader led ends with it.
                Line::Closed => Some(ExitStatus::from_raw(Signal::KILL.as_raw())),
            };
        }
        stay_if_interrupted();
        self.ended
    }

    /// The leader's next line. Meanwhile, it goes on if somebody has stopped it.
    fn next(&mut self, limit: Option<Duration>) -> Line {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match self.lines.next(Some(left.map_or(URGE, |left| left.min(URGE)))) {
                Line::Late if left.is_none_or(|left| left > URGE) => urge(self.leader.id()),
                line => return line,
            }
        }
    }

    /// Sends a signal to the program alone, as a terminal's `kill` would.
    pub fn signal(&mut self, signal: Signal) {
        // It may have ended.
        let _ = writeln!(self.lines.socket, "{}", signal.as_raw());
    }
}

impl Drop for Group {
    /// I1: when this returns, nothing of it is left.
    fn drop(&mut self) {
        let id = self.leader.id();
        dismiss(id, &self.lines.socket);
        let until = Instant::now() + END_LIMIT;
        let mut still = 0;
        let ended = loop {
            match self.lines.next(Some(AGAIN)) {
                Line::Text(_) => {}
                Line::Late if Instant::now() >= until => break false,
                Line::Late => leader::hurry(id as i32, &mut still),
                Line::Closed => break true,
            }
        };
        if !ended {
            let _ = self.leader.kill();
        }
        if let Some(pid) = Pid::from_raw(id as i32) {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while waitid(WaitId::Pid(pid), ended).is_err_and(|error| error == Errno::INTR) {}
        }
        // It has ended, and nobody looks for its id: after this, that is free for another.
        let mut state = state();
        state.leaders.remove(&id);
        let orderly = self.leader.wait().is_ok_and(|status| status.success());
        drop(state);
        if !orderly {
            if let Some(group) = Pid::from_raw(self.pid).filter(|_| self.pid > 1) {
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            end_strays();
        }
    }
}

/// What a leader or the guard says, line by line.
struct Lines {
    socket: UnixStream,
    pending: Vec<u8>,
}

enum Line {
    Text(Vec<u8>),
    /// There was none in time.
    Late,
    /// There is none any more.
    Closed,
}

impl Lines {
    fn new(socket: UnixStream) -> Lines {
        Lines { socket, pending: Vec::new() }
    }

    /// The next line. What is there counts, however late it is: the runner itself may have been stopped for longer than the
    /// limit.
    fn next(&mut self, limit: Option<Duration>) -> Line {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let rest = self.pending.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.pending, rest);
                line.pop();
                return Line::Text(line);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            // None at all would mean no limit.
            let left = left.map(|left| left.max(Duration::from_millis(1)));
            let mut chunk = [0; 256];
            let read =
                self.socket.set_read_timeout(left).and_then(|()| self.socket.read(&mut chunk));
            match read.map_err(|error| error.kind()) {
                Ok(0) => return Line::Closed,
                Ok(count) => self.pending.extend_from_slice(&chunk[..count]),
                Err(std::io::ErrorKind::Interrupted) => {}
                Err(std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    if until.is_some_and(|until| Instant::now() >= until) {
                        return Line::Late;
                    }
                }
                Err(_) => return Line::Closed,
            }
        }
    }
}

/// How a process ended, and what it said.
#[derive(Debug, Clone, Default)]
pub struct Finished {
    /// Whether it ended with status 0.
    pub success: bool,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it took too long and was ended.
    pub timed_out: bool,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// Runs a command to its end or to the limit; what it has left behind then ends as well.
///
/// # Errors
/// When it cannot be started; [`Cancelled`] when the check is.
pub fn run(command: &Command, limit: Option<Duration>, cancel: &Cancel) -> Result<Finished> {
    let (mut group, stdout, stderr) =
        Group::start(command, leader::NO_INPUT, Stdio::piped(), Stdio::piped(), cancel)?;
    let (stdout, stderr) = (stdout.map(collect), stderr.map(collect));
    let status = group.wait_for(limit);
    drop(group);
    stay_if_interrupted();
    let (stdout, stderr) = (text(stdout), text(stderr));
    if cancel.is_cancelled() {
        return Err(Cancelled.into());
    }
    Ok(Finished {
        success: status.is_some_and(|status| status.success()),
        signal: status.and_then(|status| status.signal()),
        timed_out: status.is_none(),
        stdout,
        stderr,
    })
}

struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: mpsc::Receiver<()>,
    /// The pipe, to ask whether all of it was read.
    pipe: Option<OwnedFd>,
}

/// Reads a stream to its end and keeps the first part and the last part of it.
fn collect(mut from: impl Read + AsFd + Send + 'static) -> Stream {
    let pipe = from.as_fd().try_clone_to_owned().ok();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (close, closed) = mpsc::channel();
    let kept = Arc::clone(&bytes);
    thread::spawn(move || {
        let mut chunk = [0; 16 * 1024];
        while let Ok(count) = from.read(&mut chunk)
            && count > 0
        {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&chunk[..count]);
            if kept.len() > MAX_OUTPUT + 2 * TAIL {
                let end = kept.len() - TAIL;
                kept.drain(MAX_OUTPUT..end);
            }
        }
        let _ = close.send(());
    });
    Stream { bytes, closed, pipe }
}

fn text(stream: Option<Stream>) -> String {
    let Some(stream) = stream else { return String::new() };
    let is_unread = || {
        let waiting = stream.pipe.as_ref().map(rustix::io::ioctl_fionread);
        waiting.is_some_and(|waiting| waiting.is_ok_and(|bytes| bytes > 0))
    };
    let until = Instant::now() + READING;
    while stream.closed.recv_timeout(STRAGGLERS) == Err(mpsc::RecvTimeoutError::Timeout)
        && is_unread()
        && Instant::now() < until
    {}
    let bytes = stream.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}
