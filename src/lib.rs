//! The runner: what `cargo run` does, and what `tests/` shares with it.

pub mod backup;
pub mod bench;
pub mod build;
pub mod chapter;
pub mod check;
pub mod client;
pub mod compile;
pub mod cut;
pub mod descendants;
pub mod doctor;
pub mod hint;
pub mod judge;
pub mod leader;
pub mod list;
pub mod new;
pub mod processes;
pub mod progress;
pub mod rebuild;
pub mod reset;
pub mod sandbox;
pub mod serve;
pub mod solution;
pub mod source;
pub mod stage;
pub mod start;
pub mod style;
pub mod supervise;
pub mod task;
pub mod transcript;
pub mod trial;
pub mod verdict;
pub mod watch;

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// The command line asks for something that there is not: exit status 2, where any other error is 1.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A [`Usage`] error: `return Err(workbook::usage(format!("there is no …; there are …")))`.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Usage(message.into()))
}

/// Where a chapter's page is read: on the server of this repository if one runs, otherwise where `cargo run` will have it.
pub fn page(chapter: &chapter::Chapter, section: &str) -> String {
    let address = serve::address(chapter.root());
    let address = address.as_deref().unwrap_or("http://127.0.0.1:3000");
    format!("{address}/{}/{}", chapter.name, section.replacen(".md", ".html", 1))
}

/// Writes a file whole or not at all, and its folder if need be: a reader who looks meanwhile sees the old text or the new.
///
/// # Errors
/// The file's name, and what the system says.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let put = || -> std::io::Result<()> {
        fs::create_dir_all(dir)?;
        let mut file = tempfile::Builder::new()
            .prefix(".workbook-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(dir)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    put().with_context(|| format!("cannot write {}", path.display()))
}

/// A `cargo` to run in the repository, without what an outer `cargo run` or `cargo test` left in the environment: a compiler
/// wrapper that is meant for the pages' blocks only, and variables of the package that is running.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).env_remove("RUSTC");
    clear_package(&mut command);
    command
}

/// Takes the variables of the package that is running out of a command's environment.
pub fn clear_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
}
