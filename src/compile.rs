//! Compiles a reader's rebuild, and says whose fault it is when it does not compile.
//!
//! What is compiled is a copy under `target/`, as deep below the root as the original, so that every relative path in it
//! still holds. The copy is a workspace of its own, which makes cargo quick; it stands still while the reader types on;
//! and a step that does not compile is replaced in it by the book's, so that the other steps still get their verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use crate::processes::{self, Cancel};
use crate::rebuild::{Files, Rebuild, walk};
use crate::source::Odd;

/// What the copy's `Cargo.toml` says beyond the reader's: a workspace of its own, and no debug info, which nobody waits for.
pub const ALONE: &str = "\n[workspace]\n\n[profile.dev]\ndebug = false\n";

/// A compiler error, as rustc words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file below the package, and the line.
    pub place: Option<(PathBuf, usize)>,
    /// The first line of what is wrong.
    pub message: String,
    /// All that rustc says of it, with the source.
    pub rendered: String,
}

/// What a compilation gave.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The test programs that were built, by the test's name.
    pub tests: BTreeMap<String, PathBuf>,
    /// The errors, by the kind and the name of what did not compile: `("lib", "ch01_sockets")`, `("test", "step1_echo")`.
    pub faults: BTreeMap<(String, String), Vec<Fault>>,
    /// The warnings, as rustc renders them.
    pub warnings: Vec<String>,
}

impl Compiled {
    /// The errors in the library, on which all else stands.
    pub fn in_library(&self) -> Option<&[Fault]> {
        self.of("lib", None)
    }

    /// The errors in one target; in any of the kind without a name.
    pub fn of(&self, kind: &str, name: Option<&str>) -> Option<&[Fault]> {
        let mut all = self.faults.iter();
        all.find(|((k, n), _)| k == kind && name.is_none_or(|name| n == name))
            .map(|(_, faults)| faults.as_slice())
    }
}

/// The folder of the copy: `target/check-ch01-sockets`.
pub fn copy_dir(root: &Path, mine: &Rebuild) -> PathBuf {
    root.join("target").join(format!("check-{}", mine.chapter.name))
}

/// Brings the copy up to date: the reader's files, with `instead` in place of some of them. Only what differs is written, so
/// that cargo sees what changed.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy(root: &Path, mine: &Rebuild, instead: &Files) -> Result<()> {
    let dir = copy_dir(root, mine);
    let mut wanted = Files::new();
    for folder in ["src", "examples", "tests", "exercises", "solutions", "judges"] {
        for path in walk(&mine.dir.join(folder)) {
            let below = path.strip_prefix(&mine.dir).unwrap_or(&path);
            if instead.contains_key(below) {
                continue;
            }
            match mine.read(below) {
                Ok(Some(text)) => drop(wanted.insert(below.to_path_buf(), text)),
                // It has just been removed; or an editor marks a file that is being edited by a link to nowhere.
                Ok(None) | Err(Odd::Nowhere) => {}
                Err(odd) => bail!("{} {odd}: move it away", mine.shown(below)),
            }
        }
    }
    wanted.extend(instead.iter().map(|(path, text)| (path.clone(), text.clone())));
    let manifest = mine.read("Cargo.toml");
    let manifest = manifest.map_err(|odd| anyhow!("{} {odd}", mine.shown("Cargo.toml")))?;
    let mut text = manifest.with_context(|| format!("{} is gone", mine.shown("Cargo.toml")))?;
    text.extend(ALONE.as_bytes());
    wanted.insert("Cargo.toml".into(), text);
    for path in walk(&dir) {
        let below = path.strip_prefix(&dir).unwrap_or(&path);
        if !wanted.contains_key(below) && below != Path::new("Cargo.lock") {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    for (below, text) in &wanted {
        let path = dir.join(below);
        if fs::read(&path).ok().as_ref() != Some(text) {
            let folder = path.parent().unwrap_or(&dir);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, text))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// Compiles a package's tests of these names, and the stages of those names that it has, into a target folder of their own.
///
/// # Errors
/// When cargo cannot be run or refuses the package; [`processes::Cancelled`].
pub fn compile(
    dir: &Path,
    target: &Path,
    tests: &[String],
    stages: &[String],
    colour: bool,
    cancel: &Cancel,
) -> Result<Compiled> {
    let mut cargo = crate::cargo(dir);
    cargo.args(["build", "--offline", "--keep-going", "--target-dir"]).arg(target);
    cargo.arg(match colour {
        true => "--message-format=json-diagnostic-rendered-ansi",
        false => "--message-format=json",
    });
    for name in tests {
        cargo.args(["--test", name]);
    }
    for name in stages.iter().filter(|name| dir.join(format!("examples/{name}.rs")).is_file()) {
        cargo.args(["--example", name]);
    }
    let finished = processes::run(&cargo, None, cancel)?;
    let compiled = read(&finished.stdout);
    if !finished.success && compiled.faults.is_empty() {
        let lines: Vec<&str> = finished.stderr.lines().filter(|l| !l.trim().is_empty()).collect();
        bail!("cargo cannot build {}:\n{}", dir.display(), lines.join("\n"));
    }
    Ok(compiled)
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    message: String,
    rendered: Option<String>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    file_name: PathBuf,
    line_start: usize,
    is_primary: bool,
}

fn read(stdout: &str) -> Compiled {
    let mut compiled = Compiled::default();
    for line in stdout.lines() {
        let Ok(Line { reason, target: Some(target), executable, message }) =
            serde_json::from_str::<Line>(line)
        else {
            continue;
        };
        let kind = target.kind.first().cloned().unwrap_or_default();
        match (reason.as_str(), executable, message) {
            ("compiler-artifact", Some(program), _) if kind == "test" => {
                compiled.tests.insert(target.name, program);
            }
            ("compiler-message", _, Some(message))
                if message.level.starts_with("error")
                    && !message.message.starts_with("aborting due to") =>
            {
                let place = message.spans.iter().find(|span| span.is_primary);
                let fault = Fault {
                    place: place.map(|span| (span.file_name.clone(), span.line_start)),
                    message: message.message,
                    rendered: message.rendered.unwrap_or_default(),
                };
                compiled.faults.entry((kind, target.name)).or_default().push(fault);
            }
            ("compiler-message", _, Some(message)) if message.level == "warning" => {
                compiled.warnings.push(message.rendered.unwrap_or(message.message));
            }
            _ => {}
        }
    }
    compiled
}

/// The modules (the first names below `src/`) that these errors are in; `None` stands for `src/lib.rs` and what is nowhere.
pub fn modules(faults: &[Fault]) -> BTreeSet<Option<String>> {
    let module = |fault: &Fault| {
        let below = fault.place.as_ref()?.0.strip_prefix("src").ok()?;
        let first = below.iter().next()?.to_string_lossy().into_owned();
        let name = first.trim_end_matches(".rs");
        (name != "lib").then(|| name.to_string())
    };
    faults.iter().map(module).collect()
}
