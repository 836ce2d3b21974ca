//! Exercise: options of one letter, and their clusters.
//!
//! `tar -xzf backup.tar` is `tar --extract --gzip --file backup.tar`. The
//! parser of step 1 knows long names alone; this turns the one into the
//! other, so that it need not learn anything new.

/// An option of one letter.
#[derive(Debug, Clone, Copy)]
pub struct Letter {
    /// The letter: `f`.
    pub letter: char,
    /// The long name without its dashes: `file`.
    pub name: &'static str,
    /// Whether a value follows.
    pub value: bool,
}

/// The arguments with each cluster of letters replaced by long options:
///
/// ```text
/// -v          --verbose
/// -xz         --extract --gzip
/// -f a.tar    --file=a.tar        the value is the next argument
/// -fa.tar     --file=a.tar        or the rest of this one
/// -xf -v      --extract --file=-v whatever the value looks like
/// -           -                   not an option
/// --file      --file              long ones are left alone
/// ```
///
/// Nothing is changed after `--`.
///
/// # Errors
/// `unknown option -q`, or `-f wants a value`.
pub fn expand(
    args: &[&str],
    letters: &[Letter],
) -> Result<Vec<String>, String> {
    todo!("ex_letters: replace each cluster by long options, up to `--`")
}
