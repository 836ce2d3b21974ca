//! `watch`: a verdict on every save.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `watch`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter; without it, the one that was started last
    pub chapter: Option<String>,
    /// Look at the files every 250 ms instead of being told of changes (for containers and network disks)
    #[arg(long)]
    pub poll: bool,
    /// Print all that the compiler and the tests say
    #[arg(short, long)]
    pub verbose: bool,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`watch` is not built yet")
}
