//! What keeps a block that a reader runs inside its limits, and ends all of it.
//!
//! The server never starts a reader's program itself. It starts this binary again in a hidden mode, the supervisor, and
//! talks to it over two pipes:
//!
//! ```text
//! server ── stdin ──▶ supervisor ── fork ──▶ __limited ── exec ──▶ the program ──▶ whatever it starts
//!        ◀─ frames ─             ◀─ stdout, stderr ──────────────────────────────────────┘
//! ```
//!
//! - I1: When the server's end of stdin closes, for whatever reason (Stop, a closed page, Ctrl-C, SIGKILL of the server),
//!   everything below the supervisor is killed and the program's folder removed.
//! - I2: When the program ends, whatever it left behind is killed too. The supervisor is a subreaper, so a descendant that
//!   left its session or was forked twice is still its child in the end; it stops when the kernel says that it has no child.
//! - I3: A limit that is met is named in the last frame.
//!
//! `__limited` is a second hop because limits must be set between fork and exec, where only `unsafe` code can run: it sets
//! them on itself and then becomes the program.
//!
//! Left out: namespaces, seccomp and cgroups. The reader's own code runs with the reader's own rights; this stops
//! accidents, not attacks: what a block writes outside of its folder, or deletes and keeps open, is not counted. Outside
//! Linux there is no subreaper and no /proc: there, limits are the kernel's per process, and what is killed is the program's
//! process group.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, WaitOptions, setrlimit};
use serde::{Deserialize, Serialize};

use crate::descendants::{Tree, kill_all, terminate};

/// How often the tree of processes is measured. A fork bomb makes some hundred processes in this time.
const TICK: Duration = Duration::from_millis(10);
/// How often the program's folder is measured. A disk takes some ten megabytes in this time.
const LOOK: Duration = Duration::from_millis(100);
/// How many files a program's folder may have: they take room that no size tells, and time to measure.
const FILES: u64 = 10_000;
/// How long a program that is asked to end (SIGTERM) may take before it is killed.
const GRACE: Duration = Duration::from_secs(3);
/// The user without rights: the same number everywhere.
const NOBODY: u32 = 65534;
/// How much the program yields to the supervisor, which must get its turn when hundreds of processes want theirs.
const NICE: i32 = 5;
/// How many bytes are passed on at once.
const CHUNK: usize = 16 * 1024;
/// How much of stderr's end is kept to tell why a program aborted.
const TAIL: usize = 4096;

/// What a program may use; all of its processes together, where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From start to end. 0: no limit (a stage runs until it is stopped).
    pub wall_ms: u64,
    /// Time on a processor; of each process, too. 0: no limit.
    pub cpu_s: u64,
    /// Memory in use.
    pub memory_mib: u64,
    /// Addresses that one process may reserve, whether it uses them or not.
    pub address_mib: u64,
    /// Processes at the same time.
    pub processes: u64,
    /// Threads at the same time.
    pub threads: u64,
    /// Bytes on stdout and stderr. 0: no limit (a stage's log).
    pub output_kib: u64,
    /// Size of one file that is written.
    pub file_mib: u64,
    /// Size of all that stands in its folder, as far as it takes room on the disk.
    pub disk_mib: u64,
}

/// A program to run under supervision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub dir: PathBuf,
    /// What is removed when the server goes away before the end.
    pub scratch: Option<PathBuf>,
    /// Whether root gives up its rights before it starts the program.
    pub unprivileged: bool,
    /// What it may use.
    pub limits: Limits,
}

/// What a supervisor writes to its stdout, one JSON object per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Frame {
    /// The program wrote to stdout.
    Out {
        /// What it wrote; bytes that are not UTF-8 are replaced.
        text: String,
    },
    /// The program wrote to stderr.
    Err {
        /// As for stdout.
        text: String,
    },
    /// Something to know that is not the program's own words.
    Note {
        /// One sentence.
        text: String,
    },
    /// The end; the last frame.
    Exit(Exit),
}

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Its exit status, when it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The limit that was met: `time`, `cpu`, `memory`, `processes`, `output`, `file`, `disk`.
    pub limit: Option<String>,
    /// The end in words.
    pub text: String,
    /// From start to end.
    pub wall_ms: u64,
}

