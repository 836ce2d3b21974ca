//! `start`: lays a chapter to rebuild into `my/`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `start`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter, or an exercise: `ch01`, `ex_shout`
    pub what: String,
    /// The first step that is left to you; the steps before it come whole
    #[arg(long, value_name = "N")]
    pub step: Option<usize>,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`start` is not built yet")
}
