//! What passed, and has not changed since, is not run again: `cargo test` on an unchanged checkout is a matter of seconds.
//!
//! A suite that passed as a whole leaves a number in `target/passed/`, which stands for the content of every source, the
//! compiler and the workbook's own program. `WORKBOOK_FRESH=1` runs everything again, and so does `WORKBOOK_JUDGES=required`.

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use workbook::serve::stamp;

use crate::served::root;

/// All that a verdict may depend on.
const SOURCES: &[&str] = &[
    "src",
    "tests",
    "book",
    "chapters",
    "book.toml",
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    ".cargo",
];

/// What is remembered of one suite.
#[derive(Debug)]
pub struct Memory {
    file: PathBuf,
    key: String,
    is_asked: bool,
}

impl Memory {
    /// What is known of the suite of this name, for the sources as they are now.
    pub fn of(suite: &str) -> Memory {
        let root = root();
        let compiler = workbook::cargo(&root).arg("-Vv").output();
        let compiler = compiler.map(|said| said.stdout).unwrap_or_default();
        let content = stamp::of_content(&root, SOURCES);
        let key = format!("{content:016x}\n{}", String::from_utf8_lossy(&compiler));
        let is_asked = std::env::var_os("WORKBOOK_FRESH").is_none()
            && std::env::var("WORKBOOK_JUDGES").as_deref() != Ok("required");
        Memory { file: root.join("target/passed").join(suite), key, is_asked }
    }

    /// Whether it passed with the same sources: for one slow test among quick ones, with [`Memory::keep`] at its end.
    pub fn holds(&self) -> bool {
        self.is_asked && std::fs::read_to_string(&self.file).is_ok_and(|known| known == self.key)
    }

    /// Remembers that it passed. What cannot be remembered is run again.
    pub fn keep(&self) {
        let _ = workbook::write(&self.file, &self.key);
    }

    /// Whether the whole suite passed with the same sources. Nothing is known of a part that is asked for by name.
    pub fn is_known(&self, arguments: &Arguments) -> bool {
        arguments.filter.is_none() && arguments.skip.is_empty() && self.holds()
    }

    /// Runs the trials, unless they are known to pass: then they are listed as ignored, with the reason.
    pub fn run(&self, arguments: &Arguments, trials: Vec<Trial>) -> ExitCode {
        if self.is_known(arguments) {
            if !arguments.list {
                println!("unchanged since all of it passed; WORKBOOK_FRESH=1 runs it again");
            }
            let known = trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect();
            return libtest_mimic::run(arguments, known).exit_code();
        }
        let conclusion = libtest_mimic::run(arguments, trials);
        let is_whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list;
        if is_whole && !conclusion.has_failed() && conclusion.num_ignored == 0 {
            self.keep();
        }
        conclusion.exit_code()
    }
}
