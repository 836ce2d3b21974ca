//! `check`: one verdict per step, in words.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `check`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A chapter, a step or an exercise: `ch01`, `step1_echo`, `ch01/step1`, `ex_shout`
    pub what: Option<String>,
    /// Print all that the compiler and the tests say
    #[arg(short, long)]
    pub verbose: bool,
    /// Check the exercises as well as the steps
    #[arg(long)]
    pub all: bool,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`check` is not built yet")
}
