//! `watch`: a verdict on every save.
//!
//! ```text
//! notify ──▶ touched ──▶ quiet for 30 ms? ──▶ contents differ? ──▶ cancel the check that runs, start another
//!            a look every second ─────────────────┘ (every 250 ms where the disk tells nothing)
//! ```
//!
//! What counts is what the files hold, not what a watcher says: an editor that saves by renaming, one that writes twice and
//! a disk that reports too much or nothing all come to the same. The step whose file was saved is judged first, by a cargo
//! call of its own; the steps above it follow.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use notify::{RecursiveMode, Watcher};

use crate::check::{Print, remember};
use crate::processes::{self, Cancel, Cancelled};
use crate::rebuild::{Rebuild, walk};
use crate::source::Odd;
use crate::style::{Style, shown};
use crate::task::Task;
use crate::verdict::{Judge, Report, Unit, turn, units};

/// What follows the word `watch`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter; without it, the one that you worked on last
    pub chapter: Option<String>,
    /// Look at the files every 250 ms instead of being told of changes (for containers and network disks)
    #[arg(long)]
    pub poll: bool,
    /// Print all that the compiler and the tests say
    #[arg(short, long)]
    pub verbose: bool,
    /// How long one test may take before it is ended
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
}

/// How long nothing must happen before a save counts as whole.
const QUIET: Duration = Duration::from_millis(30);
/// How much longer, while a file of a step is not there: an editor is about to rename another into its place.
const RENAMING: Duration = Duration::from_millis(200);
/// How often to look at the files even if nothing was reported.
const GLANCE: Duration = Duration::from_secs(1);
/// How often to look at them where nothing is ever reported.
const POLL: Duration = Duration::from_millis(250);

/// What the files hold, as hashes.
type Snapshot = BTreeMap<PathBuf, u64>;

/// Watches until it is interrupted.
///
/// # Errors
/// When there is nothing to watch.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let task = Task::find_or_current(root, args.chapter.as_deref())?;
    let Task::Chapter(chapter) = task else {
        return Err(crate::usage(format!(
            "watch takes a whole chapter: `cargo run -- watch {}`",
            task.chapter().short()
        )));
    };
    let mine = Rebuild::started(root, chapter)?;
    processes::begin(0)?;
    let (touch, touched) = mpsc::channel();
    let watcher = if args.poll { None } else { watch(&mine.dir, touch.clone()) };
    let style = Style::stdout();
    let how = if watcher.is_some() { "" } else { ", looking every 250 ms" };
    println!(
        "{}{how}; Ctrl-C ends it",
        style.bold(&format!("watching my/{}: {}", mine.chapter.name, mine.chapter.title))
    );
    let session = Session {
        root: root.to_path_buf(),
        mine,
        style,
        verbose: args.verbose,
        limit: Duration::from_secs(args.limit),
        reports: Arc::default(),
    };
    session.watch(&touched, watcher.is_some(), touch)
}

