//! `build`: the book as files in `target/book`, for a web server or for Pages.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::serve::book;

/// What follows the word `build`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}

/// Builds the book and says where it is.
///
/// # Errors
/// What mdBook says, when it cannot.
pub fn run(root: &Path, _args: &Args) -> Result<ExitCode> {
    book::build(root)?;
    println!("The book is in {}", book::folder(root).display());
    Ok(ExitCode::SUCCESS)
}
