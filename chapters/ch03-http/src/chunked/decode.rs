//! The decoder. It copies nothing: each piece of the body that it gives is a
//! slice of the bytes that it got.

use std::fmt;

use ch03_http::chunked::encode::is_forbidden_trailer;
use ch03_http::head::class::{is_token, is_value};
use ch03_http::head::{FieldParser, HeadError, Headers, Rules};

/// Hex digits of a chunk's size: what fits into 64 bits.
const MAX_DIGITS: u8 = 16;

// ANCHOR: limits
/// How much of a body is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// The most bytes of the body itself. nginx has 1 MiB
    /// (`client_max_body_size`), Apache 1 GiB (`LimitRequestBody`).
    pub body: u64,
    /// The most bytes of extensions, those of all chunks together.
    pub extensions: usize,
    /// Of the trailer. Its `line` is not used.
    pub trailer: Rules,
}

impl Default for BodyLimits {
    fn default() -> BodyLimits {
        BodyLimits {
            body: 1024 * 1024,
            extensions: 4 * 1024,
            trailer: Rules {
                head: 8 * 1024,
                fields: 32,
                ..Rules::default()
            },
        }
    }
}
// ANCHOR_END: limits

// ANCHOR: error
/// Why a body is refused. The next message's place is lost: the connection
/// closes after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// No hex digit where a chunk's size begins, more than 16, or something
    /// behind them that is neither an extension nor the line's end.
    Size,
    /// An extension that is not the grammar's, or too many of them.
    Extension,
    /// A CR without LF, an LF without CR, or a chunk that is longer than
    /// its size says.
    LineEnd,
    /// The body is over the limit.
    TooLarge {
        /// The most bytes that it may have.
        limit: u64,
    },
    /// The trailer is refused.
    Trailer(HeadError),
    /// The stream ended inside the body.
    Cut,
}

impl BodyError {
    /// The status that a server answers with.
    pub fn status(&self) -> u16 {
        match self {
            BodyError::TooLarge { .. } => 413,
            BodyError::Trailer(error) => error.status(),
            _ => 400,
        }
    }
}
// ANCHOR_END: error

// ANCHOR: taken
/// What a call has taken from the front of the bytes that it got. When it
/// took nothing and the body has not ended, it needs more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken<'a> {
    /// So many bytes are used up: the next call begins behind them.
    pub used: usize,
    /// Those of them that are the body's, perhaps none.
    pub data: &'a [u8],
    /// Whether the body ends here. What follows belongs to the next message.
    pub done: bool,
}
// ANCHOR_END: taken

// ANCHOR: state
/// Which byte the decoder waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size { digits: u8 },
    Extension(Ext),
    SizeLf,
    Data, // `left` bytes of it
    DataCr,
    DataLf,
    Trailer,
    Done,
}

/// Where in an extension: `; name = value`, and `BWS` between any two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ext {
    Before,    // BWS behind a size, where only `;` may follow
    NameStart, // behind `;`
    Name,
    NameEnd, // BWS behind a name
    ValueStart,
    Token,
    Quoted,
    Escaped, // behind a backslash in a quoted string
    ValueEnd,
}

/// Decodes one chunked body.
#[derive(Debug)]
pub struct ChunkDecoder {
    limits: BodyLimits,
    state: State,
    left: u64,         // bytes of the chunk at hand that have not come
    total: u64,        // bytes of all chunks up to this one
    extensions: usize, // bytes of them so far
    trailer: FieldParser,
    failed: Option<BodyError>,
}
// ANCHOR_END: state

impl ChunkDecoder {
    // given: the fields' first values
    /// A decoder for a body that begins with the next byte.
    pub fn new(limits: BodyLimits) -> ChunkDecoder {
        ChunkDecoder {
            limits,
            state: State::Size { digits: 0 },
            left: 0,
            total: 0,
            extensions: 0,
            trailer: FieldParser::new(0),
            failed: None,
        }
    }
    // given end

