//! The processes that a check starts, and how none of them outlives it.
//!
//! Each runs in a process group of its own, so that Ctrl-C reaches the runner alone and the runner ends the rest:
//!
//! - I1: when a process ends, is cancelled or takes too long, its whole group is killed before its id is given back.
//! - I2: on SIGINT, SIGTERM and SIGHUP all groups are killed before the runner ends.
//! - I3: when the runner itself is killed, its guard sees the end of their pipe and kills the groups.
//! - I4: what left its group is found by a mark in its environment (on Linux, where /proc shows it).

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

/// The name of the mark; its value is the runner's process id.
const MARK: &str = "WORKBOOK_CHECK";
/// The word that starts a guard.
const GUARD: &str = "__guard";
/// What is kept of each stream's beginning; a test that prints without end must not fill the memory.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// What is kept of its end at least, where the verdict stands.
const TAIL: usize = 64 * 1024;
/// How long the streams may stay open after the process has ended; only a survivor of its group can hold them.
const STRAGGLERS: Duration = Duration::from_millis(200);

#[derive(Default)]
struct State {
    closed: bool,
    /// A signal came: its handler ends the runner, and nobody else does.
    interrupted: bool,
    groups: BTreeSet<i32>,
    guard: Option<(Child, ChildStdin)>,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

fn state() -> MutexGuard<'static, Option<State>> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the guard when the command line asks for it. `main` calls this before it looks at anything else.
pub fn main_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args().skip(1);
    if args.next()? != GUARD {
        return None;
    }
    let mark = args.next().unwrap_or_default();
    let mut groups = BTreeSet::new();
    for line in BufReader::new(std::io::stdin()).lines() {
        let Ok(line) = line else { break };
        match (line.get(..1), line.get(1..).and_then(|id| id.parse::<i32>().ok())) {
            (Some("+"), Some(id)) => drop(groups.insert(id)),
            (Some("-"), Some(id)) => drop(groups.remove(&id)),
            _ => {}
        }
    }
    groups.into_iter().for_each(kill_group);
    sweep(&mark);
    Some(ExitCode::SUCCESS)
}

/// Starts the guard, and sees to it that a signal ends everything: `status` is the runner's own then.
///
/// # Errors
/// When the system has no room for a process, or signals are taken already.
pub fn begin(status: i32) -> Result<()> {
    let mut own = Command::new(std::env::current_exe().context("cannot find this program")?);
    let mut guard = own
        .args([GUARD, &mark()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start the guard of the tests' processes")?;
    let pipe = guard.stdin.take().context("the guard has no pipe")?;
    *state() = Some(State { guard: Some((guard, pipe)), ..State::default() });
    ctrlc::set_handler(move || {
        close(true);
        // The cursor may stand behind a line that is not finished, and behind the terminal's own ^C. There may be nobody
        // left to read it: eprintln! would panic, and this thread is the one that ends the runner.
        let _ = writeln!(std::io::stderr());
        std::process::exit(status);
    })
    .context("cannot take signals")
}

/// Kills what runs, and waits for the guard: after this, nothing is left.
pub fn end() {
    stay_if_interrupted();
    close(false);
}

/// A test that a signal's handler has killed looks as if it had failed by itself. It is not reported, and the runner's
/// status is the handler's to give: whoever comes here after the signal stays until the handler ends the process.
fn stay_if_interrupted() {
    while state().as_ref().is_some_and(|state| state.interrupted) {
        thread::park();
    }
}

fn close(interrupted: bool) {
    let mut state = state();
    let Some(state) = state.as_mut() else { return };
    state.closed = true;
    state.interrupted |= interrupted;
    state.groups.iter().copied().for_each(kill_group);
    if let Some((mut guard, pipe)) = state.guard.take() {
        drop(pipe);
        let _ = guard.wait();
    }
}

fn mark() -> String {
    std::process::id().to_string()
}

fn kill_group(id: i32) {
    if let Some(group) = Pid::from_raw(id).filter(|_| id > 1) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Kills every process that carries the mark: what a test left behind outside of its group.
fn sweep(mark: &str) {
    let wanted = format!("{MARK}={mark}");
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
            && let Some(id) = Pid::from_raw(id).filter(|_| id > 1)
        {
            let _ = rustix::process::kill_process(id, Signal::KILL);
        }
    }
}

/// Kills what the tests of this runner have left behind; to be called when none is running.
pub fn sweep_own() {
    sweep(&mark());
}

/// Asks a check to stop: the next save makes it obsolete.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Kills what runs; what would be started is refused.
    pub fn cancel(&self) {
        let state = state();
        self.0.store(true, Ordering::SeqCst);
        state.iter().flat_map(|state| &state.groups).copied().for_each(kill_group);
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

/// Runs a command to its end or to the limit, in a group of its own.
///
/// # Errors
/// When it cannot be started; [`Cancelled`] when the check is.
pub fn run(command: &mut Command, limit: Option<Duration>, cancel: &Cancel) -> Result<Finished> {
    use std::os::unix::process::ExitStatusExt;
    command
        .env(MARK, mark())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    stay_if_interrupted();
    let mut child = {
        let mut state = state();
        if cancel.is_cancelled() || state.as_ref().is_some_and(|state| state.closed) {
            return Err(Cancelled.into());
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        if let Some(state) = state.as_mut() {
            state.groups.insert(child.id() as i32);
            tell(state, '+', child.id());
        }
        child
    };
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let id = child.id() as i32;
    let timed_out = !ends_within(id, limit);
    // Whether it ended or not: what is left of the group ends before the id is free for another.
    kill_group(id);
    let status = {
        let status = child.wait();
        let mut state = state();
        if let Some(state) = state.as_mut() {
            state.groups.remove(&id);
            tell(state, '-', id as u32);
        }
        status?
    };
    stay_if_interrupted();
    let (stdout, stderr) = (text(stdout), text(stderr));
    if cancel.is_cancelled() {
        return Err(Cancelled.into());
    }
    let signal = status.signal();
    Ok(Finished { success: status.success(), signal, timed_out, stdout, stderr })
}

fn tell(state: &mut State, sign: char, id: u32) {
    if let Some((_, pipe)) = &mut state.guard {
        let _ = pipe.write_all(format!("{sign}{id}\n").as_bytes());
    }
}

/// Waits without reaping, so that the id stays taken until the group is killed.
fn ends_within(id: i32, limit: Option<Duration>) -> bool {
    let wait = move || {
        let Some(pid) = Pid::from_raw(id) else { return };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
    };
    let Some(limit) = limit else {
        wait();
        return true;
    };
    let (ended, answer) = mpsc::channel();
    thread::spawn(move || {
        wait();
        let _ = ended.send(());
    });
    answer.recv_timeout(limit) != Err(RecvTimeoutError::Timeout)
}

struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: mpsc::Receiver<()>,
}

/// Reads a stream to its end and keeps the first part and the last part of it.
fn collect(mut from: impl Read + Send + 'static) -> Stream {
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
    Stream { bytes, closed }
}

fn text(stream: Option<Stream>) -> String {
    let Some(stream) = stream else { return String::new() };
    let _ = stream.closed.recv_timeout(STRAGGLERS);
    let bytes = stream.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}
