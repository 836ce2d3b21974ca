//! Mutated input against everything here that reads what strangers send, for
//! as many seconds as you give it.
//!
//! An input is one of the corpus, or two of it joined, with a few bytes
//! changed, lost, doubled or put in. A target must not panic, must not take
//! longer than [`HANG`], and must say the same of the input however it is
//! cut. A new target is a function and one line of [`TARGETS`].

#[path = "../tests/wire/mod.rs"]
#[allow(unused)] // tests use the rest of it
mod wire;

use std::panic::{self, AssertUnwindSafe};
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use ch00_toolbox::args::{Command, Opt, Parsed, Stop, fail, usage};
use ch00_toolbox::golden::{self, Piece};
use ch00_toolbox::rng::Rng;
use ch03_http::chunked::BodyLimits;
use ch03_http::head::Rules;

/// One input may take this long: a thousand times what it should.
const HANG: Duration = Duration::from_secs(5);

/// The longest input that is made, in bytes.
const MAX_INPUT: usize = 4 * 1024;

/// What is fuzzed.
struct Target {
    name: &'static str,
    /// The inputs to begin with.
    corpus: fn() -> io::Result<Vec<Vec<u8>>>,
    /// What is made of the pieces, as text: it must not depend on the cuts.
    read: fn(&[&[u8]]) -> String,
}

const TARGETS: &[Target] = &[
    Target {
        name: "head",
        corpus: || scripts("requests_"),
        read: |pieces| {
            wire::requests(pieces, Rules::default(), BodyLimits::default())
        },
    },
    Target {
        name: "limits",
        corpus: || scripts("requests_"),
        read: |pieces| {
            let (line, head, fields, bare_lf) = (40, 120, 3, true);
            let rules = Rules {
                line,
                head,
                fields,
                bare_lf,
            };
            let limits = BodyLimits {
                body: 20,
                extensions: 8,
                trailer: Rules { head: 30, ..rules },
            };
            wire::requests(pieces, rules, limits)
        },
    },
    Target {
        name: "response",
        corpus: || scripts("responses"),
        read: |pieces| wire::responses(b"GET", pieces),
    },
];

const COMMAND: Command = Command {
    name: "fuzz",
    about: "Reads mutated input, and looks for a panic, a hang or a cut \
            that matters.",
    operands: "TARGET SECONDS",
    options: &[Opt {
        name: "seed",
        value: Some("N"),
        default: Some("1"),
        help: "the same seed makes the same inputs",
    }],
    try_it: "cargo run --release -p ch03-http --example fuzz -- head 60\n\
             cargo run --release -p ch03-http --example fuzz -- all 60",
};

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let (targets, seconds, seed) = match asked(&parsed) {
        Ok(asked) => asked,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    for target in targets {
        match fuzz(target, seconds, seed) {
            Ok(report) => println!("{}: {report}", target.name),
            Err(text) => return fail(COMMAND.name, text),
        }
    }
    ExitCode::SUCCESS
}

/// The targets, the time for each, and the seed.
fn asked(parsed: &Parsed) -> Result<(&'static [Target], Duration, u64), Stop> {
    let [name, seconds] = parsed.operands() else {
        return Err(Stop::Usage("a target and seconds are wanted".into()));
    };
    let at = TARGETS.iter().position(|target| target.name == *name);
    let targets = match at {
        Some(at) => &TARGETS[at..=at],
        None if name == "all" => TARGETS,
        None => return Err(Stop::Usage(format!("no target {name:?}"))),
    };
    let seconds = seconds
        .parse()
        .map_err(|_| Stop::Usage(format!("no seconds: {seconds:?}")))?;
    Ok((targets, Duration::from_secs(seconds), parsed.value("seed")?))
}

/// The commands of the golden scripts whose names begin so, as bytes; of
/// those of responses, what stands behind the method.
fn scripts(prefix: &str) -> io::Result<Vec<Vec<u8>>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut inputs = Vec::new();
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        if !file.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let script = fs::read_to_string(file.path())?;
        for piece in golden::parse(&script).map_err(io::Error::other)? {
            if let Piece::Case { command, .. } = piece {
                let skip = match prefix {
                    "responses" => command.find(' ').map_or(0, |at| at + 1),
                    _ => 0,
                };
                inputs.push(wire::unescape(&command[skip..]));
            }
        }
    }
    Ok(inputs)
}

/// The input at hand, and since when: for the thread that looks for hangs.
type Watched = Arc<Mutex<(Instant, Vec<u8>)>>;

