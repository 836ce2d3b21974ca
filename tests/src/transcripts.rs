//! Transcripts as tests: what the suites console and judges share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result};
use libtest_mimic::{Completion, Failed};
use workbook::judge;
use workbook::stage::Built;
use workbook::transcript::Script;

use crate::suite::Case;

/// What a package was built to, once for all trials; the error as text, since each trial reports it.
type Once = Arc<LazyLock<Result<Built, String>, Box<dyn FnOnce() -> Result<Built, String> + Send>>>;

static BUILT: LazyLock<Mutex<HashMap<String, Once>>> = LazyLock::new(Mutex::default);

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A test that runs a script against the stage that it names. Without a client that the script needs it is ignored, with
/// the command that installs the client; where `WORKBOOK_JUDGES=required`, that is a failure.
pub fn case(name: String, script: Script) -> Case {
    Case::ignorable(name, move || {
        if let Some(reason) = judge::missing(&script) {
            if judge::required() {
                return Err(Failed::from(format!("WORKBOOK_JUDGES=required, and it {reason}")));
            }
            return Ok(Completion::ignored_with(reason));
        }
        run(&script).map_err(|error| Failed::from(format!("{error:#}")))?;
        Ok(Completion::Completed)
    })
}

fn run(script: &Script) -> Result<()> {
    let root = root();
    let Some(package) = script.package() else { return script.run(&root, None) };
    let once = {
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = built.entry(package.to_owned()).or_insert_with(|| {
            let (root, package) = (root.clone(), package.to_owned());
            Arc::new(LazyLock::new(Box::new(move || {
                Built::new(&root, &package, false).map_err(|error| format!("{error:#}"))
            })))
        });
        Arc::clone(entry)
    };
    let built = LazyLock::force(&once).as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    script.run(&root, Some(built))
}

/// The transcripts of a page: its `console` blocks.
///
/// # Errors
/// When the page cannot be read, or a block cannot be understood.
pub fn of_page(path: &str) -> Result<Vec<Script>> {
    let page =
        crate::page::Page::load(&root(), path).with_context(|| format!("cannot read {path}"))?;
    let consoles = page.blocks().into_iter().filter(|block| block.is("console"));
    consoles
        .map(|block| {
            let lines: Vec<(usize, String)> =
                block.lines.iter().map(|line| (line.line, line.text.clone())).collect();
            Script::block(path, block.line, &block.words, &lines)
        })
        .collect()
}

/// The pages that SUMMARY.md lists, and the README.
///
/// # Errors
/// When there is no SUMMARY.md.
pub fn pages() -> Result<Vec<String>> {
    let summary = std::fs::read_to_string(root().join("book/SUMMARY.md"))?;
    let link = regex::Regex::new(r"\]\(([^)]+\.md)\)")?;
    let mut pages: Vec<String> =
        link.captures_iter(&summary).map(|found| format!("book/{}", &found[1])).collect();
    pages.push("README.md".into());
    Ok(pages)
}
