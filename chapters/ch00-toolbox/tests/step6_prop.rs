//! What step 6 must do: find what breaks a property, and make it small.

use std::cell::{Cell, RefCell};
use std::panic;
use std::process::Command;

use ch00_toolbox::prop::{Failure, Gen, check, search};

/// A list of numbers below 1,000.
fn numbers(g: &mut Gen) -> Vec<u64> {
    g.vec(30, |g| g.upto(999))
}

/// The smallest input for which `broken` holds, from several seeds.
fn shrunk<T: Clone + PartialEq + std::fmt::Debug>(
    make: impl Fn(&mut Gen) -> T,
    broken: impl Fn(&T) -> bool,
) -> T {
    let verdict = |input: &T| match broken(input) {
        true => Err("broken".to_owned()),
        false => Ok(()),
    };
    let found = |seed| search(seed, 2_000, &make, verdict).unwrap().input;
    let smallest = found(1);
    for seed in [1 << 20, 2 << 20, 3 << 20, 4 << 20] {
        assert_eq!(found(seed), smallest, "input: seed {seed}");
    }
    smallest
}

/// I1: the same seed gives the same input, another seed another one.
#[test]
fn a_seed_decides_everything() {
    let made = |seed| numbers(&mut Gen::seeded(seed));
    for seed in 0..200 {
        assert_eq!(made(seed), made(seed), "input: seed {seed}");
    }
    let different = (0..200).filter(|seed| made(*seed) != made(seed + 1));
    assert!(different.count() > 150);
}

/// I1: a failure's own seed finds it again as the first case.
#[test]
fn the_seed_of_a_failure_replays_it() {
    let holds = |list: &Vec<u64>| match list.contains(&999) {
        true => Err("has a 999".to_owned()),
        false => Ok(()),
    };
    let first: Failure<_> = search(1, 10_000, numbers, holds).unwrap();
    let again = search(first.seed, 1, numbers, holds).unwrap();
    assert_eq!(again.cases, 1, "input: seed {}", first.seed);
    assert_eq!(again.input, vec![999], "input: seed {}", first.seed);
}

/// I2: a shrunk input is one that the generator can make, whatever it asks
/// for: here the second number is never below the first.
#[test]
fn a_shrink_never_leaves_the_generator() {
    let pair = |g: &mut Gen| {
        let low = g.range(100, 1_000);
        (low, g.range(low, low + 50))
    };
    let seen = Cell::new(0);
    let holds = |(low, high): &(u64, u64)| {
        seen.set(seen.get() + 1);
        assert!((100..=1_000).contains(low) && low <= high);
        assert!(*high <= low + 50, "input: {low}, {high}");
        match *high > 700 {
            true => Err("high".to_owned()),
            false => Ok(()),
        }
    };
    let failure = search(5, 1_000, pair, holds).unwrap();
    assert_eq!(failure.why, "high", "input: {:?}", failure.input);
    assert_eq!(failure.input, (651, 701));
    assert!(seen.get() > failure.cases);
}

/// I3: the smallest input is found, the same from every start.
#[test]
fn shrinks_to_the_smallest() {
    let sum = |list: &Vec<u64>| list.iter().sum::<u64>();
    let number = |g: &mut Gen| g.upto(u64::MAX);
    assert_eq!(shrunk(number, |n| *n >= 1_234_567), 1_234_567);
    assert_eq!(shrunk(Gen::int, |n| *n < -77), -78);
    assert_eq!(shrunk(numbers, |list| list.len() >= 3), vec![0, 0, 0]);
    assert_eq!(shrunk(numbers, |list| sum(list) > 1_500), vec![502, 999]);
    let descends = |list: &Vec<u64>| list.windows(2).any(|w| w[0] > w[1]);
    assert_eq!(shrunk(numbers, descends), vec![1, 0]);
    let twice = |list: &Vec<u64>| {
        let mut seen = list.clone();
        seen.sort();
        seen.windows(2).any(|w| w[0] == w[1])
    };
    assert_eq!(shrunk(numbers, twice), vec![0, 0]);
    let quoted = |text: &String| text.contains('"');
    assert_eq!(shrunk(|g: &mut Gen| g.text(20), quoted), "\"");
}

/// I3: also where a length comes first and the items after it.
#[test]
fn shrinks_a_list_that_starts_with_its_length() {
    let counted = |g: &mut Gen| {
        let n = g.upto(12);
        (0..n).map(|_| g.upto(99)).collect::<Vec<_>>()
    };
    assert_eq!(shrunk(counted, |list| list.contains(&57)), vec![57]);
}

