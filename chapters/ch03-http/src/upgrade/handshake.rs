//! The handshake (RFC 6455, section 4): an HTTP request that ends HTTP.
//!
//! ```text
//!   client                                   server
//!   GET /chat HTTP/1.1
//!   Host: server.example.com
//!   Upgrade: websocket
//!   Connection: Upgrade
//!   Sec-WebSocket-Key: dGhl…   16 random bytes
//!   Sec-WebSocket-Version: 13
//!   Origin: http://example.com               may a page of there use us?
//!   ─────────────────────────────────────▶
//!                  HTTP/1.1 101 Switching Protocols
//!                  Upgrade: websocket
//!                  Connection: Upgrade
//!                  Sec-WebSocket-Accept: base64(sha1(key ‖ GUID))
//!   ◀─────────────────────────────────────
//! ```
//!
//! I43: both sides switch only when each has shown the other that it speaks
//! WebSocket and not some other protocol, and a server switches for no
//! request of a page whose origin its policy does not allow.
//!
//! The functions work on pairs of header name and value, so they need no
//! HTTP parser, and any one will do. Values are without the blanks around
//! them, as RFC 9112, section 5.1, has a parser leave them.
//!
//! Left out: redirects and authentication (any other status ends the
//! client's attempt), and extensions, which are declined in silence.

use ch03_http::upgrade::base64;
use ch03_http::upgrade::sha1::sha1;

/// A header's fields in order: names in any case, values without blanks
/// around them.
pub type Fields<'a> = &'a [(&'a str, &'a str)];

/// What a server appends to the key, so that no server of another protocol
/// gives the right answer by chance (section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The one version that there is (section 4.1).
const VERSION: &str = "13";

// ANCHOR: accept_value
/// The `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (section 4.2.2).
pub fn accept_value(key: &str) -> String {
    base64::encode(&sha1(format!("{key}{GUID}").as_bytes()))
}
// ANCHOR_END: accept_value

// ANCHOR: policy
/// The pages that may use a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins<'a> {
    /// Any page: right only where no cookie and no address gives rights.
    Any,
    /// Pages of this server itself, by the request's `Host`.
    Same,
    /// These, as `http://example.com`.
    Only(&'a [&'a str]),
}

/// What a server decides by itself.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// The pages that may use it.
    pub origins: Origins<'a>,
    /// The subprotocols that it speaks.
    pub protocols: &'a [&'a str],
}
// ANCHOR_END: policy

// ANCHOR: refusal
/// Why a server does not switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not a GET of HTTP/1.1, or no `Upgrade: websocket`: plain HTTP.
    NotAsked,
    /// A field that must be there once is missing, doubled or malformed.
    Bad(&'static str),
    /// Another version than 13.
    Version,
    /// A page of an origin that the policy does not allow.
    Origin,
}

impl Refusal {
    /// The status to answer with. 426 wants `Upgrade: websocket` and
    /// `Sec-WebSocket-Version: 13` beside it (section 4.4).
    pub fn status(&self) -> u16 {
        match self {
            Refusal::NotAsked | Refusal::Version => 426,
            Refusal::Bad(_) => 400,
            Refusal::Origin => 403,
        }
    }
}
// ANCHOR_END: refusal

// ANCHOR: accept
/// A request that the server accepts: what its answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The value of `Sec-WebSocket-Accept`.
    pub accept: String,
    /// The subprotocol, if one is agreed on.
    pub protocol: Option<String>,
}

/// Decides about a request, for a server (section 4.2.1).
///
/// # Errors
/// Why the answer is not 101.
pub fn accept(
    request_line: (&str, &str, &str),
    fields: Fields,
    policy: &Policy,
) -> Result<Accepted, Refusal> {
    let (method, _, version) = request_line;
    if method != "GET"
        || version != "HTTP/1.1"
        || !has_token(fields, "Upgrade", "websocket")
    {
        return Err(Refusal::NotAsked);
    }
    if !has_token(fields, "Connection", "Upgrade") {
        return Err(Refusal::Bad("Connection"));
    }
    let host = once(fields, "Host")?;
    if once(fields, "Sec-WebSocket-Version")? != VERSION {
        return Err(Refusal::Version);
    }
    let key = once(fields, "Sec-WebSocket-Key")?;
    if base64::decode(key).is_none_or(|nonce| nonce.len() != 16) {
        return Err(Refusal::Bad("Sec-WebSocket-Key"));
    }
    if !allowed(fields, host, policy.origins) {
        return Err(Refusal::Origin);
    }
    let accept = accept_value(key);
    let protocol = choose(fields, policy.protocols)?;
    Ok(Accepted { accept, protocol })
}
// ANCHOR_END: accept

// ANCHOR: allowed
/// Whether the page that sent the request, if a page did, may use us. What
/// is no browser sends no `Origin`; it could send any, so nothing is lost.
fn allowed(fields: Fields, host: &str, origins: Origins) -> bool {
    let mut sent = values(fields, "Origin");
    let (Some(origin), None) = (sent.next(), sent.next()) else {
        return values(fields, "Origin").next().is_none();
    };
    match origins {
        Origins::Any => true,
        Origins::Same => {
            let (scheme, authority) =
                origin.split_once("://").unwrap_or(("", ""));
            matches!(scheme, "http" | "https")
                && authority.eq_ignore_ascii_case(host)
        }
        Origins::Only(known) => {
            known.iter().any(|one| origin.eq_ignore_ascii_case(one))
        }
    }
}
// ANCHOR_END: allowed

