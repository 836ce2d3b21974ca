//! `doctor`: which real clients are on this machine, and how to get the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;
use notify::{RecursiveMode, Watcher};

use crate::chapter::Chapter;
use crate::client;
use crate::{bench, judge};

/// The oldest compiler that the workspace builds with, as Cargo.toml says.
const OLDEST_RUSTC: &str = env!("CARGO_PKG_RUST_VERSION");

/// The names under which distributions ship the browser that the browser tests drive.
const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The port that the workbook is served on, if it is free.
const PORT: u16 = 3000;

/// Time for the system to report a change of a file.
const WATCH_LIMIT: Duration = Duration::from_secs(2);

/// What follows the word `doctor`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Says what is here and what is not. Nothing that is missing is an error: chapters can be read and rebuilt without.
///
/// # Errors
/// When a chapter cannot be read.
pub fn run(root: &Path, _args: &Args) -> Result<ExitCode> {
    println!("What the chapters meet:");
    let wanted = wanted(root)?;
    for (name, wanted_by) in &wanted {
        let by = wanted_by.iter().cloned().collect::<Vec<_>>().join(", ");
        println!("  {name:10} {}\n  {:10} for {by}", state(name), "");
    }
    if wanted.is_empty() {
        println!("  nothing yet");
    }
    println!("\nWhat the workbook needs:");
    println!("  {:10} {}", "rustc", rustc());
    println!("  {:10} {}", "watching", watching(root));
    println!("  {:10} {}", format!("port {PORT}"), port());
    println!("  {:10} {}", "browser", browser());
    let missing = wanted.keys().filter(|name| !client::here(name)).count();
    println!(
        "\n{}",
        match missing {
            0 => "Everything is here.".to_owned(),
            1 => "One is missing: its judges and transcripts are skipped, everything else works."
                .into(),
            n => format!(
                "{n} are missing: their judges and transcripts are skipped, everything else works."
            ),
        }
    );
    Ok(ExitCode::SUCCESS)
}

/// The programs that the chapters ask for, and where: judges, pages, benches.
fn wanted(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for chapter in Chapter::sound(root)? {
        let short = format!("ch{:02}", chapter.number());
        let mut want = |name: &str, place: &str| {
            wanted.entry(name.to_owned()).or_default().insert(format!("{short}'s {place}"));
        };
        for script in judge::scripts(root, &chapter)? {
            script.needs.iter().for_each(|name| want(name, "judges"));
        }
        if chapter.dir.join("bench.toml").is_file() {
            for case in bench::cases(&chapter)? {
                case.peer().into_iter().for_each(|peer| want(peer, "bench"));
            }
        }
        let pages = root.join("book").join(&chapter.name);
        for page in fs::read_dir(pages).into_iter().flatten().flatten() {
            if page.path().extension().is_some_and(|ext| ext == "md") {
                let text = fs::read_to_string(page.path()).unwrap_or_default();
                for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
                    client::named_in(command).into_iter().for_each(|name| want(name, "pages"));
                }
            }
        }
    }
    Ok(wanted)
}

/// A program's version, or how to get it.
fn state(name: &str) -> String {
    let known = client::find(name);
    if client::here(name) {
        let version = known.and_then(client::Client::version);
        return version.unwrap_or_else(|| "here".into());
    }
    let Some(known) = known else { return "not here".into() };
    let brew = match known.brew {
        "" => String::new(),
        formula => format!("; brew install {formula} (macOS)"),
    };
    format!("not here: sudo apt-get install {} (Debian, Ubuntu){brew}", known.apt)
}

fn rustc() -> String {
    let output = Command::new("rustc").arg("-V").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let Ok(text) = text else { return "not on PATH: see https://rustup.rs".into() };
    let version = text.split_whitespace().nth(1).unwrap_or_default();
    let number = |version: &str| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    };
    if number(version) < number(OLDEST_RUSTC) {
        format!("{version} is older than {OLDEST_RUSTC}: rustup update")
    } else {
        format!("{version} ({OLDEST_RUSTC} or newer)")
    }
}

/// Whether the system reports that a file was changed. Containers and network disks lose such reports.
fn watching(root: &Path) -> String {
    let report = || -> Result<bool> {
        fs::create_dir_all(root.join("target"))?;
        let folder = tempfile::tempdir_in(root.join("target"))?;
        let (sender, receiver) = mpsc::channel();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if event.is_ok() {
                    // Only the first report is waited for.
                    let _ = sender.send(());
                }
            })?;
        watcher.watch(folder.path(), RecursiveMode::NonRecursive)?;
        fs::write(folder.path().join("changed"), "x")?;
        Ok(receiver.recv_timeout(WATCH_LIMIT).is_ok())
    };
    match report() {
        Ok(true) => "the system reports changed files".into(),
        Ok(false) => {
            "the system does not report changed files here: `watch` looks for itself".into()
        }
        Err(error) => format!("`watch` looks for itself: {error:#}"),
    }
}

fn port() -> String {
    match TcpListener::bind(("127.0.0.1", PORT)) {
        Ok(_) => "free".into(),
        Err(error) => format!("{error}: the workbook takes the next free one, and says so"),
    }
}

fn browser() -> String {
    match BROWSERS.iter().find_map(|name| client::which(name)) {
        Some(path) => format!("{} for the browser tests", path.display()),
        None => "no chromium: the browser tests are skipped (apt-get install chromium; \
                 brew install --cask chromium)"
            .into(),
    }
}
