//! The verdict on one step or exercise, and how it reads.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::backup;
use crate::chapter::{Chapter, Exercise, Step};
use crate::compile::{self, Compiled, Fault};
use crate::cut;
use crate::processes::{self, Cancel, Cancelled};
use crate::progress;
use crate::rebuild::{Files, Rebuild};
use crate::source;
use crate::trial::{self, Outcome, Trial};

/// What is judged on its own: a step or an exercise.
#[derive(Debug, Clone)]
pub enum Unit {
    /// One layer of the chapter.
    Step(Step),
    /// One task beyond the steps.
    Exercise(Exercise),
}

impl Unit {
    /// `step2_frame` or `ex_shout`: the name of its tests.
    pub fn id(&self) -> &str {
        match self {
            Unit::Step(step) => &step.id,
            Unit::Exercise(exercise) => &exercise.id,
        }
    }

    /// Its title.
    pub fn title(&self) -> &str {
        match self {
            Unit::Step(step) => &step.title,
            Unit::Exercise(exercise) => &exercise.title,
        }
    }

    /// What progress calls it.
    pub fn progress_id(&self, chapter: &Chapter) -> String {
        match self {
            Unit::Step(step) => progress::step_id(chapter, step),
            Unit::Exercise(exercise) => progress::exercise_id(chapter, exercise),
        }
    }

    /// The address of its page.
    pub fn page(&self, chapter: &Chapter) -> String {
        match self {
            Unit::Step(step) => crate::page(chapter, &step.page()),
            Unit::Exercise(exercise) => crate::page(chapter, &exercise.section),
        }
    }

    /// Nudge, approach, skeleton.
    pub fn hints(&self) -> &[String] {
        match self {
            Unit::Step(step) => &step.hints,
            Unit::Exercise(exercise) => &exercise.hints,
        }
    }

    /// The hints for a reader who is at `what`: those for it, then those of the whole.
    pub fn hints_at(&self, what: Option<&str>) -> Vec<&String> {
        let own = match self {
            Unit::Step(step) => what.and_then(|what| step.hints_for.get(what)),
            Unit::Exercise(_) => None,
        };
        own.into_iter().flatten().chain(self.hints()).collect()
    }

    /// Whether the reader's files differ from the book's; what has no files is everybody's own.
    pub fn is_own(&self, mine: &Rebuild) -> bool {
        let Unit::Step(_) = self else { return true };
        let files = self.files(&mine.chapter);
        let same = |file: &std::path::PathBuf| {
            mine.read(file).ok().flatten() == fs::read(mine.chapter.dir.join(file)).ok()
        };
        files.is_empty() || !files.iter().all(same)
    }

    /// The reader's files for it, below the rebuild's folder.
    pub fn files(&self, chapter: &Chapter) -> Vec<std::path::PathBuf> {
        match self {
            Unit::Step(step) => {
                let below = |path: std::path::PathBuf| {
                    path.strip_prefix(&chapter.dir).map(Path::to_path_buf).unwrap_or(path)
                };
                chapter.step_files(step).into_iter().map(below).collect()
            }
            Unit::Exercise(exercise) => vec![format!("exercises/{}.rs", exercise.id).into()],
        }
    }
}

/// Everything that a chapter has to judge: its steps, and its exercises too if `all`.
pub fn units(chapter: &Chapter, all: bool) -> Vec<Unit> {
    let steps = chapter.steps.iter().cloned().map(Unit::Step);
    let exercises = chapter.exercises.iter().filter(|_| all).cloned().map(Unit::Exercise);
    steps.chain(exercises).collect()
}

