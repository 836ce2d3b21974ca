//! What a process costs, as its kernel tells it.
//!
//! Linux has no call for most of this. It writes text, and who wants to know
//! reads it (proc(5)):
//!
//! ```text
//!  /proc/PID/status                 /proc/PID/task/TID/status   one a thread
//!    VmRSS:      4012 kB  resident    voluntary_ctxt_switches:     812
//!    Threads:      67                 nonvoluntary_ctxt_switches:   14
//!
//!  /proc/PID/smaps_rollup
//!    Pss:        2950 kB  resident, shared pages divided by their users
//! ```
//!
//! The switches in `/proc/PID/status` are those of the process's first thread
//! alone, so a sum over `task` is what counts all of them.
//!
//! - **I1** A number is what the kernel wrote, or an error that names the
//!   field: never a default, whatever the text.
//! - **I2** The switches of a process are the sum over its threads. A thread
//!   that ends while they are counted is left out, and is no error.
//! - **I3** Differences and quotients never wrap, divide by zero or lose a
//!   sign.
//!
//! Left out: the switches of threads that have ended (`getrusage` has them,
//! for a process that asks about itself), and what the kernel keeps for a
//! process besides its pages: see the page of this step.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The most that is read of one file. A `status` has about 1.5 KiB.
const MOST: u64 = 64 * 1024;

// ANCHOR: error
/// Why there is no number.
#[derive(Debug)]
pub enum CostError {
    /// The text has no line that begins with this name.
    Missing(&'static str),
    /// The line is there, and what it says is no such number.
    Malformed(&'static str, String),
    /// The file cannot be read: no such process, or not ours to ask about.
    Io(io::Error),
}
// ANCHOR_END: error

// given: error texts and conversions teach nothing here.
impl fmt::Display for CostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CostError::Missing(name) => write!(f, "there is no line {name}:"),
            CostError::Malformed(name, text) => {
                write!(f, "{name}: {text:?} is not what it should be")
            }
            CostError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CostError {}

impl From<io::Error> for CostError {
    fn from(error: io::Error) -> CostError {
        CostError::Io(error)
    }
}
// given end

// ANCHOR: values
/// How often threads were taken off a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// They waited for something.
    pub voluntary: u64,
    /// Their time was up, or somebody more urgent woke up.
    pub involuntary: u64,
}

/// What one `status` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Memory that is there, not merely reserved, in KiB.
    pub rss_kib: u64,
    /// Threads of the process.
    pub threads: u64,
    /// Of this one thread.
    pub switches: Switches,
}
// ANCHOR_END: values

// ANCHOR: field
/// The text after `name:`, without the white space around it. A name counts
/// at the beginning of a line only, and the first such line counts.
///
/// # Errors
/// `Missing`.
pub fn field<'a>(
    text: &'a str,
    name: &'static str,
) -> Result<&'a str, CostError> {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
    let found = text.lines().find_map(value);
    found.map(str::trim).ok_or(CostError::Missing(name))
}

/// The number after `name:`.
///
/// # Errors
/// `Missing`; `Malformed`: not decimal digits alone, or over 64 bits.
pub fn count(text: &str, name: &'static str) -> Result<u64, CostError> {
    let value = field(text, name)?;
    let bad = || CostError::Malformed(name, value.to_string());
    // `parse` alone would also take a plus sign.
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    value.parse().map_err(|_| bad())
}

/// The size after `name:`, in KiB: `4012 kB`, which is what the kernel calls
/// 1,024 bytes.
///
/// # Errors
/// As [`count`]; `Malformed` also without the unit.
pub fn kib(text: &str, name: &'static str) -> Result<u64, CostError> {
    let value = field(text, name)?;
    let bad = || CostError::Malformed(name, value.to_string());
    let digits = value.strip_suffix(" kB").ok_or_else(bad)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    digits.parse().map_err(|_| bad())
}
// ANCHOR_END: field

// ANCHOR: status
/// The two counters of a thread's `status`.
///
/// # Errors
/// As [`count`].
pub fn switches(text: &str) -> Result<Switches, CostError> {
    Ok(Switches {
        voluntary: count(text, "voluntary_ctxt_switches")?,
        involuntary: count(text, "nonvoluntary_ctxt_switches")?,
    })
}

