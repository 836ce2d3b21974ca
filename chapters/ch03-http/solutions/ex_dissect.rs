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
    // begin: head after head, with the payload behind it
    let mut lines = Vec::new();
    while !bytes.is_empty() {
        let cut = format!("cut: {} bytes", bytes.len());
        let (head, size) = match Head::decode(bytes, from) {
            Ok(Some(found)) => found,
            Ok(None) => {
                lines.push(cut);
                break;
            }
            Err(fault) => {
                lines.push(format!("fault: {fault}"));
                break;
            }
        };
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        let Some((payload, rest)) = bytes[size..].split_at_checked(length)
        else {
            lines.push(cut);
            break;
        };
        lines.push(line(&head, payload));
        bytes = rest;
    }
    lines
    // end
}

/// The line of a whole frame, its payload still masked.
fn line(head: &Head, payload: &[u8]) -> String {
    // begin: unmask it, take a close's code off, show the beginning
    let mut payload = payload.to_vec();
    if let Some(key) = head.key {
        Mask::new(key).apply(&mut payload);
    }
    let more = if head.last { "" } else { "+" };
    let mut line = format!("{:?}{more} {}", head.opcode, payload.len());
    let mut shown = &payload[..];
    if head.opcode == Opcode::Close {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return line;
        };
        line += &format!(" {}", u16::from_be_bytes(*code));
        shown = reason;
    }
    let dots = if shown.len() > SHOWN { "…" } else { "" };
    let shown = shown[..shown.len().min(SHOWN)].escape_ascii();
    line + &format!(" \"{shown}{dots}\"")
    // end
}
