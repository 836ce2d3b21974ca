//! `bench`: ours and the real one under the same load, in turns.
//!
//! A chapter's `bench.toml` names cases: a server of ours, a server of somebody else's, and a load that prints a number. Each
//! round starts each server anew on a free port; who goes first changes from round to round, so that neither a warm nor a
//! throttled processor favours one. What counts is the median.
//!
//! Left out: confidence intervals. The least and the greatest round stand beside the median, and say more of five rounds.

mod case;
mod memory;
mod report;
mod round;
mod switches;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::chapter::Chapter;
use crate::processes::{self, Cancel};
use crate::stage::Built;

pub use case::{Better, Case, Measure, cases};
use round::Bench;

/// What follows the word `bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter: `ch01`
    pub chapter: String,
    /// Only the case of this id (prints, writes nothing)
    #[arg(long, value_name = "CASE")]
    pub only: Option<String>,
    /// Only the cases of this group, and their table and picture
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Print what is measured, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Rounds, instead of each case's own (prints, writes nothing)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
}

/// The numbers of one server in one case.
#[derive(Debug, Clone, Default)]
pub struct Numbers(Vec<f64>);

impl Numbers {
    /// The middle one; of an even count, the mean of the middle two.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        }
    }

    /// The least.
    pub fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The greatest.
    pub fn greatest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// A case and what was measured.
pub struct Measured {
    case: Case,
    rounds: u32,
    ours: Numbers,
    /// Theirs, or why there are none.
    theirs: Result<Numbers, Unmeasured>,
}

/// Why a case has no numbers of theirs.
enum Unmeasured {
    /// It names nobody to compare with.
    Nobody,
    /// The program is not here.
    Absent(String),
}

/// Builds for release, measures, prints, and writes the page's tables and pictures.
///
/// # Errors
/// What stands in the way, in one line.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let chapter = Chapter::find(root, &args.chapter)?;
    let mut cases = cases(&chapter)?;
    let pick = |cases: &mut Vec<Case>, what: &str, wanted: &Option<String>, of: Of| {
        let Some(wanted) = wanted else { return Ok(()) };
        let all: BTreeSet<String> =
            cases.iter().filter_map(|case| of(case).map(str::to_owned)).collect();
        cases.retain(|case| of(case) == Some(wanted));
        let all: Vec<String> = all.into_iter().collect();
        match (cases.is_empty(), all.is_empty()) {
            (false, _) => Ok(()),
            (_, true) => Err(crate::usage(format!("{} has no {what}", chapter.name))),
            (true, false) => {
                let all = all.join(", ");
                let name = &chapter.name;
                Err(crate::usage(format!("{name} has no {what} {wanted:?}; it has {all}")))
            }
        }
    };
    pick(&mut cases, "group", &args.group, |case| case.group.as_deref())?;
    pick(&mut cases, "case", &args.only, |case| Some(&case.id))?;
    processes::begin(130)?;
    let ended = measure(root, args, &chapter, &cases);
    processes::end();
    ended
}

/// What a case is picked by.
type Of = fn(&Case) -> Option<&str>;

fn measure(root: &Path, args: &Args, chapter: &Chapter, cases: &[Case]) -> Result<ExitCode> {
    eprintln!("building {} for release", chapter.name);
    let built = Built::new(root, &chapter.name, true)?;
    let programs = built.bin.iter().chain(built.examples.values());
    let folders = programs.filter_map(|program| program.parent());
    let release = folders
        .map(|folder| if folder.ends_with("examples") { folder.join("..") } else { folder.into() })
        .next()
        .with_context(|| format!("{} has no program to time", chapter.name))?;
    let peers = build_peers(root, cases)?;
    let bench = Bench { root, release: &release, peers: &peers, scratch: processes::scratch()? };
    let mut all = Vec::new();
    for case in cases {
        all.push(bench.case(case, args.rounds.unwrap_or(case.rounds))?);
    }
    println!("\n{}", report::text(chapter, &all));
    println!("{}", report::machine(root, &all));
    if args.only.is_some() || args.dry_run || args.rounds.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let groups: BTreeSet<Option<String>> = cases.iter().map(|case| case.group.clone()).collect();
    for group in groups {
        let (of_group, others) = all.into_iter().partition(|one| one.case.group == group);
        all = others;
        write(root, chapter, group.as_deref(), &of_group)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds what `{peers}/NAME` stands for, and says where the programs are.
fn build_peers(root: &Path, cases: &[Case]) -> Result<PathBuf> {
    let folder = root.join("target/release");
    let names: BTreeSet<&str> = cases.iter().flat_map(Case::built_peers).collect();
    if names.is_empty() {
        return Ok(folder);
    }
    eprintln!("building tests/peers for release");
    let mut cargo = crate::cargo(root);
    cargo.args(["build", "--quiet", "--release", "--package", "workbook-peers", "--target-dir"]);
    cargo.arg(root.join("target")).env("CARGO_TERM_COLOR", "never");
    for name in names {
        cargo.args(["--bin", name]);
    }
    let output = processes::run(&cargo, None, &Cancel::default())?;
    if !output.success {
        bail!("tests/peers does not compile:\n{}", output.stderr.trim_end());
    }
    Ok(folder)
}

/// Writes the table and the picture of a group, unless a number is missing.
fn write(root: &Path, chapter: &Chapter, group: Option<&str>, all: &[Measured]) -> Result<()> {
    let name = group.map_or("bench".into(), |group| format!("bench-{group}"));
    let absent: Vec<&str> = all
        .iter()
        .filter_map(|one| match &one.theirs {
            Err(Unmeasured::Absent(why)) => Some(why.as_str()),
            _ => None,
        })
        .collect();
    if !absent.is_empty() {
        println!("\n{name}.md and {name}.svg stay as they were: {}", absent.join("; "));
        return Ok(());
    }
    let folder = root.join("book").join(&chapter.name);
    let machine = report::machine(root, all);
    let table = report::markdown(chapter, group, all, &machine);
    crate::write(&folder.join(format!("{name}.md")), &table)?;
    crate::write(&folder.join(format!("{name}.svg")), &report::svg(chapter, group, all))?;
    println!("\nwrote book/{0}/{name}.md and book/{0}/{name}.svg", chapter.name);
    Ok(())
}
