//! `hint`: one rung more of a step'\''s or an exercise'\''s ladder.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `hint`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A step or an exercise: `step1_echo`, `ch01/step1`, `ex_shout`
    pub what: Option<String>,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`hint` is not built yet")
}
