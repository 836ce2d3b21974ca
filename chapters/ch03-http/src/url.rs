//! http URLs, and what a Location means (RFC 3986; RFC 9110, section 4.2).
//!
//! ```text
//!   http://example.org:8080/notes/a.txt?q=1#end
//!   \__/   \______________/\__________/ \_/ \_/
//!  scheme     authority        path    query fragment
//! ```
//!
//! A *reference* may leave out what stands on the left, and takes that from
//! the URL of the page that it is on: its *base* (section 5).
//!
//! - I34: a reference means what section 5.2 makes of it, and an absolute
//!   URL means itself, whatever the base.
//! - I35: what becomes a request is checked before it is one: a scheme that
//!   is `http`, a host, no user's name, and no byte that would end a target.
//!
//! Left out: `https`, which needs TLS, and says so. Names in other scripts
//! (IDNA), and escaping what should have been escaped, which browsers do
//! (the WHATWG's URL standard): such a URL is refused.

use std::fmt;

use ch03_http::head::class::is_target;
use ch03_http::head::target::split_port;

/// The port of `http` (RFC 9110, section 4.2.1).
const PORT: u16 = 80;

/// The most bytes of a URL. RFC 9110, section 4.1, wants 8,000 at least.
const MOST: usize = 16 * 1024;

// ANCHOR: parts
/// A reference in its five parts. `None` and empty differ: `http://a/?` has
/// a query, which is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Before the first colon, if that comes before `/`, `?` and `#`.
    pub scheme: Option<&'a str>,
    /// Between `//` and the next of `/`, `?` and `#`.
    pub authority: Option<&'a str>,
    /// Always there, and often empty.
    pub path: &'a str,
    /// Behind the first `?`.
    pub query: Option<&'a str>,
    /// Behind the first `#`.
    pub fragment: Option<&'a str>,
}

/// Takes a reference apart. Every text has its parts (appendix B); whether
/// they are good for anything is another question.
pub fn split(text: &str) -> Parts<'_> {
    let (text, fragment) = cut(text, '#');
    let (text, query) = cut(text, '?');
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Parts {
        scheme,
        authority,
        path,
        query,
        fragment,
    }
}
// ANCHOR_END: parts

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

fn is_scheme(text: &str) -> bool {
    let more = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(more)
}

// ANCHOR: resolve
/// What a reference means on a page with this URL: section 5.2.2, line by
/// line, and section 5.3 to put the parts together.
pub fn resolve(base: &Parts, reference: &Parts) -> String {
    let Parts { query, path, .. } = *reference;
    let (authority, path, query) =
        if reference.scheme.is_some() || reference.authority.is_some() {
            (reference.authority, remove_dots(path), query)
        } else if path.is_empty() {
            (base.authority, base.path.to_owned(), query.or(base.query))
        } else if path.starts_with('/') {
            (base.authority, remove_dots(path), query)
        } else {
            (base.authority, remove_dots(&merge(base, path)), query)
        };
    let scheme = reference.scheme.or(base.scheme);
    let mut text = String::new();
    scheme.into_iter().for_each(|s| text += &format!("{s}:"));
    authority
        .into_iter()
        .for_each(|a| text += &format!("//{a}"));
    text += &path;
    query.into_iter().for_each(|q| text += &format!("?{q}"));
    let fragment = reference.fragment.into_iter();
    fragment.for_each(|f| text += &format!("#{f}"));
    text
}

/// The path beside the base's (section 5.2.3).
fn merge(base: &Parts, path: &str) -> String {
    if base.authority.is_some() && base.path.is_empty() {
        return format!("/{path}");
    }
    let folder = base.path.rfind('/').map_or(0, |at| at + 1);
    format!("{}{path}", &base.path[..folder])
}
// ANCHOR_END: resolve

