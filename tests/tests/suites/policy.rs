//! What CONTRIBUTING.md promises about chapters and pages, checked. Each finding is `file:line: what to do`.
//!
//! A rule is a function from text to findings. It is tried twice: on the repository, where it must find nothing, and on a
//! small violation, which it must find.

mod built;
mod chapters;
mod exercises;
mod pages;
mod sources;
mod stages;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use workbook::chapter::Chapter;
use workbook_tests::page::{Page, normal};
use workbook_tests::suite::{Case, Suite};
use workbook_tests::transcripts::root;

/// Every rule. What only reads is work; stages are waited for.
pub fn suite() -> Suite {
    let modules = [
        ("stages", stages::TESTS),
        ("built", built::TESTS),
        ("sources", sources::TESTS),
        ("pages", pages::TESTS),
        ("exercises", exercises::TESTS),
        ("chapters", chapters::TESTS),
    ];
    let mut cases = Vec::new();
    for (module, tests) in modules {
        cases.extend(tests.iter().map(|(name, test)| {
            let case = Case::new(format!("{module}::{name}"), || {
                test();
                Ok(())
            });
            if module == "stages" { case } else { case.work() }
        }));
    }
    Suite { name: "policy", width: 1, is_remembered: false, cases }
}

/// Something to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what),
            line => write!(f, "{}:{line}: {}", self.file, self.what),
        }
    }
}

/// A finding in `file` at `line`; line 0 is the file as a whole.
fn finding(file: &str, line: usize, what: impl Into<String>) -> Finding {
    Finding { file: file.to_owned(), line, what: what.into() }
}

/// Fails with all findings, one to a line.
fn none(findings: impl IntoIterator<Item = Finding>) {
    let all: Vec<String> = findings.into_iter().map(|finding| finding.to_string()).collect();
    if !all.is_empty() {
        panic!("{} to mend\n{}\n", all.len(), all.join("\n"));
    }
}

/// Asserts what a rule finds in a violation: the lines, and a word of each message.
fn finds(findings: Vec<Finding>, expected: &[(usize, &str)]) {
    let found: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(findings.len(), expected.len(), "found: {found:#?}");
    for (finding, (line, word)) in findings.iter().zip(expected) {
        assert_eq!(finding.line, *line, "{finding}");
        assert!(finding.what.contains(word), "{finding} should say {word:?}");
    }
}

/// The chapters.
fn chapters() -> Vec<Chapter> {
    Chapter::all(&root()).expect("every exercises.toml can be read")
}

/// A file's text, and its path relative to the root.
fn text(path: &Path) -> (String, String) {
    let relative = normal(path.strip_prefix(root()).unwrap_or(path));
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{relative}: {error}"));
    (relative, text)
}

/// All files below a folder with one of these endings, in order.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                pending.push(path);
            } else if endings.contains(&ending.as_str()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The pages that SUMMARY.md lists.
fn book() -> Vec<Page> {
    let paths = workbook_tests::transcripts::pages().expect("book/SUMMARY.md");
    let pages = paths.iter().filter(|path| path.starts_with("book/"));
    pages.map(|path| Page::load(&root(), path).unwrap_or_else(|e| panic!("{path}: {e}"))).collect()
}
