//! What stands between the runner and each process that it starts, and ends all that comes of it.
//!
//! ```text
//! runner ── "15\n" ──▶ leader ── starts ──▶ the program ──▶ whatever it starts
//!        ◀─ "ended 0\n" ─┘
//!        ── (nothing) ─▶ guard                 one for each runner; it keeps the runner's temporary folder
//! ```
//!
//! Both are this program under another word, and hang on the runner by a socket. However the runner ends, the kernel closes
//! its end of the socket, and nobody has to be told:
//!
//! - L1: when its socket closes, a leader ends every process below it, then its folder, then itself. It is a subreaper: what
//!   left its session, its group and its environment behind is still below it (Linux; elsewhere, the program's group is).
//! - L2: a leader holds a shared lock on a file of the runner's folder. When its own socket closes, the guard waits until
//!   it has that lock alone, so that all leaders are gone; it ends what carries the runner's mark, and removes the folder.
//! - L3: both have a session of their own, so no key that is pressed at the terminal reaches them or what they start. A
//!   stop that was on its way to one of them is dropped, as POSIX has it for a group without a shell.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions};

use crate::descendants;

/// The word that starts a leader: its arguments are the runner's folder, [`NO_INPUT`] or [`TERMINAL`], and the command.
pub const LEAD: &str = "__lead";
/// The word that starts the guard.
pub const GUARD: &str = "__guard";
/// The program reads nothing.
pub const NO_INPUT: &str = "null";
/// The program's stdout is a terminal, from which it reads as well.
pub const TERMINAL: &str = "terminal";

/// The name of the mark; its value is the runner's folder, which no other runner has.
const MARK: &str = "WORKBOOK_CHECK";
/// The file that leaders lock.
const LOCK: &str = "lock";
/// How often what has not ended is killed again: a tree that grows may outrun one look at it.
const AGAIN: Duration = Duration::from_millis(10);
/// How many looks may find a leader stopped that is to end: somebody stops it again and again.
const MAX_STILL: usize = 100;

/// Keeps the runner's temporary folder, and says its path on the socket.
pub fn guard() -> ExitCode {
    let _ = rustix::process::setsid();
    let keep = || -> io::Result<()> {
        let place = std::path::absolute(std::env::temp_dir())?;
        let folder = tempfile::Builder::new().prefix("workbook-").tempdir_in(place)?;
        let lock = File::create(folder.path().join(LOCK))?;
        let mut socket = socket()?;
        socket.write_all(&[folder.path().as_os_str().as_bytes(), b"\n"].concat())?;
        // Nothing comes: this lasts as long as the runner.
        let _ = socket.read(&mut [0]);
        outlast(&lock, folder.path())?;
        sweep(folder.path());
        folder.close()
    };
    if keep().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// L2: waits until the last leader has gone. The runner, which lets a stopped leader go on, may have been killed; so the guard
/// does it, and kills a leader that is stopped again and again: the sweep ends what it leaves.
fn outlast(lock: &File, folder: &Path) -> io::Result<()> {
    let mut stills: BTreeMap<i32, usize> = BTreeMap::new();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        for id in leaders(folder) {
            hurry(id, stills.entry(id).or_default());
        }
        thread::sleep(AGAIN);
    }
}

/// The leaders of the runner whose folder this is, by their command lines.
fn leaders(folder: &Path) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0).skip(1);
        let is_leader = words.next() == Some(LEAD.as_bytes());
        if is_leader && words.next() == Some(folder.as_os_str().as_bytes()) {
            found.push(id);
        }
    }
    found
}

