//! What passed, and has not changed since, is not run again: `cargo test` on an unchanged checkout is a matter of seconds.
//!
//! A suite that passed as a whole leaves a number in `target/passed/`, which stands for the content of every source, the
//! compiler and the workbook's own program. `WORKBOOK_FRESH=1` runs everything again, and so does `WORKBOOK_JUDGES=required`.

use std::path::PathBuf;

use libtest_mimic::Arguments;
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
}
