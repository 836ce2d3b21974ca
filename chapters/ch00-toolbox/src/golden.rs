//! Step 7, golden scripts: what a program must say, in a file that a person can
//! read and a machine can rewrite.
//!
//! ```text
//! # What is not promised stands here too.     a comment, kept
//! append a                                    the command: one or more lines
//! ---
//! 1 record, 9 bytes                           what it must print
//!                                             a blank line ends it
//! recover
//! ---
//! a
//! ```
//!
//! Invariants:
//!
//! - I1: what is rewritten with `UPDATE=1` passes when it is run again, for
//!   any output at all: a line that would be read as the script's own form
//!   (an empty one, one that starts with `\`) is escaped by a `\`.
//! - I2: without `UPDATE`, a run writes nothing.
//! - I3: a difference shows each line that changed, and what cannot be
//!   seen (a trailing space, a tab, a carriage return) is made visible.
//!
//! Left out: variables, and patterns in the output. `insta` has redactions
//! for what varies from run to run; here, what varies (time, randomness,
//! ports) comes in as an argument and does not vary.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Lines of equal text shown around a difference.
const CONTEXT: usize = 2;

/// The most cells of the table that [`diff`] fills: 2,000 lines by 2,000.
/// Beyond, it shows the whole of both.
const MAX_CELLS: usize = 4_000_000;

// ANCHOR: piece
/// One piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A blank line or a comment between cases.
    Text(String),
    /// A command and what it must print.
    Case {
        /// The number of the command's first line, from 1.
        line: usize,
        /// The lines above `---`.
        command: String,
        /// The lines below it, unescaped, without the last one's end.
        output: String,
    },
}
// ANCHOR_END: piece

// ANCHOR: parse
/// Reads a script.
///
/// # Errors
///
/// A command without a `---` below it: its line.
pub fn parse(script: &str) -> Result<Vec<Piece>, String> {
    let body = script.strip_suffix('\n').unwrap_or(script);
    let mut lines = body.split('\n').zip(1..).peekable();
    let mut pieces = Vec::new();
    while let Some((first, line)) = lines.next() {
        if first.is_empty() || first.starts_with('#') {
            pieces.push(Piece::Text(first.to_owned()));
            continue;
        }
        let mut command = vec![first];
        while let Some((more, _)) = lines.next_if(|(l, _)| is_body(l)) {
            command.push(more);
        }
        if first == "---" || lines.next().is_none_or(|(l, _)| l != "---") {
            return Err(format!("line {line}: a command needs a `---`"));
        }
        let mut output = Vec::new();
        while let Some((more, _)) = lines.next_if(|(l, _)| !l.is_empty()) {
            output.push(more.strip_prefix('\\').unwrap_or(more));
        }
        let (command, output) = (command.join("\n"), output.join("\n"));
        pieces.push(Piece::Case {
            line,
            command,
            output,
        });
    }
    Ok(pieces)
}

fn is_body(line: &str) -> bool {
    !line.is_empty() && line != "---"
}
// ANCHOR_END: parse

// ANCHOR: render
/// Writes a script: the inverse of [`parse`].
pub fn render(pieces: &[Piece]) -> String {
    let mut script = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => script += &format!("{text}\n"),
            Piece::Case {
                command, output, ..
            } => {
                script += &format!("{command}\n---\n");
                if output.is_empty() {
                    continue; // no lines at all, not one empty line
                }
                for line in output.split('\n') {
                    let escape = line.is_empty() || line.starts_with('\\');
                    script += if escape { "\\" } else { "" };
                    script += &format!("{line}\n");
                }
            }
        }
    }
    script
}
// ANCHOR_END: render

/// What a script and a program say differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line of the command, from 1.
    pub line: usize,
    /// The command.
    pub command: String,
    /// What the script says.
    pub expected: String,
    /// What the program says.
    pub got: String,
}

/// The script with what was said, and the differences; or why the script
/// cannot be read.
pub type Played = Result<(String, Vec<Difference>), String>;

// ANCHOR: play
/// Runs each command of a script through `interpret`. Returns the script
/// with what it said, and the differences. One final newline of an answer
/// does not count.
///
/// # Errors
///
/// The script cannot be read: see [`parse`].
pub fn play(script: &str, mut interpret: impl FnMut(&str) -> String) -> Played {
    let mut pieces = parse(script)?;
    let mut differences = Vec::new();
    for piece in &mut pieces {
        let Piece::Case {
            line,
            command,
            output,
        } = piece
        else {
            continue;
        };
        let answer = interpret(command);
        let got = answer.strip_suffix('\n').unwrap_or(&answer).to_owned();
        if *output != got {
            let expected = std::mem::replace(output, got.clone());
            let (line, command) = (*line, command.clone());
            differences.push(Difference {
                line,
                command,
                expected,
                got,
            });
        }
    }
    Ok((render(&pieces), differences))
}
// ANCHOR_END: play

/// Runs a script, or each script (`*.txt`) of a folder by name, through one
/// interpreter, and panics with what differs. With `UPDATE=1` it writes
/// what was said into the scripts instead.
///
/// A relative path starts at the package's folder, as in `cargo test`.
pub fn run(path: impl AsRef<Path>, mut interpret: impl FnMut(&str) -> String) {
    for_each(path.as_ref(), |script| play(script, &mut interpret));
}

/// As [`run`], with a fresh interpreter for each script.
pub fn run_each<I: FnMut(&str) -> String>(
    path: impl AsRef<Path>,
    mut fresh: impl FnMut() -> I,
) {
    for_each(path.as_ref(), |script| play(script, fresh()));
}

