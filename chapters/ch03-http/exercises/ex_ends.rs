//! A bug hunt: a test that no wrong way to end an answer survives.

use ch03_http::head::Version;
use ch03_http::manner::Manner;
use ch03_http::out::Framing;

/// Says how the end of a content is told, and whether the connection can go
/// on behind it: the request's manner, the answer's status, and the length
/// of its content, if it is known.
pub type Ends = fn(&Manner, u16, Option<u64>) -> (Framing, bool);

/// Panics when `ends` is not what [`Manner::framing`] is. Gets that one, and
/// mutants of it with one bug each.
pub fn hunt(ends: Ends) {
    todo!("ex_ends: every manner, with a status and a length of each kind")
}
