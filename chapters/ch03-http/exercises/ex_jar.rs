//! Cookies: what a server gives a client to bring back (RFC 6265).
//!
//! ```text
//! answer     Set-Cookie: id=7; Path=/notes; Max-Age=60
//! request    Cookie: id=7            to the same host, below /notes, for 60 s
//! ```
//!
//! A cookie is one of its name, its host and its path: setting it again
//! changes its value and keeps its place. Attributes (their names in upper
//! or lower case) that matter here:
//!
//! - `Path`: where it goes. Without one, or if it does not begin with `/`:
//!   the folder of the URL that set it, which is its path up to the last
//!   `/`, without it; `/` if that is the first (section 5.1.4). A cookie's
//!   path fits a URL's if it is the same, or a beginning of it that ends
//!   with `/` or before one.
//! - `Domain`: for the hosts below as well. A dot in front is dropped. If
//!   the host that sets it is neither that domain nor below it, or if the
//!   domain has no dot inside, the cookie is refused; an address in digits
//!   is below nothing. Without `Domain` it is for the very host.
//! - `Max-Age`: seconds; 0 and less end it at once. Without it, it stays. A
//!   value that is no whole number is as none.
//! - `Secure`: only over TLS, so that here it is refused.
//!
//! A line without `=` before the first `;`, or with an empty name, sets
//! nothing. White space around a name or a value is not part of it.

use std::time::Duration;

use ch03_http::url::Url;

/// The most cookies of a jar: the oldest goes first. RFC 6265, section 6.1,
/// wants 3,000 at least, 50 for each domain.
pub const MOST: usize = 100;

/// One cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    below: bool, // of `host`
    path: String,
    until: Option<Duration>,
}

/// The cookies of a client, in the order in which they were first set.
#[derive(Debug, Default)]
pub struct Jar {
    cookies: Vec<Cookie>,
}

impl Jar {
    /// A Set-Cookie of an answer from this URL, at this time.
    pub fn set(&mut self, url: &Url, line: &str, now: Duration) {
        todo!("ex_jar: take the line apart, refuse or keep it")
    }

    /// What the Cookie field of a request to this URL says at this time, if
    /// there is anything to say: longer paths first, and of those that are
    /// as long, the one that was set first (section 5.4).
    pub fn header(&self, url: &Url, now: Duration) -> Option<String> {
        todo!("ex_jar: those that fit, in order")
    }

    /// Puts a cookie in its place, or behind the others.
    fn keep(&mut self, cookie: Cookie) {
        todo!("ex_jar: the same name, host and path are the same cookie")
    }
}

/// A URL's path, without its query.
fn path_of(url: &Url) -> &str {
    url.target().split('?').next().unwrap_or("/")
}

/// The path of a cookie that says none.
fn folder(path: &str) -> &str {
    todo!("ex_jar: up to the last slash")
}

/// Whether a cookie's path fits a URL's.
fn fits_path(cookie: &str, path: &str) -> bool {
    todo!("ex_jar: the same, or a folder of it")
}

/// Whether the host is the domain or below it.
fn is_below(host: &str, domain: &str) -> bool {
    todo!("ex_jar: a whole label, and no address")
}
