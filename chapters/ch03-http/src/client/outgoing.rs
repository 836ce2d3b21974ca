//! A request before it is sent.

use std::borrow::Cow;

use ch03_http::client::error::ClientError;
use ch03_http::head::write::put_field;
use ch03_http::head::{HeadWriter, Refused};
use ch03_http::response::Content;
use ch03_http::url::Url;

/// Fields that say how the message is sent, which is the client's to know.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "expect"];

/// Fields about a body, which go with it.
const OF_THE_BODY: [&str; 4] = [
    "content-encoding",
    "content-language",
    "content-location",
    "content-type",
];

/// Fields that are for one server only.
const OF_THE_ORIGIN: [&str; 3] = ["authorization", "cookie", "host"];

/// What is sent behind the head.
#[derive(Default)]
pub enum Payload {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes that are there, and can be sent again.
    Bytes(Cow<'static, [u8]>),
    /// Something that sends itself, once.
    Content(Box<dyn Content>),
}

/// A request.
pub struct Outgoing {
    method: String,
    url: Url,
    fields: Vec<(String, Vec<u8>)>,
    payload: Payload,
}

impl Outgoing {
    /// A request without fields of its own and without a body.
    ///
    /// # Errors
    /// [`ClientError::Request`]: the method is no token, or it is CONNECT,
    /// whose answer would be a tunnel; or the URL is none.
    pub fn new(method: &str, url: &str) -> Result<Outgoing, ClientError> {
        let url = Url::parse(url)?;
        HeadWriter::request(&mut Vec::new(), method, url.target())?;
        if method == "CONNECT" {
            return Err(Refused::Method.into());
        }
        Ok(Outgoing {
            method: method.to_owned(),
            url,
            fields: Vec::new(),
            payload: Payload::Empty,
        })
    }

    /// With one more field. Host is the URL's unless it is set here; those
    /// that say where the body ends are refused, since the client sets them.
    ///
    /// # Errors
    /// [`ClientError::Request`]: it could not be read as one field.
    pub fn with(
        mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Outgoing, ClientError> {
        put_field(&mut Vec::new(), name, value.as_ref())?;
        if is_one_of(&FRAMING, name) {
            return Err(Refused::Name.into());
        }
        let value = value.as_ref().trim_ascii().to_vec();
        self.fields.push((name.to_owned(), value));
        Ok(self)
    }

    /// With this body.
    pub fn with_payload(mut self, payload: Payload) -> Outgoing {
        self.payload = payload;
        self
    }

    /// What is asked for.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Names and values of the fields that are set.
    pub fn fields(&self) -> &[(String, Vec<u8>)] {
        &self.fields
    }

    /// The body.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The body, to be sent.
    pub fn payload_mut(&mut self) -> &mut Payload {
        &mut self.payload
    }

    /// Whether a field of this name is set.
    pub fn has(&self, name: &str) -> bool {
        let mut names = self.fields.iter().map(|(name, _)| name);
        names.any(|it| it.eq_ignore_ascii_case(name))
    }

    /// Asks for the same with GET: without the body, and the fields that are
    /// about it.
    pub fn become_get(&mut self) {
        "GET".clone_into(&mut self.method);
        self.payload = Payload::Empty;
        self.fields
            .retain(|(name, _)| !is_one_of(&OF_THE_BODY, name));
    }

    /// Goes elsewhere. Another server does not get what was set for this one.
    pub fn go_to(&mut self, url: Url) {
        if !url.is_same_origin(&self.url) {
            self.drop_secrets();
        }
        self.url = url;
    }

    fn drop_secrets(&mut self) {
        self.fields
            .retain(|(name, _)| !is_one_of(&OF_THE_ORIGIN, name));
    }
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|it| it.eq_ignore_ascii_case(name))
}

// ANCHOR: idempotent
/// Whether doing it twice is as good as doing it once (RFC 9110, section
/// 9.2.2), so that a client may try again when it does not know.
pub fn is_idempotent(method: &str) -> bool {
    let those = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];
    those.contains(&method)
}
// ANCHOR_END: idempotent

impl Payload {
    /// How many bytes it has; `None`: not known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Payload::Empty => Some(0),
            Payload::Bytes(bytes) => Some(bytes.len() as u64),
            Payload::Content(content) => content.length(),
        }
    }

    /// Whether it can be sent a second time.
    pub fn is_there(&self) -> bool {
        !matches!(self, Payload::Content(_))
    }
}
