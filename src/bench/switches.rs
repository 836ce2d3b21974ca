//! How often the threads of a process and of all below it were taken off a processor.
//!
//! ```text
//! /proc/PID/stat                ── the parent of every process ──> the tree
//! /proc/PID/task/TID/status     ── voluntary_ctxt_switches: it waited; nonvoluntary_ctxt_switches: its time was up
//! ```
//!
//! A thread takes its counters with it when it ends, so they are read again and again, and the last that was seen of each
//! thread counts. What a thread did between the last look and its end is lost; so is a thread that came and went between two.
//!
//! Left out: the counters of `wait4`, which have ended threads as well, but only for a server that has ended.

use std::collections::HashMap;
use std::fs;

use anyhow::{Result, bail};

/// The switches of a tree of processes, as far as they were seen.
#[derive(Debug)]
pub struct Switches {
    root: i32,
    before: u64,
    seen: HashMap<(i32, i32), u64>,
}

impl Switches {
    /// Takes what the tree has now for its beginning.
    ///
    /// # Errors
    /// Where the system does not say: it takes a /proc like Linux's.
    pub fn before(root: i32) -> Result<Switches> {
        let mut switches = Switches { root, before: 0, seen: HashMap::new() };
        switches.look();
        if switches.seen.is_empty() {
            bail!("cannot count the switches of process {root}: that takes Linux's /proc");
        }
        switches.before = switches.seen.values().sum();
        Ok(switches)
    }

    /// Reads the counters of the threads that there are.
    pub fn look(&mut self) {
        for pid in tree(self.root) {
            for thread in numbers(&format!("/proc/{pid}/task")) {
                let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status"));
                if let Some(count) = status.ok().as_deref().and_then(count) {
                    let seen = self.seen.entry((pid, thread)).or_default();
                    *seen = count.max(*seen);
                }
            }
        }
    }

    /// How many there were between the beginning and the last look.
    pub fn since(&self) -> u64 {
        self.seen.values().sum::<u64>().saturating_sub(self.before)
    }
}

/// Both counters of a thread's `status`, added up.
fn count(status: &str) -> Option<u64> {
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    Some(number("voluntary_ctxt_switches:")? + number("nonvoluntary_ctxt_switches:")?)
}

/// A process and its descendants.
fn tree(root: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for pid in numbers("/proc") {
        // `7 (a name) S 1 …`: the name may hold anything, so what follows it is found from the end.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|parent| parent.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let below = children.remove(pid).unwrap_or_default();
        found.extend(below);
        next += 1;
    }
    found
}

/// The names in a folder that are numbers.
fn numbers(folder: &str) -> Vec<i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn switches_of_threads_and_of_what_is_below_count_and_those_of_the_ended_stay() {
        use std::process::{Command, Stdio};
        use std::sync::mpsc;
        use std::thread;

        let own = std::process::id() as i32;
        let mut cat = Command::new("cat");
        let mut cat =
            cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process below");
        let mut switches = Switches::before(own).expect("Linux");
        let pid = cat.id() as i32;
        assert!(tree(own).contains(&pid), "the child is in the tree");
        assert!(switches.seen.contains_key(&(pid, pid)), "and is counted");
        // Two threads that hand a ball to and fro: each waits a hundred times.
        let (there, caught) = mpsc::sync_channel::<mpsc::SyncSender<()>>(0);
        let other = thread::spawn(move || {
            caught.iter().for_each(|back| back.send(()).expect("the first waits"))
        });
        for _ in 0..100 {
            let (back, returned) = mpsc::sync_channel(0);
            there.send(back).expect("the other is there");
            returned.recv().expect("the ball");
        }
        switches.look();
        let with_both = switches.since();
        assert!(with_both >= 100, "{with_both}");
        drop(there);
        other.join().expect("the other ends");
        drop(cat.stdin.take());
        cat.wait().expect("cat ends");
        switches.look();
        assert!(switches.since() >= with_both, "what ended still counts");
    }

    #[test]
    fn both_kinds_of_switches_are_read() {
        let status = "Name:\ta\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t30\n";
        assert_eq!(count(status), Some(42), "input: {status}");
        assert_eq!(count("Name:\ta\n"), None, "input: no counters");
    }
}
