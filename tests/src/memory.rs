//! What passed, and has not changed since, is not run again: `cargo test` on an unchanged checkout is a matter of seconds.
//!
//! A suite that passed as a whole leaves a number in `target/passed/`, which stands for the content of every source and the
//! compiler. A page's block and a chapter's cut leave one each, which stands for as much as they depend on: the chapter, those
//! below it, and what compiles them; so a change to one chapter runs what is above it, and nothing else. `WORKBOOK_FRESH=1` runs
//! everything again, and so does `WORKBOOK_JUDGES=required`.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::Result;
use libtest_mimic::Arguments;
use workbook::chapter::Chapter;
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

/// What a verdict on one chapter depends on beside the chapters.
const TOOLS: &[&str] = &[
    "tests/build.rs",
    "tests/rustc-2024",
    "tests/src",
    "tests/Cargo.toml",
    "book.toml",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo",
];

/// What is remembered of one suite, or of one case.
#[derive(Debug, Clone)]
pub struct Memory {
    file: PathBuf,
    key: String,
    is_asked: bool,
}

impl Memory {
    /// What is known of the suite of this name, for the sources as they are now.
    pub fn of(suite: &str) -> Memory {
        Memory::for_sources(SOURCES).named(suite)
    }

    /// What is known of cases about a chapter, for the chapter and those below it as they are now, and for these other sources.
    /// Each case has its own [name](Memory::named).
    ///
    /// # Errors
    /// When the chapters cannot be read.
    pub fn of_chapter(root: &Path, chapter: &Chapter, others: &[&str]) -> Result<Memory> {
        let all = Chapter::all(root)?;
        let up_to_it = all.iter().filter(|other| other.number() <= chapter.number());
        let mut sources: Vec<String> =
            up_to_it.map(|other| format!("chapters/{}", other.name)).collect();
        sources.extend(TOOLS.iter().chain(others).map(|&path| path.to_owned()));
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        Ok(Memory::for_sources(&sources))
    }

    fn for_sources(sources: &[&str]) -> Memory {
        static COMPILER: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let compiler = workbook::cargo(&root()).arg("-Vv").output();
            compiler.map(|said| said.stdout).unwrap_or_default()
        });
        let root = root();
        let content = stamp::of_content(&root, sources);
        let key = format!("{content:016x}\n{}", String::from_utf8_lossy(&COMPILER));
        let is_asked = std::env::var_os("WORKBOOK_FRESH").is_none()
            && std::env::var("WORKBOOK_JUDGES").as_deref() != Ok("required");
        Memory { file: root.join("target/passed"), key, is_asked }
    }

    /// The same, of something that has this name.
    pub fn named(&self, name: &str) -> Memory {
        let file = root().join("target/passed").join(name.replace("::", "/"));
        Memory { file, ..self.clone() }
    }

    /// The same, of something that depends on this as well.
    pub fn with(self, more: &str) -> Memory {
        Memory { key: format!("{more}\n{}", self.key), ..self }
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
