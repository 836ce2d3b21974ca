//! What happened, in a form that two runs can be compared by.

use std::collections::VecDeque;
use std::fmt;

/// How many lines are kept: the last ones, since they lead to a failure.
const LINES: usize = 400;

/// A run's history: its last lines, and a hash of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    lines: VecDeque<String>,
    count: u64,
    hash: u64, // FNV-1a over all lines
}

// given: a list of lines, and a hash
impl Default for Trace {
    fn default() -> Trace {
        let offset_basis = 0xcbf2_9ce4_8422_2325;
        Trace {
            lines: VecDeque::new(),
            count: 0,
            hash: offset_basis,
        }
    }
}

impl Trace {
    /// Adds a line.
    pub fn note(&mut self, line: String) {
        for &byte in line.as_bytes().iter().chain(b"\n") {
            self.hash ^= u64::from(byte);
            self.hash = self.hash.wrapping_mul(0x0100_0000_01b3);
        }
        self.count += 1;
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// A hash of all lines, for a quick comparison.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many lines there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last lines.
    pub fn lines(&self) -> Vec<&str> {
        self.lines.iter().map(String::as_str).collect()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.count - self.lines.len() as u64;
        writeln!(f, "({before} lines before)")?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
// given end
