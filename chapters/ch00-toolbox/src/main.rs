//! The toolbox at work: scripts run and compared, a journal crashed at every
//! operation, a server awaited. Each word is a few lines over the modules.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread;

use ch00_toolbox::args::{self, Command, Opt, Parsed, Stop};
use ch00_toolbox::disk::journal::{Checksum, Journal, crc32};
use ch00_toolbox::disk::lying::{Lie, Lying};
use ch00_toolbox::disk::mem::{Fault, MemDisk};
use ch00_toolbox::golden;
use ch00_toolbox::process::Launch;
use ch00_toolbox::rng::Rng;
use ch00_toolbox::sys::{POLLIN, PollFd, Signal, Signals, poll};

const NAME: &str = "ch00-toolbox";

const ABOUT: &str = "\
ch00-toolbox: the toolbox at work

Usage: ch00-toolbox WORD [OPTIONS]

Words:
  golden FILE...   run shell commands from scripts, compare what they print
  crash            cut the power at every operation of a journal
  wait COMMAND...  start a server, say where it listens, stop it again

Try:
  ch00-toolbox crash --writes 2
  ch00-toolbox crash --writes 2 --without sync
  ch00-toolbox WORD --help
";

const GOLDEN: Command = Command {
    name: "ch00-toolbox golden",
    about: "run shell commands from scripts, compare what they print",
    operands: "FILE...",
    options: &[Opt {
        name: "update",
        value: None,
        default: None,
        help: "write what was printed into the scripts",
    }],
    try_it: "ch00-toolbox golden chapters/ch00-toolbox/tests/golden/shell.txt",
};

const CRASH: Command = Command {
    name: "ch00-toolbox crash",
    about: "cut the power at every operation of a journal",
    operands: "",
    options: &[
        Opt {
            name: "seed",
            value: Some("N"),
            default: Some("1"),
            help: "decides what arrives on the platter",
        },
        Opt {
            name: "writes",
            value: Some("K"),
            default: Some("3"),
            help: "how many records are appended, up to 1000",
        },
        Opt {
            name: "without",
            value: Some("CALL"),
            default: None,
            help: "leave out: sync, sync_dir, truncate or checksum",
        },
    ],
    try_it: "ch00-toolbox crash --writes 2 --without sync",
};

const WAIT: Command = Command {
    name: "ch00-toolbox wait",
    about: "start a server, say where it listens, stop it again",
    operands: "COMMAND...",
    options: &[Opt {
        name: "then",
        value: Some("SCRIPT"),
        default: None,
        help: "run this by sh, with HOST and PORT set, then stop the server",
    }],
    try_it: "ch00-toolbox wait --then 'nc -N $HOST $PORT </dev/null' \
             -- COMMAND --port 0",
};

/// Why a word ended without success.
enum Failed {
    /// The arguments: status 2.
    Arguments(Stop),
    /// The work: status 1.
    Work(String),
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Failed {
        Failed::Arguments(stop)
    }
}

impl From<io::Error> for Failed {
    fn from(e: io::Error) -> Failed {
        Failed::Work(e.to_string())
    }
}

type Word = fn(&Parsed) -> Result<(), Failed>;

fn main() -> ExitCode {
    let mut given = std::env::args_os().skip(1);
    let word = given.next().unwrap_or_default();
    let (command, work): (Command, Word) = match word.to_str() {
        Some("golden") => (GOLDEN, golden),
        Some("crash") => (CRASH, crash),
        Some("wait") => (WAIT, wait),
        Some("--help" | "-h" | "") => {
            return args::usage(NAME, Stop::Help(ABOUT.to_owned()));
        }
        _ => {
            let text = format!("no such word: {}", word.to_string_lossy());
            return args::usage(NAME, Stop::Usage(text));
        }
    };
    let done = command.parse(given).map_err(Failed::from);
    match done.and_then(|parsed| work(&parsed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Arguments(stop)) => args::usage(command.name, stop),
        Err(Failed::Work(text)) => args::fail(command.name, text),
    }
}

/// Runs scripts whose commands are shell commands. A status other than 0 is
/// part of what a command prints.
fn golden(parsed: &Parsed) -> Result<(), Failed> {
    let mut differing = 0;
    for file in parsed.operands() {
        let named =
            |e: &dyn std::fmt::Display| Failed::Work(format!("{file}: {e}"));
        let script = std::fs::read_to_string(file).map_err(|e| named(&e))?;
        let played = golden::play(&script, shell).map_err(|e| named(&e))?;
        let (updated, differences) = played;
        if parsed.switch("update") && !differences.is_empty() {
            let written = golden::replace(file.as_ref(), &updated);
            written.map_err(|e| named(&e))?;
            say(&format!("{file}: {} updated\n", differences.len()))?;
            continue;
        }
        for it in &differences {
            let diff = golden::diff(&it.expected, &it.got);
            say(&format!("{file}:{}: {}\n{diff}", it.line, it.command))?;
        }
        differing += differences.len();
    }
    match differing {
        0 => Ok(()),
        n => Err(Failed::Work(format!("outputs that differ: {n}"))),
    }
}

fn shell(command: &str) -> String {
    let both = format!("exec 2>&1\n{command}");
    match Launch::program("sh").args(["-c", &both]).run(b"") {
        Err(e) => format!("{e}\n"),
        Ok(done) if done.status.success() => done.stdout,
        Ok(done) => format!("{}[{}]\n", done.stdout, done.status),
    }
}