/// What a check says of a unit.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// All of its tests pass.
    Right {
        /// How many tests.
        tests: usize,
        /// Whether the reader wrote it: the book's own source is right, but nobody's progress.
        own: bool,
    },
    /// A `todo!` of its own is reached, and nothing is wrong so far.
    Todo {
        /// What the first one stands for.
        what: String,
        /// How many tests pass already.
        passed: usize,
        /// How many there are.
        tests: usize,
    },
    /// All of its tests pass, and a `todo!` of the starter still stands in its files.
    Unfinished {
        /// What the first one stands for.
        what: String,
        /// How many stand.
        left: usize,
        /// How many tests pass.
        tests: usize,
    },
    /// A `todo!` of an earlier step is reached.
    Waits {
        /// `step 2`.
        on: String,
    },
    /// It does not compile.
    Broken(Vec<Fault>),
    /// Some of its tests fail.
    Wrong {
        /// Those that fail.
        failed: Vec<Trial>,
        /// How many pass.
        passed: usize,
        /// How many reach a `todo!`.
        todo: usize,
    },
    /// Something that it needs is not there: which, as a sentence.
    Missing(String),
}

/// A unit's verdict, and under which conditions it holds.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was judged.
    pub unit: Unit,
    /// What came out.
    pub verdict: Verdict,
    /// The steps that did not compile and were replaced by the book's for this verdict.
    pub on_book: Vec<usize>,
}

impl Report {
    /// Whether it passed.
    pub fn is_right(&self) -> bool {
        matches!(self.verdict, Verdict::Right { .. })
    }
}

/// How to judge.
#[derive(Debug, Clone)]
pub struct Judge<'a> {
    /// The repository.
    pub root: &'a Path,
    /// The reader's rebuild.
    pub mine: &'a Rebuild,
    /// Whether compiler messages are coloured.
    pub colour: bool,
    /// How long one test may take.
    pub limit: Duration,
    /// Stops it.
    pub cancel: Cancel,
}

