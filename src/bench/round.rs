//! A round of a case: starts a server, loads it, and has the number.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use regex::Regex;

use super::switches::Switches;
use super::{Case, Measure, Measured, Numbers, Unmeasured, memory};
use crate::client;
use crate::processes::Group;
use crate::stage;

/// Time for a server to answer.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Time for a load to end, or to have its connections open.
const LOAD_LIMIT: Duration = Duration::from_secs(180);

/// How often a starting server is asked.
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// Where things are while a chapter is measured.
pub struct Bench<'a> {
    /// The repository.
    pub root: &'a Path,
    /// The chapter's programs; its examples are below.
    pub release: &'a Path,
    /// The programs of `tests/peers`.
    pub peers: &'a Path,
    /// What the programs print goes here.
    pub scratch: tempfile::TempDir,
}

impl Bench<'_> {
    /// All rounds of a case.
    ///
    /// # Errors
    /// When a server or a load fails.
    pub fn case(&self, case: &Case, rounds: u32) -> Result<Measured> {
        let absent = case.peer().filter(|program| !client::here(program)).map(|program| {
            Unmeasured::Absent(format!("{program} is not here: {}", client::install(program)))
        });
        let theirs = case.theirs.as_deref().filter(|_| absent.is_none());
        let (mut of_ours, mut of_theirs) = (Numbers::default(), Numbers::default());
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
                measure("ours", &case.ours, &mut of_ours)?;
            }
            if let Some(theirs) = theirs {
                measure(&case.theirs_name, theirs, &mut of_theirs)?;
            }
            if round % 2 == 1 {
                measure("ours", &case.ours, &mut of_ours)?;
            }
        }
        let theirs = match (theirs, absent) {
            (Some(_), _) => Ok(of_theirs),
            (None, Some(absent)) => Err(absent),
            (None, None) => Err(Unmeasured::Nobody),
        };
        Ok(Measured { case: case.clone(), rounds, ours: of_ours, theirs })
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
        match (case.measure, &case.capture) {
            (Some(Measure::RssKibPerConnection), _) => self.memory(case, server.pid(), port),
            (Some(Measure::SwitchesPerRequest), Some(capture)) => {
                self.switches(case, capture, server.pid(), port)
            }
            (None, Some(capture)) => self.printed(case, capture, port),
            (_, None) => bail!("without `capture`, the load has no number"),
        }
    }

    /// The number that the load prints.
    fn printed(&self, case: &Case, capture: &str, port: u16) -> Result<f64> {
        let (mut load, log) = self.spawn(&case.load, port, "load")?;
        match load.wait(LOAD_LIMIT) {
            Some(status) if status.success() => {}
            Some(status) => bail!("the load ended with {status}{}", said(&log)),
            None => bail!("the load did not end{}", said(&log)),
        }
        number(capture, &log)
            .with_context(|| format!("the load printed no {capture}{}", said(&log)))
    }

    /// What the server uses for a connection that the load holds.
    fn memory(&self, case: &Case, server: i32, port: u16) -> Result<f64> {
        let connections = f64::from(case.connections.unwrap_or(1));
        let before = memory::of_tree(server)?;
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
        let after = memory::of_tree(server)?;
        Ok((after as f64 - before as f64) / connections)
    }

    /// The server's context switches until the load has printed how many requests it made, for each of them. A load that
    /// goes on after its number, holding its connections, keeps the server's threads where they can be counted; it is ended.
    fn switches(&self, case: &Case, capture: &str, server: i32, port: u16) -> Result<f64> {
        let mut switches = Switches::before(server)?;
        let (mut load, log) = self.spawn(&case.load, port, "load")?;
        let started = Instant::now();
        let mut pause = PROBE_EVERY;
        let requests = loop {
            let ended = load.wait(pause);
            let printed = number(capture, &log);
            let looked = Instant::now();
            switches.look();
            // What looks all the time takes the processor from what it looks at.
            pause = PROBE_EVERY.max(looked.elapsed() * 10);
            match (printed, ended) {
                (_, Some(status)) if !status.success() => {
                    bail!("the load ended with {status}{}", said(&log))
                }
                (Some(requests), _) => break requests,
                (None, Some(_)) => bail!("the load printed no {capture}{}", said(&log)),
                (None, None) if started.elapsed() > LOAD_LIMIT => {
                    bail!("the load did not end{}", said(&log))
                }
                (None, None) => {}
            }
        };
        if requests < 1.0 {
            bail!("the load made no request{}", said(&log));
        }
        Ok(switches.since() as f64 / requests)
    }

    /// Starts a command line, its output going to a file.
    fn spawn(&self, line: &str, port: u16, name: &str) -> Result<(Group, PathBuf)> {
        // By a variable: the path may hold spaces, and whatever else a shell reads.
        let line = line
            .replace("{port}", &port.to_string())
            .replace("{peers}", "\"$WORKBOOK_PEERS\"")
            .replace("{release}", "\"$WORKBOOK_RELEASE\"")
            .replace("{examples}", "\"$WORKBOOK_RELEASE\"/examples");
        let log = self.scratch.path().join(name);
        let file = File::create(&log)?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec {line}")).current_dir(self.root);
        stage::clean(&mut command);
        command.env("WORKBOOK_RELEASE", self.release).env("WORKBOOK_PEERS", self.peers);
        let (group, ..) = Group::spawn(&command, file.try_clone()?, file)?;
        Ok((group, log))
    }
}

/// The number that the pattern finds in the whole lines of a log.
fn number(capture: &str, log: &Path) -> Option<f64> {
    let text = fs::read_to_string(log).ok()?;
    let whole = &text[..=text.rfind('\n')?];
    Regex::new(capture).ok()?.captures(whole)?.get(1)?.as_str().parse().ok()
}

/// The last lines of a log, for a message.
fn said(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].iter().map(|line| format!("\n  | {line}")).collect()
}
