//! What can be wrong with a head, and the status that says so.

use std::fmt;

// ANCHOR: error
/// Why a head is refused. The place of the next head is lost, so whoever
/// gets one answers with its status and closes the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadError {
    /// The bytes are not what the grammar has there.
    Syntax {
        /// Of what.
        part: Part,
        /// The first byte that is wrong, counted from the head's first.
        at: usize,
    },
    /// A version of HTTP that is not 1.x.
    Version {
        /// Before the dot.
        major: u8,
        /// Behind it.
        minor: u8,
    },
    /// The request line goes on past the limit.
    LongLine {
        /// The most bytes that it may have, without its CRLF.
        limit: usize,
    },
    /// The head goes on past the limit.
    LongHead {
        /// The most bytes that it may have, all of them counted.
        limit: usize,
    },
    /// There are more fields than the limit.
    ManyFields {
        /// The most that there may be.
        limit: usize,
    },
    /// The head says nothing clear about the host that it is for.
    Host(HostFault),
}

// ANCHOR_END: error

// ANCHOR: part
/// The part of a head whose grammar is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// No token, or not followed by one space.
    Method,
    /// None of the four forms, or not followed by one space.
    Target,
    /// Not `HTTP/`, a digit, a dot and a digit.
    Version,
    /// Not three digits from 100 to 599, or not followed by a space.
    Status,
    /// A CR without LF, or an LF without CR.
    LineEnd,
    /// No token, or not followed by a colon at once.
    Name,
    /// A line that begins with a space or a tab: a value on two lines
    /// (obs-fold), which is obsolete.
    Fold,
    /// A control character in a value or in a reason.
    Value,
}

/// What is wrong with the Host of a request (RFC 9112, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFault {
    /// HTTP/1.1 without one.
    Missing,
    /// More than one.
    Many,
    /// Not a host with or without a port.
    Invalid,
}
// ANCHOR_END: part

// ANCHOR: status
impl HeadError {
    /// The status that a server answers with. A proxy that gets one from
    /// the server behind it answers 502 instead.
    pub fn status(&self) -> u16 {
        match self {
            HeadError::Syntax { .. } | HeadError::Host(_) => 400,
            HeadError::LongLine { .. } => 414,
            HeadError::LongHead { .. } | HeadError::ManyFields { .. } => 431,
            HeadError::Version { .. } => 505,
        }
    }
}
// ANCHOR_END: status

// given: how an error is made, and how it reads
/// The part of a head is wrong at this byte.
pub fn syntax(part: Part, at: usize) -> HeadError {
    HeadError::Syntax { part, at }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeadError::Syntax { part, at } => write!(f, "{part} at byte {at}"),
            HeadError::Version { major, minor } => {
                write!(f, "HTTP/{major}.{minor} is not spoken here")
            }
            HeadError::LongLine { limit } => {
                write!(f, "a request line of more than {limit} bytes")
            }
            HeadError::LongHead { limit } => {
                write!(f, "a head of more than {limit} bytes")
            }
            HeadError::ManyFields { limit } => {
                write!(f, "more than {limit} fields")
            }
            HeadError::Host(HostFault::Missing) => write!(f, "no Host"),
            HeadError::Host(HostFault::Many) => write!(f, "more than one Host"),
            HeadError::Host(HostFault::Invalid) => write!(f, "no valid Host"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Method => "no method",
            Part::Target => "no target",
            Part::Version => "no version",
            Part::Status => "no status",
            Part::LineEnd => "no CRLF",
            Part::Name => "no field name",
            Part::Fold => "a folded line",
            Part::Value => "a control character",
        })
    }
}

impl std::error::Error for HeadError {}
// given end
