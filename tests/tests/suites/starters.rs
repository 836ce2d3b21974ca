//! Every chapter, cut at every step, is something to begin with:
//!
//! - it compiles without a warning;
//! - the tests of the step before the cut pass. Nothing above them is written then, so they need nothing above, and what
//!   they need is the same in every later cut: trying them there again would prove nothing;
//! - the tests of the steps after it fail, each because its own thread reached a `todo!` before anything else went wrong;
//! - the book's bodies, put back, give the book's files to the byte.
//!
//! What held once for the same chapter, the chapters below it and the same cutter is not tried again.
//!
//!     cargo test -p workbook-tests starters::                        # all
//!     cargo test -p workbook-tests starters::ch01                    # one chapter

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use libtest_mimic::Failed;
use workbook::chapter::{self, Chapter, Step};
use workbook::compile::{self, Compiled};
use workbook::cut;
use workbook::processes::Cancel;
use workbook::rebuild::{self, Files, walk};
use workbook::trial::{self, Outcome, TODO};
use workbook_tests::memory::Memory;
use workbook_tests::suite::{Case, Suite};

/// How long one test may take; a cut one that takes as long waits for something that a `todo!` was to give.
const LIMIT: Duration = Duration::from_secs(60);

/// The program that has a chapter's tests.
const ALL: &str = "all_tests";

/// How much of a test's output a complaint quotes.
const QUOTED_LINES: usize = 8;

/// What decides how a chapter is cut and judged.
const CUTTER: &[&str] = &[
    "src/chapter.rs",
    "src/compile.rs",
    "src/cut.rs",
    "src/rebuild.rs",
    "src/trial.rs",
    "tests/tests/suites/starters.rs",
];

/// All cuts of all chapters.
pub fn suite() -> Suite {
    let cases = cases().unwrap_or_else(|error| {
        let why = format!("{error:#}");
        vec![Case::new("chapters", move || Err(Failed::from(why)))]
    });
    Suite { name: "starters", width: 1, is_remembered: false, cases }
}

/// One case for each step at which a chapter can be cut, and one for its exercises. The cuts of a chapter share a folder
/// and what cargo has built in it, so they wait for one another; the chapters' take turns, so that each processor has one.
fn cases() -> Result<Vec<Case>> {
    let root = chapter::root()?;
    let mut cases = Vec::new();
    for chapter in Chapter::all(&root)? {
        let memory = Memory::of_chapter(&root, &chapter, CUTTER)?;
        let last = chapter.steps.len() + usize::from(!chapter.exercises.is_empty());
        for from in 1..=last {
            let name = match chapter.steps.get(from - 1) {
                Some(step) => format!("{} from {}", chapter.name, step.id),
                None => format!("{} exercises", chapter.name),
            };
            let lane = format!("starters of {}", chapter.name);
            let (root, chapter) = (root.clone(), chapter.clone());
            let memory = memory.named(&format!("starters/{name}"));
            let case = Case::new(name, move || whole(&root, &chapter, from));
            cases.push((from, case.work().lane(lane, 1).remembered(memory)));
        }
    }
    cases.sort_by_key(|(from, _)| *from);
    Ok(cases.into_iter().map(|(_, case)| case).collect())
}

/// Fails with all that is wrong with a cut.
fn whole(root: &Path, chapter: &Chapter, from: usize) -> Result<(), Failed> {
    let complaints = examine(root, chapter, from)?;
    match complaints.len() {
        0 => Ok(()),
        count => Err(format!("{count} complaints\n\n{}", complaints.join("\n")).into()),
    }
}

/// What is wrong with a chapter that is cut from a step on; past the last step, with its exercises.
fn examine(root: &Path, chapter: &Chapter, from: usize) -> Result<Vec<String>> {
    let mut complaints = restored(root, chapter, from)?;
    let dir = root.join(format!("target/starters-{}", chapter.name));
    let steps = chapter.steps.iter().filter(|step| step.number() + 1 >= from);
    let exercises = chapter.exercises.iter().map(|exercise| exercise.id.clone());
    let ids: Vec<String> = match from > chapter.steps.len() {
        true => exercises.collect(),
        false => steps.map(|step| step.id.clone()).collect(),
    };
    lay_out(root, chapter, from, &ids, &dir)?;
    // A test above the cut ends before it starts a stage. That the stages above it compile is seen at the first cut.
    let before = |id: &&String| chapter.steps.iter().any(|s| s.id == **id && s.number() < from);
    let stages: Vec<String> = match from {
        1 => ids,
        _ => ids.iter().filter(before).cloned().collect(),
    };
    let cancel = Cancel::default();
    let target = root.join("target/starters").join(&chapter.name);
    let compiled = compile::compile(&dir, &target, &[ALL.into()], &stages, false, &cancel)?;
    complaints.extend(said(&compiled));
    let Some(program) = compiled.tests.get(ALL) else { return Ok(complaints) };
    let package = format!("my-{}", chapter.name);
    let program = trial::Program { path: program, dir: &dir, package: &package };
    for trial in trial::run_all(program, LIMIT, &cancel, |_| (), |_| true)? {
        let id = trial.name.split("::").next().unwrap_or_default();
        let step = chapter.steps.iter().find(|step| step.id == id).map(Step::number);
        let cut = match step {
            Some(number) => number >= from,
            None => trial.name.split("::").any(|part| part == "exercise"),
        };
        let wrong = match cut {
            true => not_begun(&trial, from, step, id),
            false if trial.outcome == Outcome::Passed => None,
            false => Some("stands before the cut and does not pass".into()),
        };
        if let Some(wrong) = wrong {
            complaints.push(complaint(&trial, &wrong));
        }
    }
    Ok(complaints)
}

