//! A response before it is sent: a status, fields, and what its content is.
//!
//! - I10: what could not be read as one field is refused when it is set, and
//!   so is a field that is the server's: where a content ends and whether the
//!   connection goes on is said once, by the one who does it.

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::pin::Pin;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::tcp::WriteHalf;
use ch03_http::head::Refused;
use ch03_http::head::write::put_field;
use ch03_http::out::Out;

/// What a task does later; on one thread, so it need not be `Send`.
pub type Later<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + 'a>>;

// ANCHOR: content
/// A content that sends itself: a file, a stream of events.
pub trait Content {
    /// How many bytes it has, if that is known before. Then it sends just as
    /// many; else they go in chunks, or up to the end of the connection.
    fn length(&self) -> Option<u64>;

    /// All of it, if it is there already and has no more than `most` bytes.
    ///
    /// # Errors
    /// `None` where that is not so; else those of reading it.
    fn to_bytes(&self, most: u64) -> Option<io::Result<Vec<u8>>> {
        let _ = most;
        None
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// The connection's, or its own: the response cannot be completed, and
    /// the connection is closed so that the client can tell.
    fn send<'a>(&'a mut self, out: &'a mut Out<'_>) -> Later<'a>;
}

// ANCHOR_END: content

// ANCHOR: payload
/// What takes over a connection that has stopped speaking HTTP.
pub trait Upgrade {
    /// Speaks, from what the client has sent behind its request on.
    ///
    /// # Errors
    /// How the connection ended.
    fn run(
        self: Box<Self>,
        reader: BufReader,
        writer: WriteHalf,
    ) -> Later<'static>;
}

/// What follows the fields.
#[derive(Default)]
pub enum Payload {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes that are there.
    Bytes(Cow<'static, [u8]>),
    /// Something that sends itself.
    Content(Box<dyn Content>),
    /// Another protocol: with 101, or with 2xx to CONNECT.
    Upgrade(Box<dyn Upgrade>),
}
// ANCHOR_END: payload

// ANCHOR: response
/// Fields that the server writes, and nobody else.
pub const OURS: [&str; 5] = [
    "Connection",
    "Content-Length",
    "Date",
    "Keep-Alive",
    "Transfer-Encoding",
];

/// A response.
#[derive(Default)]
pub struct Response {
    status: u16,
    fields: Vec<u8>, // as they are sent, line by line
    payload: Payload,
    has_upgrade: bool, // one of the fields
    is_last: bool,
}

impl Response {
    /// A response without fields and content.
    pub fn new(status: u16) -> Response {
        Response {
            status,
            ..Response::default()
        }
    }

    /// A response that says something to people.
    pub fn text(status: u16, text: impl Into<String>) -> Response {
        let bytes = text.into().into_bytes();
        Response::new(status)
            .with_fixed("Content-Type", "text/plain; charset=utf-8")
            .with_payload(Payload::Bytes(bytes.into()))
    }

    // ANCHOR_END: response

    // ANCHOR: with
    /// With one more field.
    ///
    /// # Errors
    /// [`Refused`]: it could not be read as one field, or its name is one of
    /// [`OURS`].
    pub fn with(
        mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Response, Refused> {
        self.put(name, value.as_ref())?;
        Ok(self)
    }

    /// As [`Response::with`], for a field that the program wrote itself: one
    /// that would be refused is a bug, and is left out.
    pub fn with_fixed(
        mut self,
        name: &'static str,
        value: &'static str,
    ) -> Response {
        let put = self.put(name, value.as_bytes());
        debug_assert!(put.is_ok(), "{name}: {value}");
        self
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Refused> {
        if OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
            return Err(Refused::Name);
        }
        put_field(&mut self.fields, name, value)?;
        self.has_upgrade |= name.eq_ignore_ascii_case("upgrade");
        Ok(())
    }

    // ANCHOR_END: with

    // ANCHOR: parts
    /// With this content.
    pub fn with_payload(mut self, payload: Payload) -> Response {
        self.payload = payload;
        self
    }

    /// The last one on its connection.
    pub fn last(mut self) -> Response {
        self.is_last = true;
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The fields, as they are sent.
    pub fn fields(&self) -> &[u8] {
        &self.fields
    }

    /// Whether one of the fields is Upgrade.
    pub fn has_upgrade(&self) -> bool {
        self.has_upgrade
    }

    /// The content.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Whether the connection is to end after it.
    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// Takes the content out, for something that wraps it.
    pub fn take_payload(&mut self) -> Payload {
        std::mem::take(&mut self.payload)
    }
}
// ANCHOR_END: parts

impl Payload {
    /// How many bytes it has; `None`: not known, or not bytes.
    pub fn length(&self) -> Option<u64> {
        match self {
            Payload::Empty => Some(0),
            Payload::Bytes(bytes) => Some(bytes.len() as u64),
            Payload::Content(content) => content.length(),
            Payload::Upgrade(_) => None,
        }
    }
}

impl Response {
    // ANCHOR: get
    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let text = std::str::from_utf8(&self.fields).ok()?;
        text.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// As [`Response::with`], in place of the fields of this name.
    ///
    /// # Errors
    /// As [`Response::with`].
    pub fn replacing(
        mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Response, Refused> {
        let fields = std::mem::take(&mut self.fields);
        for line in fields.split_inclusive(|&byte| byte == b'\n') {
            let key = line.split(|&byte| byte == b':').next();
            if !key.unwrap_or(line).eq_ignore_ascii_case(name.as_bytes()) {
                self.fields.extend_from_slice(line);
            }
        }
        self.with(name, value)
    }
    // ANCHOR_END: get
}
