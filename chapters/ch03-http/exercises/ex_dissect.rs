//! Exercise: what is on the wire, frame by frame, as a dissector says it.
//!
//! ```text
//!   Text 5 "hello"          opcode, length, payload
//!   Binary 2 "\x00\xff"     what is no printable ASCII is escaped
//!   Text+ 4 "one "          more frames of this message follow
//!   Close 9 4000 "see you"  a close with a code
//!   Close 0                 a close without, be its body empty or too short
//! ```
//!
//! A dissector sees what is there, right or wrong in context: it does not
//! ask whether a continuation has something to continue.

use ch03_http::frames::frame::{Head, Opcode, Side};
use ch03_http::frames::mask::Mask;

/// The most bytes of a payload that are shown; `…` stands for the others.
pub const SHOWN: usize = 16;

/// One line for each frame that `from` has sent. If the bytes end within a
/// frame, the last line is `cut: N bytes`, N being what there is of it; if a
/// head breaks a rule, the last line is `fault: ` and the fault.
pub fn dissect(from: Side, mut bytes: &[u8]) -> Vec<String> {
    todo!("ex_dissect: head after head, with the payload behind it")
}

/// The line of a whole frame, its payload still masked.
fn line(head: &Head, payload: &[u8]) -> String {
    todo!("ex_dissect: unmask it, take a close's code off, show the beginning")
}
