//! `bench`: ours and the real one under the same load, in turns.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter: `ch01`
    pub chapter: String,
    /// Only the case of this id
    #[arg(long, value_name = "CASE")]
    pub only: Option<String>,
    /// Print what is measured, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`bench` is not built yet")
}
