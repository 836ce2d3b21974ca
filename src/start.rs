//! `start`: lays a chapter to rebuild into `my/`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::backup;
use crate::chapter::{Chapter, Exercise};
use crate::cut;
use crate::rebuild::{self, Files, Rebuild};
use crate::task::Task;
use crate::verdict::Unit;

/// What follows the word `start`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter, or an exercise: `ch01`, `ex_shout`
    pub what: String,
    /// The first step that is left to you; the steps before it come whole
    #[arg(long, value_name = "N")]
    pub step: Option<usize>,
}

/// Said below a page's address.
const PORT: &str =
    "        (while `cargo run` serves the book; if it names another port, that one)";

/// Lays out the chapter, and says what to do next.
///
/// # Errors
/// When there is no such chapter, step or exercise, or the reader's folder is there already: nothing is ever overwritten.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    match (Task::find(root, &args.what)?, args.step) {
        (Task::Chapter(chapter), step) => start_chapter(root, chapter, step.unwrap_or(1)),
        (Task::Step(chapter, step), None) => start_chapter(root, chapter, step.number()),
        (Task::Exercise(chapter, exercise), None) => start_exercise(root, chapter, &exercise),
        (task, Some(_)) => Err(crate::usage(format!(
            "--step goes with a chapter: `cargo run -- start {} --step 2`",
            task.chapter().short()
        ))),
    }
}

fn start_chapter(root: &Path, chapter: Chapter, from: usize) -> Result<ExitCode> {
    if chapter.steps.is_empty() {
        bail!("{} has no steps yet", chapter.name);
    }
    if from == 0 || from > chapter.steps.len() {
        return Err(crate::usage(format!(
            "{} has the steps 1 to {}, not {from}",
            chapter.name,
            chapter.steps.len()
        )));
    }
    let mine = Rebuild::of(root, chapter);
    let (name, short) = (&mine.chapter.name, mine.chapter.short());
    let turn = rebuild::turn(root)?;
    if mine.is_taken()? {
        bail!(
            "my/{name} is there already and stays as it is.\n  \
             to go on with it       cargo run -- watch {short}\n  \
             to begin again         cargo run -- reset {short} --step {from}\n  \
             to take the book's     cargo run -- solution {short}/step1 --apply\n\
             (reset and --apply keep what you have in my/{name}/backup)"
        );
    }
    lay_out(root, &mine, from)?;
    drop(turn);
    let step = &mine.chapter.steps[from - 1];
    println!("my/{name} is yours: {} from step {from} on.\n", mine.chapter.title);
    println!("Read    {}", crate::page(&mine.chapter, &step.page()));
    println!("{PORT}");
    let files = Unit::Step(step.clone()).files(&mine.chapter);
    for (index, file) in files.iter().enumerate() {
        let text = mine.text(file);
        match index {
            0 => println!("Edit    {}", mine.shown(file)),
            _ if cut::left(&text).is_empty() => {}
            _ => println!("        {}", mine.shown(file)),
        }
    }
    println!("Watch   cargo run -- watch {short}\n");
    println!("The first check is red, as it should be: every function from this step on is a");
    println!("todo!() that waits for you. `cargo run -- hint` helps when you are stuck;");
    println!("my/README.md says what the folders and the `// ANCHOR:` lines are for.");
    Ok(ExitCode::SUCCESS)
}

fn start_exercise(root: &Path, chapter: Chapter, exercise: &Exercise) -> Result<ExitCode> {
    let mine = Rebuild::of(root, chapter);
    let chapter = &mine.chapter;
    let file = format!("exercises/{}.rs", exercise.id);
    let turn = rebuild::turn(root)?;
    if !mine.is_taken()? {
        lay_out(root, &mine, chapter.steps.len() + 1)?;
        println!("my/{} is yours, with the book's steps in it.\n", chapter.name);
    } else if !mine.dir.join(&file).exists() {
        let book = chapter.dir.join(&file);
        let text =
            fs::read_to_string(&book).with_context(|| format!("cannot read {}", book.display()))?;
        backup::within(&mine, Path::new(&file))?;
        crate::write(&mine.dir.join(&file), &text)?;
    }
    drop(turn);
    println!(
        "{}: {}, level {}, {} min\n",
        exercise.id, exercise.title, exercise.level, exercise.minutes
    );
    println!("Read    {}", crate::page(chapter, &exercise.section));
    println!("{PORT}");
    println!("Edit    {}", mine.shown(&file));
    println!("Check   cargo run -- check {}", exercise.id);
    Ok(ExitCode::SUCCESS)
}

/// Writes the rebuild's folder.
///
/// # Errors
/// When the chapter cannot be cut, or the folder not be written.
pub fn lay_out(root: &Path, mine: &Rebuild, from: usize) -> Result<()> {
    put(root, &mine.dir, &rebuild::files(root, &mine.chapter, from)?)
}

/// Writes a package's folder whole: it is put together elsewhere and moved, since a folder of the workspace without its
/// `Cargo.toml` stops every cargo command.
///
/// # Errors
/// When the folder is there already or cannot be written.
pub fn put(root: &Path, dir: &Path, files: &Files) -> Result<()> {
    let target = root.join("target");
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    // Removed at the end, unless it was moved away.
    let whole = tempfile::tempdir_in(&target)
        .with_context(|| format!("cannot write in {}", target.display()))?;
    write_all(whole.path(), files)?;
    fs::set_permissions(whole.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    if fs::rename(whole.path(), dir).is_err() {
        if fs::symlink_metadata(dir).is_ok() {
            bail!("{} is there already", dir.strip_prefix(root).unwrap_or(dir).display());
        }
        // target/ can be on another disk.
        fs::create_dir(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        write_all(dir, files).inspect_err(|_| {
            // Half a package would be in the way of the next start.
            let _ = fs::remove_dir_all(dir);
        })?;
    }
    Ok(())
}

fn write_all(dir: &Path, files: &Files) -> Result<()> {
    for (path, text) in files {
        let path = dir.join(path);
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_fails_leaves_nothing() {
        let book = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = tempfile::tempdir().expect("a folder");
        for name in ["chapters", "Cargo.toml"] {
            std::os::unix::fs::symlink(book.join(name), root.path().join(name)).expect("a link");
        }
        fs::write(root.path().join("my"), "in the way").expect("a file");
        let chapter = Chapter::find(root.path(), "ch01").expect("the chapter");
        let mine = Rebuild::of(root.path(), chapter);
        // my/ is no folder to put it in.
        assert!(lay_out(root.path(), &mine, 1).is_err());
        let target = root.path().join("target");
        let left = fs::read_dir(&target).expect("target/").count();
        assert_eq!(left, 0, "in {}", target.display());
    }
}
