//! Proxies: who gets the request instead of the server that it is for.
//!
//! ```text
//!   direct       connect to a.org:80     GET /notes HTTP/1.1
//!   by proxy     connect to proxy:3128   GET http://a.org/notes HTTP/1.1
//! ```
//!
//! Host says `a.org` in both (RFC 9112, section 3.2.2). Left out: tunnels by
//! CONNECT, which are for TLS; a password for the proxy; addresses with a
//! mask in the list.

use ch03_http::url::Url;

// ANCHOR: proxy
/// A proxy, and the hosts that are asked without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Where it is; its path is not used.
    pub url: Url,
    /// As NO_PROXY has it: a host, which stands also for all below it (a
    /// dot before it changes nothing), perhaps with a port; or `*`.
    pub except: Vec<String>,
}

impl Proxy {
    /// Whether it is to be used for this URL.
    pub fn is_for(&self, url: &Url) -> bool {
        !self.except.iter().any(|entry| is_exempt(entry, url))
    }
}

/// Whether an entry of the list names the URL's host.
fn is_exempt(entry: &str, url: &Url) -> bool {
    let entry = entry.trim().to_ascii_lowercase();
    let host = url.host();
    let is_all = entry == "*";
    if is_all || entry.trim_matches(['[', ']']) == host {
        return true; // before colons are looked at: `::1` has some
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (&entry[..], None),
    };
    let name = name.strip_prefix('.').unwrap_or(name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let below = host.strip_suffix(name).is_some_and(|rest| {
        rest.is_empty() || rest.ends_with('.') && !is_address(host)
    });
    let fits = port.is_none_or(|port| port == url.port().to_string());
    !name.is_empty() && below && fits
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}
// ANCHOR_END: proxy
