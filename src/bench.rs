//! `bench`: ours and the real one under the same load, in turns.
//!
//! A chapter's `bench.toml` names cases: a server of ours, a server of somebody else's, and a load that prints a number. Each
//! round starts each server anew on a free port; who goes first changes from round to round, so that neither a warm nor a
//! throttled processor favours one. What counts is the median.
//!
//! Left out: confidence intervals. The least and the greatest round stand beside the median, and say more of five rounds.

mod memory;
mod report;

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use regex::Regex;
use serde::Deserialize;

use crate::chapter::Chapter;
use crate::client;
use crate::processes::{self, Group};
use crate::stage::{self, Built};

/// Time for a server to answer.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Time for a load to end, or to have its connections open.
const LOAD_LIMIT: Duration = Duration::from_secs(180);

/// How often a starting server is asked.
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// What follows the word `bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter: `ch01`
    pub chapter: String,
    /// Only the case of this id (prints, writes nothing)
    #[arg(long, value_name = "CASE")]
    pub only: Option<String>,
    /// Print what is measured, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Rounds, instead of each case's own (prints, writes nothing)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
}

/// One `[[case]]` of a `bench.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What `--only` picks it by.
    pub id: String,
    /// What is measured, under which load.
    pub title: String,
    /// Of the numbers.
    pub unit: String,
    /// Whether more is better.
    pub better: Better,
    /// How often each server is measured.
    #[serde(default = "five")]
    pub rounds: u32,
    /// The command that starts ours.
    pub ours: String,
    /// The command that starts theirs.
    pub theirs: String,
    /// What theirs is called in the table.
    pub theirs_name: String,
    /// The command that loads a server and prints the number.
    pub load: String,
    /// Finds the number (its first group) in what the load prints.
    pub capture: Option<String>,
    /// Instead of a number that the load prints, what the servers use while it holds its connections.
    pub measure: Option<Measure>,
    /// How many connections the load holds, for `measure`.
    pub connections: Option<u32>,
    /// A sentence that belongs under the table.
    pub note: Option<String>,
}

fn five() -> u32 {
    5
}

/// Which of two numbers is the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Throughput.
    Higher,
    /// Time, memory.
    Lower,
}

/// What is measured from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Measure {
    /// Memory of the server's processes with the connections, less that without, per connection.
    #[serde(rename = "rss-kib-per-connection")]
    RssKibPerConnection,
}

/// The numbers of one server in one case.
#[derive(Debug, Clone, Default)]
pub struct Numbers(Vec<f64>);

impl Numbers {
    /// The middle one; of an even count, the mean of the middle two.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        }
    }

    /// The least.
    pub fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The greatest.
    pub fn greatest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// A case and what was measured.
pub struct Measured {
    case: Case,
    rounds: u32,
    ours: Numbers,
    /// Theirs, or why there are none.
    theirs: Result<Numbers, String>,
}

/// The cases of a chapter.
///
/// # Errors
/// When there is no `bench.toml`, or it cannot be understood.
pub fn cases(chapter: &Chapter) -> Result<Vec<Case>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        case: Vec<Case>,
    }
    let path = chapter.dir.join("bench.toml");
    if !path.is_file() {
        bail!("{} has nothing to time: there is no bench.toml", chapter.name);
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: File = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    for case in &file.case {
        let at = || format!("{}: case {}", path.display(), case.id);
        match (&case.capture, case.measure, case.connections) {
            (Some(capture), None, _) => {
                let pattern = Regex::new(capture).with_context(at)?;
                if pattern.captures_len() != 2 {
                    bail!("{}: `capture` has one group, the number", at());
                }
            }
            (None, Some(_), Some(1..)) => {}
            _ => bail!("{}: either `capture`, or `measure` and `connections`", at()),
        }
    }
    Ok(file.case)
}

/// Builds for release, measures, prints, and writes the page's table and picture.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let chapter = Chapter::find(root, &args.chapter)?;
    let mut cases = cases(&chapter)?;
    if let Some(only) = &args.only {
        let ids: Vec<String> = cases.iter().map(|case| case.id.clone()).collect();
        cases.retain(|case| case.id == *only);
        if cases.is_empty() {
            let ids = ids.join(", ");
            return Err(crate::usage(format!(
                "{} has no case {only:?}; it has {ids}",
                chapter.name
            )));
        }
    }
    processes::begin(130)?;
    let ended = measure(root, args, &chapter, cases);
    processes::end();
    ended
}