/// Lets a leader go on that ought to end, or kills it when it was seen to be stopped too often.
pub fn hurry(id: i32, still: &mut usize) {
    *still += usize::from(descendants::is_stopped(id));
    if let Some(pid) = Pid::from_raw(id) {
        let signal = if *still > MAX_STILL { Signal::KILL } else { Signal::CONT };
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Starts the program, tells what becomes of it, and ends everything below when the socket closes.
pub fn lead(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let (Some(folder), Some(input), Some(program)) = (args.next(), args.next(), args.next()) else {
        return ExitCode::from(2);
    };
    let Ok(mut socket) = socket() else { return ExitCode::from(2) };
    let mut command = Command::new(program);
    command.args(args);
    match start(Path::new(&folder), input == TERMINAL, &mut command) {
        Ok((child, scratch, lock)) => {
            attend(child, socket);
            let _ = fs::remove_dir_all(scratch);
            drop(lock);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = socket.write_all(format!("error {error}\n").as_bytes());
            ExitCode::SUCCESS
        }
    }
}

/// The runner's socket, which is this process's stdin.
fn socket() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// The program as a child with a temporary folder of its own, the folder, and the lock that keeps the guard waiting.
fn start(
    folder: &Path,
    terminal: bool,
    command: &mut Command,
) -> io::Result<(Child, PathBuf, File)> {
    let lock = File::open(folder.join(LOCK))?;
    lock.lock_shared()?;
    let scratch = folder.join(std::process::id().to_string());
    fs::create_dir(&scratch)?;
    let input = match terminal {
        true => Stdio::from(io::stdout().as_fd().try_clone_to_owned()?),
        false => Stdio::null(),
    };
    command.env("TMPDIR", &scratch).env(MARK, folder).stdin(input).process_group(0);
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = fs::remove_dir_all(&scratch);
            return Err(error);
        }
    };
    // They are the program's: whoever reads them waits for its end, not for the leader's.
    let nowhere = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    Ok((child, scratch, lock))
}

enum Event {
    /// A child ended: its id and its status as wait(2) gives it.
    Ended(i32, i32),
    /// There is no child left, and so none will come.
    Empty,
    /// The runner asks the program to take a signal.
    Signal(Signal),
    /// The runner wants no more of it, or is gone.
    Closed,
}

fn attend(child: Child, mut socket: UnixStream) {
    let program = child.id() as i32;
    let _ = socket.write_all(format!("started {program}\n").as_bytes());
    let (events, inbox) = mpsc::channel();
    reap(events.clone());
    match socket.try_clone() {
        Ok(socket) => listen(socket, events),
        Err(_) => return end_all(program, &inbox),
    }
    let mut empty = false;
    loop {
        match inbox.recv() {
            Ok(Event::Ended(id, status)) if id == program => {
                let _ = socket.write_all(format!("ended {status}\n").as_bytes());
            }
            Ok(Event::Ended(..)) => {}
            Ok(Event::Signal(signal)) => descendants::signal(program, signal),
            Ok(Event::Empty) => empty = true,
            Ok(Event::Closed) | Err(_) => break,
        }
    }
    if !empty {
        end_all(program, &inbox);
    }
}

/// L1: until the kernel says that there is no child, kill what there is.
fn end_all(program: i32, inbox: &Receiver<Event>) {
    descendants::kill_all(program);
    loop {
        match inbox.recv_timeout(AGAIN) {
            Ok(Event::Empty) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => drop(descendants::kill_all(program)),
        }
    }
}

fn listen(socket: UnixStream, events: Sender<Event>) {
    thread::spawn(move || {
        for line in BufReader::new(socket).lines() {
            let Ok(line) = line else { break };
            let signal = line.parse().ok().and_then(Signal::from_named_raw);
            if let Some(signal) = signal {
                let _ = events.send(Event::Signal(signal));
            }
        }
        let _ = events.send(Event::Closed);
    });
}

fn reap(events: Sender<Event>) {
    thread::spawn(move || {
        loop {
            match rustix::process::wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => {
                    let _ = events.send(Event::Ended(pid.as_raw_nonzero().get(), status.as_raw()));
                }
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
        }
        let _ = events.send(Event::Empty);
    });
}

/// Kills every process that carries the mark of the runner whose folder this is: what is not below its leader any more, as
/// that leader was killed, or as there are no subreapers. To be called when none of the runner's programs is running.
pub fn sweep(folder: &Path) {
    let wanted = [MARK.as_bytes(), b"=", folder.as_os_str().as_bytes()].concat();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
            && let Some(id) = Pid::from_raw(id).filter(|_| id > 1)
        {
            let _ = rustix::process::kill_process(id, Signal::KILL);
        }
    }
}
