//! The finished stage's site: a directory, and a few pages of its own that
//! show what files cannot.
//!
//! | path | what |
//! |---|---|
//! | `/-/chat` | a page that talks over a WebSocket |
//! | `/-/ws` | the WebSocket |
//! | `/-/events` | the same room as a stream of events |
//! | `/-/say` | POST: says the body in the room |
//! | `/-/echo` | any method: the body back |
//! | `/-/ping` | a hundred bytes from memory |
//! | all else | the directory's files, compressed for who takes that |
//!
//! A file of the directory in a folder that is called `-` is not reached by
//! these paths, but `/%2D/chat` is another path, and reaches it.

use ch03_http::compress::compressed;
use ch03_http::files::Files;
use ch03_http::framing::{Body, request_body};
use ch03_http::head::{Method, Refused, Request, Version};
use ch03_http::incoming::{Fault, Incoming};
use ch03_http::live::Room;
use ch03_http::page::CHAT;
use ch03_http::response::{Payload, Response};
use ch03_http::serve::Service;
use ch03_http::upgrade::handshake::{Origins, Policy, Refusal, accept};

/// The longest text that can be said, in bytes.
pub const MAX_TEXT: usize = 4096;

// ANCHOR: site
/// A room, and a directory if there is one.
pub struct Site {
    files: Option<Files>,
    room: Room,
}

impl Site {
    /// The site of this directory, or of none.
    pub fn new(files: impl Into<Option<Files>>, room: Room) -> Site {
        let files = files.into();
        Site { files, room }
    }
}

impl Service for Site {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        let request = incoming.request();
        let path = request.target.path().unwrap_or("*");
        let Some(own) = path.strip_prefix("/-/") else {
            let Some(files) = &self.files else {
                return Ok(Response::text(404, "the room is at /-/chat\n"));
            };
            let now = incoming.runtime().clock().unix();
            let response = files.answer(&request, now)?;
            return Ok(compressed(&request, response)?);
        };
        let method = request.method;
        let is_read = matches!(method, Method::Get | Method::Head);
        match own {
            "chat" | "events" | "ping" if !is_read => Ok(only("GET, HEAD")?),
            "say" if method != Method::Post => Ok(only("POST")?),
            "chat" => page(&request),
            "ws" => websocket(&self.room, &request),
            "events" => Ok(self.room.events(&request)),
            "ping" => Ok(ping()),
            "echo" => echo(incoming).await,
            "say" => self.say(incoming).await,
            _ => Ok(Response::text(404, "no such page\n")),
        }
    }
}
// ANCHOR_END: site

// given: texts, and what says nothing new
/// Who asks in another way is told these.
fn only(methods: &str) -> Result<Response, Refused> {
    let response = Response::text(405, "not with this method\n");
    response.with("Allow", methods)
}

fn page(request: &Request<'_>) -> Result<Response, Fault> {
    let response = Response::new(200)
        .with_fixed("Content-Type", "text/html; charset=utf-8")
        .with_payload(Payload::Bytes(CHAT.as_bytes().into()));
    Ok(compressed(request, response)?)
}

// given end

// ANCHOR: websocket
/// The answer to a request that asks for a WebSocket: 101, or why not.
fn websocket(room: &Room, request: &Request<'_>) -> Result<Response, Fault> {
    let method = std::str::from_utf8(request.method.token());
    let version = match request.version {
        Version::Http11 => "HTTP/1.1",
        Version::Http10 => "HTTP/1.0",
    };
    let line = (method.unwrap_or_default(), request.raw_target, version);
    // What is not UTF-8 stays, as something that nothing is equal to: an
    // Origin that is dropped would be a request without one.
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or("\u{fffd}");
    let fields: Vec<(&str, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    let policy = Policy {
        origins: Origins::Same,
        protocols: &[],
    };
    let accepted = match accept(line, &fields, &policy) {
        // Its body's bytes would be taken for frames.
        Ok(_) if has_body(request)? => Err(Refusal::Bad("body")),
        decided => decided,
    };
    match accepted {
        Ok(accepted) => Ok(upgrade(Response::new(101))
            .with("Sec-WebSocket-Accept", accepted.accept)?
            .with_payload(Payload::Upgrade(Box::new(room.clone())))),
        Err(refusal) => Ok(refused(&refusal)),
    }
}

fn has_body(request: &Request<'_>) -> Result<bool, Fault> {
    let body = request_body(request)?;
    Ok(!matches!(body, Body::Empty | Body::Length(0)))
}
// ANCHOR_END: websocket

// given: the fields and words of both answers
/// The fields that name the protocol. Whoever sends Upgrade sends it in
/// Connection, too (RFC 9110, section 7.8): the server adds it.
fn upgrade(response: Response) -> Response {
    response.with_fixed("Upgrade", "websocket")
}

fn refused(refusal: &Refusal) -> Response {
    let why = match refusal {
        Refusal::NotAsked => "a WebSocket is here".to_owned(),
        Refusal::Bad(field) => format!("a wrong {field}"),
        Refusal::Version => "version 13 alone".to_owned(),
        Refusal::Origin => "not from that page".to_owned(),
    };
    let response = Response::text(refusal.status(), why + "\n");
    match refusal.status() {
        426 => upgrade(response).with_fixed("Sec-WebSocket-Version", "13"),
        _ => response,
    }
    .last()
}

fn ping() -> Response {
    let dots: &'static [u8] = &[b'.'; 100];
    Response::new(200)
        .with_fixed("Content-Type", "text/plain")
        .with_payload(Payload::Bytes(dots.into()))
}

// given end

// ANCHOR: echo
/// Any method, any body, and its type. A browser is not to guess another: the
/// bytes are somebody else's.
async fn echo(incoming: &mut Incoming<'_, '_>) -> Result<Response, Fault> {
    let body = incoming.whole().await?;
    let mut response =
        Response::new(200).with_fixed("X-Content-Type-Options", "nosniff");
    if let Some(kind) = incoming.request().headers.get("content-type") {
        response = response.with("Content-Type", kind)?;
    }
    Ok(response.with_payload(Payload::Bytes(body.into())))
}
// ANCHOR_END: echo

impl Site {
    // ANCHOR: say
    async fn say(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        // A page of another site could POST here: the same check as for a
        // WebSocket, by the same rule.
        if !is_same_origin(&incoming.request()) {
            return Ok(Response::text(403, "not from that page\n"));
        }
        let mut body = Vec::new();
        while incoming.piece(&mut body).await? {
            if body.len() > MAX_TEXT {
                return Ok(Response::text(413, "too long to be said\n"));
            }
        }
        let Ok(text) = str::from_utf8(&body) else {
            return Ok(Response::text(400, "not UTF-8\n"));
        };
        self.room.say(text.trim_end());
        Ok(Response::new(204))
    }
    // ANCHOR_END: say
}

// ANCHOR: origin
/// Whether a request comes from a page of this server, or from no page: what
/// is no browser sends no `Origin`, and could send any.
fn is_same_origin(request: &Request<'_>) -> bool {
    let is_origin = |name: &[u8]| name.eq_ignore_ascii_case(b"origin");
    let fields = request.headers.iter();
    let mut sent = fields.filter(|(name, _)| is_origin(name));
    let Some((_, origin)) = sent.next() else {
        return true;
    };
    let origin = str::from_utf8(origin).unwrap_or_default();
    let (scheme, authority) = origin.split_once("://").unwrap_or_default();
    let host = request.host().unwrap_or_default();
    matches!(scheme, "http" | "https")
        && authority.eq_ignore_ascii_case(host)
        && sent.next().is_none()
}
// ANCHOR_END: origin
