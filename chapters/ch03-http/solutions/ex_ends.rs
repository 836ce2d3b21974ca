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
    // begin: every manner, with a status and a length of each kind
    for bits in 0..8 {
        let manner = Manner {
            version: match bits & 1 {
                0 => Version::Http10,
                _ => Version::Http11,
            },
            is_head: bits & 2 > 0,
            is_connect: false,
            goes_on: bits & 4 > 0,
        };
        for status in [101, 200, 204, 205, 206, 304, 404, 500] {
            for length in [None, Some(0), Some(7), Some(u64::MAX)] {
                let is_empty = [101, 204, 205, 304].contains(&status);
                let expected = match length {
                    _ if is_empty => (Framing::Length(0), manner.goes_on),
                    Some(length) => (Framing::Length(length), manner.goes_on),
                    None if manner.version == Version::Http11 => {
                        (Framing::Chunked, manner.goes_on)
                    }
                    None => (Framing::Close, false),
                };
                let got = ends(&manner, status, length);
                let input = format!("{manner:?}, {status}, {length:?}");
                assert_eq!(got, expected, "input: {input}");
            }
        }
    }
    // end
}
