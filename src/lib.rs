//! The runner: what `cargo run` does, and what `tests/` shares with it.

pub mod chapter;

use std::path::Path;
use std::process::Command;

/// A `cargo` to run in the repository, without what an outer `cargo run` or `cargo test` left in the environment: a compiler
/// wrapper that is meant for the pages' blocks only, and variables of the package that is running.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).env_remove("RUSTC");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}
