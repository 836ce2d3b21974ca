//! Exercise: who joins a room is told its last lines.
//!
//! A memory of a room: the last lines said in it, bounded in lines and in
//! bytes. Whatever is said, what it keeps is at most both limits, and what
//! it gives back is the newest that fits, in the room's order.

use std::collections::VecDeque;

use ch01_sockets::registry::Line;

/// The last lines of a room.
#[derive(Debug)]
pub struct History {
    max_lines: usize,
    max_bytes: usize,
    lines: VecDeque<Line>,
    bytes: usize,
}

impl History {
    /// Keeps at most so many lines, and at most so many bytes in all.
    pub fn new(max_lines: usize, max_bytes: usize) -> History {
        History {
            max_lines,
            max_bytes,
            lines: VecDeque::new(),
            bytes: 0,
        }
    }

    /// A line was said. The oldest go until the rest is within both limits.
    pub fn said(&mut self, line: &Line) {
        // begin: keep it; let the oldest go while over a limit
        self.lines.push_back(line.clone());
        self.bytes += line.len();
        while self.lines.len() > self.max_lines || self.bytes > self.max_bytes {
            match self.lines.pop_front() {
                Some(oldest) => self.bytes -= oldest.len(),
                None => return,
            }
        }
        // end
    }

    /// What a newcomer is told, the oldest first.
    pub fn lines(&self) -> Vec<Line> {
        // begin: the kept lines, oldest first
        self.lines.iter().cloned().collect()
        // end
    }
}
