//! `hint`: one rung more of a step's or an exercise's ladder.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::progress::Progress;
use crate::rebuild::Rebuild;
use crate::style::{Style, wrap};
use crate::task::Task;
use crate::verdict::{Unit, left, units};

/// What follows the word `hint`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A step or an exercise: `step1_echo`, `ch01/step1`, `ex_shout`; without it, the first that is left to do
    pub what: Option<String>,
    /// Begin again with the first hint
    #[arg(long)]
    pub again: bool,
}

/// Prints the rungs so far and one more, and remembers how many. They begin where the reader is:
/// at the first `todo!` left. After the last comes the solution.
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
    let mine = Rebuild::of(root, chapter.clone());
    let at = left(&mine.dir, &unit, &chapter).into_iter().next();
    // A function with hints of its own has a ladder of its own.
    let own = at.as_deref().filter(|what| unit.hints_at(Some(what)).len() > unit.hints().len());
    let ladder = unit.hints_at(own);
    let (shown, done) = Progress::update(root, |progress| {
        let before = if args.again { 0 } else { progress.hints(&id, own) };
        let shown = (before + 1).min(ladder.len());
        progress.set_hints(&id, own, shown);
        (shown, progress.is_done(&id))
    })?;
    let style = Style::stdout();
    println!("{}", style.bold(&format!("{}: {}", unit.id(), unit.title())));
    match &at {
        Some(what) => print!("{}", wrap(&format!("you are at {what} (todo)"), "")),
        None if mine.exists() && !done => println!(
            "no todo is left in it: `cargo run -- check {}` names what is wrong",
            unit.id()
        ),
        None => {}
    }
    for (index, hint) in ladder.iter().take(shown).enumerate() {
        println!("\n{}", style.bold(&format!("hint {} of {}", index + 1, ladder.len())));
        print!("{}", wrap(hint, "  "));
    }
    if shown == ladder.len() {
        println!("\nno more hints: cargo run -- solution {}/{}", chapter.short(), unit.id());
    } else {
        println!("\nThe same command again gives the next one.");
    }
    Ok(ExitCode::SUCCESS)
}
