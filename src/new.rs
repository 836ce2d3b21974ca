//! `new`: lays out an empty chapter that passes all checks.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `new`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter's name: `ch08-sql`
    pub name: String,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`new` is not built yet")
}