/// Being told of changes; `None` where the system refuses.
fn watch(dir: &Path, touch: Sender<()>) -> Option<notify::RecommendedWatcher> {
    let handler = move |event: notify::Result<notify::Event>| {
        // Reading a file is an event as well, and we do it ourselves.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = touch.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(handler).ok()?;
    watcher.watch(dir, RecursiveMode::Recursive).ok()?;
    Some(watcher)
}

/// A check that runs, or has ended.
struct Check {
    cancel: Cancel,
    thread: JoinHandle<()>,
}

/// What the checks of one `watch` share.
#[derive(Clone)]
struct Session {
    root: PathBuf,
    mine: Rebuild,
    style: Style,
    verbose: bool,
    limit: Duration,
    /// The last verdict on each unit, so that what a save cannot change need not be judged again.
    reports: Arc<Mutex<BTreeMap<String, Report>>>,
}

impl Session {
    /// `_keep` keeps the channel open where nothing else sends.
    fn watch(&self, touched: &Receiver<()>, told: bool, _keep: Sender<()>) -> Result<ExitCode> {
        let mut told = told;
        let mut seen = self.snapshot();
        let mut check = self.start(None, Instant::now(), None);
        loop {
            let wait = if told { GLANCE } else { POLL };
            let event = match touched.recv_timeout(wait) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => bail!("the watcher is gone"),
            };
            let at = Instant::now();
            if event {
                while touched.recv_timeout(QUIET).is_ok() {}
            }
            let mut now = self.snapshot();
            if seen.keys().any(|path| !now.contains_key(path)) {
                while touched.recv_timeout(RENAMING).is_ok() {}
                now = self.snapshot();
            }
            if now == seen {
                continue;
            }
            if !self.mine.exists() {
                bail!("{} is gone", self.mine.shown(""));
            }
            if !event && told && touched.try_recv().is_err() {
                told = false;
                println!("(this disk does not tell of changes: looking every 250 ms)");
            }
            let both: BTreeSet<&PathBuf> = seen.keys().chain(now.keys()).collect();
            let differs = |path: &&PathBuf| seen.get(*path) != now.get(*path);
            let changed = both.into_iter().filter(differs).cloned().collect();
            seen = now;
            check.cancel.cancel();
            check = self.start(Some(changed), at, Some(check.thread));
        }
    }

    fn snapshot(&self) -> Snapshot {
        let dir = &self.mine.dir;
        let folders = ["src", "examples", "tests", "exercises", "solutions"];
        let files = folders.iter().flat_map(|folder| walk(&dir.join(folder)));
        let mut snapshot = Snapshot::new();
        for path in files.chain([dir.join("Cargo.toml")]) {
            // What editors put beside a file that they are about to save has other names.
            let known = ["rs", "toml", "txt"];
            if !path.extension().is_some_and(|ext| known.iter().any(|known| ext == *known))
                || path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
            {
                continue;
            }
            let below = path.strip_prefix(dir).unwrap_or(&path).to_path_buf();
            let mut hasher = DefaultHasher::new();
            match self.mine.read(&below) {
                Ok(Some(text)) => text.hash(&mut hasher),
                Ok(None) | Err(Odd::Nowhere) => continue,
                Err(odd) => odd.to_string().hash(&mut hasher),
            }
            snapshot.insert(below, hasher.finish());
        }
        snapshot
    }

    /// Starts a check of what these files can change; of everything without them. The one before ends first: it sweeps up
    /// what its tests have left, and must not find the processes of this one.
    fn start(
        &self,
        changed: Option<Vec<PathBuf>>,
        at: Instant,
        before: Option<JoinHandle<()>>,
    ) -> Check {
        let cancel = Cancel::default();
        let (session, token) = (self.clone(), cancel.clone());
        let thread = thread::spawn(move || {
            if let Some(before) = before {
                // One that panicked has said so.
                let _ = before.join();
            }
            if let Err(error) = session.check(changed, at, &token)
                && !error.is::<Cancelled>()
                && !token.is_cancelled()
            {
                println!("{}", session.style.red(&shown(&format!("{error:#}"))));
            }
        });
        Check { cancel, thread }
    }

    fn check(&self, changed: Option<Vec<PathBuf>>, at: Instant, cancel: &Cancel) -> Result<()> {
        let chapter = &self.mine.chapter;
        let (first, rest) = order(&self.mine, changed.as_deref());
        if let Some(changed) = &changed {
            let names: Vec<String> =
                changed.iter().map(|path| path.display().to_string()).collect();
            println!("\n{}", self.style.dim(&shown(&format!("saved {}", names.join(", ")))));
        }
        let judge = Judge {
            root: &self.root,
            mine: &self.mine,
            colour: self.style.colour,
            limit: self.limit,
            cancel: cancel.clone(),
        };
        let _turn = turn(&self.root)?;
        let print = Print { style: self.style, mine: &self.mine, verbose: self.verbose };
        let mut details = String::new();
        let (mut fresh, mut new) = (Vec::new(), Vec::new());
        for (units, is_first) in [(first, true), (rest, false)] {
            if units.is_empty() {
                continue;
            }
            judge.judge(&units, |report| {
                if cancel.is_cancelled() {
                    return;
                }
                let line = print.line(&report);
                if is_first {
                    let took = format!("{:.2} s", at.elapsed().as_secs_f64());
                    println!("{line}  {}", self.style.dim(&took));
                    let detail = print.detail(&report);
                    print!("{detail}{}", if detail.is_empty() { "" } else { "\n" });
                } else {
                    println!("{line}");
                    details += &print.detail(&report);
                }
                fresh.push(report);
            })?;
            match remember(&self.root, chapter, &fresh) {
                Ok(noted) => new.extend(noted),
                Err(error) => {
                    println!(
                        "{}",
                        self.style.red(&format!("cannot note what is right: {error:#}"))
                    );
                }
            }
        }
        let mut known = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let turned = |report: &&Report| {
            let before = known.get(report.unit.id());
            new.contains(&report.unit.progress_id(chapter))
                || before.is_some_and(|before| !before.is_right())
        };
        let stage = print.stage(fresh.iter().filter(turned));
        known.extend(fresh.into_iter().map(|report| (report.unit.id().to_string(), report)));
        if cancel.is_cancelled() {
            return Ok(());
        }
        print!("{details}");
        let steps = units(chapter, false);
        let reports: Vec<Report> =
            steps.iter().filter_map(|unit| known.get(unit.id()).cloned()).collect();
        let right = reports.iter().filter(|report| report.is_right()).count();
        print!("{stage}{}", print.next(&reports));
        println!("{right} of {} steps right", steps.len());
        Ok(())
    }
}

/// The unit to judge first, by a compilation of its own, and those that follow: a save in a step can change that step and
/// those above it, one in an exercise only the exercise.
fn order(mine: &Rebuild, changed: Option<&[PathBuf]>) -> (Vec<Unit>, Vec<Unit>) {
    let chapter = &mine.chapter;
    let all = units(chapter, true);
    let steps = units(chapter, false);
    let Some(changed) = changed else { return (Vec::new(), steps) };
    let owner = |path: &PathBuf| {
        all.iter().position(|unit| {
            let own = [format!("tests/{}.rs", unit.id()), format!("examples/{}.rs", unit.id())];
            unit.files(chapter).contains(path) || own.iter().any(|own| Path::new(own) == path)
        })
    };
    let mut owners: Vec<usize> = Vec::new();
    for path in changed {
        match owner(path) {
            Some(index) => owners.push(index),
            None => return (Vec::new(), steps),
        }
    }
    owners.sort_unstable();
    owners.dedup();
    let Some(first) = owners.first().copied() else { return (Vec::new(), steps) };
    let above = if first < steps.len() { steps[first + 1..].to_vec() } else { Vec::new() };
    let others = owners[1..].iter().filter(|index| **index >= steps.len());
    let rest = above.into_iter().chain(others.map(|index| all[*index].clone())).collect();
    (vec![all[first].clone()], rest)
}
