//! `solution`: what the book'\''s version does differently.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `solution`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A step or an exercise: `step1_echo`, `ch01/step1`, `ex_shout`
    pub what: Option<String>,
    /// Put the book's version in place of yours (yours is kept in a backup)
    #[arg(long)]
    pub apply: bool,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`solution` is not built yet")
}
