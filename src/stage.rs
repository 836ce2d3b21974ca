//! Stages as processes: built by cargo, started on a free port, ended with whatever they started.
//!
//! Every process here is a [`Group`] of `processes`, so nothing outlives a verdict or the runner.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use regex::Regex;
use rustix::process::Signal;

use crate::processes::{self, Cancel, Group};
use crate::style::shown;

/// Time for a stage to print its first line. A debug build on a busy machine needs a tenth of a second.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Time for a stage to end after SIGTERM: longer than any stage's own drain.
const END_LIMIT: Duration = Duration::from_secs(15);

/// Lines of a stage's output that are kept for a report.
const KEPT_LINES: usize = 200;

/// What cargo built of one package.
#[derive(Debug, Clone, Default)]
pub struct Built {
    /// The package's name.
    pub package: String,
    /// The finished stage.
    pub bin: Option<PathBuf>,
    /// `step1_echo` and its like.
    pub examples: BTreeMap<String, PathBuf>,
}

impl Built {
    /// Builds a package's binaries and examples (both cost nothing when they are up to date).
    ///
    /// # Errors
    /// The compiler's messages.
    pub fn new(root: &Path, package: &str, release: bool) -> Result<Built> {
        let mut cargo = crate::cargo(root);
        cargo.args(["build", "--quiet", "--package", package, "--bins", "--examples"]);
        cargo.arg("--message-format=json-render-diagnostics").env("CARGO_TERM_COLOR", "never");
        if release {
            cargo.arg("--release");
        }
        let output = processes::run(&cargo, None, &Cancel::default())?;
        if !output.success {
            bail!("{package} does not compile:\n{}", output.stderr.trim_end());
        }
        let mut built = Built { package: package.to_owned(), ..Built::default() };
        for line in output.stdout.lines() {
            let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let target = &message["target"];
            let manifest = message["manifest_path"].as_str().unwrap_or_default();
            let kind = target["kind"][0].as_str().unwrap_or_default();
            let (Some(path), Some(name)) =
                (message["executable"].as_str(), target["name"].as_str())
            else {
                continue;
            };
            if !Path::new(manifest).parent().is_some_and(|dir| dir.ends_with(folder(package))) {
                continue;
            }
            match kind {
                "bin" => built.bin = Some(path.into()),
                "example" => drop(built.examples.insert(name.to_owned(), path.into())),
                _ => {}
            }
        }
        Ok(built)
    }

    /// The program of a stage: `ch01-sockets` or `ch01-sockets/step1_echo`, with the name that its first line gives.
    ///
    /// # Errors
    /// When the package has no such stage; the message lists those that it has.
    pub fn stage(&self, stage: &str) -> Result<(&Path, String)> {
        let found = match stage.split_once('/') {
            None => self.bin.as_deref(),
            Some((_, example)) => self.examples.get(example).map(PathBuf::as_path),
        };
        let name = stage.rsplit('/').next().unwrap_or(stage).to_owned();
        match found {
            Some(path) => Ok((path, name)),
            None => {
                let examples: Vec<String> =
                    self.examples.keys().map(|name| format!("{}/{name}", self.package)).collect();
                let all = self.bin.iter().map(|_| self.package.clone()).chain(examples);
                let all: Vec<String> = all.collect();
                bail!("there is no stage {stage}; {} has {}", self.package, all.join(", "))
            }
        }
    }
}

/// The folder of a package: a rebuild `my-ch01-sockets` stands in `my/ch01-sockets`.
fn folder(package: &str) -> PathBuf {
    match package.strip_prefix("my-") {
        Some(chapter) => Path::new("my").join(chapter),
        None => PathBuf::from(package),
    }
}

/// The port that a stage takes when it is not told another: the first one that its `--help` shows.
///
/// # Errors
/// When the program cannot be run or shows none.
pub fn default_port(program: &Path) -> Result<u16> {
    let mut command = Command::new(program);
    command.arg("--help");
    let help = processes::run(&command, Some(START_LIMIT), &Cancel::default())?.stdout;
    let address = Regex::new(r"127\.0\.0\.1:([0-9]{2,5})\b").context("the address's pattern")?;
    address
        .captures(&help)
        .and_then(|found| found[1].parse().ok())
        .with_context(|| format!("{} --help shows no default address", program.display()))
}

