//! `progress`: what is done and what is left.
//!
//! Progress is `my/progress.txt`, a text file that a person can read, edit and commit:
//!
//! ```text
//! # What you have done. The runner adds to it; lines that it does not know stay.
//! ch01-sockets/echo done 2026-11-22
//! ch01-sockets/ex_shout hints 2
//! ```
//!
//! An id is the chapter and a step's name without its number, or an exercise's id, so it survives when steps are
//! renumbered. After the id stand pairs of a word and a value. Unknown ids, words and comments are kept as they are.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};

use crate::chapter::{Chapter, Exercise, Step};
use crate::rebuild::{self, Rebuild};
use crate::source;

/// What follows the word `progress`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// The first lines of a new file.
const HEADER: &str = "\
# What you have done. `cargo run -- check` and `watch` add to it; the book's sidebar shows it.
# Lines that they do not know stay as they are.
";

/// The most that is read: a line for each of some 10,000 steps. What is longer is no progress, and is left alone.
const MAX_BYTES: u64 = 1 << 20;

/// What `my/progress.txt` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    lines: Vec<String>,
}

/// `my/progress.txt`.
pub fn path(root: &Path) -> PathBuf {
    root.join("my/progress.txt")
}

/// `ch01-sockets/echo`: what progress calls a step.
pub fn step_id(chapter: &Chapter, step: &Step) -> String {
    format!("{}/{}", chapter.name, step.name())
}

/// `ch01-sockets/ex_shout`: what progress calls an exercise.
pub fn exercise_id(chapter: &Chapter, exercise: &Exercise) -> String {
    format!("{}/{}", chapter.name, exercise.id)
}

impl Progress {
    /// What the file says; nothing if there is none.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is not text.
    pub fn load(root: &Path) -> Result<Progress> {
        let text = source::read(&path(root), MAX_BYTES).map_err(|odd| {
            anyhow!("my/progress.txt {odd}: move it away, and a new one is written")
        })?;
        let Some(text) = text else { return Ok(Progress::default()) };
        let text = String::from_utf8(text).map_err(|error| {
            let whole = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = whole.iter().filter(|byte| **byte == b'\n').count() + 1;
            anyhow!("my/progress.txt:{line}: this line is not UTF-8; mend it, or move the file away and a new one is written")
        })?;
        Ok(Progress { lines: text.lines().map(str::to_string).collect() })
    }

    /// Changes the file, one runner at a time: `watch` in one terminal and `hint` in another lose nothing.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn update<T>(root: &Path, change: impl FnOnce(&mut Progress) -> T) -> Result<T> {
        let _turn = rebuild::turn(root)?;
        let before = Progress::load(root)?;
        let mut after = before.clone();
        let answer = change(&mut after);
        if after != before {
            let mut text = String::new();
            if before.lines.is_empty() {
                text.push_str(HEADER);
            }
            for line in &after.lines {
                let _ = writeln!(text, "{line}");
            }
            crate::write(&path(root), &text)?;
        }
        Ok(answer)
    }

    /// Whether a check of this id has passed.
    pub fn is_done(&self, id: &str) -> bool {
        self.value(id, "done").is_some()
    }

    /// The ids that are done, in the file's order.
    pub fn done(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| {
            let mut words = line.split_whitespace();
            let id = words.next().filter(|id| !id.starts_with('#'))?;
            words.any(|word| word == "done").then_some(id)
        })
    }

    /// How many rungs of the ladder have been shown; `at` is the function that the ladder is for, if not for the whole.
    pub fn hints(&self, id: &str, at: Option<&str>) -> usize {
        self.value(id, &hints_key(at)).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// Notes that a check of this id passed today. Says whether that is new.
    pub fn mark(&mut self, id: &str) -> bool {
        let new = !self.is_done(id);
        if new {
            self.set(id, "done", &today());
        }
        new
    }

    /// Remembers how many rungs have been shown.
    pub fn set_hints(&mut self, id: &str, at: Option<&str>, rungs: usize) {
        self.set(id, &hints_key(at), &rungs.to_string());
    }

    fn line(&self, id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.split_whitespace().next() == Some(id))
    }

    fn value(&self, id: &str, key: &str) -> Option<&str> {
        let mut words = self.lines[self.line(id)?].split_whitespace().skip(1);
        words.find(|word| *word == key)?;
        Some(words.next().unwrap_or_default())
    }

    fn set(&mut self, id: &str, key: &str, value: &str) {
        let Some(at) = self.line(id) else {
            self.lines.push(format!("{id} {key} {value}"));
            return;
        };
        let mut words: Vec<&str> = self.lines[at].split_whitespace().collect();
        match words.iter().skip(1).position(|word| *word == key).map(|found| found + 1) {
            Some(found) if found + 1 < words.len() => words[found + 1] = value,
            Some(_) => words.push(value),
            None => words.extend([key, value]),
        }
        self.lines[at] = words.join(" ");
    }
}