fn measure(root: &Path, args: &Args, chapter: &Chapter, cases: Vec<Case>) -> Result<ExitCode> {
    eprintln!("building {} for release", chapter.name);
    let built = Built::new(root, &chapter.name, true)?;
    let programs = built.bin.iter().chain(built.examples.values());
    let folders = programs.filter_map(|program| program.parent());
    let release = folders
        .map(|folder| if folder.ends_with("examples") { folder.join("..") } else { folder.into() })
        .next()
        .with_context(|| format!("{} has no program to time", chapter.name))?;
    let bench = Bench { root, release: &release, scratch: processes::scratch()? };
    let mut all = Vec::new();
    for case in cases {
        all.push(bench.case(&case, args.rounds.unwrap_or(case.rounds))?);
    }
    let machine = report::machine(&all);
    println!("\n{}", report::text(chapter, &all));
    println!("{machine}");
    let absent: Vec<&str> =
        all.iter().filter_map(|one| one.theirs.as_ref().err()).map(String::as_str).collect();
    if args.only.is_some() || args.dry_run || args.rounds.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    if !absent.is_empty() {
        println!("\nbench.md and bench.svg stay as they were: {}", absent.join("; "));
        return Ok(ExitCode::SUCCESS);
    }
    let folder = root.join("book").join(&chapter.name);
    crate::write(&folder.join("bench.md"), &report::markdown(chapter, &all, &machine))?;
    crate::write(&folder.join("bench.svg"), &report::svg(chapter, &all))?;
    println!("\nwrote book/{0}/bench.md and book/{0}/bench.svg", chapter.name);
    Ok(ExitCode::SUCCESS)
}

/// Where things are while a chapter is measured.
struct Bench<'a> {
    root: &'a Path,
    release: &'a Path,
    scratch: tempfile::TempDir,
}

impl Bench<'_> {
    fn case(&self, case: &Case, rounds: u32) -> Result<Measured> {
        let program = case.theirs.split_whitespace().next().unwrap_or_default();
        let absent = (!program.starts_with('{') && !client::here(program))
            .then(|| format!("{program} is not here: {}", client::install(program)));
        let (mut ours, mut theirs) = (Numbers::default(), Numbers::default());
        for round in 0..rounds {
            let measure = |name: &str, server: &str, numbers: &mut Numbers| -> Result<()> {
                let number = self
                    .round(case, server)
                    .with_context(|| format!("{}, {name}: `{server}`", case.id))?;
                numbers.0.push(number);
                let round = round + 1;
                eprintln!(
                    "{}: round {round} of {rounds}: {name} {number:.1} {}",
                    case.id, case.unit
                );
                Ok(())
            };
            if round % 2 == 0 {
                measure("ours", &case.ours, &mut ours)?;
            }
            if absent.is_none() {
                measure(&case.theirs_name, &case.theirs, &mut theirs)?;
            }
            if round % 2 == 1 {
                measure("ours", &case.ours, &mut ours)?;
            }
        }
        let theirs = absent.map_or(Ok(theirs), Err);
        Ok(Measured { case: case.clone(), rounds, ours, theirs })
    }

    /// Starts the server, loads it, and returns the number.
    fn round(&self, case: &Case, server: &str) -> Result<f64> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (mut server, server_log) = self.spawn(server, port, "server")?;
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = server.wait(PROBE_EVERY) {
                bail!("the server ended ({status}){}", said(&server_log));
            }
            if started.elapsed() > START_LIMIT {
                bail!("the server does not answer on port {port}{}", said(&server_log));
            }
        }
        match (&case.capture, case.connections) {
            (Some(capture), _) => {
                let (mut load, log) = self.spawn(&case.load, port, "load")?;
                match load.wait(LOAD_LIMIT) {
                    Some(status) if status.success() => {}
                    Some(status) => bail!("the load ended with {status}{}", said(&log)),
                    None => bail!("the load did not end{}", said(&log)),
                }
                let printed = fs::read_to_string(&log).unwrap_or_default();
                Regex::new(capture)?
                    .captures(&printed)
                    .and_then(|found| found.get(1)?.as_str().parse().ok())
                    .with_context(|| format!("the load printed no {capture}{}", said(&log)))
            }
            (None, connections) => {
                let connections = f64::from(connections.unwrap_or(1));
                let before = memory::of_tree(server.pid())?;
                let (mut load, log) = self.spawn(&case.load, port, "load")?;
                let started = Instant::now();
                // The load's first line says that its connections are open.
                while !fs::read_to_string(&log).unwrap_or_default().contains('\n') {
                    if let Some(status) = load.wait(PROBE_EVERY) {
                        bail!("the load ended ({status}){}", said(&log));
                    }
                    if started.elapsed() > LOAD_LIMIT {
                        bail!("the load has not opened its connections{}", said(&log));
                    }
                }
                let after = memory::of_tree(server.pid())?;
                Ok((after as f64 - before as f64) / connections)
            }
        }
    }

    /// Starts a command line, its output going to a file.
    fn spawn(&self, line: &str, port: u16, name: &str) -> Result<(Group, PathBuf)> {
        // By a variable: the path may hold spaces, and whatever else a shell reads.
        let line = line
            .replace("{port}", &port.to_string())
            .replace("{release}", "\"$WORKBOOK_RELEASE\"")
            .replace("{examples}", "\"$WORKBOOK_RELEASE\"/examples");
        let log = self.scratch.path().join(name);
        let file = File::create(&log)?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec {line}")).current_dir(self.root);
        stage::clean(&mut command);
        command.env("WORKBOOK_RELEASE", self.release);
        let (group, ..) = Group::spawn(&command, file.try_clone()?, file)?;
        Ok((group, log))
    }
}

/// The last lines of a log, for a message.
fn said(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].iter().map(|line| format!("\n  | {line}")).collect()
}
