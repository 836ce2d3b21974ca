//! `solution`: what the book's version does differently.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use similar::{ChangeTag, TextDiff};

use crate::backup;
use crate::rebuild::{Files, Rebuild};
use crate::style::Style;
use crate::task::Task;
use crate::verdict::Unit;

/// What follows the word `solution`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A step or an exercise: `step1_echo`, `ch01/step1`, `ex_shout`
    pub what: String,
    /// Put the book's version in place of yours (yours is kept in a backup)
    #[arg(long)]
    pub apply: bool,
}

/// Prints the difference between the reader's version and the book's, or puts the book's in place.
///
/// # Errors
/// When there is no such step or exercise, or the chapter is not started.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let (chapter, unit) = match Task::find(root, &args.what)? {
        Task::Step(chapter, step) => (chapter, Unit::Step(step)),
        Task::Exercise(chapter, exercise) => (chapter, Unit::Exercise(exercise)),
        Task::Chapter(chapter) => {
            return Err(crate::usage(format!(
                "say which step or exercise, as {}/{}",
                chapter.short(),
                chapter.steps.first().map_or("step1", |step| step.id.as_str())
            )));
        }
    };
    let mine = Rebuild::started(root, chapter)?;
    let mut files = Files::new();
    for (path, book) in book_files(&mine, &unit) {
        let text = fs::read(&book).with_context(|| format!("cannot read {}", book.display()))?;
        let text = match unit {
            Unit::Step(_) => text,
            Unit::Exercise(_) => without_marks(&text),
        };
        files.insert(path, text);
    }
    if files.is_empty() {
        bail!("{} adds no source of its own: read {}", unit.id(), unit.page(&mine.chapter));
    }
    if args.apply {
        match backup::replace(root, &mine, &files, &[])? {
            Some(folder) => println!("the book's version is in place; yours is in {folder}"),
            None => println!("the book's version is in place"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let style = Style::stdout();
    let mut same = true;
    for (path, book) in &files {
        let yours = mine.read(path).ok().flatten().unwrap_or_default();
        let yours = String::from_utf8_lossy(&yours);
        let book = String::from_utf8_lossy(book);
        if yours != book {
            same = false;
            println!("{}", style.bold(&format!("--- {} (yours)", mine.shown(path))));
            println!("{}", style.bold("+++ the book's"));
            print!("{}", diff(&yours, &book, style));
        }
    }
    if same {
        println!("no difference: yours is the book's version, to the byte");
    } else {
        println!(
            "\n- yours, + the book's.  `cargo run -- solution {} --apply` puts it in place.",
            args.what
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The reader's file, and the book's for it.
fn book_files(mine: &Rebuild, unit: &Unit) -> Vec<(PathBuf, PathBuf)> {
    let dir = &mine.chapter.dir;
    let book = |path: PathBuf| match unit {
        Unit::Step(_) => (path.clone(), dir.join(path)),
        Unit::Exercise(exercise) => (path, dir.join(format!("solutions/{}.rs", exercise.id))),
    };
    unit.files(&mine.chapter).into_iter().map(book).collect()
}

/// An exercise's solution without the lines that say what is cut out of it.
fn without_marks(solution: &[u8]) -> Vec<u8> {
    let is_mark = |line: &str| line.starts_with("// begin:") || line == "// end";
    let text = String::from_utf8_lossy(solution);
    let kept = text.split_inclusive('\n').filter(|line| !is_mark(line.trim()));
    kept.collect::<String>().into_bytes()
}

fn diff(yours: &str, book: &str, style: Style) -> String {
    let mut out = String::new();
    let diff = TextDiff::from_lines(yours, book);
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        out += &format!("{}\n", style.dim(&hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches(['\r', '\n']);
            out += &match change.tag() {
                ChangeTag::Delete => style.red(&format!("-{line}")),
                ChangeTag::Insert => style.green(&format!("+{line}")),
                ChangeTag::Equal => format!(" {line}"),
            };
            out.push('\n');
        }
    }
    out
}
