//! How much memory a process and all below it hold.

use std::collections::HashMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

/// The resident memory of a process and its descendants in KiB. Where the kernel can tell (Linux), a page that several
/// processes share counts once in all: a server that forks is not charged its program once per connection.
pub fn of_tree(root: i32) -> Result<u64> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,rss="])
        .output()
        .context("cannot list the processes with ps")?;
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let mut resident: HashMap<i32, u64> = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let mut numbers = line.split_whitespace();
        let mut next = || numbers.next()?.parse::<i64>().ok();
        if let (Some(pid), Some(parent), Some(kib)) = (next(), next(), next()) {
            children.entry(parent as i32).or_default().push(pid as i32);
            resident.insert(pid as i32, kib.unsigned_abs());
        }
    }
    let mut total = 0;
    let mut pending = vec![root];
    while let Some(pid) = pending.pop() {
        total += proportional(pid).or(resident.get(&pid).copied()).unwrap_or(0);
        pending.extend(children.get(&pid).into_iter().flatten());
    }
    Ok(total)
}

/// `Pss` of Linux: each page divided by how many processes map it.
fn proportional(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_holds_some_memory() {
        let kib = super::of_tree(std::process::id() as i32).expect("ps");
        assert!((100..10_000_000).contains(&kib), "{kib} KiB");
    }
}
