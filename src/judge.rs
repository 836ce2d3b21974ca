//! `judge`: the real client'\''s script against a finished stage, the reader'\''s own, or any server.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `judge`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter: `ch01`
    pub chapter: String,
    /// Judge the rebuild in `my/` instead of the finished stage
    #[arg(long, conflicts_with = "against")]
    pub mine: bool,
    /// Judge a server that is already running
    #[arg(long, value_name = "HOST:PORT")]
    pub against: Option<String>,
    /// Only the judge of this name
    #[arg(long, value_name = "JUDGE")]
    pub only: Option<String>,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`judge` is not built yet")
}
