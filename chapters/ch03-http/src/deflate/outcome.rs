//! What a call says when it returns: how far it got, or what is wrong.
//!
//! - "More bytes" is no error, and no success either: it is a [`Progress`] that
//!   is not done.

use std::error;
use std::fmt;

// ANCHOR: progress
/// What one call took and gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that were taken. The rest is to be pushed again.
    pub read: usize,
    /// Bytes that were appended to the output, at most the call's limit.
    pub wrote: usize,
    /// Whether the call has done all that it was asked for. If not, it wants
    /// either more input, or another call with room for more output.
    pub done: bool,
}
// ANCHOR_END: progress

/// What is wrong with a stream. None of these can be mended: a decoder that
/// has said one says it again on every further call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// BTYPE is 11 (section 3.2.3).
    BlockType,
    /// NLEN is not the complement of LEN (section 3.2.4).
    StoredLength,
    /// More than 286 literal or length codes, or 30 distance codes.
    TooManyCodes,
    /// Lengths that no code has: more codes than there are, or too few.
    CodeLengths,
    /// A repetition of nothing, or past the last of the lengths.
    Repeat,
    /// The block has no code for its own end.
    NoEnd,
    /// Bits that are no code, or the code of a symbol that does not exist.
    Code,
    /// A copy from before the beginning, or from over 32 KiB ago.
    Distance,
    /// More output than the decoder was told to give.
    TooLong {
        /// The most bytes that it may give.
        most: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::BlockType => "a block of type 3",
            Error::StoredLength => "a stored block whose length is damaged",
            Error::TooManyCodes => {
                "more codes announced than there are symbols"
            }
            Error::CodeLengths => "code lengths that make no code",
            Error::Repeat => "a repeated code length where there is none",
            Error::NoEnd => "a block without a code for its end",
            Error::Code => "bits that are no code",
            Error::Distance => "a copy from before the beginning",
            Error::TooLong { most } => {
                return write!(f, "more than the {most} bytes allowed");
            }
        })
    }
}

impl error::Error for Error {}
