//! Runs one test of a test program in a process of its own, and reads why it failed.
//!
//! A process per test costs some ten milliseconds and buys certainty: a test that hangs, aborts or exits is known by its name
//! and hides no other. So all run at once first, and by itself each of which that did not tell enough.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::Result;

use crate::processes::{self, Cancel, Finished};
use crate::style::shown;

/// How long a test program may take to name its tests, which runs none of them.
const LISTING: Duration = Duration::from_secs(60);

/// How long a test may run before a reader who waits is told so.
const SLOW: Duration = Duration::from_secs(2);

/// How long the tests of a program may take at once. Those of a step that is right end within it.
const AT_ONCE: Duration = Duration::from_secs(3);

/// What to look for when a test does not end.
const FOR_EVER: &str = "It waits for ever, or loops: what is to end it, and does that end it?\n\
                        A read of 0 bytes, for one, is the end, and must stop the loop.";

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It reached a `todo!`: of which step or exercise, and the function's name or what is to do.
    Todo {
        /// `step 2` or `ex_shout`.
        owner: String,
        /// `frame::Reader::next`.
        what: String,
    },
    /// It failed.
    Failed(Failure),
}

/// Why a test failed, in parts as far as it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// The line of the test's file where it panicked.
    pub line: Option<usize>,
    /// What it says beside the two values: `input: …`.
    pub message: String,
    /// The right side of the assertion.
    pub expected: Option<String>,
    /// The left side.
    pub got: Option<String>,
}

/// One test's name, outcome and output.
#[derive(Debug, Clone)]
pub struct Trial {
    /// `shouts`, or `on::exercise::shouts`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Everything it printed.
    pub output: String,
}

/// A test program, and the package that it is run for.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program.
    pub path: &'a Path,
    /// The package's folder.
    pub dir: &'a Path,
    /// The package's name, as the reader gives it to cargo.
    pub package: &'a str,
}

/// The tests of a program that `wanted` accepts, each run to its end or to the limit, some at a time. `slow` is told the name
/// of each that takes long. What a test leaves behind is not swept: others may be running.
///
/// # Errors
/// When the program cannot be run; [`processes::Cancelled`].
pub fn run_all(
    program: Program,
    limit: Duration,
    cancel: &Cancel,
    slow: impl Fn(&str) + Sync,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Trial>> {
    let list = start(program, &["--list", "--format", "terse"], Some(LISTING), cancel)?;
    if !list.success {
        anyhow::bail!("{} does not list its tests: {}", program.path.display(), list.stderr.trim());
    }
    let names: Vec<&str> = list
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|name| wanted(name))
        .collect();
    let together = at_once(program, &names, cancel)?;
    let is_alone = |name: &&str| !together.iter().any(|trial| trial.name == *name);
    let alone: Vec<&str> = names.iter().copied().filter(is_alone).collect();
    let next = AtomicUsize::new(0);
    let together = together.into_iter().map(Ok);
    let done = Mutex::new(together.collect::<Vec<Result<Trial>>>());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(alone.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(name) = alone.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let run = || run(program, name, limit, cancel);
                    let trial = told_after(SLOW, || slow(name), run);
                    done.lock().unwrap_or_else(|e| e.into_inner()).push(trial);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
    let place = |trial: &Trial| names.iter().position(|name| *name == trial.name);
    done.sort_by_key(|trial| trial.as_ref().ok().and_then(place));
    done.into_iter().collect()
}

/// Those of these tests of which enough is known when the program has run them in one process: they passed, or reached a
/// `todo!`. An exercise's are few, and ignored unless asked for: each of them is run alone.
fn at_once(program: Program, names: &[&str], cancel: &Cancel) -> Result<Vec<Trial>> {
    let names: Vec<&str> = names.iter().copied().filter(|name| !of_exercise(name)).collect();
    if names.len() < 2 {
        return Ok(Vec::new());
    }
    let args: Vec<&str> = names.iter().copied().chain(["--exact"]).collect();
    let finished = start(program, &args, Some(AT_ONCE), cancel)?;
    Ok(names.into_iter().filter_map(|name| known(name, &finished.stdout)).collect())
}

/// What a program's report says of a test, if that is enough: a line `test NAME ... ok`, or a part `---- NAME stdout ----` with
/// what the test printed.
fn known(name: &str, report: &str) -> Option<Trial> {
    let trial = |outcome, output| Some(Trial { name: name.to_string(), outcome, output });
    let verdict = format!("test {name} ... ok");
    if report.lines().any(|line| line == verdict) {
        return trial(Outcome::Passed, String::new());
    }
    let (_, part) = report.split_once(&format!("\n---- {name} stdout ----\n"))?;
    let end = ["\n---- ", "\nfailures:\n"].iter().filter_map(|end| part.find(end)).min()?;
    let finished = Finished { stderr: part[..end].to_string(), ..Finished::default() };
    match judge(name, &finished, AT_ONCE) {
        todo @ Outcome::Todo { .. } => trial(todo, finished.stderr),
        _ => None,
    }
}

/// Runs something, and says so once if it has not ended after a while.
fn told_after<T>(after: Duration, say: impl FnOnce() + Send, run: impl FnOnce() -> T) -> T {
    let (end, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if ended.recv_timeout(after) == Err(RecvTimeoutError::Timeout) {
                say();
            }
        });
        let answer = run();
        drop(end);
        answer
    })
}

