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
    // begin: replace each cluster by long options, up to `--`
    let mut long = Vec::new();
    let mut rest = args.iter();
    while let Some(&arg) = rest.next() {
        if arg == "--" {
            long.push(arg.to_owned());
            break;
        }
        match arg.strip_prefix('-') {
            Some(cluster)
                if !cluster.is_empty() && !cluster.starts_with('-') =>
            {
                let mut left = cluster.chars();
                while let Some(c) = left.next() {
                    let Some(row) = letters.iter().find(|l| l.letter == c)
                    else {
                        return Err(format!("unknown option -{c}"));
                    };
                    if !row.value {
                        long.push(format!("--{}", row.name));
                        continue;
                    }
                    let value = match left.as_str() {
                        "" => rest.next().copied(),
                        joined => Some(joined),
                    };
                    let Some(value) = value else {
                        return Err(format!("-{c} wants a value"));
                    };
                    long.push(format!("--{}={value}", row.name));
                    break;
                }
            }
            _ => long.push(arg.to_owned()),
        }
    }
    long.extend(rest.map(|arg| (*arg).to_owned()));
    Ok(long)
    // end
}