impl Judge<'_> {
    /// Judges units in their order and reports each as soon as it is known. It is for the one whose [`turn`] it is.
    ///
    /// # Errors
    /// When nothing can be judged at all; [`crate::processes::Cancelled`].
    pub fn judge(&self, units: &[Unit], mut report: impl FnMut(Report)) -> Result<()> {
        let built = self.build(units)?;
        for unit in units {
            let verdict = self.verdict(unit, &built)?;
            let own = match unit {
                Unit::Step(step) => Some(step.number()),
                Unit::Exercise(_) => None,
            };
            // A step stands on those below it only; an exercise on all.
            let below = |step: &usize| own.is_none_or(|own| *step < own);
            let on_book = built.broken.keys().copied().filter(below).collect();
            report(Report { unit: unit.clone(), verdict, on_book });
        }
        Ok(())
    }

    /// Compiles until the library does: a step that does not compile is replaced by the book's.
    fn build(&self, units: &[Unit]) -> Result<Built> {
        let chapter = &self.mine.chapter;
        let mut built = Built::default();
        let mut instead = Files::new();
        for step in &chapter.steps {
            for file in Unit::Step(step.clone()).files(chapter) {
                if let Some(what) = missing(self.mine, &file) {
                    built.missing.entry(step.number()).or_insert(what);
                    built.broken.entry(step.number()).or_default();
                }
            }
        }
        for number in built.broken.keys() {
            self.put_book(*number, &mut instead)?;
        }
        let has_test = |unit: &&Unit| self.test_file(unit).is_file();
        let names: Vec<String> =
            units.iter().filter(has_test).map(|unit| unit.id().to_string()).collect();
        loop {
            compile::copy(self.root, self.mine, &instead)?;
            let dir = compile::copy_dir(self.root, self.mine);
            let target = self.root.join("target/my");
            built.compiled =
                compile::compile(&dir, &target, &names, &names, self.colour, &self.cancel)
                    .map_err(|error| self.named(&dir, error))?;
            let Some(faults) = built.compiled.in_library() else { return Ok(built) };
            let mut fresh: BTreeMap<usize, Vec<Fault>> = BTreeMap::new();
            for fault in faults {
                let module = compile::modules(std::slice::from_ref(fault)).pop_first().flatten();
                let step = module.and_then(|module| chapter.step_of_module(&module));
                if let Some(number) = step.map(Step::number)
                    && !built.broken.contains_key(&number)
                {
                    fresh.entry(number).or_default().push(fault.clone());
                }
            }
            if fresh.is_empty() {
                return Ok(built);
            }
            for (number, faults) in fresh {
                self.put_book(number, &mut instead)?;
                built.broken.insert(number, faults);
            }
        }
    }

    /// What cargo says of the copy is meant for the reader's folder.
    fn named(&self, copy: &Path, error: anyhow::Error) -> anyhow::Error {
        if error.is::<Cancelled>() {
            return error;
        }
        let mine = self.mine.shown("");
        let manifest = format!("--> {mine}Cargo.toml");
        let mut text = format!("{error:#}").replace("--> Cargo.toml", &manifest);
        for copy in [copy.canonicalize().unwrap_or_default(), copy.to_path_buf()] {
            let copy = copy.display().to_string();
            if !copy.is_empty() {
                text = text.replace(&copy, mine.trim_end_matches('/'));
            }
        }
        anyhow::Error::msg(text)
    }

    fn put_book(&self, number: usize, instead: &mut Files) -> Result<()> {
        let chapter = &self.mine.chapter;
        let step = &chapter.steps[number - 1];
        for file in (Unit::Step(step.clone())).files(chapter) {
            instead.insert(file.clone(), fs::read(chapter.dir.join(&file))?);
        }
        Ok(())
    }

    fn test_file(&self, unit: &Unit) -> std::path::PathBuf {
        self.mine.dir.join(format!("tests/{}.rs", unit.id()))
    }

    fn verdict(&self, unit: &Unit, built: &Built) -> Result<Verdict> {
        let chapter = &self.mine.chapter;
        let number = match unit {
            Unit::Step(step) => Some(step.number()),
            Unit::Exercise(_) => None,
        };
        if let Some(what) = number.and_then(|number| built.missing.get(&number)) {
            return Ok(Verdict::Missing(what.clone()));
        }
        if let Some(faults) = number.and_then(|number| built.broken.get(&number)) {
            return Ok(Verdict::Broken(faults.clone()));
        }
        let tests = self.mine.shown(format!("tests/{}.rs", unit.id()));
        if let Some(what) = missing(self.mine, Path::new(&format!("tests/{}.rs", unit.id()))) {
            return Ok(Verdict::Missing(what));
        }
        let compiled = &built.compiled;
        let last = number == Some(chapter.steps.len());
        let faults = compiled
            .in_library()
            .or_else(|| compiled.of("test", Some(unit.id())))
            .or_else(|| compiled.of("example", Some(unit.id())))
            .or_else(|| compiled.of("bin", None).filter(|_| last));
        if let Some(faults) = faults {
            return Ok(Verdict::Broken(faults.to_vec()));
        }
        let Some(program) = compiled.tests.get(unit.id()) else {
            anyhow::bail!("cargo has not built the tests of {}", unit.id());
        };
        let dir = compile::copy_dir(self.root, self.mine);
        let wanted = |name: &str| match unit {
            Unit::Step(_) => true,
            Unit::Exercise(_) => trial::of_exercise(name),
        };
        let slow = |name: &str| {
            if !self.cancel.is_cancelled() {
                let name = name.rsplit("::").next().unwrap_or(name);
                println!("  (still running: {name}; it is ended after {} s)", self.limit.as_secs());
            }
        };
        let package = format!("my-{}", chapter.name);
        let program = trial::Program { path: program, dir: &dir, package: &package };
        let trials = trial::run_all(program, self.limit, &self.cancel, slow, wanted);
        processes::sweep_own();
        let trials = trials?;
        let mut trials = trials;
        let source = fs::read_to_string(dir.join(format!("tests/{}.rs", unit.id())));
        in_source_order(&mut trials, &source.unwrap_or_default());
        if trials.is_empty() {
            return Ok(Verdict::Missing(format!("{tests} holds no test")));
        }
        Ok(self.sum_up(unit, trials))
    }

    /// What the starter's `todo!`s stand for that are left in the unit's own files, as they were judged, in their order.
    fn left(&self, unit: &Unit) -> Vec<String> {
        let dir = compile::copy_dir(self.root, self.mine);
        left(&dir, unit, &self.mine.chapter)
    }

    fn sum_up(&self, unit: &Unit, trials: Vec<Trial>) -> Verdict {
        let tests = trials.len();
        let passed = trials.iter().filter(|trial| trial.outcome == Outcome::Passed).count();
        let me = match unit {
            Unit::Step(step) => format!("step {}", step.number()),
            Unit::Exercise(exercise) => exercise.id.clone(),
        };
        let left = self.left(unit);
        let (mut own, mut others, mut todo) = (Vec::new(), None, 0);
        for trial in &trials {
            if let Outcome::Todo { owner, what } = &trial.outcome {
                todo += 1;
                if *owner == me {
                    own.push(what.clone());
                } else {
                    others.get_or_insert_with(|| owner.clone());
                }
            }
        }
        // Of those that are reached, the one that stands first in the source is to be written first.
        let place = |what: &String| left.iter().position(|left| left == what).unwrap_or(usize::MAX);
        let own = own.into_iter().min_by_key(place);
        let failed: Vec<Trial> = trials
            .into_iter()
            .filter(|trial| matches!(trial.outcome, Outcome::Failed(_)))
            .collect();
        match (failed.is_empty(), own, others) {
            (false, ..) => Verdict::Wrong { failed, passed, todo },
            (true, Some(what), _) => Verdict::Todo { what, passed, tests },
            (true, None, Some(on)) => Verdict::Waits { on },
            (true, None, None) if !left.is_empty() => {
                Verdict::Unfinished { what: left[0].clone(), left: left.len(), tests }
            }
            (true, None, None) => Verdict::Right { tests, own: unit.is_own(self.mine) },
        }
    }
}