fn start(
    program: Program,
    args: &[&str],
    limit: Option<Duration>,
    cancel: &Cancel,
) -> Result<Finished> {
    let mut command = Command::new(program.path);
    // As cargo runs a test: in the package's folder, and with the package's variables, not those of the runner's own.
    crate::clear_package(&mut command);
    command.args(args).current_dir(program.dir).env("RUST_BACKTRACE", "0");
    command.env("CARGO_PKG_NAME", program.package).env("CARGO_MANIFEST_DIR", program.dir);
    command.env_remove("RUST_TEST_THREADS").env_remove("RUST_TEST_NOCAPTURE");
    let finished = processes::run(&command, limit, cancel)?;
    let (stdout, stderr) = (shown(&finished.stdout), shown(&finished.stderr));
    Ok(Finished { stdout, stderr, ..finished })
}

/// Whether a test is of the reader's file of an exercise: it is `#[ignore]`d, so that the book's own tests can pass without.
pub fn of_exercise(name: &str) -> bool {
    name.split("::").any(|part| part == "exercise")
}

fn run(program: Program, name: &str, limit: Duration, cancel: &Cancel) -> Result<Trial> {
    // Two threads, so that the test gets one of its own, which carries its name.
    let mut args = vec!["--exact", name, "--nocapture", "--test-threads=2"];
    if of_exercise(name) {
        args.push("--include-ignored");
    }
    let finished = start(program, &args, Some(limit), cancel)?;
    let outcome = judge(name, &finished, limit);
    let output = format!("{}{}", finished.stdout, finished.stderr);
    Ok(Trial { name: name.to_string(), outcome, output })
}

fn judge(name: &str, finished: &Finished, limit: Duration) -> Outcome {
    // Code under test that calls exit(0) ends with status 0 as well.
    if finished.success && finished.stdout.contains("test result: ok. 1 passed") {
        return Outcome::Passed;
    }
    let panics = panics(&finished.stderr);
    let own = panics.iter().find(|panic| panic.thread == name).or(panics.last());
    let todo = own.and_then(|panic| todo(&panic.message));
    // A stage that the test started may be what reached it; its words stand in the output.
    if let Some(todo) = todo.or_else(|| todo_anywhere(&finished.stderr)) {
        return todo;
    }
    let says = |message: String| Outcome::Failed(Failure { message, ..Failure::default() });
    if finished.timed_out {
        return says(format!(
            "it did not end within {} s, and was ended\n{FOR_EVER}",
            limit.as_secs_f32()
        ));
    }
    if let Some(panic) = own {
        return Outcome::Failed(parts(panic));
    }
    let last = finished.stderr.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
    match finished.signal {
        Some(signal) => says(format!("a signal ended it ({signal}){last}")),
        None => says(format!("the process ended before the test did{last}")),
    }
}

