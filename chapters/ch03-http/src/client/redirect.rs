//! Redirects: what the next request is (RFC 9110, section 15.4).
//!
//! ```text
//!              POST          HEAD     others       body
//! 301, 302     GET           HEAD     the same     goes with POST's change
//! 303          GET           HEAD     GET          goes
//! 307, 308     the same      HEAD     the same     stays
//! ```
//!
//! The RFC lets a client turn POST into GET at 301 and 302 because all of
//! them do; the fetch standard says it must.

use ch03_http::client::error::RedirectFault;
use ch03_http::client::outgoing::Outgoing;
use ch03_http::head::Response;

// ANCHOR: turn
/// Makes the request the next one, if the answer is a redirect that can be
/// followed: false if it is an answer like any other.
///
/// # Errors
/// `Url`: the Location cannot be asked for. `Body`: it would have to be sent
/// again.
pub fn turn(
    outgoing: &mut Outgoing,
    answer: &Response,
) -> Result<bool, RedirectFault> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(false);
    }
    let Some(location) = answer.headers.get("location") else {
        return Ok(false); // for people to choose
    };
    let location = String::from_utf8_lossy(location);
    let url = outgoing.url().join(&location).map_err(|error| {
        RedirectFault::Url(location.clone().into_owned(), error)
    })?;
    let becomes_get = match answer.status {
        301 | 302 => outgoing.method() == "POST",
        303 => !matches!(outgoing.method(), "GET" | "HEAD"),
        _ => false,
    };
    if becomes_get {
        outgoing.become_get();
    }
    if !outgoing.payload().is_there() {
        return Err(RedirectFault::Body);
    }
    outgoing.go_to(url);
    Ok(true)
}
// ANCHOR_END: turn