/// What a `status` says.
///
/// # Errors
/// As [`count`]. A process that has ended and is not collected yet, and a
/// thread of the kernel, have no memory of their own: `Missing("VmRSS")`.
pub fn status(text: &str) -> Result<Status, CostError> {
    Ok(Status {
        rss_kib: kib(text, "VmRSS")?,
        threads: count(text, "Threads")?,
        switches: switches(text)?,
    })
}
// ANCHOR_END: status

// ANCHOR: cost
/// What a process costs at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory that is there, in KiB; what is shared counts in full.
    pub rss_kib: u64,
    /// The same, what is shared divided by the processes that share it. None:
    /// the kernel does not say (before Linux 4.14, or another user's).
    pub pss_kib: Option<u64>,
    /// Threads.
    pub threads: u64,
    /// Of all threads that there are.
    pub switches: Switches,
}

impl Cost {
    /// Reads what a process costs, from a `/proc` or a folder like it.
    ///
    /// # Errors
    /// There is no such process, or its `status` is not one.
    pub fn read(proc: &Path, pid: u32) -> Result<Cost, CostError> {
        let folder = proc.join(pid.to_string());
        let status = status(&text(&folder.join("status"))?)?;
        let rollup = text(&folder.join("smaps_rollup")).ok();
        Ok(Cost {
            rss_kib: status.rss_kib,
            pss_kib: rollup.and_then(|text| kib(&text, "Pss").ok()),
            threads: status.threads,
            switches: of_threads(&folder.join("task"))?,
        })
    }

    /// What this process costs.
    ///
    /// # Errors
    /// There is no `/proc` like Linux's.
    pub fn own() -> Result<Cost, CostError> {
        Cost::read(Path::new("/proc"), std::process::id())
    }
}
// ANCHOR_END: cost

// ANCHOR: threads
/// The switches of each thread of a process, added up.
fn of_threads(task: &Path) -> Result<Switches, CostError> {
    let mut sum = Switches::default();
    for thread in fs::read_dir(task)? {
        let text = match text(&thread?.path().join("status")) {
            Err(error) if has_ended(&error) => continue,
            text => text?,
        };
        let one = switches(&text)?;
        sum.voluntary = sum.voluntary.saturating_add(one.voluntary);
        sum.involuntary = sum.involuntary.saturating_add(one.involuntary);
    }
    Ok(sum)
}

/// ENOENT: it was gone before the open; ESRCH: between open and read.
fn has_ended(error: &io::Error) -> bool {
    const ESRCH: i32 = 3;
    let gone = error.kind() == io::ErrorKind::NotFound;
    gone || error.raw_os_error() == Some(ESRCH)
}
// ANCHOR_END: threads

/// A small file's text; bytes that are not UTF-8 (a program's name may be
/// anything) are replaced.
fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

// ANCHOR: change
/// What was added between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Memory, in KiB; negative when it shrank.
    pub rss_kib: i64,
    /// Threads; negative when some have ended.
    pub threads: i64,
    /// Switches. Threads that have ended took theirs with them, so a sum
    /// that fell counts as 0.
    pub switches: u64,
}

impl Cost {
    /// What was added since `before`.
    pub fn since(&self, before: &Cost) -> Change {
        let sum = |s: Switches| s.voluntary.saturating_add(s.involuntary);
        Change {
            rss_kib: difference(self.rss_kib, before.rss_kib),
            threads: difference(self.threads, before.threads),
            switches: sum(self.switches).saturating_sub(sum(before.switches)),
        }
    }
}

/// `a - b`, at the ends of the range if it is beyond them.
fn difference(a: u64, b: u64) -> i64 {
    let size = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a < b { -size } else { size }
}

impl Change {
    /// KiB for each of these connections. None: there are none.
    pub fn kib_per_connection(&self, connections: u64) -> Option<f64> {
        (connections > 0).then(|| self.rss_kib as f64 / connections as f64)
    }

    /// Switches for each of these requests. None: there are none.
    pub fn switches_per_request(&self, requests: u64) -> Option<f64> {
        (requests > 0).then(|| self.switches as f64 / requests as f64)
    }
}
// ANCHOR_END: change
