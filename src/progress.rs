//! `progress`: what is done and what is left.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `progress`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`progress` is not built yet")
}
