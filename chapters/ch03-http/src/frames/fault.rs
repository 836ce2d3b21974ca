//! What a peer can do wrong, and the close code that says so (RFC 6455,
//! section 7.4.1).

use std::fmt;

// ANCHOR: fault
/// What a peer did wrong. The connection has failed: nothing that came after
/// it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A reserved bit is set, and no extension gives it a meaning.
    Reserved,
    /// Opcode 3–7 or 11–15.
    Opcode(u8),
    /// A client's frame without a mask.
    Unmasked,
    /// A server's frame with a mask.
    Masked,
    /// A length in more bytes than it needs, or of 2⁶³ and more.
    Length,
    /// A control frame that is not final.
    ControlInFragments,
    /// A control frame of more than 125 bytes.
    ControlTooLong,
    /// A continuation, and no message to continue.
    NothingToContinue,
    /// A new message inside another.
    Interrupted,
    /// Text that is not UTF-8.
    Utf8,
    /// A message over the limit.
    TooLong {
        /// The most bytes that a message may have.
        limit: usize,
    },
    /// A close with a body of one byte.
    CloseBody,
    /// A close with a code that may not be sent.
    CloseCode(u16),
    /// No answer to a ping.
    Silence,
    /// No answer to a close.
    NoClose,
}

// ANCHOR_END: fault

// ANCHOR: code
impl Fault {
    /// The code that tells the peer; `None` where it does not listen.
    pub fn code(&self) -> Option<u16> {
        match self {
            Fault::Utf8 => Some(1007),
            Fault::TooLong { .. } => Some(1009),
            Fault::Silence | Fault::NoClose => None,
            _ => Some(1002),
        }
    }
}
// ANCHOR_END: code

// given: sentences
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Fault::Reserved => "a reserved bit is set",
            Fault::Opcode(opcode) => {
                return write!(f, "opcode {opcode} is reserved");
            }
            Fault::Unmasked => "a client's frame must be masked",
            Fault::Masked => "a server's frame must not be masked",
            Fault::Length => "the length is not in its shortest form",
            Fault::ControlInFragments => "a control frame must be final",
            Fault::ControlTooLong => "a control frame has at most 125 bytes",
            Fault::NothingToContinue => "there is no message to continue",
            Fault::Interrupted => "the message before is not whole",
            Fault::Utf8 => "not UTF-8",
            Fault::TooLong { limit } => {
                return write!(f, "{limit} bytes are the most");
            }
            Fault::CloseBody => "a close has no body, or two bytes and more",
            Fault::CloseCode(code) => {
                return write!(f, "code {code} may not be sent");
            }
            Fault::Silence => "no answer to a ping",
            Fault::NoClose => "no answer to a close",
        };
        f.write_str(text)
    }
}
// given end

impl std::error::Error for Fault {}