/// Why there is nothing to be read in a file of the rebuild, if so. What is in the way of another must go first.
fn missing(mine: &Rebuild, file: &Path) -> Option<String> {
    let odd = match mine.read(file) {
        Ok(Some(_)) => return None,
        found => found.err(),
    };
    let what = backup::in_the_way(mine, file)
        .or_else(|| odd.map(|odd| format!("{} {odd}", mine.shown(file))));
    Some(match what {
        Some(what) => format!("{what}, to be moved away"),
        None => format!("{} is not there", mine.shown(file)),
    })
}

/// What the starter's `todo!`s stand for that are left in a unit's own files below `dir`, in the order of the source.
pub fn left(dir: &Path, unit: &Unit, chapter: &Chapter) -> Vec<String> {
    let is_own = |owner: &str| match unit {
        // Steps may have been renumbered since the reader began.
        Unit::Step(_) => owner.starts_with("step "),
        Unit::Exercise(exercise) => owner == exercise.id,
    };
    let text = |file| {
        let bytes = source::read(&dir.join(file), source::MAX_BYTES).ok().flatten();
        String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    };
    let files = unit.files(chapter).into_iter();
    let all = files.flat_map(|file| cut::left(&text(file)));
    all.filter(|left| is_own(&left.owner)).map(|left| left.what).collect()
}

/// Test programs list their tests by name; the reader meets them from the top of the file.
fn in_source_order(trials: &mut [Trial], source: &str) {
    trials.sort_by_cached_key(|trial| {
        let name = trial.name.rsplit("::").next().unwrap_or_default();
        source.find(&format!("fn {name}(")).unwrap_or(usize::MAX)
    });
}

/// Waits until no other runner checks: all share the copy below `target/` and what is built from it. Whoever holds the file
/// may write there, from laying out the copy until the last test has ended.
///
/// # Errors
/// When the file cannot be opened or locked.
pub fn turn(root: &Path) -> Result<File> {
    let target = root.join("target");
    let path = target.join("my.lock");
    let open = || -> io::Result<File> {
        fs::create_dir_all(&target)?;
        // Opened to write, as locks on network disks want it.
        File::options().create(true).truncate(false).write(true).open(&path)
    };
    let file = open().with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => println!("waiting for the check in another terminal"),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    while let Err(error) = file.lock() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(file)
}

/// What a compilation left to run.
#[derive(Debug, Default)]
struct Built {
    compiled: Compiled,
    /// Steps that the book's stand in for, and why.
    broken: BTreeMap<usize, Vec<Fault>>,
    /// Steps of which a file is gone, as a sentence.
    missing: BTreeMap<usize, String>,
}