// ANCHOR: remove_dots
/// Without `.` and `..` (section 5.2.4). `..` at the top stays at the top.
pub fn remove_dots(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(usize::from(is_absolute));
    let mut ends_open = false; // the last segment is gone: its slash stays
    let mut next = segments.next();
    while let Some(segment) = next {
        ends_open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
        next = segments.next();
    }
    if ends_open {
        kept.push("");
    }
    let slash = if is_absolute { "/" } else { "" };
    format!("{slash}{}", kept.join("/"))
}
// ANCHOR_END: remove_dots

/// An `http` URL that a request can be made for. Two are equal if they ask
/// the same server for the same thing; a fragment is not kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    host: String, // lower case; an IPv6 address in its brackets
    port: u16,
    target: String, // path and query: begins with `/`
}

/// Why a text is no URL to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlError {
    /// A scheme other than `http`, or none.
    Scheme(String),
    /// No host, or something that is none, or a port that is none.
    Host(String),
    /// A user's name, perhaps with a password, before an `@`: it would be
    /// in every log (RFC 9110, section 4.2.4).
    User,
    /// A byte that may not stand in a target: a space, a control
    /// character, one over 0x7f.
    Byte(u8),
    /// Too many bytes.
    Long,
}

impl Url {
    // ANCHOR: parse
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        if text.len() > MOST {
            return Err(UrlError::Long);
        }
        let parts = split(text);
        let scheme = parts.scheme.unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Scheme(scheme.to_owned()));
        }
        let authority = parts.authority.unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        let wrong = || UrlError::Host(authority.to_owned());
        let (host, port) = split_port(authority).ok_or_else(wrong)?;
        let port = port.filter(|port| !port.is_empty()).map(str::parse);
        let port = port.transpose().map_err(|_| wrong())?.unwrap_or(PORT);
        let mut target = remove_dots(parts.path);
        if target.is_empty() {
            target.push('/');
        }
        parts.query.into_iter().for_each(|q| {
            target.push('?');
            target += q;
        });
        match target.bytes().find(|byte| !is_target(*byte)) {
            Some(byte) => Err(UrlError::Byte(byte)),
            None => Ok(Url {
                host: host.to_ascii_lowercase(),
                port,
                target,
            }),
        }
    }

    // ANCHOR_END: parse

    /// What a reference means here: a Location, say.
    ///
    /// # Errors
    /// As [`Url::parse`], of what it means.
    pub fn join(&self, reference: &str) -> Result<Url, UrlError> {
        if reference.len() > MOST {
            return Err(UrlError::Long);
        }
        let base = self.to_string();
        Url::parse(&resolve(&split(&base), &split(reference)))
    }

    /// The host, as DNS or an address has it: an IPv6 address is without its
    /// brackets.
    pub fn host(&self) -> &str {
        let inside = self.host.strip_prefix('[');
        let inside = inside.and_then(|host| host.strip_suffix(']'));
        inside.unwrap_or(&self.host)
    }

    /// The port, also where the URL has none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a request line names: path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What a Host field says: the port only if it is not the usual one.
    pub fn authority(&self) -> String {
        match self.port {
            PORT => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
    }

    /// Whether both are the same server's, as far as names tell: its answers
    /// may be trusted alike.
    pub fn is_same_origin(&self, other: &Url) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }
}

// given: how a URL and its errors read is not what this step is about
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.target)
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlError::Scheme(scheme) if scheme.is_empty() => {
                write!(f, "no scheme: a URL begins with http://")
            }
            UrlError::Scheme(scheme)
                if scheme.eq_ignore_ascii_case("https") =>
            {
                write!(f, "https is not spoken here: there is no TLS")
            }
            UrlError::Scheme(scheme) => {
                write!(f, "the scheme {scheme:?} is not http")
            }
            UrlError::Host(host) => write!(f, "{host:?} is no host"),
            UrlError::User => {
                write!(f, "a user's name in a URL is not sent")
            }
            UrlError::Byte(byte) => write!(
                f,
                "the byte {byte:#04x} in a URL must be written %{byte:02X}"
            ),
            UrlError::Long => write!(f, "a URL of more than {MOST} bytes"),
        }
    }
}

impl std::error::Error for UrlError {}
// given end
