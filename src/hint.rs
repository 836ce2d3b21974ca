//! `hint`: one rung more of a step's or an exercise's ladder.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::progress::Progress;
use crate::rebuild::Rebuild;
use crate::style::{Style, wrap};
use crate::task::Task;
use crate::verdict::{Unit, units};

/// What follows the word `hint`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A step or an exercise: `step1_echo`, `ch01/step1`, `ex_shout`; without it, the first that is left to do
    pub what: Option<String>,
    /// Begin again with the first hint
    #[arg(long)]
    pub again: bool,
}

/// Prints the rungs so far and one more, and remembers how many. The last rung points to the solution.
///
/// # Errors
/// When there is no such step or exercise, or progress cannot be written.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let task = Task::find_or_current(root, args.what.as_deref())?;
    let chapter = task.chapter().clone();
    let unit = match task {
        Task::Step(_, step) => Unit::Step(step),
        Task::Exercise(_, exercise) => Unit::Exercise(exercise),
        Task::Chapter(chapter) => {
            let progress = Progress::load(root)?;
            let mine = Rebuild::of(root, chapter.clone());
            let left =
                |unit: &Unit| !progress.is_done(&unit.progress_id(&chapter)) && unit.is_own(&mine);
            match units(&chapter, true).into_iter().find(left) {
                Some(unit) => unit,
                None if chapter.steps.is_empty() => bail!("{} has no steps yet", chapter.name),
                None => bail!("everything in {} is done", chapter.name),
            }
        }
    };
    let id = unit.progress_id(&chapter);
    let rungs = unit.hints().len() + 1;
    let shown = Progress::update(root, |progress| {
        let shown = if args.again { 1 } else { (progress.hints(&id) + 1).min(rungs) };
        progress.set_hints(&id, shown);
        shown
    })?;
    let style = Style::stdout();
    println!("{}", style.bold(&format!("{}: {}", unit.id(), unit.title())));
    for (index, hint) in unit.hints().iter().take(shown).enumerate() {
        println!("\n{}", style.bold(&format!("hint {} of {rungs}", index + 1)));
        print!("{}", wrap(hint, "  "));
    }
    if shown == rungs {
        println!("\n{}", style.bold(&format!("hint {rungs} of {rungs}")));
        println!("  cargo run -- solution {}/{}", chapter.short(), unit.id());
    } else {
        println!("\nThe same word again gives the next one.");
    }
    Ok(ExitCode::SUCCESS)
}
