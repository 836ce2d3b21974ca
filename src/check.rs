//! `check`: one verdict per step, in words.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result};
use regex::Regex;

use crate::chapter::{Chapter, Step};
use crate::compile::Fault;
use crate::cut;
use crate::processes::{self, Cancel};
use crate::progress::Progress;
use crate::rebuild::Rebuild;
use crate::style::{Style, shown, shown_in_colour, wrap};
use crate::task::Task;
use crate::trial::{Failure, Outcome, Trial};
use crate::verdict::{self, Judge, Report, Unit, Verdict};

/// What follows the word `check`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A chapter, a step or an exercise: `ch01`, `step1_echo`, `ch01/step1`, `ex_shout`
    pub what: Option<String>,
    /// Print all that the compiler and the tests say
    #[arg(short, long)]
    pub verbose: bool,
    /// Check the exercises as well as the steps
    #[arg(long)]
    pub all: bool,
    /// How long one test may take before it is ended
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
}

/// How long a value of an assertion is shown without `-v`.
const MAX_SHOWN_LINES: usize = 24;

/// Checks, and ends with status 0 only if everything asked for is right.
///
/// # Errors
/// When there is nothing to check, or cargo cannot be run.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let task = Task::find_or_current(root, args.what.as_deref())?;
    let mine = Rebuild::started(root, task.chapter().clone())?;
    let units = match task {
        Task::Chapter(chapter) => verdict::units(&chapter, args.all),
        Task::Step(_, step) => vec![Unit::Step(step)],
        Task::Exercise(_, exercise) => vec![Unit::Exercise(exercise)],
    };
    processes::begin(130)?;
    let style = Style::stdout();
    let judge = Judge {
        root,
        mine: &mine,
        colour: style.colour,
        limit: Duration::from_secs(args.limit),
        cancel: Cancel::default(),
    };
    let print = Print { style, mine: &mine, verbose: args.verbose };
    println!("{}", style.bold(&format!("my/{}: {}", mine.chapter.name, mine.chapter.title)));
    let mut reports = Vec::new();
    let judged = verdict::turn(root).and_then(|_turn| {
        judge.judge(&units, |report| {
            println!("{}", print.line(&report));
            reports.push(report);
        })
    });
    processes::end();
    judged?;
    // What cannot be noted is said at the end: it is no reason to keep the verdicts' details.
    let noted = remember(root, &mine.chapter, &reports);
    let new = noted.as_ref().map(Vec::as_slice).unwrap_or_default();
    for report in &reports {
        print!("{}", print.detail(report));
    }
    let turned = |report: &&Report| {
        reports.len() == 1 || new.contains(&report.unit.progress_id(&mine.chapter))
    };
    print!("{}", print.stage(reports.iter().filter(turned)));
    print!("{}", print.next(&reports));
    noted.context("cannot note what is right")?;
    let right = reports.iter().all(Report::is_right);
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Marks what passed as done, and returns the ids that were not done before; a verdict that needed the book's steps, or the book's own source, is nobody's progress.
///
/// # Errors
/// When progress cannot be written.
pub fn remember(root: &Path, chapter: &Chapter, reports: &[Report]) -> Result<Vec<String>> {
    let own = |report: &&Report| {
        matches!(report.verdict, Verdict::Right { own: true, .. }) && report.on_book.is_empty()
    };
    let ids = reports.iter().filter(own).map(|report| report.unit.progress_id(chapter));
    let known = Progress::load(root)?;
    let new: Vec<String> = ids.filter(|id| !known.is_done(id)).collect();
    if !new.is_empty() {
        Progress::update(root, |progress| {
            for id in &new {
                progress.mark(id);
            }
        })?;
    }
    Ok(new)
}

/// How verdicts are printed.
pub struct Print<'a> {
    /// Colours or not.
    pub style: Style,
    /// The reader's rebuild.
    pub mine: &'a Rebuild,
    /// Everything that the compiler and the tests say.
    pub verbose: bool,
}