/// A panic that a program reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic<'a> {
    /// The thread's name; a test's own thread has the test's.
    pub thread: &'a str,
    /// The line of the source.
    pub line: Option<usize>,
    /// What it says.
    pub message: String,
}

/// The panics that a program reports: `thread 'NAME' (ID) panicked at FILE:LINE:COLUMN:`, and the message below.
pub fn panics(stderr: &str) -> Vec<Panic<'_>> {
    let mut found: Vec<Panic> = Vec::new();
    let mut open = false;
    for line in stderr.lines() {
        let header = line.strip_prefix("thread '").and_then(|rest| rest.split_once('\''));
        if let Some((thread, rest)) = header
            && let Some((_, place)) = rest.split_once("panicked at ")
        {
            let number = place.trim_end_matches(':').rsplit(':').nth(1);
            let line = number.and_then(|line| line.parse().ok());
            found.push(Panic { thread, line, message: String::new() });
            open = true;
        } else if line.starts_with("note: run with `RUST_BACKTRACE=1`") {
            open = false;
        } else if let Some(panic) = found.last_mut().filter(|_| open) {
            if !panic.message.is_empty() {
                panic.message.push('\n');
            }
            panic.message.push_str(line);
        }
    }
    found
}

/// What a `todo!` says before its message.
pub const TODO: &str = "not yet implemented: ";

fn todo(message: &str) -> Option<Outcome> {
    let (owner, what) = message.strip_prefix(TODO)?.split_once(": ")?;
    let known = owner.starts_with("step ") || owner.starts_with("ex_");
    known.then(|| Outcome::Todo { owner: owner.into(), what: what.trim().into() })
}

fn todo_anywhere(text: &str) -> Option<Outcome> {
    text.match_indices(TODO).find_map(|(at, _)| todo(text[at..].lines().next()?))
}

