//! `reset`: back to the starter; what was there is kept in a backup.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::backup;
use crate::rebuild::{self, Files, Rebuild, walk};
use crate::task::Task;
use crate::verdict::Unit;

/// What follows the word `reset`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A chapter, a step or an exercise: `ch01`, `step1_echo`, `ex_shout`
    pub what: String,
    /// For a chapter: the first step that is left to you; the steps before it come whole
    #[arg(long, value_name = "N")]
    pub step: Option<usize>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Puts the starter back, after a question.
///
/// # Errors
/// When there is nothing to reset, nobody to ask, or a file cannot be written.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let task = Task::find(root, &args.what)?;
    let mine = Rebuild::started(root, task.chapter().clone())?;
    let (files, remove) = wanted(root, &mine, &task, args.step)?;
    backup::allowed(&mine, &files, &remove)?;
    let changed = backup::changed(&mine, &files)?;
    let paths: Vec<&PathBuf> =
        changed.iter().map(|change| change.path).chain(remove.iter()).collect();
    if paths.is_empty() {
        println!("{} is the starter already; nothing changes", task.full_name());
        return Ok(ExitCode::SUCCESS);
    }
    println!("This puts the starter in place of what you have, which is kept in a backup:");
    for path in &paths {
        println!("  {}", mine.shown(path));
    }
    if !args.yes && !agreed()? {
        println!("nothing changed");
        return Ok(ExitCode::FAILURE);
    }
    match backup::replace(root, &mine, &files, &remove)? {
        Some(folder) => println!("done; what you had is in {folder}"),
        None => println!("done"),
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(
    root: &Path,
    mine: &Rebuild,
    task: &Task,
    step: Option<usize>,
) -> Result<(Files, Vec<PathBuf>)> {
    let chapter = &mine.chapter;
    let unit = match task {
        Task::Chapter(_) => {
            let from = step.unwrap_or(1);
            if from == 0 || from > chapter.steps.len() {
                let all = chapter.steps.len();
                return Err(crate::usage(format!(
                    "{} has the steps 1 to {all}, not {from}",
                    chapter.name
                )));
            }
            let files = rebuild::files(root, chapter, from)?;
            let below = |path: PathBuf| path.strip_prefix(&mine.dir).map(Path::to_path_buf).ok();
            let here = ["src", "examples", "tests", "exercises", "solutions", "judges"]
                .iter()
                .flat_map(|folder| walk(&mine.dir.join(folder)))
                // Emacs marks a file that is being edited by a link to nowhere.
                .filter(|path| path.is_file());
            let remove = here.filter_map(below).filter(|path| !files.contains_key(path)).collect();
            return Ok((files, remove));
        }
        _ if step.is_some() => {
            return Err(crate::usage(format!(
                "--step goes with a chapter: `cargo run -- reset {} --step 2`",
                chapter.short()
            )));
        }
        Task::Step(_, step) => Unit::Step(step.clone()),
        Task::Exercise(_, exercise) => Unit::Exercise(exercise.clone()),
    };
    let from = match &unit {
        Unit::Step(step) => step.number(),
        Unit::Exercise(_) => chapter.steps.len() + 1,
    };
    let mut wanted = unit.files(chapter);
    wanted.push(format!("tests/{}.rs", unit.id()).into());
    wanted.push(format!("examples/{}.rs", unit.id()).into());
    let mut files = rebuild::files(root, chapter, from)?;
    files.retain(|path, _| wanted.contains(path));
    Ok((files, Vec::new()))
}

fn agreed() -> Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask on: --yes does it without a question");
    }
    print!("Go on? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
