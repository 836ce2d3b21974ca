//! `judge`: the real client's script against a finished stage, the reader's own, or any server.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::chapter::{Chapter, Step};
use crate::client;
use crate::processes;
use crate::rebuild::Rebuild;
use crate::stage::Built;
use crate::style::{shown, wrap};
use crate::transcript::{Ground, Script};
use crate::verdict::{self, Unit};

/// What follows the word `judge`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter: `ch01`
    pub chapter: String,
    /// Judge the rebuild in `my/` instead of the finished stage
    #[arg(long, conflicts_with = "against")]
    pub mine: bool,
    /// Judge a server that is already running
    #[arg(long, value_name = "HOST:PORT")]
    pub against: Option<String>,
    /// Only the judge of this name
    #[arg(long, value_name = "JUDGE")]
    pub only: Option<String>,
}

/// What became of one judge.
enum Verdict {
    Passed,
    Failed(anyhow::Error),
    Missing(String),
}

/// The judges of a chapter, in the order of their names.
///
/// # Errors
/// A script that cannot be understood.
pub fn scripts(root: &Path, chapter: &Chapter) -> Result<Vec<Script>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(chapter.dir.join("judges")).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "txt") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let file = path.strip_prefix(root).unwrap_or(path);
        Script::judge(&file.to_string_lossy(), &text)
    };
    paths.iter().map(read).collect()
}

/// Whether a missing client is a failure (in CI, where all are installed) rather than a reason to skip.
pub fn required() -> bool {
    std::env::var("WORKBOOK_JUDGES").is_ok_and(|value| value == "required")
}

/// Why a script is skipped, and the command that changes it; `None` if nothing is missing.
pub fn missing(script: &Script) -> Option<String> {
    let missing = script.missing();
    if missing.is_empty() {
        return None;
    }
    let how: Vec<String> = missing.iter().map(|name| client::install(name)).collect();
    Some(format!("needs {}: {}", missing.join(", "), how.join("; ")))
}

/// Runs the chapter's judges and prints a line for each.
///
/// # Errors
/// What stands in the way of judging at all, in one line.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let chapter = Chapter::find(root, &args.chapter)?;
    let mut scripts = scripts(root, &chapter)?;
    if scripts.is_empty() {
        bail!("{} has no judges: its steps speak to no client", chapter.name);
    }
    if let Some(only) = &args.only {
        let names: Vec<String> = scripts.iter().map(|script| script.name().to_owned()).collect();
        scripts.retain(|script| script.name() == only);
        if scripts.is_empty() {
            return Err(crate::usage(format!(
                "{} has no judge {only:?}; it has {}",
                chapter.name,
                names.join(", ")
            )));
        }
    }
    if args.mine {
        keep_what_is_written(root, &chapter, &mut scripts)?;
    }
    let ground = args.against.as_deref().map(reach).transpose()?;
    processes::begin(130)?;
    let built = match &ground {
        Some(_) => Ok(None),
        None => build(root, &chapter, args.mine).map(Some),
    };
    let ended =
        built.and_then(|built| judge(root, &chapter, &scripts, ground.as_ref(), built.as_ref()));
    processes::end();
    ended
}