impl Print<'_> {
    /// One line per unit: `  2 frame   wrong answer   2 of 9 tests fail`.
    pub fn line(&self, report: &Report) -> String {
        let style = self.style;
        let chapter = &self.mine.chapter;
        let names = chapter.steps.iter().map(|step| step.name().len() + 2);
        let names = names.chain(chapter.exercises.iter().map(|exercise| exercise.id.len()));
        let width = names.max().unwrap_or(0);
        let name = match &report.unit {
            Unit::Step(step) => format!("{} {}", step.number(), step.name()),
            Unit::Exercise(exercise) => exercise.id.clone(),
        };
        let tests = |count: usize| match count {
            1 => "1 test".to_string(),
            _ => format!("{count} tests"),
        };
        let (word, mut remark) = match &report.verdict {
            Verdict::Right { tests: count, own: true } => ("right", tests(*count)),
            Verdict::Right { tests: count, own: false } => {
                ("right", format!("{}; the book's own", tests(*count)))
            }
            Verdict::Todo { passed: 0, what, .. } => ("not started", format!("todo: {what}")),
            Verdict::Todo { passed, tests, what } => {
                ("begun", format!("{passed} of {tests} tests pass; todo: {what}"))
            }
            Verdict::Waits { on } => ("waits", format!("for {on}, which is not written yet")),
            Verdict::Broken(faults) => {
                let count = faults.len();
                ("does not compile", format!("{count} error{}", if count == 1 { "" } else { "s" }))
            }
            Verdict::Wrong { failed, passed, todo } => {
                let counts = [(failed.len(), "wrong"), (*passed, "pass"), (*todo, "not started")];
                let counts = counts.iter().filter(|(count, _)| *count > 0);
                let counts: Vec<String> =
                    counts.map(|(count, word)| format!("{count} {word}")).collect();
                ("wrong answer", counts.join(", "))
            }
            Verdict::Unfinished { what, left, tests: count } => {
                let others = match left - 1 {
                    0 => String::new(),
                    others => format!(" and {others} more"),
                };
                let pass = if *count == 1 { "passes" } else { "pass" };
                ("not finished", format!("todo: {what}{others}; {} {pass}", tests(*count)))
            }
            Verdict::Missing(_) => ("missing", "a file, or what is in it".into()),
        };
        if !report.on_book.is_empty() && !matches!(report.verdict, Verdict::Broken(_)) {
            let steps: Vec<String> = report.on_book.iter().map(usize::to_string).collect();
            write!(remark, "; on the book's step {}", steps.join(" and ")).unwrap_or_default();
        }
        let padded = format!("{word:<16}");
        let painted = match &report.verdict {
            Verdict::Right { .. } => style.green(&padded),
            Verdict::Todo { .. } | Verdict::Unfinished { .. } | Verdict::Waits { .. } => {
                style.yellow(&padded)
            }
            _ => style.red(&padded),
        };
        let indent = " ".repeat(width + 22);
        let remark: Vec<String> = wrap(&shown(&remark), &indent)
            .lines()
            .map(|line| style.dim(line.trim_start()))
            .collect();
        let remark = remark.join(&format!("\n{indent}"));
        format!("  {name:<width$}  {painted}  {remark}")
    }

    /// How to run the reader's own stage of the last of the steps that turned right; nothing if none of them has one.
    pub fn stage<'a>(&self, turned: impl Iterator<Item = &'a Report>) -> String {
        let chapter = &self.mine.chapter;
        let has_stage = |unit: &Unit| {
            matches!(unit, Unit::Step(_))
                && self.mine.dir.join(format!("examples/{}.rs", unit.id())).is_file()
        };
        let right = turned.filter(|report| report.is_right() && report.on_book.is_empty());
        match right.map(|report| &report.unit).filter(|unit| has_stage(unit)).last() {
            Some(unit) => {
                format!("\ntry it  cargo run -p my-{} --example {}\n", chapter.name, unit.id())
            }
            None => String::new(),
        }
    }

    /// Why a unit does not compile or is wrong; nothing for the rest.
    pub fn detail(&self, report: &Report) -> String {
        let mut out = String::new();
        let unit = &report.unit;
        let head = |what: &str| {
            let name = match unit {
                Unit::Step(step) => format!("step {}, {}", step.number(), step.title),
                Unit::Exercise(exercise) => format!("{}, {}", exercise.id, exercise.title),
            };
            format!("\n{}\n", self.style.bold(&format!("{name}: {what}")))
        };
        match &report.verdict {
            Verdict::Broken(faults) => {
                out += &head("does not compile");
                out += &self.faults(unit, faults);
            }
            Verdict::Wrong { failed, .. } => {
                out += &head("wrong answer");
                let shown = if self.verbose { failed.len() } else { 1 };
                for trial in failed.iter().take(shown) {
                    out += &self.failure(unit, trial);
                }
                if failed.len() > shown {
                    let others: Vec<&str> =
                        failed[shown..].iter().map(|trial| trial.name.as_str()).collect();
                    let more =
                        format!("`{}` shows the others too: {}", verbose(unit), others.join(", "));
                    out += &wrap(&more, "  ");
                }
            }
            Verdict::Missing(what) => {
                out += &head("missing");
                let name = format!("{}/{}", self.mine.chapter.short(), unit.id());
                out += &format!("  {what}; `cargo run -- reset {name}` brings the file back\n");
            }
            Verdict::Right { .. }
            | Verdict::Todo { .. }
            | Verdict::Unfinished { .. }
            | Verdict::Waits { .. } => return out,
        }
        if !matches!(report.verdict, Verdict::Missing(_)) {
            out += &format!("  page  {}\n", unit.page(&self.mine.chapter));
            out += &format!("  stuck?  cargo run -- hint {}\n", unit.id());
        }
        out
    }

    fn faults(&self, unit: &Unit, faults: &[Fault]) -> String {
        let mut out = String::new();
        let shown = if self.verbose { faults.len() } else { 1 };
        for fault in faults.iter().take(shown) {
            for line in places(&shown_in_colour(&fault.rendered), &self.mine.shown(""))
                .lines()
                .filter(|line| !line.is_empty())
            {
                out += &format!("  {line}\n");
            }
        }
        match faults.len() - shown.min(faults.len()) {
            0 => {}
            1 => out += &format!("  and 1 more error: `{}` shows it\n", verbose(unit)),
            more => {
                out += &format!("  and {more} more errors: `{}` shows them\n", verbose(unit));
            }
        }
        out
    }

    fn failure(&self, unit: &Unit, trial: &Trial) -> String {
        let Outcome::Failed(failure) = &trial.outcome else { return String::new() };
        let file = format!("tests/{}.rs", unit.id());
        let source = self.mine.text(&file);
        let mut out = String::new();
        if let Some(invariant) = doc_of(&source, &trial.name) {
            out += &wrap(&shown(&invariant), "  ");
        }
        let line = failure.line.map(|line| format!(":{line}")).unwrap_or_default();
        let name = trial.name.rsplit("::").next().unwrap_or_default();
        out += &format!("  test {name}, {}{line}\n", self.mine.shown(file));
        out += &self.values(unit, failure);
        if self.verbose {
            out += "  all that it printed:\n";
            for line in trial.output.lines().filter(|line| !line.is_empty()) {
                out += &format!("    | {line}\n");
            }
        }
        out
    }

    fn values(&self, unit: &Unit, failure: &Failure) -> String {
        let mut out = String::new();
        let most = if self.verbose { usize::MAX } else { MAX_SHOWN_LINES };
        let mut put = |label: &str, text: &str| {
            let lines: Vec<&str> = text.lines().collect();
            if lines.len() == 1 && !label.is_empty() {
                out += &format!("    {label:<8}  {}\n", lines[0]);
                return;
            }
            if !label.is_empty() {
                out += &format!("    {label}\n");
            }
            for line in lines.iter().take(most) {
                out += &format!("      {line}\n");
            }
            // What is there to be copied is never among what is left out.
            let cut = lines.iter().skip(most);
            for line in cut.filter(|line| line.trim_start().starts_with("replay: ")) {
                out += &format!("      {line}\n");
            }
            if lines.len() > most {
                let more = lines.len() - most;
                out += &format!("      … {more} more lines: `{}` shows them\n", verbose(unit));
            }
        };
        match failure.message.strip_prefix("input:") {
            Some(input) => put("input", input.trim_start_matches(' ').trim_start_matches('\n')),
            None if failure.message.is_empty() => {}
            None => put("", &failure.message),
        }
        if let (Some(expected), Some(got)) = (&failure.expected, &failure.got) {
            put("expected", expected);
            put("got", got);
        }
        out
    }

    /// The first step that is the reader's to write and is not done.
    fn left(&self) -> Option<&Step> {
        let chapter = &self.mine.chapter;
        let progress = Progress::load(chapter.root()).unwrap_or_default();
        chapter.steps.iter().find(|step| {
            let unit = Unit::Step((*step).clone());
            !progress.is_done(&unit.progress_id(chapter)) && unit.is_own(self.mine)
        })
    }

    /// What to do next: the first unit that waits for the reader.
    pub fn next(&self, reports: &[Report]) -> String {
        let chapter = &self.mine.chapter;
        let right = reports.iter().filter(|report| report.is_right()).count();
        if right == reports.len() {
            let one = match reports {
                [Report { unit: Unit::Step(step), .. }] => Some(step.number()),
                _ => None,
            };
            // After an exercise: the first step that is left, which may be any.
            let is_exercise = |report: &Report| matches!(report.unit, Unit::Exercise(_));
            let left = match reports.iter().all(is_exercise) {
                true => self.left(),
                false => None,
            };
            if let Some(next) = one.and_then(|number| chapter.steps.get(number)).or(left) {
                let page = crate::page(chapter, &next.page());
                return format!(
                    "\nall right\n\nnext    {}: {}\nread    {page}\n",
                    next.id, next.title
                );
            }
            let next = match one {
                Some(_) => "; `cargo run -- check` for the chapter",
                None if !chapter.exercises.is_empty()
                    && reports.len() < chapter.steps.len() + chapter.exercises.len() =>
                {
                    "; the exercises are next: `cargo run -- list`"
                }
                None => "",
            };
            return format!("\nall right{next}\n");
        }
        let todo = reports.iter().find(|report| {
            matches!(report.verdict, Verdict::Todo { .. } | Verdict::Unfinished { .. })
        });
        let in_the_way = reports
            .iter()
            .any(|report| matches!(report.verdict, Verdict::Broken(_) | Verdict::Wrong { .. }));
        let Some(report) = todo.filter(|_| !in_the_way) else { return String::new() };
        let mut out = format!("\nnext    {}: {}\n", report.unit.id(), report.unit.title());
        let mut files = report.unit.files(chapter);
        let open = |file: &PathBuf| !cut::left(&self.mine.text(file)).is_empty();
        if files.iter().any(open) {
            files.retain(open);
        }
        for file in files {
            out += &format!("edit    {}\n", self.mine.shown(file));
        }
        out += &format!("read    {}\n", report.unit.page(chapter));
        out += &format!("stuck?  cargo run -- hint {}\n", report.unit.id());
        if right == 0 && matches!(report.verdict, Verdict::Todo { .. }) {
            out +=
                "A red check is where every step begins: it turns green as you write the bodies.\n";
        }
        out
    }
}