/// Why a test does not count as not started: it must reach a `todo!` on its own thread, and before any other panic.
fn not_begun(trial: &trial::Trial, from: usize, step: Option<usize>, id: &str) -> Option<String> {
    match &trial.outcome {
        Outcome::Passed => return Some("passes, though nothing is written yet".into()),
        Outcome::Failed(_) => return Some("reaches no todo!, and fails for another reason".into()),
        Outcome::Todo { owner, .. } => {
            let steps = from..=step.unwrap_or(0);
            let expected = match step {
                Some(_) => steps.clone().any(|number| *owner == format!("step {number}")),
                None => owner == id,
            };
            if !expected {
                return Some(format!("reaches a todo! of {owner}, which is not its own"));
            }
        }
    }
    let panics = trial::panics(&trial.output);
    let first = panics.first()?;
    if first.thread != trial.name {
        return Some(format!(
            "reaches its first todo! on the thread {:?}, not on its own: call the step's function before a thread or a \
             stage is started",
            first.thread
        ));
    }
    let other = panics.iter().find(|panic| !panic.message.starts_with(TODO))?;
    Some(format!("panics for another reason as well: {}", other.message))
}

fn complaint(trial: &trial::Trial, wrong: &str) -> String {
    let mut text = format!("  test {}: {wrong}\n", trial.name);
    let lines: Vec<&str> = trial
        .output
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("running "))
        .collect();
    for line in lines.iter().take(QUOTED_LINES) {
        writeln!(text, "      | {line}").unwrap_or_default();
    }
    if lines.len() > QUOTED_LINES {
        writeln!(text, "      | … {} more lines", lines.len() - QUOTED_LINES).unwrap_or_default();
    }
    text
}

/// What the compiler has against it.
fn said(compiled: &Compiled) -> Vec<String> {
    let faults = compiled.faults.values().flatten().map(|fault| ("an error", &fault.rendered));
    let warnings = compiled.warnings.iter().map(|warning| ("a warning", warning));
    let quote = |(kind, text): (&str, &String)| {
        let lines: Vec<String> = text.lines().map(|line| format!("      | {line}\n")).collect();
        format!("  {kind}:\n{}", lines.concat())
    };
    faults.chain(warnings).map(quote).collect()
}

/// Puts the book's bodies back into the starter; complains where that is not the book's file.
fn restored(root: &Path, chapter: &Chapter, from: usize) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for step in chapter.steps.iter().filter(|step| step.number() >= from) {
        for path in chapter.step_files(step) {
            let book = fs::read_to_string(&path)?;
            let module = cut::module_of(chapter, &path);
            let starter = cut::step_file(chapter, step, &path)?;
            let (holes, bodies) = (cut::bodies(&starter, &module)?, cut::bodies(&book, &module)?);
            let mut whole = String::new();
            let mut done = 0;
            for (hole, body) in holes.iter().zip(&bodies) {
                whole.push_str(&starter[done..hole.inside.start]);
                whole.push_str(&book[body.inside.clone()]);
                done = hole.inside.end;
            }
            whole.push_str(&starter[done..]);
            if whole != book {
                let shown = path.strip_prefix(root).unwrap_or(&path).display();
                complaints.push(format!("  {shown}: the bodies put back do not give the file\n"));
            }
        }
    }
    Ok(complaints)
}

/// Brings the folder up to date; only what differs is written, so that cargo sees what changed. The tests of these names are
/// modules of one program: linking one for each would take four times as long.
fn lay_out(root: &Path, chapter: &Chapter, from: usize, ids: &[String], dir: &Path) -> Result<()> {
    let mut files: Files = rebuild::files(root, chapter, from)?;
    if let Some(manifest) = files.get_mut(Path::new("Cargo.toml")) {
        manifest.extend(compile::ALONE.as_bytes());
        // Each cut is compiled once.
        manifest.extend(b"incremental = false\n");
    }
    let module = |id: &String| format!("#[path = \"{id}.rs\"]\nmod {id};\n");
    let all: String = ids.iter().map(module).collect();
    files.insert(format!("tests/{ALL}.rs").into(), all.into_bytes());
    for path in walk(dir) {
        let below = path.strip_prefix(dir).unwrap_or(&path);
        if !files.contains_key(below) && below != Path::new("Cargo.lock") {
            fs::remove_file(&path)?;
        }
    }
    for (below, text) in &files {
        let path = dir.join(below);
        if fs::read(&path).ok().as_ref() != Some(text) {
            fs::create_dir_all(path.parent().unwrap_or(dir))?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}