/// Appends records with the power going during each operation in turn, and
/// prints what a recovery finds.
fn crash(parsed: &Parsed) -> Result<(), Failed> {
    let seed: u64 = parsed.value("seed")?;
    let writes: u64 = parsed.value("writes")?;
    if writes > 1000 {
        let text = format!("--writes wants at most 1000, got {writes}");
        return Err(Stop::Usage(text).into());
    }
    let mut checksum: Checksum = crc32;
    let lie = match parsed.text("without") {
        None => None,
        Some("sync") => Some(Lie::Sync),
        Some("sync_dir") => Some(Lie::SyncDir),
        Some("truncate") => Some(Lie::Truncate),
        Some("checksum") => {
            checksum = |_| 0;
            None
        }
        Some(other) => {
            let text = format!("--without cannot leave out {other:?}");
            return Err(Stop::Usage(text).into());
        }
    };
    say("power off during              acknowledged  recovered\n")?;
    let mut wrong = 0;
    for number in 1.. {
        let disk = MemDisk::new();
        disk.fail_at(number, Fault::PowerOff);
        let lying = Lying::new(disk.clone(), lie);
        let acknowledged = append(&lying, seed, writes, checksum);
        if !disk.is_off() {
            break;
        }
        let after = Lying::new(disk.crash(seed ^ number), lie);
        let found = Journal::open_with(&after, checksum);
        let (good, found) = match &found {
            Ok((_, records)) => (
                is_prefix(records, seed) && records.len() >= acknowledged,
                records.len().to_string(),
            ),
            Err(e) => (false, e.to_string()),
        };
        wrong += u64::from(!good);
        let verdict = if good { "" } else { "  WRONG" };
        let what = disk.history().pop().unwrap_or_default();
        say(&format!(
            "{number:3} {what:<26}{acknowledged:>12}  {found:>9}{verdict}\n"
        ))?;
    }
    match wrong {
        0 => Ok(()),
        n => Err(Failed::Work(format!("recoveries that are wrong: {n}"))),
    }
}

/// Appends until an error. Returns how many appends returned without.
fn append(
    disk: &Lying<MemDisk>,
    seed: u64,
    writes: u64,
    checksum: Checksum,
) -> usize {
    let Ok((mut journal, _)) = Journal::open_with(disk, checksum) else {
        return 0;
    };
    let mut done = (0..writes).map(|n| journal.append(&record(seed, n)));
    done.position(|appended| appended.is_err())
        .unwrap_or(writes as usize)
}

/// The record `n` of a run: up to two sectors, different for each.
fn record(seed: u64, n: u64) -> Vec<u8> {
    let mut rng = Rng::seeded(seed.wrapping_add(n));
    let size = rng.range(1..1024) as usize;
    rng.bytes(size)
}

fn is_prefix(records: &[Vec<u8>], seed: u64) -> bool {
    records
        .iter()
        .zip(0..)
        .all(|(got, n)| *got == record(seed, n))
}

/// Starts a server, waits until it listens, and stops it: after a script, or
/// when this process is asked to end.
fn wait(parsed: &Parsed) -> Result<(), Failed> {
    let [program, rest @ ..] = parsed.operands() else {
        return Err(Stop::Usage("missing COMMAND...".to_owned()).into());
    };
    // Before the start: a signal that comes during it must not be missed.
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let launch = Launch::program(program).args(rest);
    let mut server = unless(&signals, move || launch.start())??;
    let addr = server.addr();
    say(&format!("listening on {addr}\n"))?;
    let Some(script) = parsed.text("then") else {
        signals.wait();
        return ended(server.terminate());
    };
    let script = Launch::program("sh")
        .args(["-c", script])
        .env("HOST", &addr.ip().to_string())
        .env("PORT", &addr.port().to_string());
    let done = match unless(&signals, move || script.run(b"")) {
        Ok(done) => done?,
        Err(signalled) => {
            server.terminate();
            return Err(signalled);
        }
    };
    io::stderr().write_all(done.stderr.as_bytes())?;
    say(&done.stdout)?;
    let status = server.terminate();
    match done.status.success() {
        true => ended(status),
        false => Err(Failed::Work(format!("the script: {}", done.status))),
    }
}

/// The outcome of work that may take long, unless a signal comes first: what
/// the work has started then ends with this process.
fn unless<T: Send + 'static>(
    signals: &Signals,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failed> {
    let (done, worker) = UnixStream::pair()?;
    let worker = thread::spawn(move || {
        let _open = worker; // dropped behind the work, also by a panic
        work()
    });
    let mut fds = [PollFd::new(&done, POLLIN), PollFd::new(signals, POLLIN)];
    poll(&mut fds, None)?;
    if !fds[0].readable() {
        let text = format!("ended by {} before that", signals.wait());
        return Err(Failed::Work(text));
    }
    let broken = |_| Failed::Work("a thread panicked".to_owned());
    worker.join().map_err(broken)
}

fn ended(status: std::process::ExitStatus) -> Result<(), Failed> {
    match status.success() {
        true => Ok(()),
        false => Err(Failed::Work(format!("the server: {status}"))),
    }
}

/// Prints, and ends with an error where nobody reads any more.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
