//! The line that nginx writes about a request, in its format `combined`.

use std::time::Duration;

use ch03_http::date;

/// What is known of a request that was answered. `None`: the client did not
/// say, or said what could not be read.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The client's address.
    pub peer: &'a str,
    /// The name that it gave as a password's owner.
    pub user: Option<&'a [u8]>,
    /// When the answer was done, since 1970.
    pub unix: Duration,
    /// The request line, as it came, without its line end.
    pub request: &'a [u8],
    /// The status of the answer.
    pub status: u16,
    /// How many bytes of content were sent.
    pub sent: u64,
    /// The field Referer.
    pub referer: Option<&'a [u8]>,
    /// The field User-Agent.
    pub agent: Option<&'a [u8]>,
}

/// The line, without a line end:
///
/// ```text
/// PEER - USER [27/Nov/2026:11:57:11 +0000] "REQUEST" 200 6 "REFERER" "AGENT"
/// ```
///
/// with the status and the bytes sent in the middle. What is missing is `-`.
/// In what a client chose, a quote, a backslash and each byte that is not
/// visible ASCII or a space is written as `\xHH`, with capitals: else a
/// client could write lines of its own.
pub fn line(entry: &Entry<'_>) -> String {
    todo!(
        "ex_access_log: the date in another order, the client's words escaped"
    )
}

/// The bytes, with those escaped that could be read as something else.
pub fn escaped(bytes: &[u8]) -> String {
    todo!("ex_access_log: byte by byte")
}
