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
        todo!("ex_history: keep it; let the oldest go while over a limit")
    }

    /// What a newcomer is told, the oldest first.
    pub fn lines(&self) -> Vec<Line> {
        todo!("ex_history: the kept lines, oldest first")
    }
}