/// `hints`, or `hints:frame::next` for the ladder of one function.
fn hints_key(at: Option<&str>) -> String {
    at.map_or("hints".into(), |what| format!("hints:{}", what.replace(char::is_whitespace, "-")))
}

/// The date in UTC, as `2026-11-22`.
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The calendar date of a day since 1970-01-01, counted in eras of 400 years that begin on a 1 March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // 0000-03-01 to 1970-01-01
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (year, month + 3),
        _ => (year + 1, month - 9),
    };
    (era * 400 + year, month, day)
}

/// Counts, per chapter and in all.
///
/// # Errors
/// When a chapter or the file cannot be read.
pub fn run(root: &Path, _args: &Args) -> Result<ExitCode> {
    let progress = Progress::load(root)?;
    let chapters = Chapter::sound(root)?;
    let (mut all_done, mut all) = (0, 0);
    for chapter in &chapters {
        let steps: Vec<String> = chapter.steps.iter().map(|step| step_id(chapter, step)).collect();
        let exercises: Vec<String> =
            chapter.exercises.iter().map(|exercise| exercise_id(chapter, exercise)).collect();
        let count = |ids: &[String]| ids.iter().filter(|id| progress.is_done(id)).count();
        let (s, e) = (count(&steps), count(&exercises));
        all_done += s + e;
        all += steps.len() + exercises.len();
        let width = 20;
        let filled = (width * (s + e)).checked_div(steps.len() + exercises.len()).unwrap_or(0);
        println!(
            "{:<16} [{}{}] {s} of {} steps, {e} of {} exercises",
            chapter.name,
            "#".repeat(filled),
            ".".repeat(width - filled),
            steps.len(),
            exercises.len(),
        );
    }
    println!();
    match all_done {
        0 => match rebuild::current(root)? {
            Some(mine) => {
                let chapters = chapters.into_iter().map(|chapter| Rebuild::of(root, chapter));
                let started = chapters.filter(Rebuild::exists);
                let names: Vec<String> =
                    started.map(|mine| format!("my/{}", mine.chapter.name)).collect();
                println!(
                    "{} laid out, nothing done yet: `cargo run -- watch {}`",
                    names.join(" and "),
                    mine.chapter.short()
                );
            }
            None => {
                println!(
                    "nothing done yet: `cargo run -- start ch01` lays out a chapter to rebuild"
                );
            }
        },
        _ if all_done == all => println!("all {all} done"),
        _ => println!("{all_done} of {all} done; `cargo run -- list` names what is left"),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn dates_are_the_calendars() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_779, (2026, 11, 22)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(day), date, "input: day {day}");
        }
    }

    #[test]
    fn what_is_not_known_stays() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("my")).expect("my");
        let before =
            "# mine\n\nch99-future/idea done 2030-01-01 mood 3\nch01-sockets/echo  hints 1\n";
        fs::write(path(root.path()), before).expect("written");
        let new = Progress::update(root.path(), |progress| {
            progress.set_hints("ch01-sockets/echo", None, 2);
            progress.mark("ch01-sockets/frame");
            (progress.mark("ch99-future/idea"), progress.mark("ch01-sockets/echo"))
        });
        assert_eq!(new.expect("updated"), (false, true));
        let today = today();
        let expected = format!(
            "# mine\n\nch99-future/idea done 2030-01-01 mood 3\nch01-sockets/echo hints 2 done {today}\n\
             ch01-sockets/frame done {today}\n"
        );
        assert_eq!(fs::read_to_string(path(root.path())).expect("read"), expected);
        let progress = Progress::load(root.path()).expect("loads");
        let done: Vec<&str> = progress.done().collect();
        assert_eq!(done, ["ch99-future/idea", "ch01-sockets/echo", "ch01-sockets/frame"]);
        assert_eq!(progress.hints("ch01-sockets/echo", None), 2);
        assert_eq!(progress.hints("ch01-sockets/frame", None), 0);
    }

    #[test]
    fn a_new_file_says_what_it_is() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("my")).expect("my");
        Progress::update(root.path(), |_| ()).expect("nothing to write");
        assert!(!path(root.path()).exists(), "no change writes nothing");
        Progress::update(root.path(), |progress| progress.mark("ch00-toolbox/args"))
            .expect("written");
        let text = fs::read_to_string(path(root.path())).expect("read");
        assert!(text.starts_with("# What you have done."), "got: {text}");
    }
}
