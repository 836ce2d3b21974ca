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
    // begin: split at commas; what is between them has pairs
    let mut elements = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (element, more) = split(rest, b',');
        rest = more;
        let pairs = pairs(element)?;
        if !pairs.is_empty() {
            elements.push(pairs);
        }
    }
    Some(elements)
    // end
}

/// The pairs of one element.
fn pairs(mut element: &[u8]) -> Option<Element> {
    // begin: split at semicolons, then at the first equals sign
    let mut pairs = Vec::new();
    while !element.is_empty() {
        let (pair, more) = split(element, b';');
        element = more;
        if pair.is_empty() {
            continue;
        }
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (token(&pair[..equals])?, &pair[equals + 1..]);
        let value = match value.strip_prefix(b"\"") {
            Some(quoted) => unquoted(quoted)?,
            None => token(value)?,
        };
        pairs.push((name.to_ascii_lowercase(), value));
    }
    Some(pairs)
    // end
}

/// The token that the bytes are.
fn token(bytes: &[u8]) -> Option<String> {
    let good = !bytes.is_empty() && bytes.iter().all(|byte| is_token(*byte));
    good.then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// What a quoted string means; `bytes` begins behind its first quote.
fn unquoted(bytes: &[u8]) -> Option<String> {
    // begin: up to the quote that ends it; mind backslashes
    let mut meant = Vec::new();
    let mut bytes = bytes.iter();
    loop {
        match *bytes.next()? {
            b'"' => break,
            b'\\' => meant.push(*bytes.next()?),
            byte => meant.push(byte),
        }
    }
    let good = bytes.next().is_none() && meant.iter().all(|b| is_value(*b));
    good.then(|| String::from_utf8_lossy(&meant).into_owned())
    // end
}
