//! Cut the power during every operation of a run, and look at what is left.
//!
//! A crash test that picks its moment by chance misses the one moment that
//! matters. The operations of a run can be counted, so all moments are
//! tried, and for each several ways for the unsynced bytes to be lost.

use ch00_toolbox::disk::mem::{Fault, MemDisk};

/// The most operations of a run: a run that does not end is a bug.
const MAX_OPERATIONS: u64 = 10_000;

/// How many crashes were tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Operations of the run without a crash.
    pub operations: u64,
    /// Disks recovered: operations × seeds.
    pub crashes: u64,
}

// ANCHOR: sweep
/// Runs `work` once for every operation that it makes, with the power going
/// during that one, and has `check` look at what `seeds` different crashes
/// leave. What `work` returns is what it knows at that moment: above all,
/// what was acknowledged.
///
/// # Errors
///
/// The first thing that `check` objects to, with the operation and the seed.
pub fn crash_everywhere<T>(
    seeds: u64,
    work: impl Fn(&MemDisk) -> T,
    check: impl Fn(&T, MemDisk) -> Result<(), String>,
) -> Result<Tally, String> {
    for number in 1..=MAX_OPERATIONS {
        let disk = MemDisk::new();
        disk.fail_at(number, Fault::PowerOff);
        let known = work(&disk);
        if !disk.is_off() {
            let operations = number - 1;
            return Ok(Tally {
                operations,
                crashes: operations * seeds,
            });
        }
        for seed in 0..seeds {
            check(&known, disk.crash(seed)).map_err(|why| {
                let history = disk.history();
                let last = history.last().map_or("", String::as_str);
                format!("power off at {number} ({last}), seed={seed}: {why}")
            })?;
        }
    }
    Err(format!("still running after {MAX_OPERATIONS} operations"))
}
// ANCHOR_END: sweep
