//! Bodies, however their end is told: one reader for all four.
//!
//! ```text
//! bytes of the connection   head | body …        | next head
//! decode                           used, data      done
//! ```
//!
//! A reader gets what has come behind the head and says how much of it is
//! used up, and which part of that is the body's: a slice of what it got.

use ch03_http::chunked::{BodyError, BodyLimits, ChunkDecoder, Taken};
use ch03_http::framing::Body;
use ch03_http::head::Headers;

// ANCHOR: reader
/// Reads one body. Does no I/O and copies nothing.
#[derive(Debug)]
pub struct BodyReader {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Length { left: u64 },
    Chunked(Box<ChunkDecoder>),
    UntilClose { left: u64, limit: u64 },
}

impl BodyReader {
    /// A reader for a body that is told in this way.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] for a length over the limit: before any of it
    /// has come, and before a client that waits is told to go on.
    pub fn new(
        body: Body,
        limits: BodyLimits,
    ) -> Result<BodyReader, BodyError> {
        let limit = limits.body;
        let kind = match body {
            Body::Length(left) if left > limit => {
                return Err(BodyError::TooLarge { limit });
            }
            Body::Length(left) => Kind::Length { left },
            Body::Empty => Kind::Length { left: 0 },
            Body::Chunked => Kind::Chunked(ChunkDecoder::new(limits).into()),
            Body::UntilClose => Kind::UntilClose { left: limit, limit },
        };
        Ok(BodyReader { kind })
    }
    // ANCHOR_END: reader

    // ANCHOR: decode
    /// Takes what it can from the front of `bytes`: see
    /// [`ChunkDecoder::decode`], which this is for all kinds of bodies. An
    /// empty body is done before it has got a byte.
    ///
    /// # Errors
    /// As [`ChunkDecoder::decode`]; `TooLarge` also where all that comes is
    /// the body, and more comes than the limit.
    pub fn decode<'a>(
        &mut self,
        bytes: &'a [u8],
    ) -> Result<Taken<'a>, BodyError> {
        let (left, until_close) = match &mut self.kind {
            Kind::Chunked(decoder) => return decoder.decode(bytes),
            Kind::UntilClose { left, limit } => {
                if bytes.len() as u64 > *left {
                    *left = 0;
                    return Err(BodyError::TooLarge { limit: *limit });
                }
                (left, true)
            }
            Kind::Length { left } => (left, false),
        };
        let count = bytes
            .len()
            .min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= count as u64;
        Ok(Taken {
            used: count,
            data: &bytes[..count],
            done: *left == 0 && !until_close,
        })
    }

    // ANCHOR_END: decode

    // ANCHOR: finish
    /// Says whether the stream may end here.
    ///
    /// # Errors
    /// [`BodyError::Cut`] inside a body with a length or chunks: what has
    /// come is not the body (RFC 9112, section 8).
    pub fn finish(&self) -> Result<(), BodyError> {
        match &self.kind {
            Kind::Chunked(decoder) => decoder.finish(),
            Kind::UntilClose { .. } | Kind::Length { left: 0 } => Ok(()),
            Kind::Length { .. } => Err(BodyError::Cut),
        }
    }

    // ANCHOR_END: finish

    // given: only one kind has any
    /// The trailer of a chunked body, as [`ChunkDecoder::trailers`] has it.
    pub fn trailers<'a>(&'a self, bytes: &'a [u8]) -> Option<Headers<'a>> {
        match &self.kind {
            Kind::Chunked(decoder) => Some(decoder.trailers(bytes)),
            _ => None,
        }
    }
    // given end
}