fn fuzz(target: &Target, time: Duration, seed: u64) -> Result<String, String> {
    let corpus = (target.corpus)().map_err(|error| error.to_string())?;
    let mut rng = Rng::seeded(seed);
    let start = Instant::now();
    let watched: Watched = Arc::new(Mutex::new((start, Vec::new())));
    watch(Arc::clone(&watched), start + time);
    panic::set_hook(Box::new(|_| {})); // a panic is reported with its input
    let (mut inputs, mut bytes, mut refused) = (0_u64, 0_u64, 0_u64);
    while start.elapsed() < time {
        let input = mutant(&corpus, &mut rng);
        let now = (Instant::now(), input.clone());
        *watched.lock().unwrap_or_else(PoisonError::into_inner) = now;
        match tried(target, &input, &mut rng) {
            Ok(whole) => refused += u64::from(is_refused(&whole)),
            Err(why) => {
                let input = smaller(target, input, &mut rng);
                let mut again = (0..50)
                    .filter_map(|_| tried(target, &input, &mut rng).err());
                let why = again.next().unwrap_or(why);
                let shown = wire::shown(&input);
                return Err(format!("{}: {why}\ninput: {shown}", target.name));
            }
        }
        inputs += 1;
        bytes += input.len() as u64;
    }
    let _ = panic::take_hook();
    Ok(format!("{inputs} inputs, {bytes} bytes, {refused} refused"))
}

/// Whether the last thing said is an error.
fn is_refused(said: &str) -> bool {
    let last = said.lines().last().unwrap_or("");
    ["4", "5", "refused"].iter().any(|it| last.starts_with(it))
}

/// Ends the process when one input takes too long.
fn watch(watched: Watched, until: Instant) {
    thread::spawn(move || {
        while Instant::now() < until {
            thread::sleep(HANG / 10);
            let now = watched.lock().unwrap_or_else(PoisonError::into_inner);
            if now.0.elapsed() > HANG && Instant::now() < until {
                eprintln!("fuzz: a hang\ninput: {}", wire::shown(&now.1));
                process::exit(1);
            }
        }
    });
}

/// What the target says of the whole input, if it says the same of it cut.
fn tried(
    target: &Target,
    input: &[u8],
    rng: &mut Rng,
) -> Result<String, String> {
    let read = |pieces: &[&[u8]]| {
        panic::catch_unwind(AssertUnwindSafe(|| (target.read)(pieces)))
            .map_err(|_| "a panic".to_owned())
    };
    let whole = read(&[input])?;
    let most = rng.range(1..40) as usize;
    let mut rest = input;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let size = rng.range(1..most as u64 + 1) as usize;
        let (piece, more) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    let cut = read(&pieces)?;
    if cut == whole {
        return Ok(whole);
    }
    let difference = golden::diff(&whole, &cut);
    Err(format!(
        "a cut into pieces of up to {most} bytes:\n{difference}"
    ))
}

/// Leaves out what is not needed to fail.
fn smaller(target: &Target, mut input: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    let mut size = input.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size <= input.len() {
            let mut less = input.clone();
            less.drain(at..at + size);
            let fails = (0..20).any(|_| tried(target, &less, rng).is_err());
            match fails {
                true => input = less,
                false => at += size,
            }
        }
        size /= 2;
    }
    input
}

/// An input that nobody has tried.
fn mutant(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let pick = |rng: &mut Rng| &corpus[rng.below(corpus.len() as u64) as usize];
    let mut input = pick(rng).clone();
    if rng.chance(0.3) {
        let at = rng.below(input.len() as u64 + 1) as usize;
        input.truncate(at);
        let other = pick(rng);
        let from = rng.below(other.len() as u64 + 1) as usize;
        input.extend_from_slice(&other[from..]);
    }
    for _ in 0..rng.below(6) {
        mutate(&mut input, rng);
    }
    input.truncate(MAX_INPUT);
    input
}

/// Bytes that mean something to a parser.
const TELLING: &[u8] = b"\r\n\0\t :;,=\"\\/?#*%+-0159aAfFxX\x7f\x80\xff";

fn mutate(input: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.below(input.len() as u64 + 1) as usize;
    let end = input.len().min(at + rng.below(30) as usize);
    let telling = TELLING[rng.below(TELLING.len() as u64) as usize];
    match rng.below(6) {
        0 => input.insert(at, telling),
        1 if at < input.len() => input[at] = telling,
        2 if at < input.len() => input[at] ^= 1 << rng.below(8),
        3 => drop(input.drain(at..end)),
        4 => {
            let doubled = input[at..end].repeat(1 + rng.below(20) as usize);
            drop(input.splice(at..at, doubled));
        }
        _ => input.truncate(at),
    }
}
