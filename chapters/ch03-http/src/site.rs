//! The finished stage's site: a directory, and a few pages of its own that
//! show what files cannot.
//!
//! | path | what |
//! |---|---|
//! | `/-/chat` | a page that talks over a WebSocket |
//! | `/-/ws` | the WebSocket |
//! | `/-/events` | the same room as a stream of events |
//! | `/-/say` | POST: says the body in the room |
//! | `/-/echo` | the body back |
//! | `/-/ping` | a hundred bytes from memory |
//! | all else | the directory's files, compressed for who takes that |

use ch03_http::compress::compressed;
use ch03_http::files::Files;
use ch03_http::head::{Method, Request};
use ch03_http::incoming::{Fault, Incoming};
use ch03_http::live::Room;
use ch03_http::response::{Payload, Response};
use ch03_http::serve::Service;

/// The chat's page: one file, and nothing from elsewhere.
const CHAT: &str = include_str!("chat.html");

/// The longest text that is said by POST, in bytes.
const MAX_TEXT: usize = 4096;

// ANCHOR: site
/// A directory and a room.
pub struct Site {
    files: Files,
    room: Room,
}

impl Site {
    /// The site of this directory.
    pub fn new(files: Files, room: Room) -> Site {
        Site { files, room }
    }
}

impl Service for Site {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        let path = incoming.request().target.path().unwrap_or("*");
        let Some(own) = path.strip_prefix("/-/") else {
            let now = incoming.runtime().clock().unix();
            let request = incoming.request();
            let response = self.files.answer(&request, now)?;
            return Ok(compressed(&request, response)?);
        };
        let method = incoming.request().method;
        let is_read = matches!(method, Method::Get | Method::Head);
        match own {
            "chat" | "events" | "ping" if !is_read => {
                let only = Response::text(405, "only GET and HEAD here\n");
                Ok(only.with("Allow", "GET, HEAD")?)
            }
            "chat" => page(&incoming.request()),
            "ws" => self.room.websocket(&incoming.request()),
            "events" => Ok(self.room.events(&incoming.request())),
            "ping" => Ok(ping()),
            "echo" => echo(incoming).await,
            "say" => self.say(incoming).await,
            _ => Ok(Response::text(404, "no such page\n")),
        }
    }
}
// ANCHOR_END: site

fn page(request: &Request<'_>) -> Result<Response, Fault> {
    let response = Response::new(200)
        .with_fixed("Content-Type", "text/html; charset=utf-8")
        .with_payload(Payload::Bytes(CHAT.as_bytes().into()));
    Ok(compressed(request, response)?)
}

fn ping() -> Response {
    let dots: &'static [u8] = &[b'.'; 100];
    Response::new(200)
        .with_fixed("Content-Type", "text/plain")
        .with_payload(Payload::Bytes(dots.into()))
}

/// Any method, any body, and its type, which nobody is to guess anew.
async fn echo(incoming: &mut Incoming<'_, '_>) -> Result<Response, Fault> {
    let body = incoming.whole().await?;
    let mut response =
        Response::new(200).with_fixed("X-Content-Type-Options", "nosniff");
    if let Some(kind) = incoming.request().headers.get("content-type") {
        response = response.with("Content-Type", kind)?;
    }
    Ok(response.with_payload(Payload::Bytes(body.into())))
}

impl Site {
    // ANCHOR: say
    async fn say(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        if incoming.request().method != Method::Post {
            let only = Response::text(405, "only POST here\n");
            return Ok(only.with("Allow", "POST")?);
        }
        // A page of another site could POST here: the same check as for a
        // WebSocket, by the same rule.
        if !is_same_origin(&incoming.request()) {
            return Ok(Response::text(403, "not from that page\n"));
        }
        let text = String::from_utf8(incoming.whole().await?);
        match text.as_deref().map(str::trim_end) {
            Ok(text) if text.len() <= MAX_TEXT => {
                self.room.say(text);
                Ok(Response::new(204))
            }
            Ok(_) => Ok(Response::text(413, "too long to be said\n")),
            Err(_) => Ok(Response::text(400, "not UTF-8\n")),
        }
    }
    // ANCHOR_END: say
}

/// Whether a request comes from a page of this server, or from no page.
fn is_same_origin(request: &Request<'_>) -> bool {
    let Some(origin) = request.headers.get("origin") else {
        return true;
    };
    let origin = std::str::from_utf8(origin).unwrap_or_default();
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some() && host == request.host()
}
