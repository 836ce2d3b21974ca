//! What a reader means by `ch01`, `step1_echo`, `ch01/step1`, `ch01/echo` or `ex_shout`.

use std::path::Path;

use anyhow::Result;

use crate::chapter::{self, Chapter, Exercise, Step};
use crate::rebuild;

/// A chapter, or one of its steps or exercises.
#[derive(Debug, Clone)]
pub enum Task {
    /// All steps of a chapter.
    Chapter(Chapter),
    /// One step.
    Step(Chapter, Step),
    /// One exercise.
    Exercise(Chapter, Exercise),
}

impl Task {
    /// The task that the words mean; without a chapter in them, the one that the reader is at comes first, then the only one
    /// that has such a step or exercise.
    ///
    /// # Errors
    /// A [`crate::Usage`] when there is none such, or more than one: it names what there is.
    pub fn find(root: &Path, wanted: &str) -> Result<Task> {
        let wanted = chapter::bare(wanted);
        if let Some((chapter, rest)) = wanted.split_once('/') {
            let chapter = Chapter::find(root, chapter)?;
            return within(&chapter, rest).ok_or_else(|| {
                crate::usage(format!(
                    "there is no {rest:?} in {}; it has {}",
                    chapter.name,
                    parts(&chapter)
                ))
            });
        }
        // Not every word with these letters: a step can be called chat.
        let number = wanted.strip_prefix("ch").unwrap_or(wanted);
        let is_chapter = number.starts_with(|first: char| first.is_ascii_digit());
        if is_chapter {
            return Chapter::find(root, wanted).map(Task::Chapter);
        }
        if let Some(task) = rebuild::current(root)?.and_then(|mine| within(&mine.chapter, wanted)) {
            return Ok(task);
        }
        let chapters = Chapter::sound(root)?;
        let mut found: Vec<Task> =
            chapters.iter().filter_map(|chapter| within(chapter, wanted)).collect();
        if found.len() > 1 {
            let names: Vec<String> = found.iter().map(Task::full_name).collect();
            return Err(crate::usage(format!(
                "{wanted:?} could be any of {}; say which",
                names.join(", ")
            )));
        }
        found.pop().ok_or_else(|| {
            crate::usage(format!(
                "there is no step or exercise {wanted:?}; `cargo run -- list` names all that there are"
            ))
        })
    }

    /// As [`Task::find`]; without words, the chapter that the reader is at.
    ///
    /// # Errors
    /// As [`Task::find`]; when nothing has been started.
    pub fn find_or_current(root: &Path, wanted: Option<&str>) -> Result<Task> {
        match wanted {
            Some(wanted) => Task::find(root, wanted),
            None => match rebuild::current(root)? {
                Some(mine) => Ok(Task::Chapter(mine.chapter)),
                None => anyhow::bail!(
                    "nothing is started yet: `cargo run -- start ch01` lays out a chapter to rebuild"
                ),
            },
        }
    }

    /// The chapter that the task belongs to.
    pub fn chapter(&self) -> &Chapter {
        match self {
            Task::Chapter(chapter) | Task::Step(chapter, _) | Task::Exercise(chapter, _) => chapter,
        }
    }

    /// What a reader can type to mean this and nothing else: `ch01`, `ch01/step1_echo`, `ch01/ex_shout`.
    pub fn full_name(&self) -> String {
        match self {
            Task::Chapter(chapter) => chapter.short().to_string(),
            Task::Step(chapter, step) => format!("{}/{}", chapter.short(), step.id),
            Task::Exercise(chapter, exercise) => format!("{}/{}", chapter.short(), exercise.id),
        }
    }
}

/// `step1_echo`, `step1`, `1`, `echo` or `ex_shout` within a chapter.
fn within(chapter: &Chapter, wanted: &str) -> Option<Task> {
    let number = wanted.trim_start_matches("step").parse::<usize>().ok();
    let step = chapter
        .steps
        .iter()
        .find(|step| step.id == wanted || step.name() == wanted || number == Some(step.number()));
    if let Some(step) = step {
        return Some(Task::Step(chapter.clone(), step.clone()));
    }
    let exercise = chapter.exercises.iter().find(|exercise| {
        exercise.id == wanted || exercise.id.strip_prefix("ex_") == Some(wanted)
    })?;
    Some(Task::Exercise(chapter.clone(), exercise.clone()))
}

fn parts(chapter: &Chapter) -> String {
    let steps = chapter.steps.iter().map(|step| step.id.as_str());
    let all: Vec<&str> = steps.chain(chapter.exercises.iter().map(|e| e.id.as_str())).collect();
    match all.is_empty() {
        true => "no steps yet".into(),
        false => all.join(", "),
    }
}