/// A shrink ends with its runs, however large the input: here eight thousand
/// numbers of which none can be changed.
#[test]
fn a_shrink_is_bounded() {
    let list = |g: &mut Gen| (0..8_000).map(|_| g.upto(99)).collect();
    let first = RefCell::new(None);
    let only_the_first = |input: &Vec<u64>| {
        let mut first = first.borrow_mut();
        match first.get_or_insert_with(|| input.clone()) == input {
            true => Err("the first".to_owned()),
            false => Ok(()),
        }
    };
    let failure = search(1, 1, list, only_the_first).unwrap();
    assert_eq!(failure.runs, 4_000);
    assert_eq!(Some(failure.input), first.take());
}

/// A panic in the property is a failure like any other, with its message.
#[test]
fn a_panic_breaks_the_property() {
    let holds = |list: &Vec<u64>| {
        assert!(list.len() < 2, "two or more");
        Ok(())
    };
    let failure = search(1, 1_000, numbers, holds).unwrap();
    assert_eq!(failure.input, vec![0, 0]);
    assert!(failure.why.contains("two or more"), "{}", failure.why);
}

/// A property that holds is held against every case, and reports nothing.
#[test]
fn a_property_that_holds_runs_every_case() {
    let runs = Cell::new(0);
    check(
        "reversing twice gives the same list",
        1_000,
        numbers,
        |list| {
            runs.set(runs.get() + 1);
            let mut twice = list.clone();
            twice.reverse();
            twice.reverse();
            match twice == *list {
                true => Ok(()),
                false => Err(format!("got {twice:?}")),
            }
        },
    );
    assert_eq!(runs.get(), 1_000);
}

/// An exercise's tests are left out until they are asked for, and so is what
/// replays their failure.
#[test]
fn the_replay_asks_for_a_test_that_is_left_out() {
    let own = std::thread::current();
    let name = own.name().unwrap(); // with the module's, if it is in one
    if std::env::var_os("STEP6_BROKEN").is_some() {
        check("nothing", 1, numbers, |_| Err("broken".into()));
    }
    numbers(&mut Gen::replaying(&[]));
    let tests = std::env::current_exe().unwrap();
    for (flag, end) in [
        ("--nocapture", format!(" {name}\n")),
        (
            "--include-ignored",
            format!(" {name} -- --include-ignored\n"),
        ),
    ] {
        let args = ["--exact", name, "--test-threads=2", flag];
        let mut again = Command::new(&tests);
        again.args(args).env("STEP6_BROKEN", "1");
        let output = again.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout)
            + String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&end), "input: {flag}, got: {said}");
    }
}

/// What a failed check prints can be pasted into a shell.
#[test]
fn the_report_says_how_to_replay() {
    let failed = || {
        let no_nines = |list: &Vec<u64>| match list.iter().find(|n| **n > 8) {
            Some(n) => Err(format!("{n} is above 8")),
            None => Ok(()),
        };
        check("no number above 8", 1_000, numbers, no_nines);
    };
    let payload = panic::catch_unwind(failed).unwrap_err();
    let report = match payload.downcast::<String>() {
        Ok(report) => *report,
        Err(other) => panic::resume_unwind(other), // not check's own words
    };
    let test = "the_report_says_how_to_replay";
    for part in [
        "`no number above 8` is broken: seed=0x",
        "input: [9]",
        "why: 9 is above 8",
        "replay: WORKBOOK_SEED=0x",
        test,
    ] {
        assert!(report.contains(part), "no {part:?} in: {report}");
    }
}

/// A generator that asks without an end is fed zeros, and ends by them.
#[test]
fn a_runaway_generator_ends() {
    fn nested(g: &mut Gen) -> u64 {
        let mut depth = 0;
        while g.upto(9) > 0 || depth < 10 {
            depth += 1;
            if depth > 1 << 20 {
                break;
            }
        }
        depth
    }
    let greedy = |g: &mut Gen| {
        let mut n = 0;
        while g.range(0, 1) == 1 || n < 100_000 {
            n += 1;
        }
        n
    };
    assert_eq!(nested(&mut Gen::replaying(&[])), 10);
    assert_eq!(greedy(&mut Gen::seeded(1)), 100_000);
}