/// `assertion `left == right` failed: MESSAGE`, then `  left: …` and ` right: …`, which may go over several lines.
fn parts(panic: &Panic) -> Failure {
    let message = panic.message.trim_end();
    let whole = Failure { line: panic.line, message: message.into(), ..Failure::default() };
    let Some(rest) = message.strip_prefix("assertion `left == right` failed") else { return whole };
    let split = rest.rsplit_once("\n right: ");
    let Some((rest, expected)) = split else { return whole };
    let Some((said, got)) = rest.split_once("\n  left: ") else { return whole };
    Failure {
        line: panic.line,
        message: said.trim_start_matches(':').trim().into(),
        expected: Some(expected.into()),
        got: Some(got.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(stderr: &str) -> Outcome {
        let finished = Finished { stderr: stderr.into(), ..Finished::default() };
        judge("mine", &finished, Duration::from_secs(1))
    }

    #[test]
    fn an_assertion_falls_into_input_expected_and_got() {
        let outcome = failed(
            "\nthread 'mine' (7) panicked at tests/a.rs:12:5:\n\
             assertion `left == right` failed: input:\n00  61 0a  a.\n  left: [\"a\"]\n right: [\"b\"]\n\
             note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
        );
        let expected = Failure {
            line: Some(12),
            message: "input:\n00  61 0a  a.".into(),
            expected: Some("[\"b\"]".into()),
            got: Some("[\"a\"]".into()),
        };
        assert_eq!(outcome, Outcome::Failed(expected));
    }

    /// A test that passed or reached a `todo!` is known from the report of all; what failed otherwise is run alone.
    #[test]
    fn a_report_of_all_tells_what_passed_and_what_is_not_written() {
        let report = "running 4 tests\ntest a ... ok\ntest b ... FAILED\ntest c ... FAILED\ntest d ... FAILED\n\nfailures:\n\n\
             ---- b stdout ----\n\nthread 'b' (7) panicked at src/a.rs:1:1:\nnot yet implemented: step 2: frame::next\n\n\
             ---- c stdout ----\n\nthread 'c' (8) panicked at tests/a.rs:3:5:\nit broke\n\n\
             ---- d stdout ----\n\nthread 'd' (9) panicked at src/a.rs:1:1:\nnot yet implemented: step 2: late\n\n\n\
             failures:\n    b\n    c\n    d\n\ntest result: FAILED. 1 passed; 3 failed\n";
        let outcome = |name| known(name, report).map(|trial| trial.outcome);
        let todo = |what: &str| Outcome::Todo { owner: "step 2".into(), what: what.into() };
        assert_eq!(outcome("a"), Some(Outcome::Passed));
        assert_eq!(outcome("b"), Some(todo("frame::next")));
        assert_eq!(outcome("c"), None);
        assert_eq!(outcome("d"), Some(todo("late")));
        assert_eq!(outcome("e"), None);
        let cut = report.split_once("\n---- d").expect("it is there").0;
        assert_eq!(known("c", cut).map(|trial| trial.outcome), None);
    }

    #[test]
    fn the_tests_own_panic_counts_not_that_of_another_thread() {
        let outcome = failed(
            "thread 'other' (8) panicked at tests/a.rs:1:1:\nboom\n\
             thread 'mine' (7) panicked at tests/a.rs:3:5:\nit broke\n\
             thread 'late' (9) panicked at tests/a.rs:4:5:\nbang\n",
        );
        let expected = Failure { line: Some(3), message: "it broke".into(), ..Failure::default() };
        assert_eq!(outcome, Outcome::Failed(expected));
    }

    #[test]
    fn a_todo_is_known_by_its_owner_wherever_it_stands() {
        let todo =
            |owner: &str, what: &str| Outcome::Todo { owner: owner.into(), what: what.into() };
        let own = "thread 'mine' (7) panicked at src/a.rs:1:1:\nnot yet implemented: step 2: frame::next\n";
        assert_eq!(failed(own), todo("step 2", "frame::next"));
        let stage = "thread 'mine' (7) panicked at tests/a.rs:9:1:\nno line: thread 'main' (8) panicked at \
                     src/a.rs:1:1:\nnot yet implemented: ex_shout: uppercase it\n";
        assert_eq!(failed(stage), todo("ex_shout", "uppercase it"));
        let others = "thread 'mine' (7) panicked at src/a.rs:1:1:\nnot yet implemented: later\n";
        assert!(matches!(failed(others), Outcome::Failed(_)));
    }

    #[test]
    fn only_what_takes_long_is_told() {
        let (told, heard) = mpsc::channel();
        let say = move || told.send("slow").expect("somebody listens");
        // It ends only because it is told.
        let answer = told_after(Duration::ZERO, say, || heard.recv());
        assert_eq!(answer, Ok("slow"));
        let day = Duration::from_secs(86_400);
        assert_eq!(told_after(day, || panic!("it took no time"), || 1), 1);
    }

    #[test]
    fn what_ends_without_a_panic_says_how() {
        let signal = Finished {
            signal: Some(6),
            stderr: "\nfatal runtime error: stack overflow, aborting\n".into(),
            ..Finished::default()
        };
        let Outcome::Failed(failure) = judge("mine", &signal, Duration::from_secs(1)) else {
            panic!("a signal is a failure");
        };
        assert_eq!(
            failure.message,
            "a signal ended it (6): fatal runtime error: stack overflow, aborting"
        );
        let exit = Finished { success: true, ..Finished::default() };
        let Outcome::Failed(failure) = judge("mine", &exit, Duration::from_secs(1)) else {
            panic!("an exit is a failure");
        };
        assert_eq!(failure.message, "the process ended before the test did");
        let hang = Finished { timed_out: true, ..Finished::default() };
        let Outcome::Failed(failure) = judge("mine", &hang, Duration::from_secs(15)) else {
            panic!("a hang is a failure");
        };
        let said = format!("it did not end within 15 s, and was ended\n{FOR_EVER}");
        assert_eq!(failure.message, said);
    }
}
