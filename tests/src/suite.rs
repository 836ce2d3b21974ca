//! Suites run at the same time: most of them wait, for a page, a stage or a limit, and while they do, others compile.
//!
//! ```text
//!         ┌─ plain ─▶ its suite's lane ──────────────────────▶ run
//! a case ─┼─ work ──▶ a place among the processors, no haste ─▶ run
//!         └─ alone ─▶ when every plain case has ended ─────────▶ run
//! ```
//!
//! - What only computes (page blocks, starters, rules) is *work*. It runs with a low priority, so that whoever waits for an answer
//!   gets it at once, and as many at a time as there are processors.
//! - What exhausts something that others need (processes, memory, the queue of runs) runs *alone*: after all others but for work.
//! - Everything else runs in the lane of its suite, which is as wide as the suite can bear.
//!
//! A case has a thread of its own from the beginning and waits in it; `--test-threads=1` runs one after another as ever.
//!
//! What passed, and has not changed since, is not run again (`memory.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::memory::Memory;

/// How much of the processors work leaves to others: half of what a process can give up.
const NICE: i32 = 10;

/// What a case does.
pub type Run = Box<dyn FnOnce() -> Result<Completion, Failed> + Send>;

/// Something to test.
pub struct Case {
    name: String,
    run: Run,
    lane: Option<(String, usize)>,
    kind: Kind,
    ignored: Option<&'static str>,
    memory: Option<Memory>,
}

/// What a case does to others that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It mostly waits.
    Plain,
    /// It computes, and nobody waits for it.
    Work,
    /// It takes what others need.
    Alone,
}

impl Case {
    /// A case that passes unless it panics or returns an error.
    pub fn new(
        name: impl Into<String>,
        run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
    ) -> Case {
        Case::ignorable(name, move || run().map(|()| Completion::Completed))
    }

    /// A case that may find out that it cannot be run here.
    pub fn ignorable(
        name: impl Into<String>,
        run: impl FnOnce() -> Result<Completion, Failed> + Send + 'static,
    ) -> Case {
        let (name, run) = (name.into(), Box::new(run));
        Case { name, run, lane: None, kind: Kind::Plain, ignored: None, memory: None }
    }

    /// It computes, and nobody waits for it.
    pub fn work(self) -> Case {
        Case { kind: Kind::Work, ..self }
    }

    /// It takes what others need.
    pub fn alone(self) -> Case {
        Case { kind: Kind::Alone, ..self }
    }

    /// At most `width` cases of this lane run at a time.
    pub fn lane(self, name: impl Into<String>, width: usize) -> Case {
        Case { lane: Some((name.into(), width)), ..self }
    }

    /// It is not run, for a reason.
    pub fn ignored(self, why: Option<&'static str>) -> Case {
        Case { ignored: why, ..self }
    }

    /// It is known to pass for as long as what this memory stands for has not changed, whatever becomes of its suite.
    pub fn remembered(self, memory: Memory) -> Case {
        Case { memory: Some(memory), ..self }
    }
}

/// Functions that fail by a panic, by their names.
pub fn cases(tests: &'static [(&'static str, fn())]) -> impl Iterator<Item = Case> {
    tests.iter().map(|(name, test)| {
        Case::new(*name, || {
            test();
            Ok(())
        })
    })
}

/// A file of cases.
pub struct Suite {
    /// What its cases' names begin with.
    pub name: &'static str,
    /// How many of its cases, other than work, run at a time, unless they have lanes of their own.
    pub width: usize,
    /// Whether it is not run again before something changes.
    pub is_remembered: bool,
    /// In the order in which they are begun.
    pub cases: Vec<Case>,
}

/// What the cases of a suite share: it is made for the first, and goes with the last.
pub struct Shared<T> {
    made: OnceLock<Result<T, String>>,
    make: fn() -> Result<T>,
}

impl<T> Shared<T> {
    /// What this makes when it is asked for.
    pub fn new(make: fn() -> Result<T>) -> Arc<Shared<T>> {
        Arc::new(Shared { made: OnceLock::new(), make })
    }

    /// What was made.
    ///
    /// # Errors
    /// Why it could not be made.
    pub fn get(&self) -> Result<&T, String> {
        let made = self.made.get_or_init(|| (self.make)().map_err(|error| format!("{error:#}")));
        made.as_ref().map_err(Clone::clone)
    }
}