    // ANCHOR: decode
    /// Takes what it can from the front of `bytes`: what is between the
    /// chunks, and at most one piece of the body. The caller removes what
    /// is `used` and calls again, with more behind the rest, until the body
    /// is `done`; a call that uses nothing needs more. A trailer is used
    /// up as a whole, so until it is there a call uses nothing of it.
    ///
    /// # Errors
    /// Why the body is refused; every later call says the same.
    pub fn decode<'a>(
        &mut self,
        bytes: &'a [u8],
    ) -> Result<Taken<'a>, BodyError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let taken = self.advance(bytes);
        self.failed = taken.err();
        taken
    }

    // ANCHOR_END: decode

    // ANCHOR: advance
    /// As `decode`, for one that has not failed.
    fn advance<'a>(&mut self, bytes: &'a [u8]) -> Result<Taken<'a>, BodyError> {
        let mut used = 0;
        let mut data: &[u8] = &[];
        if self.state == State::Trailer {
            used = self.trailer(bytes)?;
        }
        while let Some(&byte) = bytes.get(used) {
            match self.state {
                State::Data => {
                    let rest = &bytes[used..];
                    let count = rest.len().min(saturated(self.left));
                    data = &rest[..count];
                    used += count;
                    self.left -= count as u64;
                    if self.left == 0 {
                        self.state = State::DataCr;
                    }
                    break;
                }
                State::Trailer | State::Done => break,
                _ => {
                    self.state = self.between(byte)?;
                    used += 1;
                }
            }
        }
        let done = self.state == State::Done;
        Ok(Taken { used, data, done })
    }
    // ANCHOR_END: advance

    // ANCHOR: between
    /// Takes a byte that is between two chunks' data.
    fn between(&mut self, byte: u8) -> Result<State, BodyError> {
        match self.state {
            State::Size { digits } => self.size(byte, digits),
            State::Extension(ext) => {
                self.extensions += 1;
                if self.extensions > self.limits.extensions {
                    return Err(BodyError::Extension);
                }
                extension(ext, byte)
            }
            State::SizeLf if byte == b'\n' => self.begin_chunk(),
            State::DataCr if byte == b'\r' => Ok(State::DataLf),
            State::DataLf if byte == b'\n' => Ok(State::Size { digits: 0 }),
            _ => Err(BodyError::LineEnd),
        }
    }

    fn size(&mut self, byte: u8, digits: u8) -> Result<State, BodyError> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            if digits == MAX_DIGITS {
                return Err(BodyError::Size);
            }
            self.left = self.left << 4 | u64::from(digit);
            return Ok(State::Size { digits: digits + 1 });
        }
        match byte {
            _ if digits == 0 => Err(BodyError::Size),
            b'\r' => Ok(State::SizeLf),
            b'\n' => Err(BodyError::LineEnd),
            b';' => Ok(State::Extension(Ext::NameStart)),
            b' ' | b'\t' => Ok(State::Extension(Ext::Before)),
            _ => Err(BodyError::Size),
        }
    }

    // ANCHOR_END: between

    // ANCHOR: begin_chunk
    /// The line of a size has ended.
    fn begin_chunk(&mut self) -> Result<State, BodyError> {
        let limit = self.limits.body;
        if self.left > limit - self.total {
            return Err(BodyError::TooLarge { limit });
        }
        self.total += self.left;
        match self.left {
            0 => Ok(State::Trailer),
            _ => Ok(State::Data),
        }
    }
    // ANCHOR_END: begin_chunk

    // ANCHOR: trailer
    /// Takes the trailer if it is whole: so many bytes.
    fn trailer(&mut self, bytes: &[u8]) -> Result<usize, BodyError> {
        let parsed = self.trailer.parse(bytes, &self.limits.trailer);
        let Some(length) = parsed.map_err(BodyError::Trailer)? else {
            return Ok(0);
        };
        self.trailer
            .retain(bytes, |name| !is_forbidden_trailer(name));
        self.state = State::Done;
        Ok(length)
    }

    /// The fields of the trailer, without those that may not stand there;
    /// `bytes` are those of the call that was `done`. Keep them apart from
    /// the head's: who merges them lets a peer change a head that has been
    /// acted upon (RFC 9110, section 6.5.1).
    pub fn trailers<'a>(&'a self, bytes: &'a [u8]) -> Headers<'a> {
        self.trailer.headers(bytes)
    }

    /// Says whether the stream may end here: only behind the last byte.
    ///
    /// # Errors
    /// [`BodyError::Cut`], or the error that `decode` gave.
    pub fn finish(&self) -> Result<(), BodyError> {
        match (self.failed, self.state) {
            (Some(error), _) => Err(error),
            (None, State::Done) => Ok(()),
            (None, _) => Err(BodyError::Cut),
        }
    }
    // ANCHOR_END: trailer
}

// given: a number that may not fit
/// The number, or the largest that there is.
fn saturated(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
// given end

// ANCHOR: extension
/// One byte of an extension. RFC 9112, section 7.1.1:
///
/// ```text
/// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ] )
/// ```
fn extension(ext: Ext, byte: u8) -> Result<State, BodyError> {
    let next = match (ext, byte) {
        (Ext::Quoted, b'"') => Ext::ValueEnd,
        (Ext::Quoted, b'\\') => Ext::Escaped,
        (Ext::Quoted | Ext::Escaped, _) if is_value(byte) => Ext::Quoted,
        (Ext::Quoted | Ext::Escaped, _) => return Err(BodyError::Extension),
        (Ext::Name | Ext::NameEnd | Ext::Token | Ext::ValueEnd, b'\r') => {
            return Ok(State::SizeLf);
        }
        (_, b'\n') => return Err(BodyError::LineEnd),
        (Ext::NameStart | Ext::Name, _) if is_token(byte) => Ext::Name,
        (Ext::ValueStart | Ext::Token, _) if is_token(byte) => Ext::Token,
        (Ext::ValueStart, b'"') => Ext::Quoted,
        (Ext::NameStart | Ext::ValueStart, b';' | b'=') => {
            return Err(BodyError::Extension);
        }
        (Ext::Before, b';') => Ext::NameStart,
        (Ext::Before | Ext::NameStart | Ext::ValueStart, b' ' | b'\t') => ext,
        (Ext::Name | Ext::NameEnd, b' ' | b'\t') => Ext::NameEnd,
        (Ext::Token | Ext::ValueEnd, b' ' | b'\t') => Ext::ValueEnd,
        (Ext::Name | Ext::NameEnd, b'=') => Ext::ValueStart,
        (Ext::Before, _) => return Err(BodyError::Size),
        (_, b';') => Ext::NameStart,
        _ => return Err(BodyError::Extension),
    };
    Ok(State::Extension(next))
}
// ANCHOR_END: extension

// given: how an error reads is not what this step is about
impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::Size => write!(f, "no chunk size"),
            BodyError::Extension => write!(f, "no chunk extension"),
            BodyError::LineEnd => write!(f, "no CRLF around a chunk"),
            BodyError::TooLarge { limit } => {
                write!(f, "a body of more than {limit} bytes")
            }
            BodyError::Trailer(error) => write!(f, "in the trailer: {error}"),
            BodyError::Cut => write!(f, "the stream ended inside the body"),
        }
    }
}

impl std::error::Error for BodyError {}
// given end
