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
        // begin: take the line apart, refuse or keep it
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let Some((name, value)) = pair.split_once('=') else {
            return;
        };
        let (name, value) = (name.trim(), value.trim());
        let mut cookie = Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            host: url.host().to_owned(),
            below: false,
            path: folder(path_of(url)).to_owned(),
            until: None,
        };
        let mut is_good = !name.is_empty();
        for attribute in attributes.split(';') {
            let (key, value) =
                attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match &key.trim().to_ascii_lowercase()[..] {
                "path" if value.starts_with('/') => {
                    cookie.path = value.to_owned();
                }
                "domain" if !value.is_empty() => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    let domain = domain.to_ascii_lowercase();
                    is_good &=
                        domain.contains('.') && is_below(url.host(), &domain);
                    cookie.below = true;
                    cookie.host = domain;
                }
                "max-age" => {
                    let age = value.parse::<i64>().ok();
                    cookie.until = age.map(|age| {
                        let age = u64::try_from(age).unwrap_or(0);
                        now.saturating_add(Duration::from_secs(age))
                    });
                }
                "secure" => is_good = false,
                _ => {}
            }
        }
        if is_good {
            self.keep(cookie);
            self.cookies.retain(|it| it.until.is_none_or(|at| at > now));
        }
        // end
    }

    /// What the Cookie field of a request to this URL says at this time, if
    /// there is anything to say: longer paths first, and of those that are
    /// as long, the one that was set first (section 5.4).
    pub fn header(&self, url: &Url, now: Duration) -> Option<String> {
        // begin: those that fit, in order
        let fits = |it: &&Cookie| {
            let same = it.host == url.host();
            (same || it.below && is_below(url.host(), &it.host))
                && fits_path(&it.path, path_of(url))
                && it.until.is_none_or(|at| at > now)
        };
        let mut all: Vec<&Cookie> = self.cookies.iter().filter(fits).collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.path.len())); // stable
        let pairs = all.iter().map(|it| format!("{}={}", it.name, it.value));
        let text = pairs.collect::<Vec<_>>().join("; ");
        (!text.is_empty()).then_some(text)
        // end
    }

    /// Puts a cookie in its place, or behind the others.
    fn keep(&mut self, cookie: Cookie) {
        // begin: the same name, host and path are the same cookie
        let same = self.cookies.iter_mut().find(|it| {
            (&it.name, &it.host, &it.path)
                == (&cookie.name, &cookie.host, &cookie.path)
        });
        match same {
            Some(old) => *old = cookie,
            None => {
                self.cookies.push(cookie);
                if self.cookies.len() > MOST {
                    self.cookies.remove(0);
                }
            }
        }
        // end
    }
}

/// A URL's path, without its query.
fn path_of(url: &Url) -> &str {
    url.target().split('?').next().unwrap_or("/")
}

/// The path of a cookie that says none.
fn folder(path: &str) -> &str {
    // begin: up to the last slash
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
    // end
}

/// Whether a cookie's path fits a URL's.
fn fits_path(cookie: &str, path: &str) -> bool {
    // begin: the same, or a folder of it
    path.strip_prefix(cookie).is_some_and(|rest| {
        rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/')
    })
    // end
}

/// Whether the host is the domain or below it.
fn is_below(host: &str, domain: &str) -> bool {
    // begin: a whole label, and no address
    host == domain
        || host.parse::<std::net::IpAddr>().is_err()
            && host
                .strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
    // end
}