/// Runs what the command line asks for.
pub fn main(suites: Vec<Suite>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let yard = Arc::new(Yard::default());
    let (mut trials, mut alone) = (Vec::new(), Vec::new());
    let mut memories = Vec::new();
    let mut known_suites = BTreeSet::new();
    for suite in suites {
        let memory = suite.is_remembered.then(|| Memory::of(suite.name));
        let is_known = memory.as_ref().is_some_and(|memory| memory.is_known(&arguments));
        let passed = Arc::new(AtomicUsize::new(0));
        let count = suite.cases.len();
        for case in suite.cases {
            let holds = |memory: &Memory| memory.is_known(&arguments);
            let is_known = is_known || case.memory.as_ref().is_some_and(holds);
            if is_known {
                known_suites.insert(suite.name);
            }
            let name = format!("{}::{}", suite.name, case.name);
            let is_ignored = is_known || case.ignored.is_some();
            let place = Place {
                ticket: trials.len() + alone.len(),
                lane: case.lane.or_else(|| {
                    (case.kind != Kind::Work).then(|| (suite.name.into(), suite.width))
                }),
                kind: case.kind,
            };
            let (own, passed) = (Arc::clone(&yard), Arc::clone(&passed));
            let trial = Trial::ignorable_test(name, move || {
                let done = own.run(&place, case.run)?;
                if matches!(done, Completion::Completed) {
                    passed.fetch_add(1, Ordering::SeqCst);
                    case.memory.iter().for_each(Memory::keep);
                }
                Ok(done)
            });
            let trial = trial.with_ignored_flag(is_ignored);
            let trial = trial.with_kind(case.ignored.unwrap_or_default());
            if case.kind == Kind::Plain
                && !arguments.is_filtered_out(&trial)
                && !arguments.is_ignored(&trial)
            {
                yard.expect_plain();
            }
            match case.kind {
                // Last, however few threads there are: it waits for the others to end, so they must have begun.
                Kind::Alone => alone.push(trial),
                Kind::Plain | Kind::Work => trials.push(trial),
            }
        }
        memories.extend(memory.map(|memory| (memory, passed, count)));
    }
    if !known_suites.is_empty() && !arguments.list {
        let names: Vec<&str> = known_suites.into_iter().collect();
        println!(
            "not run again, as it passed and has not changed (WORKBOOK_FRESH=1 runs it): {}",
            names.join(", ")
        );
    }
    trials.append(&mut alone);
    arguments.test_threads = arguments.test_threads.or(Some(trials.len().max(1)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    for (memory, passed, count) in memories {
        if !arguments.list && count > 0 && passed.load(Ordering::SeqCst) == count {
            memory.keep();
        }
    }
    conclusion.exit_code()
}

/// Where a case stands in line.
#[derive(Debug)]
pub struct Place {
    /// Its number: in a lane, the least goes first.
    pub ticket: usize,
    /// The lane, and how many run in it at a time.
    pub lane: Option<(String, usize)>,
    /// What it does to others.
    pub kind: Kind,
}

/// Where cases wait for their turn.
#[derive(Default)]
pub struct Yard {
    state: Mutex<State>,
    /// No plain case is left.
    is_quiet: Condvar,
}

#[derive(Default)]
struct State {
    /// Plain cases that have not ended.
    plain: usize,
    lanes: BTreeMap<String, Lane>,
}

#[derive(Default)]
struct Lane {
    running: usize,
    /// By their tickets: the first is the next.
    waiting: BTreeMap<usize, Thread>,
}

/// The lanes of those that work and of those that run alone.
const WORK: &str = "";
const ALONE: &str = " ";

impl Yard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more plain case will come: those that run alone wait for it.
    pub fn expect_plain(&self) {
        self.state().plain += 1;
    }

    /// Runs a case when it is its turn.
    ///
    /// # Errors
    /// Those of the case.
    pub fn run(&self, place: &Place, run: Run) -> Result<Completion, Failed> {
        let ticket = place.ticket;
        let turn = || match place.kind {
            Kind::Plain => {
                let ended = panic::catch_unwind(AssertUnwindSafe(run));
                let mut state = self.state();
                state.plain -= 1;
                if state.plain == 0 {
                    self.is_quiet.notify_all();
                }
                drop(state);
                ended.unwrap_or_else(|payload| panic::resume_unwind(payload))
            }
            Kind::Work => {
                let processors = thread::available_parallelism().map_or(1, usize::from);
                self.within(ticket, WORK, processors, || without_haste(run))
            }
            Kind::Alone => self.within(ticket, ALONE, 1, || {
                let wait =
                    |state| self.is_quiet.wait_while(state, |state: &mut State| state.plain > 0);
                drop(wait(self.state()).unwrap_or_else(PoisonError::into_inner));
                run()
            }),
        };
        match &place.lane {
            // What is to run alone must not keep its lane from the others, for which it waits.
            Some((lane, width)) if place.kind != Kind::Alone => {
                self.within(ticket, lane, *width, turn)
            }
            _ => turn(),
        }
    }

    /// Runs something while not more than `width` others run in the lane.
    fn within<T>(&self, ticket: usize, lane: &str, width: usize, run: impl FnOnce() -> T) -> T {
        loop {
            let mut state = self.state();
            let own = state.lanes.entry(lane.into()).or_default();
            own.waiting.insert(ticket, thread::current());
            if own.running < width && own.waiting.first_key_value().map(|(t, _)| *t) == Some(ticket)
            {
                own.waiting.remove(&ticket);
                own.running += 1;
                own.wake_next();
                break;
            }
            drop(state);
            thread::park();
        }
        let ended = panic::catch_unwind(AssertUnwindSafe(run));
        let mut state = self.state();
        let own = state.lanes.entry(lane.into()).or_default();
        own.running -= 1;
        own.wake_next();
        drop(state);
        ended.unwrap_or_else(|payload| panic::resume_unwind(payload))
    }
}

impl Lane {
    /// Lets the next look whether it can go.
    fn wake_next(&self) {
        if let Some((_, next)) = self.waiting.first_key_value() {
            next.unpark();
        }
    }
}

/// Runs something in a thread of its own, which leaves the processors to others: a thread cannot take its priority back, and
/// what it starts inherits it.
fn without_haste(run: Run) -> Result<Completion, Failed> {
    let ended = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // Elsewhere the priority is the whole process's.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::nice(NICE);
            run()
        });
        thread.join()
    });
    ended.unwrap_or_else(|payload| panic::resume_unwind(payload))
}
