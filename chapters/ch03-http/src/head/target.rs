//! What a request is for: the four forms of a target (RFC 9112, section 3.2),
//! and what a host may look like.
//!
//! ```text
//! origin      GET /notes?q=1 HTTP/1.1             every ordinary request
//! absolute    GET http://a.org/notes HTTP/1.1     to a proxy
//! authority   CONNECT a.org:443 HTTP/1.1          only with CONNECT
//! asterisk    OPTIONS * HTTP/1.1                  only with OPTIONS
//! ```
//!
//! Left out: zones in IPv6 addresses (`fe80::1%25eth0`), which mean something
//! to one machine only; and decoding `%41`. What a path means is for whoever
//! serves it; who decodes twice, or decodes before splitting, serves other
//! files than those that were asked for.

// ANCHOR: target
/// A request's target. Nothing in it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A path, and what follows its `?`.
    Origin {
        /// Begins with `/`.
        path: &'a str,
        /// What stands behind the first `?`, if there is one.
        query: Option<&'a str>,
    },
    /// A whole URI.
    Absolute {
        /// `http`, say: as it came, in upper or lower case.
        scheme: &'a str,
        /// Host and, after a colon, perhaps a port.
        authority: &'a str,
        /// Begins with `/`, or is empty.
        path: &'a str,
        /// What stands behind the first `?`, if there is one.
        query: Option<&'a str>,
    },
    /// Host and port, for CONNECT.
    Authority {
        /// As it came: `a.org:443`.
        authority: &'a str,
    },
    /// The server itself.
    Asterisk,
}
// ANCHOR_END: target

// ANCHOR: parse
impl<'a> Target<'a> {
    /// The target of a request with this method, or `None` if it has none of
    /// the four forms, or one that the method does not go with.
    pub fn parse(method: &[u8], target: &'a str) -> Option<Target<'a>> {
        if method == b"CONNECT" {
            let (_, port) = split_port(target)?;
            let numbered = port.is_some_and(|port| !port.is_empty());
            let authority = target;
            return numbered.then_some(Target::Authority { authority });
        }
        if target.starts_with('/') {
            let (path, query) = split_query(target);
            return Some(Target::Origin { path, query });
        }
        if target == "*" {
            return (method == b"OPTIONS").then_some(Target::Asterisk);
        }
        let (scheme, rest) = target.split_once("://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if !is_scheme(scheme) || !is_host(authority.as_bytes()) {
            return None;
        }
        let (path, query) = split_query(rest);
        Some(Target::Absolute {
            scheme,
            authority,
            path,
            query,
        })
    }
    // ANCHOR_END: parse

    // given: what the variants hold
    /// The path: `/` where an absolute form has none (RFC 9110, section
    /// 4.2.3), and `None` for the two forms that have none.
    pub fn path(&self) -> Option<&'a str> {
        match self {
            Target::Absolute { path: "", .. } => Some("/"),
            Target::Origin { path, .. } | Target::Absolute { path, .. } => {
                Some(path)
            }
            Target::Authority { .. } | Target::Asterisk => None,
        }
    }
    // given end
}

// given: small questions
/// Path and query.
fn split_query(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// RFC 3986, section 3.1.
fn is_scheme(text: &str) -> bool {
    let more = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(more)
}
// given end

// ANCHOR: host
/// Whether the bytes are a host with or without a port, as a Host field has
/// (RFC 9112, section 3.2; RFC 3986, section 3.2.2). An empty host is none,
/// since an `http` URI may not have one (RFC 9110, section 4.2.1), and a
/// user's name before an `@` is refused (section 4.2.4).
pub fn is_host(bytes: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-.".contains(b);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return true; // nearly every one: nothing more to look at
    }
    std::str::from_utf8(bytes).is_ok_and(|text| split_port(text).is_some())
}

/// Host and port of an authority; `None` if it is none. The port, which may
/// be empty after a colon, is at most 65,535.
pub fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let end = match authority.strip_prefix('[') {
        Some(inside) => inside.find(']')? + 2, // an IPv6 address
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let port = match rest {
        "" => None,
        rest => Some(rest.strip_prefix(':')?),
    };
    (is_name(host) && port.is_none_or(is_port)).then_some((host, port))
}
// ANCHOR_END: host

// ANCHOR: name
fn is_port(port: &str) -> bool {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    digits && (port.is_empty() || port.parse::<u16>().is_ok())
}

/// A name or an address, without a port.
fn is_name(host: &str) -> bool {
    if let Some(inside) = host.strip_prefix('[') {
        let address = inside.strip_suffix(']').unwrap_or(inside);
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let sub_delim = |b: u8| b"!$&'()*+,;=".contains(&b);
    let mut bytes = host.bytes();
    while let Some(byte) = bytes.next() {
        let mut hex = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
        let good = match byte {
            b'%' => hex() && hex(),
            _ => unreserved(byte) || sub_delim(byte),
        };
        if !good {
            return false;
        }
    }
    !host.is_empty()
}
// ANCHOR_END: name