// ANCHOR: choose
/// The first subprotocol that the client offers and we speak: the client's
/// order is its preference (section 4.1, item 10).
fn choose(fields: Fields, ours: &[&str]) -> Result<Option<String>, Refusal> {
    let offered: Vec<&str> = values(fields, "Sec-WebSocket-Protocol")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim_matches([' ', '\t']))
        .collect();
    let malformed = |(at, name): (usize, &&str)| {
        !is_token(name) || offered[..at].contains(name)
    };
    if offered.iter().enumerate().any(malformed) {
        return Err(Refusal::Bad("Sec-WebSocket-Protocol"));
    }
    let chosen = offered.iter().find(|name| ours.contains(name));
    Ok(chosen.map(|&name| name.to_owned()))
}
// ANCHOR_END: choose

// ANCHOR: answer
impl Accepted {
    /// The answer's head, to its blank line.
    pub fn head(&self) -> String {
        let mut head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
            self.accept
        );
        if let Some(protocol) = &self.protocol {
            head += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
        }
        head + "\r\n"
    }
}
// ANCHOR_END: answer

// ANCHOR: request
/// What a client asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The host and port: what `Host` says.
    pub host: &'a str,
    /// The path, and the query if there is one.
    pub target: &'a str,
    /// 16 random bytes, fresh for each connection.
    pub nonce: [u8; 16],
    /// The subprotocols that the client speaks, best first.
    pub protocols: &'a [&'a str],
}

impl Request<'_> {
    /// The `Sec-WebSocket-Key`.
    pub fn key(&self) -> String {
        base64::encode(&self.nonce)
    }

    /// The request's head, to its blank line (section 4.1).
    pub fn head(&self) -> String {
        let mut head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: {}\r\n\
             Sec-WebSocket-Version: {VERSION}\r\n",
            self.target,
            self.host,
            self.key()
        );
        if !self.protocols.is_empty() {
            let names = self.protocols.join(", ");
            head += &format!("Sec-WebSocket-Protocol: {names}\r\n");
        }
        head + "\r\n"
    }
}
// ANCHOR_END: request

// ANCHOR: unconfirmed
/// Why a client does not switch: the status, or the field that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unconfirmed {
    /// Another status than 101.
    Status(u16),
    /// A field that is missing, doubled or wrong, or was not asked for.
    Field(&'static str),
}

// ANCHOR_END: unconfirmed

// ANCHOR: confirm
impl Request<'_> {
    /// Decides about the answer (section 4.1, "Once the client's opening
    /// handshake has been sent"): the subprotocol, if there is one.
    ///
    /// # Errors
    /// What shows that the server did not mean this request: hang up.
    pub fn confirm<'f>(
        &self,
        status: u16,
        fields: Fields<'f>,
    ) -> Result<Option<&'f str>, Unconfirmed> {
        let wrong = |name| Err(Unconfirmed::Field(name));
        if status != 101 {
            return Err(Unconfirmed::Status(status));
        }
        if !has_token(fields, "Upgrade", "websocket") {
            return wrong("Upgrade");
        }
        if !has_token(fields, "Connection", "Upgrade") {
            return wrong("Connection");
        }
        if once(fields, "Sec-WebSocket-Accept")
            != Ok(&accept_value(&self.key()))
        {
            return wrong("Sec-WebSocket-Accept");
        }
        if values(fields, "Sec-WebSocket-Extensions").next().is_some() {
            return wrong("Sec-WebSocket-Extensions"); // we offered none
        }
        let mut chosen = values(fields, "Sec-WebSocket-Protocol");
        match (chosen.next(), chosen.next()) {
            (None, _) => Ok(None),
            (Some(name), None) if self.protocols.contains(&name) => {
                Ok(Some(name))
            }
            _ => wrong("Sec-WebSocket-Protocol"),
        }
    }
}
// ANCHOR_END: confirm

// ANCHOR: fields
/// The values of all fields of that name, in order.
fn values<'a>(fields: Fields<'a>, name: &str) -> std::vec::IntoIter<&'a str> {
    let named = |field: &&(&str, &str)| field.0.eq_ignore_ascii_case(name);
    let found: Vec<_> = fields.iter().filter(named).map(|f| f.1).collect();
    found.into_iter()
}

/// The value of a field that must be there, and once.
fn once<'a>(
    fields: Fields<'a>,
    name: &'static str,
) -> Result<&'a str, Refusal> {
    let mut found = values(fields, name);
    match (found.next(), found.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Refusal::Bad(name)),
    }
}

/// Whether a list field has this element, in any case.
fn has_token(fields: Fields, name: &str, token: &str) -> bool {
    values(fields, name)
        .flat_map(|value| value.split(','))
        .any(|element| {
            element
                .trim_matches([' ', '\t'])
                .eq_ignore_ascii_case(token)
        })
}

/// Whether the text is a token (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || mark(b))
}
// ANCHOR_END: fields
