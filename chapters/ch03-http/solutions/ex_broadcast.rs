//! Exercise: a room of a thousand, told the same.
//!
//! A server's frames have no mask. So the bytes of a message are the same for
//! every member, and one copy of them will do for all. `by_copies` makes a
//! thousand. (A client could not do so: its key is fresh for each frame.)

use std::collections::VecDeque;
use std::sync::Arc;

use ch03_http::frames::frame::{Head, Opcode};

/// A text as a server's frame.
fn frame(text: &str) -> Vec<u8> {
    let (opcode, length) = (Opcode::Text, text.len() as u64);
    let mut bytes = Vec::new();
    Head {
        last: true,
        opcode,
        key: None,
        length,
    }
    .encode(&mut bytes);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Wrong, and kept to be measured: a copy of the frame for each member.
pub fn by_copies(room: &mut [Vec<u8>], text: &str) {
    for member in room {
        member.extend_from_slice(&frame(text));
    }
}

/// What one member has still to be sent.
#[derive(Debug, Default)]
pub struct Queue {
    /// The frames, shared with the other members' queues.
    pub frames: VecDeque<Arc<[u8]>>,
    /// Bytes of the first frame that are sent.
    pub sent: usize,
    /// The member was too slow and is to be cut off.
    pub cut: bool,
}

impl Queue {
    /// How many bytes are still to be sent.
    pub fn waiting(&self) -> usize {
        // begin: all frames, less what is sent of the first
        let all: usize = self.frames.iter().map(|frame| frame.len()).sum();
        all - self.sent
        // end
    }

    /// What to write next: the rest of the first frame, nothing if there is
    /// none.
    pub fn output(&self) -> &[u8] {
        // begin: the first frame behind what is sent of it
        self.frames.front().map_or(&[], |frame| &frame[self.sent..])
        // end
    }

    /// So many bytes of the output are written. A frame that is sent whole
    /// is let go at once.
    pub fn wrote(&mut self, count: usize) {
        // begin: count, and drop the frame when nothing is left of it
        self.sent += count.min(self.output().len());
        if self.output().is_empty() {
            self.frames.pop_front();
            self.sent = 0;
        }
        // end
    }
}

/// Tells each member that is not cut off, with one copy of the frame for
/// all. Who has more than `limit` bytes waiting afterwards is cut off:
/// `cut` is set, and its frames are let go at once.
pub fn broadcast(room: &mut [Queue], text: &str, limit: usize) {
    // begin: one frame, shared; then who is too slow
    let frame: Arc<[u8]> = frame(text).into();
    for member in room.iter_mut().filter(|member| !member.cut) {
        member.frames.push_back(Arc::clone(&frame));
        if member.waiting() > limit {
            *member = Queue {
                cut: true,
                ..Queue::default()
            };
        }
    }
    // end
}
