//! A bug hunt: data that no wrong decoder survives.

use ch03_http::deflate::compress::{Deflater, Flush, Level};

/// Panics when `inflate` is no decoder of DEFLATE: it gets a stream and gives
/// what the stream holds, or `None` if it refuses it. Gets a right one, and
/// decoders with one bug each.
pub fn hunt(inflate: &dyn Fn(&[u8]) -> Option<Vec<u8>>) {
    todo!("ex_inflate_hunt: data that uses all of the format")
}
