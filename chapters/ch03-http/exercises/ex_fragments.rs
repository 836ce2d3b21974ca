//! Exercise: messages in fragments, so that a control frame need not wait
//! for the end of a long one.
//!
//! ```text
//!   message("one two three"), most 5        what next() gives
//!                                           Text         "one t"
//!   control(Pong, "?")                      Pong         "?"
//!                                           Continuation "wo th"
//!                                           Continuation "ree", last
//! ```

use std::collections::VecDeque;

use ch03_http::frames::frame::{Head, Opcode};

/// What a server still has to send, frame by frame.
#[derive(Debug)]
pub struct Sender {
    /// The most bytes of a message in one frame.
    most: usize,
    messages: VecDeque<(Opcode, Vec<u8>)>,
    /// Bytes of the first message that are sent; 0: it has not begun.
    sent: usize,
    control: VecDeque<(Opcode, Vec<u8>)>,
    close: Option<Vec<u8>>,
    /// A close was asked for: nothing is taken any more.
    closing: bool,
}

impl Sender {
    /// Nothing to send yet. `most` is at least 1.
    pub fn new(most: usize) -> Sender {
        Sender {
            most: most.max(1),
            messages: VecDeque::new(),
            sent: 0,
            control: VecDeque::new(),
            close: None,
            closing: false,
        }
    }

    /// A message, text or binary, that is to be sent after those before it.
    /// After a close it is dropped.
    pub fn message(&mut self, opcode: Opcode, payload: &[u8]) {
        if !self.closing {
            self.messages.push_back((opcode, payload.to_vec()));
        }
    }

    /// A ping or a pong that is to be sent before the next fragment; a
    /// close that is to be sent when all messages are. After a close both
    /// are dropped.
    pub fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        match opcode {
            _ if self.closing => {}
            Opcode::Close => {
                (self.close, self.closing) = (Some(payload.to_vec()), true);
            }
            _ => self.control.push_back((opcode, payload.to_vec())),
        }
    }

    /// The next frame, as bytes; `None`: all is sent.
    ///
    /// Pings and pongs come first, in their order. Then the next fragment of
    /// the first message, of as many bytes as may be: the first fragment has
    /// the message's opcode, the others are continuations, the last has FIN.
    /// A message that fits is one frame, and so is an empty one. When no
    /// message is left comes the close, once.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        todo!("ex_fragments: control frames, then a fragment, then the close")
    }
}

/// A server's frame.
fn frame(last: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let mut bytes = Vec::new();
    Head {
        last,
        opcode,
        key: None,
        length,
    }
    .encode(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}
