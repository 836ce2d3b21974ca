//! What a chapter's `bench.toml` says.

use std::fs;

use anyhow::{Context, Result, bail};
use regex::Regex;
use serde::Deserialize;

use crate::chapter::Chapter;

/// One `[[case]]` of a `bench.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What `--only` picks it by.
    pub id: String,
    /// Cases of a group have a table and a picture of their own: `bench-GROUP.md` and `bench-GROUP.svg`.
    pub group: Option<String>,
    /// What is measured, under which load.
    pub title: String,
    /// Of the numbers.
    pub unit: String,
    /// Whether more is better.
    pub better: Better,
    /// How often each server is measured.
    #[serde(default = "five")]
    pub rounds: u32,
    /// The command that starts ours.
    pub ours: String,
    /// The command that starts theirs; without it, only ours is measured.
    pub theirs: Option<String>,
    /// What theirs is called in the table.
    #[serde(default)]
    pub theirs_name: String,
    /// The command that loads a server and prints the number.
    pub load: String,
    /// Finds a number (its first group) in what the load prints: what is measured, or how many requests there were.
    pub capture: Option<String>,
    /// Instead of a number that the load prints, what the servers use for it.
    pub measure: Option<Measure>,
    /// How many connections the load holds, for memory.
    pub connections: Option<u32>,
    /// A sentence that belongs under the table.
    pub note: Option<String>,
}

fn five() -> u32 {
    5
}

/// Which of two numbers is the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Throughput.
    Higher,
    /// Time, memory.
    Lower,
}

/// What is measured from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Measure {
    /// Memory of the server's processes with the connections, less that without, per connection.
    #[serde(rename = "rss-kib-per-connection")]
    RssKibPerConnection,
    /// How often the kernel took the server's threads off a processor during the load, per request that the load counted.
    #[serde(rename = "switches-per-request")]
    SwitchesPerRequest,
}

impl Case {
    /// The program of `theirs`, if it is one that must be here: none that is built.
    pub fn peer(&self) -> Option<&str> {
        let program = self.theirs.as_ref()?.split_whitespace().next()?;
        (!program.starts_with('{')).then_some(program)
    }

    /// The programs of `tests/peers` that it starts: `{peers}/NAME`.
    pub fn built_peers(&self) -> impl Iterator<Item = &str> {
        let lines = [Some(&self.ours), self.theirs.as_ref(), Some(&self.load)];
        let words = lines.into_iter().flatten().flat_map(|line| line.split_whitespace());
        words.filter_map(|word| word.strip_prefix("{peers}/"))
    }

    /// What is wrong with it.
    fn fault(&self) -> Result<()> {
        if let Some(capture) = &self.capture
            && Regex::new(capture)?.captures_len() != 2
        {
            bail!("`capture` has one group, the number");
        }
        match (self.measure, &self.capture, self.connections) {
            (None | Some(Measure::SwitchesPerRequest), Some(_), _)
            | (Some(Measure::RssKibPerConnection), None, Some(1..)) => {}
            (Some(Measure::SwitchesPerRequest), None, _) => {
                bail!("switches-per-request needs `capture`, which finds the number of requests")
            }
            _ => bail!("either `capture`, or `measure` and `connections`"),
        }
        if self.theirs.is_some() == self.theirs_name.is_empty() {
            bail!("`theirs` and `theirs_name` come together");
        }
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.group.as_ref().is_some_and(|group| group.is_empty() || !group.chars().all(is_word))
        {
            bail!("`group` is a part of a file's name: lower-case letters, digits and `-`");
        }
        Ok(())
    }
}

/// The cases of a chapter.
///
/// # Errors
/// When there is no `bench.toml`, or it cannot be understood.
pub fn cases(chapter: &Chapter) -> Result<Vec<Case>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        case: Vec<Case>,
    }
    let path = chapter.dir.join("bench.toml");
    if !path.is_file() {
        bail!("{} has nothing to time: there is no bench.toml", chapter.name);
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: File = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    for case in &file.case {
        case.fault().with_context(|| format!("{}: case {}", path.display(), case.id))?;
    }
    Ok(file.case)
}
