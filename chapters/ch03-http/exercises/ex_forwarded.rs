//! Extend the heads: what proxies say of the client behind them.

use ch03_http::head::class::{is_token, is_value};
use ch03_http::head::list::split;

/// One proxy's pairs: names in lower case, and values without their quotes.
pub type Element = Vec<(String, String)>;

/// Reads the value of a `Forwarded` field (RFC 7239, section 4): elements
/// between commas, in each of them pairs between semicolons, in each of them
/// a token, `=`, and a token or a quoted string (RFC 9110, section 5.6.4),
/// with no space around the `=`. Empty elements and empty pairs are passed
/// over. `None` for anything else.
pub fn forwarded(value: &[u8]) -> Option<Vec<Element>> {
    todo!("ex_forwarded: split at commas; what is between them has pairs")
}

/// The pairs of one element.
fn pairs(mut element: &[u8]) -> Option<Element> {
    todo!("ex_forwarded: split at semicolons, then at the first equals sign")
}

/// The token that the bytes are.
fn token(bytes: &[u8]) -> Option<String> {
    let good = !bytes.is_empty() && bytes.iter().all(|byte| is_token(*byte));
    good.then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// What a quoted string means; `bytes` begins behind its first quote.
fn unquoted(bytes: &[u8]) -> Option<String> {
    todo!("ex_forwarded: up to the quote that ends it; mind backslashes")
}