/// What shows all of a verdict, `watch` running or not.
fn verbose(unit: &Unit) -> String {
    format!("cargo run -- check {} -v", unit.id())
}

/// rustc names files as it sees them, from the copy, and an exercise as its tests do; the reader's are below `mine`.
fn places(rendered: &str, mine: &str) -> String {
    static ARROW: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"((?:-->|:::)\s*(?:\x1b\[[0-9;]*m)*\s*)(?:tests/\.\./)?((?:src|tests|examples|exercises)/)",
        )
        .ok()
    });
    match &*ARROW {
        Some(arrow) => {
            arrow.replace_all(rendered, format!("${{1}}{mine}${{2}}").as_str()).into_owned()
        }
        None => rendered.to_string(),
    }
}

/// The doc comment above a test function, as one paragraph; it begins with the invariant.
fn doc_of(source: &str, test: &str) -> Option<String> {
    let name = test.rsplit("::").next()?;
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let at = lines.iter().position(|line| line.contains(&head))?;
    let above = lines[..at].iter().rev().take_while(|line| {
        line.starts_with("///") || line.starts_with('#') || line.starts_with("$(")
    });
    let mut doc: Vec<&str> =
        above.filter_map(|line| line.strip_prefix("///")).map(str::trim).collect();
    doc.reverse();
    (!doc.is_empty()).then(|| doc.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tests_doc_comment_is_found_above_its_attributes() {
        let source = "/// I1: one\n/// and more.\n#[test]\nfn a() {}\n\n        /// I2: two.\n        #[test]\n        \
                      $(#[$skip])?\n        fn b() {}\n#[test]\nfn c() {}\n";
        assert_eq!(doc_of(source, "a").as_deref(), Some("I1: one and more."));
        assert_eq!(doc_of(source, "on::exercise::b").as_deref(), Some("I2: two."));
        assert_eq!(doc_of(source, "c"), None);
        assert_eq!(doc_of(source, "d"), None);
    }

    #[test]
    fn a_compile_error_names_the_readers_file() {
        for (named, expected) in [
            (" --> src/echo.rs:7:1", " --> my/ch01-sockets/src/echo.rs:7:1"),
            (" ::: tests/client/mod.rs:7:1", " ::: my/ch01-sockets/tests/client/mod.rs:7:1"),
            ("--> tests/../exercises/ex_a.rs:7:1", "--> my/ch01-sockets/exercises/ex_a.rs:7:1"),
            ("\x1b[34m--> \x1b[0msrc/a.rs:7:1", "\x1b[34m--> \x1b[0mmy/ch01-sockets/src/a.rs:7:1"),
            (" --> /rust/library/core/src/a.rs:7:1", " --> /rust/library/core/src/a.rs:7:1"),
        ] {
            assert_eq!(places(named, "my/ch01-sockets/"), expected, "input: {named}");
        }
    }
}
