//! `cut`: writes `exercises/` from `solutions/`, and starters from finished sources.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `cut`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only this chapter: `ch01`
    pub chapter: Option<String>,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`cut` is not built yet")
}
