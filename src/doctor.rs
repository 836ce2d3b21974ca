//! `doctor`: which real clients are on this machine, and how to get the others.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `doctor`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`doctor` is not built yet")
}
