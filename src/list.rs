//! `list`: the chapters, their steps and their exercises, and how far you are.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::chapter::Chapter;
use crate::progress::Progress;
use crate::rebuild::Rebuild;
use crate::style::Style;
use crate::verdict::{Unit, units};

/// What follows the word `list`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only this chapter: `ch01`
    pub chapter: Option<String>,
}

/// Prints a line per step and exercise: state, level, minutes.
///
/// # Errors
/// When there is no such chapter, or progress cannot be read.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let chapters = match &args.chapter {
        Some(wanted) => vec![Chapter::find(root, wanted)?],
        None => Chapter::sound(root)?,
    };
    let progress = Progress::load(root);
    let style = Style::stdout();
    for (index, chapter) in chapters.iter().enumerate() {
        if index > 0 {
            println!();
        }
        let started = match Rebuild::of(root, chapter.clone()).exists() {
            true => format!("in my/{}", chapter.name),
            false => format!("cargo run -- start {}", chapter.short()),
        };
        println!("{}  ({started})", style.bold(&format!("{}: {}", chapter.name, chapter.title)));
        println!("  {:4}  {:<20}  {:<30}  {:<8}  {:>5}  {:>4}", "", "", "", "", "level", "min");
        for unit in units(chapter, true) {
            let id = unit.progress_id(chapter);
            let done = progress.as_ref().is_ok_and(|progress| progress.is_done(&id));
            let mark = if done { style.green("done") } else { "    ".into() };
            let (kind, level, minutes) = match &unit {
                Unit::Step(step) => ("rebuild", chapter.level, step.minutes),
                Unit::Exercise(exercise) => {
                    (exercise.kind.word(), exercise.level, exercise.minutes)
                }
            };
            let title: String = match unit.title().chars().count() {
                0..=30 => unit.title().into(),
                _ => unit.title().chars().take(29).chain(['…']).collect(),
            };
            let id = unit.id();
            println!("  {mark}  {id:<20}  {title:<30}  {kind:<8}  {level:>5}  {minutes:>4}");
        }
        if chapter.steps.is_empty() {
            println!("  no steps yet");
        }
    }
    progress.context("cannot show what is done")?;
    Ok(ExitCode::SUCCESS)
}