fn for_each(path: &Path, mut play: impl FnMut(&str) -> Played) {
    let update = env::var_os("UPDATE").is_some_and(|value| value == "1");
    let files = scripts(path)
        .unwrap_or_else(|e| panic!("golden: {}: {e}", path.display()));
    let mut report = String::new();
    for file in &files {
        if let Err(text) = run_file(file, update, &mut play) {
            let _ = writeln!(report, "golden: {}: {text}", file.display());
        }
    }
    if !report.is_empty() {
        panic!("{report}to accept what was got: UPDATE=1 cargo test");
    }
}

// ANCHOR: run
fn run_file(
    file: &Path,
    update: bool,
    mut play: impl FnMut(&str) -> Played,
) -> Result<(), String> {
    let script = fs::read_to_string(file).map_err(|e| e.to_string())?;
    let (rewritten, differences) = play(&script)?;
    if differences.is_empty() {
        return Ok(());
    }
    if update {
        return replace(file, &rewritten).map_err(|e| e.to_string());
    }
    Err(differences.iter().map(explain).collect())
}
// ANCHOR_END: run

/// The scripts of a folder in the order of their names, or the one file.
fn scripts(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|ext| ext == "txt") {
            files.push(file);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(io::Error::other("no scripts (*.txt) in this folder")),
        false => Ok(files),
    }
}

/// Writes a script beside the old one and renames it over: a run that is
/// interrupted, or finds the disk full, leaves the old script or the new one
/// and never half of one.
///
/// # Errors
/// What the system reports; the old script is there then.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file)?; // a link stays a link
    let mut beside = file.clone().into_os_string();
    beside.push(".new");
    let written =
        fs::write(&beside, text).and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn explain(difference: &Difference) -> String {
    let Difference {
        line,
        command,
        expected,
        got,
    } = difference;
    let mut text = format!("line {line}\n");
    for line in command.lines() {
        let _ = writeln!(text, "  > {line}");
    }
    for line in diff(expected, got).lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}

// ANCHOR: diff
/// The lines that differ, `-` expected and `+` got, with what is around
/// them. Empty if there is no difference.
pub fn diff(expected: &str, got: &str) -> String {
    let left: Vec<&str> = expected.split('\n').collect();
    let right: Vec<&str> = got.split('\n').collect();
    let edits = edits(&left, &right);
    let changed = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        let to = (at + CONTEXT + 1).min(edits.len());
        edits[from..to].iter().any(|(sign, _)| *sign != ' ')
    };
    let (mut text, mut skipped) = (String::new(), false);
    for (at, (sign, line)) in edits.iter().enumerate() {
        if changed(at) {
            let _ = writeln!(text, "{sign} {}", visible(line));
        } else if !skipped {
            text += "  ...\n";
        }
        skipped = !changed(at);
    }
    match expected == got {
        true => String::new(),
        false => text,
    }
}
// ANCHOR_END: diff

// ANCHOR: edits
/// The longest common subsequence, by the table: `common[i][j]` is its
/// length for what follows line `i` on the left and `j` on the right.
fn edits<'a>(left: &[&'a str], right: &[&'a str]) -> Vec<(char, &'a str)> {
    let (n, m) = (left.len(), right.len());
    let mut edits = Vec::new();
    let (mut i, mut j) = (0, 0);
    if n.saturating_mul(m) <= MAX_CELLS {
        let mut common = vec![vec![0_u32; m + 1]; n + 1]; // (n+1) x (m+1)
        for i in (0..n).rev() {
            for j in (0..m).rev() {
                common[i][j] = match left[i] == right[j] {
                    true => common[i + 1][j + 1] + 1,
                    false => common[i + 1][j].max(common[i][j + 1]),
                };
            }
        }
        while i < n && j < m {
            if left[i] == right[j] {
                edits.push((' ', left[i]));
                (i, j) = (i + 1, j + 1);
            } else if common[i + 1][j] >= common[i][j + 1] {
                edits.push(('-', left[i]));
                i += 1;
            } else {
                edits.push(('+', right[j]));
                j += 1;
            }
        }
    }
    edits.extend(left[i..].iter().map(|line| ('-', *line)));
    edits.extend(right[j..].iter().map(|line| ('+', *line)));
    edits
}
// ANCHOR_END: edits

/// A line with what the eye would miss: control characters as escapes, a
/// space at the end as `·`.
fn visible(line: &str) -> String {
    let text = line.trim_end_matches(' ');
    let mut seen = String::new();
    for c in text.chars() {
        match c.is_control() {
            true => seen.extend(c.escape_default()),
            false => seen.push(c),
        }
    }
    seen + &"·".repeat(line.len() - text.len())
}

/// Bytes to be read by a person, 16 to a line, in hex and ASCII. More than
/// one line carries offsets; no bytes at all are `(no bytes)`.
///
/// ```text
/// 68 65 6c 6c 6f 0a |hello.|
/// ```
pub fn show(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "(no bytes)".to_owned();
    }
    let mut lines = Vec::new();
    for (at, row) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = row.iter().map(|b| format!("{b:02x}")).collect();
        let ascii: String = row.iter().map(|b| printable(*b)).collect();
        let hex = hex.join(" ");
        lines.push(match bytes.len() > 16 {
            true => format!("{:08x}  {hex:<47} |{ascii}|", at * 16),
            false => format!("{hex} |{ascii}|"),
        });
    }
    lines.join("\n")
}

fn printable(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}