/// Runs one of the hidden modes when the command line asks for it. `main` calls this before it looks at anything else.
pub fn main_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args().skip(1);
    let mode = args.next()?;
    if mode != "__supervise" && mode != "__limited" {
        return None;
    }
    let spec: Spec = match args.next().map(|text| serde_json::from_str(&text)) {
        Some(Ok(spec)) => spec,
        _ => {
            eprintln!("workbook: {mode} is for the workbook's own use");
            return Some(ExitCode::from(2));
        }
    };
    Some(if mode == "__limited" { become_program(&spec) } else { supervise(&spec) })
}

/// The command that starts this binary again in a hidden mode. On Linux it does so even when the file was replaced by a new
/// build in the meantime.
pub fn command(mode: &str, spec: &Spec) -> Command {
    let own = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().unwrap_or_else(|_| PathBuf::from("workbook"))
    };
    let mut command = Command::new(own);
    // A `Spec` is made of strings and numbers, which JSON can always say, unless a path is not UTF-8: then the mode says so.
    command.arg(mode).arg(serde_json::to_string(spec).unwrap_or_default());
    command
}

fn become_program(spec: &Spec) -> ExitCode {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if spec.unprivileged {
        let _ = rustix::process::nice(NICE);
    }
    let limits = &spec.limits;
    let mib = |count: u64| count * 1024 * 1024;
    let set = |resource, value: u64| {
        let current = rustix::process::getrlimit(resource).maximum;
        let value = Some(current.map_or(value, |most| most.min(value)));
        // A limit that cannot be set is still kept by the supervisor, which measures.
        let _ = setrlimit(resource, Rlimit { current: value, maximum: value });
    };
    set(Resource::Core, 0);
    set(Resource::Fsize, mib(limits.file_mib));
    if limits.cpu_s > 0 {
        set(Resource::Cpu, limits.cpu_s + 1);
    }
    #[cfg(target_os = "linux")]
    {
        set(Resource::As, mib(limits.address_mib));
        // The kernel counts all tasks of the user, not only ours, and nothing at all for root.
        if !rustix::process::geteuid().is_root() {
            set(Resource::Nproc, crate::descendants::tasks_of_user() + limits.threads);
        }
    }
    let error = Command::new(&spec.program).args(&spec.args).exec();
    eprintln!("cannot start {}: {error}", spec.program.display());
    ExitCode::from(127)
}

/// What the supervisor's loop waits for.
enum Event {
    /// A child ended: its id, status, signal.
    Reaped(i32, Option<i32>, Option<i32>),
    /// There is no child left.
    Empty,
    /// The program wrote more than it may.
    Flood,
    /// Its folder holds more than it may: the sentence that says so.
    Full(String),
    /// The server asks the program to end.
    Stop,
    /// The server is gone, or wants no more of it.
    Abandoned,
}

fn supervise(spec: &Spec) -> ExitCode {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    // It ends with its stdin and by nothing less: when it was stopped and the server is gone, the kernel sends SIGHUP.
    let _ = ctrlc::set_handler(|| {});
    let frames = Frames::default();
    let began = Instant::now();
    let mut child = match spawn(spec) {
        Ok(child) => child,
        Err(error) => {
            let text = format!("cannot start {}: {error}", spec.program.display());
            frames.send(&Frame::Exit(Exit { code: Some(127), text, ..Exit::default() }));
            return ExitCode::FAILURE;
        }
    };
    let (events, inbox) = mpsc::channel();
    let output = Arc::new(Output {
        frames,
        left: AtomicU64::new(if spec.limits.output_kib == 0 {
            u64::MAX
        } else {
            spec.limits.output_kib * 1024
        }),
        muted: AtomicBool::new(false),
        tail: Mutex::new(Vec::new()),
    });
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let pumps = [
        stdout.map(|pipe| pump(pipe, false, Arc::clone(&output), events.clone())),
        stderr.map(|pipe| pump(pipe, true, Arc::clone(&output), events.clone())),
    ];
    listen(events.clone());
    look(spec.dir.clone(), spec.limits.disk_mib, events.clone());
    reap(events);

    let pid = child.id() as i32;
    let verdict = watch(pid, spec, began, &inbox);
    let wall_ms = began.elapsed().as_millis() as u64;
    if !matches!(verdict, Verdict::Ended(..)) {
        output.muted.store(true, Ordering::Relaxed);
    }
    let left_behind = kill_all(pid);
    wait_until_empty(pid, &inbox);
    if matches!(verdict, Verdict::Abandoned) {
        if let Some(scratch) = &spec.scratch {
            let _ = std::fs::remove_dir_all(scratch);
        }
        std::process::exit(0);
    }
    for pump in pumps.into_iter().flatten() {
        let _ = pump.join();
    }
    if left_behind > 0 && matches!(verdict, Verdict::Ended(..)) {
        let text = format!("The program left {} behind; ended too.", count(left_behind, "process"));
        output.frames.send(&Frame::Note { text });
    }
    output.frames.send(&Frame::Exit(explain(&verdict, spec, &output, wall_ms)));
    ExitCode::SUCCESS
}

