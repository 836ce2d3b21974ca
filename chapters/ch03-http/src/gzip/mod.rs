//! The gzip format (RFC 1952): a DEFLATE stream with a name tag and a seal.
//!
//! ```text
//! 1f 8b   magic           ┐
//! 08      method: DEFLATE │
//! FLG     flags           │ 10 bytes
//! MTIME   4 bytes         │
//! XFL OS                  ┘
//! FEXTRA    04  XLEN: 2 bytes, then as many
//! FNAME     08  the file's name, Latin-1, up to a 00
//! FCOMMENT  10  a comment, likewise
//! FHCRC     02  2 bytes: the low half of the CRC-32 of all of the above
//! …             the DEFLATE stream
//! CRC32   4 bytes: of the plain bytes
//! ISIZE   4 bytes: how many there are, modulo 2³²
//! ```
//!
//! This is a *member*. A file is one or more of them, and stands for what they
//! hold, one after the other. All numbers stand with the lowest byte first.
//!
//! - Both halves of the seal are checked before the decoder says that a member
//!   is done. What came out before is not proven yet.
//! - Between members there may be zeros, as tapes have them. Anything else is
//!   refused: it would be lost without a word.
//!
//! Left out: handing out the extra field, and the XFL byte, which nobody reads.

pub mod header;
pub mod encode;
pub mod decode;

pub use decode::Decoder;
pub use encode::Encoder;
pub use header::Header;

use std::error;
use std::fmt;

use ch03_http::deflate;

/// What is wrong with a gzip file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// It does not begin with 1f 8b, or goes on with something else.
    Magic,
    /// The method is not 8, or a reserved flag is set.
    Unknown,
    /// A name or a comment of over 4096 bytes.
    Text,
    /// The header's own checksum does not fit it.
    HeaderChecksum,
    /// The DEFLATE stream is wrong, or has more bytes than allowed.
    Deflate(deflate::Error),
    /// The checksum of the bytes is another one.
    Checksum,
    /// The number of the bytes is another one.
    Length,
    /// It ends within a member.
    Cut,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Magic => "not in gzip format",
            Error::Unknown => "a method or a flag that nobody knows",
            Error::Text => "a name or a comment that is too long",
            Error::HeaderChecksum => "the header is damaged",
            Error::Deflate(error) => return error.fmt(f),
            Error::Checksum => "the checksum does not fit",
            Error::Length => "the length does not fit",
            Error::Cut => "it ends too early",
        })
    }
}

impl error::Error for Error {}