/// A stage that is listening.
pub struct Stage {
    /// `HOST:PORT` of its first line.
    pub address: String,
    group: Group,
    output: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    /// Starts a stage on a free port and waits for its first line, `NAME listening on HOST:PORT`.
    ///
    /// # Errors
    /// When it does not start, or says something else first: what it said.
    pub fn start(program: &Path, name: &str, args: &[String], folder: &Path) -> Result<Stage> {
        let mut command = Command::new(program);
        command.args(["--port", "0"]).args(args).current_dir(folder);
        clean(&mut command);
        let (group, stdout, stderr) = Group::spawn(&command, Stdio::piped(), Stdio::piped())?;
        let output = Arc::new(Mutex::new(Vec::new()));
        let (first, waits) = mpsc::channel();
        if let Some(stderr) = stderr {
            keep(stderr, Arc::clone(&output), None);
        }
        if let Some(stdout) = stdout {
            keep(stdout, Arc::clone(&output), Some(first));
        }
        let mut stage = Stage { address: String::new(), group, output };
        let first = waits.recv_timeout(START_LIMIT);
        let address = first
            .as_ref()
            .ok()
            .and_then(|line| line.strip_prefix(name)?.strip_prefix(" listening on "));
        match (address, &first) {
            (Some(address), _) => stage.address = address.to_owned(),
            (None, Ok(line)) => {
                bail!(
                    "{name} should first print \"{name} listening on HOST:PORT\", but printed {line:?}"
                )
            }
            (None, Err(mpsc::RecvTimeoutError::Timeout)) => {
                bail!("{name} printed no line within {} s of its start", START_LIMIT.as_secs())
            }
            (None, Err(mpsc::RecvTimeoutError::Disconnected)) => {
                let status = stage.group.wait(START_LIMIT);
                let status = status.map_or("closed its output".into(), |status| status.to_string());
                bail!("{name} ended before it listened ({status}){}", stage.said())
            }
        }
        Ok(stage)
    }

    /// The port of its address.
    pub fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap_or_default()
    }

    /// The host of its address.
    pub fn host(&self) -> &str {
        self.address.rsplit_once(':').map_or("", |(host, _)| host).trim_matches(['[', ']'])
    }

    /// The stage's process id.
    pub fn pid(&self) -> i32 {
        self.group.pid()
    }

    /// What it printed, both streams, for a report.
    pub fn said(&self) -> String {
        let lines = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("\n  | {}", shown(line))).collect()
    }

    /// Ends it by SIGTERM.
    ///
    /// # Errors
    /// When it had ended before, does not end in time, or ends with another status than 0.
    pub fn end(mut self) -> Result<()> {
        if let Some(status) = self.group.wait(Duration::ZERO) {
            bail!("the stage ended before it was told to ({status}){}", self.said());
        }
        self.group.signal(Signal::TERM);
        let started = Instant::now();
        match self.group.wait(END_LIMIT) {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                bail!("the stage ended with {status} on SIGTERM, not with status 0{}", self.said())
            }
            None => {
                let waited = started.elapsed().as_secs();
                bail!("the stage did not end within {waited} s of SIGTERM{}", self.said())
            }
        }
    }
}

/// Keeps the lines of a stream, and sends the first of them.
fn keep(
    stream: impl Read + Send + 'static,
    output: Arc<Mutex<Vec<String>>>,
    mut first: Option<mpsc::Sender<String>>,
) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if let Some(first) = first.take() {
                // Nobody waits any more when the limit is over.
                let _ = first.send(text.clone());
            }
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            if output.len() < KEPT_LINES {
                output.push(text);
            }
        }
    });
}

/// Takes from a command what this process has from cargo, and what would make its messages another language's.
pub fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let cargos = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if cargos || matches!(&*name, "RUSTC" | "RUST_BACKTRACE" | "CARGO" | "OUT_DIR") {
            command.env_remove(&*name);
        }
    }
    command.env("LC_ALL", "C.UTF-8").env("CARGO_TERM_COLOR", "never");
}