/// Starts the program. Root is not limited in its processes by the kernel, and a fork bomb takes all processor time from the
/// one who would stop it; so root's program runs as nobody, where that is possible.
fn spawn(spec: &Spec) -> std::io::Result<Child> {
    let start = |uid: Option<u32>| {
        let mut limited = command("__limited", spec);
        limited.env_clear().envs(spec.env.iter().map(|(name, value)| (name, value)));
        limited.current_dir(&spec.dir).process_group(0);
        limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(uid) = uid {
            limited.uid(uid).gid(uid);
        }
        limited.spawn()
    };
    if spec.unprivileged && rustix::process::geteuid().is_root() {
        let theirs = std::os::unix::fs::chown(&spec.dir, Some(NOBODY), Some(NOBODY));
        if let Ok(child) = theirs.and_then(|()| start(Some(NOBODY))) {
            return Ok(child);
        }
    }
    start(None)
}

/// Why the watch is over.
enum Verdict {
    /// The program ended: status, signal.
    Ended(Option<i32>, Option<i32>),
    /// A limit was met: its name, and the sentence that says so.
    Limit(&'static str, String),
    /// The server is gone.
    Abandoned,
}

fn watch(pid: i32, spec: &Spec, began: Instant, inbox: &Receiver<Event>) -> Verdict {
    let limits = &spec.limits;
    let mut tree = Tree::default();
    let mut asked: Option<Instant> = None;
    let mut next_tick = began + TICK;
    loop {
        match inbox.recv_timeout(next_tick.saturating_duration_since(Instant::now())) {
            Ok(Event::Reaped(id, code, signal)) if id == pid => {
                return Verdict::Ended(code, signal);
            }
            Ok(Event::Reaped(..)) => {}
            Ok(Event::Empty) => return Verdict::Ended(None, None),
            Ok(Event::Flood) => {
                let text = format!("Output limit met: {} KiB.", limits.output_kib);
                return Verdict::Limit("output", text);
            }
            Ok(Event::Full(text)) => return Verdict::Limit("disk", text),
            Ok(Event::Stop) => {
                asked.get_or_insert_with(Instant::now);
                terminate(pid);
            }
            Ok(Event::Abandoned) | Err(RecvTimeoutError::Disconnected) => {
                return Verdict::Abandoned;
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() < next_tick {
            continue;
        }
        next_tick = Instant::now() + TICK;
        if asked.is_some_and(|asked| asked.elapsed() > GRACE) {
            let text = format!("It did not end within {} s of being asked.", GRACE.as_secs());
            return Verdict::Limit("time", text);
        }
        if limits.wall_ms > 0 && began.elapsed() > Duration::from_millis(limits.wall_ms) {
            let text = format!("Time limit met: {} s.", limits.wall_ms as f64 / 1000.0);
            return Verdict::Limit("time", text);
        }
        if let Some((limit, text)) = exceeded(&mut tree, limits) {
            return Verdict::Limit(limit, text);
        }
    }
}

fn exceeded(tree: &mut Tree, limits: &Limits) -> Option<(&'static str, String)> {
    let usage = tree.measure();
    if usage.processes > limits.processes {
        let text = format!("Process limit met: {} at once.", limits.processes);
        return Some(("processes", text));
    }
    if usage.threads > limits.threads {
        return Some(("processes", format!("Thread limit met: {} at once.", limits.threads)));
    }
    if usage.memory > limits.memory_mib * 1024 * 1024 {
        return Some(("memory", format!("Memory limit met: {} MiB.", limits.memory_mib)));
    }
    if limits.cpu_s > 0 && usage.cpu > Duration::from_secs(limits.cpu_s) {
        return Some(("cpu", format!("CPU time limit met: {} s.", limits.cpu_s)));
    }
    None
}

/// I2: until the kernel says that there is no child, kill what there is.
fn wait_until_empty(pid: i32, inbox: &Receiver<Event>) {
    loop {
        match inbox.recv_timeout(TICK) {
            Ok(Event::Empty) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => {
                kill_all(pid);
            }
        }
    }
}

fn explain(verdict: &Verdict, spec: &Spec, output: &Output, wall_ms: u64) -> Exit {
    let limits = &spec.limits;
    let mut exit = Exit { wall_ms, ..Exit::default() };
    match verdict {
        Verdict::Limit(name, text) => {
            exit.limit = Some((*name).to_owned());
            exit.text = text.clone();
        }
        Verdict::Ended(code, signal) => {
            (exit.code, exit.signal) = (*code, *signal);
            let named = match signal.map(Signal::from_named_raw).unwrap_or_default() {
                Some(Signal::XCPU) => {
                    Some(("cpu", format!("CPU time limit met: {} s.", limits.cpu_s)))
                }
                Some(Signal::XFSZ) => {
                    Some(("file", format!("File size limit met: {} MiB.", limits.file_mib)))
                }
                Some(Signal::ABORT) if output.tail_says("memory allocation of ") => Some((
                    "memory",
                    format!(
                        "Memory limit met: {} MiB in use, {} MiB reserved.",
                        limits.memory_mib, limits.address_mib
                    ),
                )),
                _ if output.tail_says("File too large") => {
                    Some(("file", format!("File size limit met: {} MiB.", limits.file_mib)))
                }
                _ => None,
            };
            if let Some((name, text)) = named {
                exit.limit = Some(name.to_owned());
                exit.text = text;
            } else if let Some(signal) = signal {
                exit.text = format!("Ended by {}.", signal_name(*signal));
            } else {
                exit.text = format!("Exit status {}.", code.unwrap_or_default());
            }
        }
        Verdict::Abandoned => exit.text = "Stopped.".to_owned(),
    }
    exit
}

/// `SIGSEGV` for 11, as far as a program meets them.
pub fn signal_name(signal: i32) -> String {
    let name = match Signal::from_named_raw(signal) {
        Some(Signal::ABORT) => "SIGABRT (it aborted)",
        Some(Signal::SEGV) => {
            "SIGSEGV (it touched memory that is not its own, or its stack overflowed)"
        }
        Some(Signal::KILL) => "SIGKILL",
        Some(Signal::TERM) => "SIGTERM",
        Some(Signal::INT) => "SIGINT",
        Some(Signal::PIPE) => "SIGPIPE",
        Some(Signal::BUS) => "SIGBUS",
        Some(Signal::ILL) => "SIGILL",
        Some(Signal::FPE) => "SIGFPE",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

/// `1 process`, `2 processes`.
fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "es" })
}

/// The supervisor's stdout, one frame at a time.
#[derive(Default)]
struct Frames(Mutex<()>);

impl Frames {
    fn send(&self, frame: &Frame) {
        let _turn = self.0.lock();
        let mut line = serde_json::to_string(frame).unwrap_or_default();
        line.push('\n');
        // When nobody reads any more, stdin is closed as well, and that ends the supervisor.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// What the two pumps share.
struct Output {
    frames: Frames,
    /// Bytes that the program may still write.
    left: AtomicU64,
    /// Set when the verdict is in: read on, so that the pipes reach their end, but pass nothing on.
    muted: AtomicBool,
    /// The end of stderr.
    tail: Mutex<Vec<u8>>,
}

impl Output {
    fn tail_says(&self, words: &str) -> bool {
        self.tail.lock().is_ok_and(|tail| String::from_utf8_lossy(&tail).contains(words))
    }

    fn keep_tail(&self, bytes: &[u8]) {
        if let Ok(mut tail) = self.tail.lock() {
            tail.extend_from_slice(bytes);
            let surplus = tail.len().saturating_sub(TAIL);
            tail.drain(..surplus);
        }
    }
}

fn pump(
    mut pipe: impl Read + Send + 'static,
    is_stderr: bool,
    output: Arc<Output>,
    events: Sender<Event>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut pending = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match pipe.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            if output.muted.load(Ordering::Relaxed) {
                continue;
            }
            if is_stderr {
                output.keep_tail(&chunk[..read]);
            }
            let left = output.left.load(Ordering::Relaxed);
            let take = left.min(read as u64) as usize;
            // Two pumps may both take the last bytes; the limit is about size, not about the exact byte.
            output.left.store(left.saturating_sub(read as u64), Ordering::Relaxed);
            pending.extend_from_slice(&chunk[..take]);
            send_text(&output, is_stderr, take_text(&mut pending));
            if take < read {
                output.muted.store(true, Ordering::Relaxed);
                let _ = events.send(Event::Flood);
            }
        }
        send_text(&output, is_stderr, String::from_utf8_lossy(&pending).into_owned());
    })
}

fn send_text(output: &Output, is_stderr: bool, text: String) {
    if !text.is_empty() {
        output.frames.send(&if is_stderr { Frame::Err { text } } else { Frame::Out { text } });
    }
}

/// The text at the front of `pending`. A character that a read cut in two stays for the next time.
pub fn take_text(pending: &mut Vec<u8>) -> String {
    let keep = (1..=pending.len().min(3))
        .find(|back| {
            let tail = &pending[pending.len() - back..];
            matches!(std::str::from_utf8(tail), Err(error)
                if error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0);
    let rest = pending.split_off(pending.len() - keep);
    let text = String::from_utf8_lossy(pending).into_owned();
    *pending = rest;
    text
}

fn listen(events: Sender<Event>) {
    thread::spawn(move || {
        for line in BufReader::new(std::io::stdin()).lines() {
            match line {
                Ok(line) if line == "stop" => {
                    let _ = events.send(Event::Stop);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        let _ = events.send(Event::Abandoned);
    });
}

/// Measures the program's folder: in a thread of its own, so that a full one does not keep the other limits waiting.
fn look(dir: PathBuf, disk_mib: u64, events: Sender<Event>) {
    thread::spawn(move || {
        loop {
            let began = Instant::now();
            let (bytes, files) = disk_usage(&dir);
            let text = if bytes > disk_mib * 1024 * 1024 {
                format!("Disk limit met: {disk_mib} MiB.")
            } else if files > FILES {
                format!("Disk limit met: {FILES} files.")
            } else {
                thread::sleep(LOOK.max(began.elapsed() * 4));
                continue;
            };
            let _ = events.send(Event::Full(text));
            return;
        }
    });
}

/// The bytes that a folder takes on the disk, and how many files it has; not much beyond [`FILES`] is counted. What is deleted
/// while it is open is not seen, and what a link leads to is not its own.
fn disk_usage(dir: &Path) -> (u64, u64) {
    let (mut bytes, mut files) = (0, 0);
    let mut pending = vec![dir.to_path_buf()];
    while let Some(dir) = pending.pop() {
        // What cannot be read, or is gone meanwhile, counts nothing.
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            files += 1;
            if files > FILES {
                return (bytes, files);
            }
            let Ok(metadata) = entry.metadata() else { continue };
            bytes += metadata.blocks() * 512;
            if metadata.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    (bytes, files)
}

fn reap(events: Sender<Event>) {
    thread::spawn(move || {
        loop {
            match rustix::process::wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => {
                    let (code, signal) = (status.exit_status(), status.terminating_signal());
                    let _ = events.send(Event::Reaped(pid.as_raw_nonzero().get(), code, signal));
                }
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
        }
        let _ = events.send(Event::Empty);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_a_read_cuts_in_two_is_passed_on_whole() {
        let text = "aé€😀z";
        for cut in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(cut);
            let mut pending = head.to_vec();
            let mut got = take_text(&mut pending);
            pending.extend_from_slice(tail);
            got.push_str(&take_text(&mut pending));
            assert_eq!(got, text, "cut at byte {cut}");
        }
    }

    #[test]
    fn a_folder_takes_what_its_files_take() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let below = dir.path().join("a/b");
        std::fs::create_dir_all(&below)?;
        for name in ["one", "two"] {
            let mut file = std::fs::File::create(below.join(name))?;
            file.write_all(&vec![1; 1 << 20])?;
            file.sync_all()?;
        }
        // Its length takes no room, and what a link leads to is elsewhere; a loop ends.
        std::fs::File::create(dir.path().join("sparse"))?.set_len(1 << 30)?;
        std::os::unix::fs::symlink(dir.path(), below.join("up"))?;
        let (bytes, files) = disk_usage(dir.path());
        assert!((2 << 20..3 << 20).contains(&bytes), "{bytes} bytes");
        assert_eq!(files, 6, "two folders, three files, a link");
        Ok(())
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced_and_not_kept() {
        let mut pending = b"a\xffb\xc3".to_vec();
        assert_eq!(take_text(&mut pending), "a\u{fffd}b");
        assert_eq!(pending, b"\xc3");
    }
}
