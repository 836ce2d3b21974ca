//! A preset dictionary (RFC 1950, sections 2.2 and 2.3): both ends know what
//! messages look like, so even the first one is short.

use ch03_http::adler32;
use ch03_http::deflate::WINDOW;
use ch03_http::deflate::compress::{Deflater, Flush, Level};
use ch03_http::deflate::inflate::Inflater;

/// Why a stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It does not begin with 78 bb.
    Header,
    /// It was made with another dictionary.
    Dictionary,
    /// The rest is damaged, cut, followed by something, or too long.
    Damaged,
}

/// A zlib stream of `bytes` that may copy from `dictionary`: 78 bb, the
/// Adler-32 of the dictionary, the DEFLATE stream, the Adler-32 of `bytes`.
pub fn pack(dictionary: &[u8], bytes: &[u8], level: Level) -> Vec<u8> {
    // begin: show it the dictionary, keep what follows
    let mut deflater = Deflater::new(level);
    let mut aside = Vec::new();
    let near = near(dictionary);
    deflater.push(near, Flush::Sync, &mut aside, usize::MAX);
    let mut out = vec![0x78, 0xbb];
    out.extend(adler32::update(1, dictionary).to_be_bytes());
    deflater.push(bytes, Flush::Finish, &mut out, usize::MAX);
    out.extend(adler32::update(1, bytes).to_be_bytes());
    out
    // end
}

/// What the stream holds, at most `most` bytes.
///
/// # Errors
/// It says which of the three things is wrong.
pub fn unpack(
    dictionary: &[u8],
    stream: &[u8],
    most: u64,
) -> Result<Vec<u8>, Refused> {
    // begin: the frame, the dictionary, the rest
    let rest = stream.strip_prefix(&[0x78, 0xbb]).ok_or(Refused::Header)?;
    let (id, rest) = rest.split_first_chunk().ok_or(Refused::Damaged)?;
    if u32::from_be_bytes(*id) != adler32::update(1, dictionary) {
        return Err(Refused::Dictionary);
    }
    let near = near(dictionary);
    let length = near.len() as u16;
    let mut inflater = Inflater::new(most.saturating_add(near.len() as u64));
    let mut out = Vec::new();
    let mut pull = |bytes: &[u8], out: &mut Vec<u8>| {
        let pulled = inflater.pull(bytes, out, usize::MAX);
        pulled.map_err(|_| Refused::Damaged)
    };
    // A stored block, as a stream would begin: it fills the window.
    pull(&[0], &mut out)?;
    pull(&length.to_le_bytes(), &mut out)?;
    pull(&(!length).to_le_bytes(), &mut out)?;
    pull(near, &mut out)?;
    out.clear();
    let end = pull(rest, &mut out)?;
    let seal = adler32::update(1, &out).to_be_bytes();
    match end.done && rest[end.read..] == seal {
        true => Ok(out),
        false => Err(Refused::Damaged),
    }
    // end
}

/// The part of the dictionary that a copy can reach.
fn near(dictionary: &[u8]) -> &[u8] {
    &dictionary[dictionary.len().saturating_sub(WINDOW)..]
}
