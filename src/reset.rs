//! `reset`: back to the starter; what was there is kept in a backup.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `reset`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A chapter, a step or an exercise: `ch01`, `step1_echo`, `ex_shout`
    pub what: String,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`reset` is not built yet")
}
