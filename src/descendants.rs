//! The processes below this one: what they use, and how to end all of them.
//!
//! Linux says who a task's children are in `/proc/PID/task/TID/children`; where the kernel was built without it, every
//! process's parent is read instead. Elsewhere there is no /proc, and the program's process group stands for its tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use rustix::process::Signal;

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
    seen: Vec<(Process, Duration)>,
}

impl Tree {
    /// What all descendants use now.
    pub fn measure(&mut self) -> Usage {
        let mut usage = Usage::default();
        let mut now = Vec::new();
        for process in descendants() {
            let Some(stat) = process.stat().filter(|stat| stat.state != b'Z') else { continue };
            usage.processes += 1;
            usage.threads += stat.threads;
            usage.memory += stat.memory;
            now.push((process, stat.cpu));
        }
        for (process, cpu) in &self.seen {
            if !now.iter().any(|(other, _)| other == process) {
                self.ended += *cpu;
            }
        }
        usage.cpu = self.ended + now.iter().map(|(_, cpu)| *cpu).sum::<Duration>();
        self.seen = now;
        usage
    }
}

/// Stops, then kills every descendant. Returns how many live ones there were beside `program`.
pub fn kill_all(program: i32) -> u64 {
    let frozen = freeze(descendants);
    let lives = |process: &&Process| process.stat().is_some_and(|stat| stat.state != b'Z');
    let beside = frozen.values().filter(|process| process.pid != program).filter(lives).count();
    for process in frozen.values() {
        process.signal(Signal::KILL);
    }
    // Where there is no /proc, the program's group stands for its tree.
    #[cfg(not(target_os = "linux"))]
    if let Some(group) = rustix::process::Pid::from_raw(program) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    beside as u64
}

/// Stops, then kills what has come to this process, a subreaper, from a leader that was killed, and says whether there was any.
/// A leader has a session of its own, and what is below it cannot get back into this one: so all that is in other sessions
/// has come, but for the `known` and what is below them.
#[cfg(target_os = "linux")]
pub fn kill_strays(known: &BTreeSet<i32>) -> bool {
    use rustix::process::{Pid, WaitOptions, waitpid};
    let Some((own, stat)) = Process::find(std::process::id() as i32) else { return false };
    let is_ours = |process: &Process, other: &Stat| {
        known.contains(&process.pid) || other.session == stat.session
    };
    let frozen = freeze(|| below(own, is_ours));
    for process in frozen.values() {
        process.signal(Signal::KILL);
    }
    for process in frozen.values() {
        // Those that are this process's own by now; the others will be when these are gone.
        if let Some(pid) = Pid::from_raw(process.pid) {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
    !frozen.is_empty()
}

/// Stops what `look` finds, until it finds nothing that is new.
fn freeze(look: impl Fn() -> Vec<Process>) -> BTreeMap<i32, Process> {
    let mut frozen: BTreeMap<i32, Process> = BTreeMap::new();
    for _ in 0..FREEZE_ROUNDS {
        let fresh: Vec<Process> = look()
            .into_iter()
            .filter(|process| frozen.get(&process.pid).is_none_or(|old| old.start != process.start))
            .collect();
        if fresh.is_empty() {
            break;
        }
        for process in fresh {
            process.signal(Signal::STOP);
            frozen.insert(process.pid, process);
        }
    }
    frozen
}

/// Asks one child to end.
pub fn terminate(program: i32) {
    signal(program, Signal::TERM);
}

/// Sends a signal to one child, if it still runs.
pub fn signal(program: i32, signal: Signal) {
    #[cfg(target_os = "linux")]
    if let Some(child) = descendants().iter().find(|process| process.pid == program) {
        child.signal(signal);
    }
    #[cfg(not(target_os = "linux"))]
    if let Some(pid) = rustix::process::Pid::from_raw(program) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Whether a process stands still, as after Ctrl-Z or under a debugger.
pub fn is_stopped(pid: i32) -> bool {
    Stat::read(pid).is_some_and(|stat| matches!(stat.state, b'T' | b't'))
}

/// A process that was seen. Its number alone does not name it: a fork bomb runs through all numbers in seconds, and the one
/// of a process that has ended may by now be somebody else's, or that of a thread of somebody else's. Number and start
/// together do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    /// In ticks since the machine's start.
    start: u64,
}

impl Process {
    fn find(pid: i32) -> Option<(Process, Stat)> {
        let stat = Stat::read(pid)?;
        Some((Process { pid, start: stat.start }, stat))
    }

    /// What is known of it, if it is still the same.
    fn stat(&self) -> Option<Stat> {
        Stat::read(self.pid).filter(|stat| stat.start == self.start)
    }

    #[cfg(target_os = "linux")]
    fn signal(&self, signal: Signal) {
        use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        // Opened first and looked at then: what is signalled is what was looked at.
        if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
            && self.stat().is_some()
        {
            let _ = pidfd_send_signal(handle, signal);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn signal(&self, _: Signal) {}
}

/// All processes below this one, nearest first.
fn descendants() -> Vec<Process> {
    let own = std::process::id() as i32;
    let Some((own, _)) = Process::find(own) else { return Vec::new() };
    below(own, |_, _| false)
}

/// All processes below one, nearest first, without those that `skip` names and what is below them.
fn below(own: Process, skip: impl Fn(&Process, &Stat) -> bool) -> Vec<Process> {
    let listed = fs::exists(format!("/proc/{0}/task/{0}/children", own.pid)).unwrap_or(false);
    let pairs = if listed { Vec::new() } else { all_pairs() };
    let mut found = vec![own];
    let mut known: BTreeSet<i32> = BTreeSet::from([own.pid]);
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        next += 1;
        let below = if listed {
            children(parent.pid)
        } else {
            pairs.iter().filter(|(_, above)| *above == parent.pid).map(|(pid, _)| *pid).collect()
        };
        for pid in below {
            // A child is one that names its parent while the parent is still the one that was seen.
            if let Some((process, stat)) = Process::find(pid)
                && stat.parent == parent.pid
                && parent.stat().is_some()
                && known.insert(pid)
                && !skip(&process, &stat)
            {
                found.push(process);
            }
        }
    }
    found.remove(0);
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

/// Every process and its parent, where the kernel keeps no lists of children.
fn all_pairs() -> Vec<(i32, i32)> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok())
            && let Some(stat) = Stat::read(pid)
        {
            pairs.push((pid, stat.parent));
        }
    }
    pairs
}

/// The fields of `/proc/PID/stat` that matter here.
struct Stat {
    state: u8,
    parent: i32,
    session: i32,
    cpu: Duration,
    threads: u64,
    start: u64,
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
            session: fields.get(3)?.parse().ok()?,
            cpu: Duration::from_millis(ticks * 10),
            threads: number(20)?,
            start: number(22)?,
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
        let text = "42 (a) b (c) R 7 42 43 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 3 0 1000 1048576 \
                    10 18446744073709551615";
        let stat = Stat::parse(text).expect("a whole line");
        assert_eq!(stat.state, b'R');
        assert_eq!((stat.parent, stat.session), (7, 43));
        assert_eq!(stat.cpu, Duration::from_secs(2));
        assert_eq!(stat.threads, 3);
        assert_eq!(stat.start, 1000);
        assert_eq!(stat.memory, 10 * rustix::param::page_size() as u64);
    }

    #[test]
    fn a_line_that_is_cut_short_is_no_process() {
        assert!(Stat::parse("42 (a) R 7 42").is_none());
        assert!(Stat::parse("").is_none());
    }
}
