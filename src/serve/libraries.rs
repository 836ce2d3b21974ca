//! The chapters' libraries, built and found for the blocks that use them.
//!
//! They stand in a folder of their own. In the one where cargo builds, `examples/step1_echo` is of whoever built last: the
//! chapter, the reader's rebuild of it, or another checkout that shares the folder by `CARGO_TARGET_DIR`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::sync::Mutex;

use super::stamp;
use crate::chapter::Chapter;

/// Libraries and stages as cargo builds them, remembered until a chapter's source changes.
#[derive(Debug)]
pub struct Libraries {
    root: PathBuf,
    built: Mutex<Built>,
}

#[derive(Debug, Default)]
struct Built {
    /// The state of `chapters/` that the rest belongs to.
    stamp: u64,
    /// Package to its library and those it needs: name and file.
    libraries: BTreeMap<String, Vec<(String, PathBuf)>>,
    /// Stage (`ch01-sockets/step1_echo`) to its program.
    programs: BTreeMap<String, PathBuf>,
}

impl Libraries {
    /// Nothing is built yet.
    pub fn new(root: &Path) -> Libraries {
        Libraries { root: root.to_path_buf(), built: Mutex::default() }
    }

    /// The libraries of the chapters that a block names: `ch01_sockets`.
    ///
    /// # Errors
    /// When one does not compile; the text is the compiler's.
    pub async fn for_block(&self, source: &str) -> Result<Vec<(String, PathBuf)>> {
        let mut wanted = Chapter::names(&self.root)?;
        wanted.retain(|name| names(source, &name.replace('-', "_")));
        let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
        for name in wanted {
            found.extend(self.library(&name).await?);
        }
        Ok(found.into_iter().collect())
    }

    async fn library(&self, package: &str) -> Result<Vec<(String, PathBuf)>> {
        let mut built = self.current().await;
        if let Some(found) = built.libraries.get(package) {
            return Ok(found.clone());
        }
        let artifacts = self.build(&["-p", package, "--lib"]).await?;
        let mut found = Vec::new();
        for artifact in artifacts {
            let file =
                files(&artifact).find(|file| file.extension().is_some_and(|ext| ext == "rlib"));
            if let (Some(name), Some(file)) = (artifact["target"]["name"].as_str(), file) {
                found.push((name.to_owned(), file));
            }
        }
        built.libraries.insert(package.to_owned(), found.clone());
        Ok(found)
    }

    /// The program of a stage: `ch01-sockets`, or `ch01-sockets/step1_echo`.
    ///
    /// # Errors
    /// When there is no such stage, or it does not compile.
    pub async fn program(&self, stage: &str) -> Result<PathBuf> {
        let (package, example) = match stage.split_once('/') {
            Some((package, example)) => (package, Some(example)),
            None => (stage, None),
        };
        if !Chapter::names(&self.root)?.iter().any(|name| name == package) {
            bail!("there is no chapter {package:?}");
        }
        if let Some(example) = example {
            let is_name = example.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let file = format!("chapters/{package}/examples/{example}.rs");
            if !is_name || !self.root.join(file).is_file() {
                bail!("{package} has no stage {example:?}");
            }
        }
        let mut built = self.current().await;
        if let Some(program) = built.programs.get(stage) {
            return Ok(program.clone());
        }
        let target = match example {
            Some(example) => ["--example", example],
            None => ["--bin", package],
        };
        let artifacts = self.build(&["-p", package, target[0], target[1]]).await?;
        let program = artifacts
            .iter()
            .filter_map(|artifact| artifact["executable"].as_str())
            .next_back()
            .map(PathBuf::from)
            .with_context(|| format!("cargo built no program for {stage}"))?;
        built.programs.insert(stage.to_owned(), program.clone());
        Ok(program)
    }

    /// Builds every chapter's library, so that the first run of a block does not have to.
    pub async fn warm(&self) {
        for name in Chapter::names(&self.root).unwrap_or_default() {
            // A chapter that does not compile says so to the block that needs it.
            let _ = self.library(&name).await;
        }
    }

    /// What is built, emptied if the sources changed since.
    async fn current(&self) -> tokio::sync::MutexGuard<'_, Built> {
        let mut built = self.built.lock().await;
        let stamp = stamp::of_metadata(&self.root, &["chapters", "Cargo.toml", "Cargo.lock"]);
        if built.stamp != stamp {
            *built = Built { stamp, ..Built::default() };
        }
        built
    }

    /// Runs `cargo build` and returns what it says it built.
    async fn build(&self, args: &[&str]) -> Result<Vec<Value>> {
        let mut command = crate::cargo(&self.root);
        command.args(["build", "--quiet", "--message-format=json"]).args(args);
        command.arg("--target-dir").arg(self.root.join("target/pages"));
        command.env("CARGO_TERM_COLOR", "never");
        let output = tokio::process::Command::from(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run cargo")?
            .wait_with_output()
            .await?;
        let messages: Vec<Value> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if !output.status.success() {
            let said: BTreeSet<&str> = messages
                .iter()
                .filter(|message| message["message"]["level"] == "error")
                .filter_map(|message| message["message"]["rendered"].as_str())
                .collect();
            let said: String = said.into_iter().collect();
            let stderr = String::from_utf8_lossy(&output.stderr);
            let text = if said.is_empty() { stderr.trim() } else { said.trim() };
            bail!("the chapter does not compile:\n{text}");
        }
        Ok(messages
            .into_iter()
            .filter(|message| message["reason"] == "compiler-artifact")
            .collect())
    }
}

fn files(artifact: &Value) -> impl Iterator<Item = PathBuf> + '_ {
    artifact["filenames"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(PathBuf::from)
}

/// Whether a word stands in a text by itself: `ch01_sockets`, not `ch01_sockets_old`.
fn names(text: &str, word: &str) -> bool {
    let part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    text.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        !part(before) && !part(text.as_bytes().get(at + word.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chapter_is_named_by_a_whole_word() {
        let check = |text: &str, expected: bool| {
            assert_eq!(names(text, "ch01_sockets"), expected, "input: {text}");
        };
        check("use ch01_sockets::echo;", true);
        check("ch01_sockets", true);
        check("use xch01_sockets; use ch01_sockets_b; use ch01_sockets::a;", true);
        check("use ch01_sockets_b;", false);
        check("use ch10_sockets;", false);
    }
}
