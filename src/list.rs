//! `list`: the chapters, their steps and their exercises, and how far you are.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `list`.
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
    bail!("`list` is not built yet")
}
