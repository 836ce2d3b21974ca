//! `build`: the book as files in `target/book`, for a web server or for Pages.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::serve::book;

/// What follows the word `build`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Builds the book and says where it is; fails when mdBook warned of anything.
///
/// # Errors
/// What mdBook says, when it cannot.
pub fn run(root: &Path, _args: &Args) -> Result<ExitCode> {
    let warnings = book::build(root)?.warnings;
    println!("The book is in {}", book::folder(root).display());
    Ok(if warnings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
