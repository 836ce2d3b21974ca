//! `serve`: the workbook in the browser, on this machine only.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// What follows the word `serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The port to listen on; a taken one is passed over for the next free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
}

/// Does what the word says.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(_root: &Path, _args: &Args) -> Result<ExitCode> {
    bail!("`serve` is not built yet")
}
