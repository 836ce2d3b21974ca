//! The processes below this one: what they use, and how to end all of them.
//!
//! Linux says who a task's children are in `/proc/PID/task/TID/children`; where the kernel was built without it, every
//! process's parent is read instead. Elsewhere there is no /proc, and the program's process group stands for its tree.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal};

/// Rounds of stopping before the killing starts. A tree that still grows is killed as it stands, and then again.
const FREEZE_ROUNDS: usize = 20;

/// What a tree of processes uses at one moment.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Live processes.
    pub processes: u64,
    /// Their threads.
    pub threads: u64,
    /// Their resident memory in bytes; what they share counts for each.
    pub memory: u64,
    /// Their time on a processor; of those that are gone, too, as far as it was seen.
    pub cpu: Duration,
}

/// Measures this process's descendants again and again.
#[derive(Debug, Default)]
pub struct Tree {
    /// Time of processes that were seen and are gone.
    ended: Duration,
    /// The last time that was seen of each live process.
    seen: Vec<(i32, Duration)>,
}

impl Tree {
    /// What all descendants use now.
    pub fn measure(&mut self) -> Usage {
        let mut usage = Usage::default();
        let mut now = Vec::new();
        for pid in descendants() {
            let Some(stat) = Stat::read(pid) else { continue };
            if stat.state == b'Z' {
                continue;
            }
            usage.processes += 1;
            usage.threads += stat.threads;
            usage.memory += stat.memory;
            now.push((pid, stat.cpu));
        }
        for (pid, cpu) in &self.seen {
            if !now.iter().any(|(other, _)| other == pid) {
                self.ended += *cpu;
            }
        }
        usage.cpu = self.ended + now.iter().map(|(_, cpu)| *cpu).sum::<Duration>();
        self.seen = now;
        usage
    }
}

/// Stops, then kills every descendant and the process group of `program`. Returns how many live ones there were beside it.
pub fn kill_all(program: i32) -> u64 {
    let mut frozen: BTreeSet<i32> = BTreeSet::new();
    for _ in 0..FREEZE_ROUNDS {
        let fresh: Vec<i32> =
            descendants().into_iter().filter(|pid| !frozen.contains(pid)).collect();
        if fresh.is_empty() {
            break;
        }
        for pid in fresh {
            signal(pid, Signal::STOP);
            frozen.insert(pid);
        }
    }
    let beside = frozen
        .iter()
        .filter(|pid| **pid != program && Stat::read(**pid).is_some_and(|stat| stat.state != b'Z'))
        .count();
    for pid in &frozen {
        signal(*pid, Signal::KILL);
    }
    // The group holds what has no entry above where there is no /proc.
    #[cfg(not(target_os = "linux"))]
    if let Some(group) = Pid::from_raw(program) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    beside as u64
}

fn signal(pid: i32, signal: Signal) {
    // 0 and below would mean a group, or everything.
    if pid > 1
        && let Some(pid) = Pid::from_raw(pid)
    {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// All processes below this one, nearest first.
fn descendants() -> Vec<i32> {
    let own = std::process::id() as i32;
    if !fs::exists(format!("/proc/{own}/task/{own}/children")).unwrap_or(false) {
        return descendants_by_parent(own);
    }
    let mut found = children(own);
    let mut next = 0;
    while next < found.len() {
        let below = children(found[next]);
        found.extend(below);
        next += 1;
    }
    found
}

fn children(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(text.split_ascii_whitespace().filter_map(|id| id.parse::<i32>().ok()));
    }
    found
}

fn descendants_by_parent(own: i32) -> Vec<i32> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok())
            && let Some(stat) = Stat::read(pid)
        {
            pairs.push((pid, stat.parent));
        }
    }
    let mut found = vec![own];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(pairs.iter().filter(|(_, above)| *above == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.remove(0);
    found
}

/// The fields of `/proc/PID/stat` that matter here.
struct Stat {
    state: u8,
    parent: i32,
    cpu: Duration,
    threads: u64,
    memory: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Stat> {
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// proc(5): `pid (name) state ppid …`. A name may hold spaces and parentheses, so fields count from the last `)`; the
    /// first after it is field 3.
    fn parse(text: &str) -> Option<Stat> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        // Times are in ticks of 1/100 s (USER_HZ, the same on every Linux), memory in pages.
        let ticks = number(14)? + number(15)?;
        Some(Stat {
            state: *fields.first()?.as_bytes().first()?,
            parent: fields.get(1)?.parse().ok()?,
            cpu: Duration::from_millis(ticks * 10),
            threads: number(20)?,
            memory: number(24)? * rustix::param::page_size() as u64,
        })
    }
}

/// How many tasks this process's user has: what `RLIMIT_NPROC` counts against.
#[cfg(target_os = "linux")]
pub fn tasks_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::getuid().as_raw();
    let mut tasks = 0;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if entry.metadata().is_ok_and(|metadata| metadata.uid() == own) {
            tasks += Stat::read(pid).map_or(0, |stat| stat.threads);
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let text = "42 (a) b (c) R 7 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 3 0 1000 1048576 \
                    10 18446744073709551615";
        let stat = Stat::parse(text).expect("a whole line");
        assert_eq!(stat.state, b'R');
        assert_eq!(stat.parent, 7);
        assert_eq!(stat.cpu, Duration::from_secs(2));
        assert_eq!(stat.threads, 3);
        assert_eq!(stat.memory, 10 * rustix::param::page_size() as u64);
    }

    #[test]
    fn a_line_that_is_cut_short_is_no_process() {
        assert!(Stat::parse("42 (a) R 7 42").is_none());
        assert!(Stat::parse("").is_none());
    }
}