/// Leaves out the judges of what the reader has not written yet, and says which: a `todo!` would fail every one of them.
///
/// # Errors
/// When the chapter is not started, or none is left.
fn keep_what_is_written(root: &Path, chapter: &Chapter, scripts: &mut Vec<Script>) -> Result<()> {
    let mine = Rebuild::started(root, chapter.clone())?;
    let is_open =
        |step: &&Step| !verdict::left(&mine.dir, &Unit::Step((*step).clone()), chapter).is_empty();
    let Some(open) = chapter.steps.iter().find(is_open) else { return Ok(()) };
    // A stage stands on its own step and those below; the finished one on all.
    let is_written = |script: &Script| match script.stage.as_deref() {
        None => true,
        Some(stage) => {
            let id = stage.split_once('/').map(|(_, id)| id);
            let step = chapter.steps.iter().find(|step| Some(step.id.as_str()) == id);
            step.is_some_and(|step| step.number() < open.number())
        }
    };
    let (written, waiting): (Vec<Script>, Vec<Script>) = scripts.drain(..).partition(is_written);
    *scripts = written;
    let names: Vec<&str> = waiting.iter().map(Script::name).collect();
    let why = format!("step {} in my/{} still has a todo!", open.number(), chapter.name);
    if scripts.is_empty() {
        bail!("{why}: `cargo run -- watch {}` says what is next", chapter.short());
    }
    if !names.is_empty() {
        println!("{}", wrap(&format!("not judged yet, since {why}: {}", names.join(", ")), ""));
    }
    Ok(())
}

/// Builds the finished stage, or the reader's own.
fn build(root: &Path, chapter: &Chapter, mine: bool) -> Result<Built> {
    let package = if mine { format!("my-{}", chapter.name) } else { chapter.name.clone() };
    Built::new(root, &package, false)
}

/// The server that is named on the command line, after a look whether it answers.
fn reach(address: &str) -> Result<Ground> {
    let (host, port) = address
        .rsplit_once(':')
        .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
        .ok_or_else(|| {
            crate::usage(format!(
                "--against wants HOST:PORT, such as 127.0.0.1:7001, not {address:?}"
            ))
        })?;
    let all: Vec<SocketAddr> =
        address.to_socket_addrs().with_context(|| format!("cannot look {host} up"))?.collect();
    let mut refused = None;
    for one in all {
        match TcpStream::connect_timeout(&one, Duration::from_secs(5)) {
            Ok(_) => {
                return Ok(Ground {
                    host: host.trim_matches(['[', ']']).to_owned(),
                    port: port.to_owned(),
                    shown_port: String::new(),
                });
            }
            Err(error) => refused = Some(error),
        }
    }
    let why = refused.map_or("it has no address".into(), |error| error.to_string());
    bail!("nothing answers on {address}: {why}")
}

fn judge(
    root: &Path,
    chapter: &Chapter,
    scripts: &[Script],
    ground: Option<&Ground>,
    built: Option<&Built>,
) -> Result<ExitCode> {
    let width = scripts.iter().map(|script| script.name().len()).max().unwrap_or(0);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for script in scripts {
        let started = Instant::now();
        let verdict = match (missing(script), ground) {
            (Some(reason), _) => Verdict::Missing(reason),
            (None, Some(ground)) => outcome(script.run_on(root, ground)),
            (None, None) => outcome(script.run(root, built)),
        };
        let took = started.elapsed().as_secs_f64();
        let speaks = match (&script.speaks, ground) {
            (Some(speaks), Some(_)) => format!(" (for a server that speaks {speaks})"),
            _ => String::new(),
        };
        let line = |head: &str, took: &str| {
            let about = format!("{}{speaks}{took}", script.about);
            let about = wrap(&about, &" ".repeat(width + 9));
            format!("{head}   {:width$}  {}", script.name(), about.trim())
        };
        match verdict {
            Verdict::Passed => {
                passed += 1;
                println!("{}", line("pass", &format!(" [{took:.1}\u{a0}s]")));
            }
            Verdict::Missing(reason) => {
                skipped += 1;
                println!("{}\n       {reason}", line("skip", ""));
            }
            Verdict::Failed(error) => {
                failed += 1;
                println!("{}\n", line("fail", ""));
                for line in shown(&format!("{error:#}")).lines() {
                    println!("  {line}");
                }
                println!();
            }
        }
    }
    if skipped > 0 && required() {
        failed += skipped;
        skipped = 0;
    }
    println!("{}: {passed} passed, {failed} failed, {skipped} skipped", chapter.name);
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn outcome(result: Result<()>) -> Verdict {
    result.map_or_else(Verdict::Failed, |()| Verdict::Passed)
}
