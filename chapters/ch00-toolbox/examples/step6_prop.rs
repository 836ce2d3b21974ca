//! The stage of step 6: a sorting routine with a bug, and the smallest list
//! that shows it.

use std::process::ExitCode;

use ch00_toolbox::args::{self, Command, Opt, Stop};
use ch00_toolbox::prop::{Gen, search};

const COMMAND: Command = Command {
    name: "step6_prop",
    about: "find the smallest list that a broken merge sort gets wrong",
    operands: "",
    options: &[
        Opt {
            name: "seed",
            value: Some("N"),
            default: Some("1"),
            help: "where to start",
        },
        Opt {
            name: "cases",
            value: Some("N"),
            default: Some("1000"),
            help: "how many lists to try",
        },
    ],
    try_it: "step6_prop --seed 2\nstep6_prop --cases 1",
};

/// A merge that loses a number which stands on both sides.
fn merge(left: &[u64], right: &[u64]) -> Vec<u64> {
    let (mut i, mut j, mut merged) = (0, 0, Vec::new());
    while i < left.len() && j < right.len() {
        if left[i] < right[j] {
            merged.push(left[i]);
            i += 1;
        } else if left[i] > right[j] {
            merged.push(right[j]);
            j += 1;
        } else {
            merged.push(left[i]);
            (i, j) = (i + 1, j + 1);
        }
    }
    merged.extend(&left[i..]);
    merged.extend(&right[j..]);
    merged
}

fn sort(list: &[u64]) -> Vec<u64> {
    match list {
        [] | [_] => list.to_vec(),
        _ => {
            let (left, right) = list.split_at(list.len() / 2);
            merge(&sort(left), &sort(right))
        }
    }
}

fn sorts(list: &[u64]) -> Result<(), String> {
    let mut expected = list.to_owned();
    expected.sort();
    let got = sort(list);
    match got == expected {
        true => Ok(()),
        false => Err(format!("expected {expected:?}, got {got:?}")),
    }
}

fn lists(g: &mut Gen) -> Vec<u64> {
    g.vec(40, |g| g.upto(1_000_000))
}

fn run() -> Result<(), Stop> {
    let parsed = COMMAND.from_env();
    let (seed, cases) = (parsed.value("seed")?, parsed.value("cases")?);
    match search(seed, cases, lists, |list| sorts(list)) {
        None => println!("{cases} lists are sorted"),
        Some(found) => {
            let first = lists(&mut Gen::seeded(found.seed));
            println!("seed {}: {} numbers", found.seed, first.len());
            println!("shrunk in {} runs to {:?}", found.runs, found.input);
            println!("choices {:?}", found.choices);
            println!("{}", found.why);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => args::usage(COMMAND.name, stop),
    }
}
