//! Request heads.
//!
//! ```text
//! GET SP /notes?q=1 SP HTTP/1.1 CR LF     then fields, then an empty line
//! ```
//!
//! Empty lines before a request line are passed over, since old clients send
//! one behind a body (RFC 9112, section 2.2). One space stands between the
//! parts; nothing stands behind the version (section 3).

use ch03_http::head::class::{target_end, token_end};
use ch03_http::head::error::{HeadError, HostFault, Part, syntax};
use ch03_http::head::fields::{FieldParser, Headers, Rules, Span};
use ch03_http::head::target::{Target, is_host};

// ANCHOR: version
/// The versions that are spoken. A later 1.x is taken for 1.1, which is what
/// it must be readable as (RFC 9110, section 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0: a connection ends with the response unless both sides say
    /// otherwise; no chunks; no Host needed.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    /// The version of `HTTP/major.minor`.
    ///
    /// # Errors
    /// [`HeadError::Version`] for any major version but 1.
    pub fn of(major: u8, minor: u8) -> Result<Version, HeadError> {
        match (major, minor) {
            (1, 0) => Ok(Version::Http10),
            (1, _) => Ok(Version::Http11),
            _ => Err(HeadError::Version { major, minor }),
        }
    }
}
// ANCHOR_END: version

// given: a table of names
/// A request's method. Upper and lower case differ (RFC 9110, section 9.1),
/// so `get` is `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method<'a> {
    /// The representation of the target.
    Get,
    /// As GET, but of the response only the head.
    Head,
    /// Whatever the target does with the body.
    Post,
    /// The body becomes the target's state.
    Put,
    /// The target goes.
    Delete,
    /// Become a tunnel to the target.
    Connect,
    /// What can be asked of the target.
    Options,
    /// Send back what was received.
    Trace,
    /// Another token. Most servers answer 501.
    Other(&'a [u8]),
}

impl<'a> Method<'a> {
    /// The token, as it travels.
    pub fn token(&self) -> &'a [u8] {
        match self {
            Method::Get => b"GET",
            Method::Head => b"HEAD",
            Method::Post => b"POST",
            Method::Put => b"PUT",
            Method::Delete => b"DELETE",
            Method::Connect => b"CONNECT",
            Method::Options => b"OPTIONS",
            Method::Trace => b"TRACE",
            Method::Other(token) => token,
        }
    }
}

impl<'a> From<&'a [u8]> for Method<'a> {
    fn from(token: &'a [u8]) -> Method<'a> {
        match token {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            b"TRACE" => Method::Trace,
            other => Method::Other(other),
        }
    }
}
// given end

/// Which byte a [`RequestParser`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    EmptyLf,
    Method,
    Target,
    Version,
    Fields,
}

// ANCHOR: parser
/// Parses one request head, then, after `reset`, the next.
#[derive(Debug)]
pub struct RequestParser {
    rules: Rules,
    state: State,
    at: usize,                              // the next byte to look at
    start: usize, // where the method, the target or the version began
    line: usize,  // where the request line began
    said: Option<Result<usize, HeadError>>, // once it is more than "need more"
    method: Span,
    target: Span,
    digits: [u8; 2], // of the version
    version: Version,
    fields: FieldParser,
}
// ANCHOR_END: parser

// given: the fields' first values, and what is read out
impl RequestParser {
    /// A parser that takes what the rules allow.
    pub fn new(rules: Rules) -> RequestParser {
        RequestParser {
            rules: rules.clamped(),
            state: State::Empty,
            at: 0,
            start: 0,
            line: 0,
            said: None,
            method: Span::default(),
            target: Span::default(),
            digits: [0; 2],
            version: Version::Http11,
            fields: FieldParser::new(0),
        }
    }

    /// Ready for the next head, which begins at the start of a buffer: the
    /// caller has taken the one before out of it.
    pub fn reset(&mut self) {
        self.state = State::Empty;
        self.at = 0;
        self.said = None;
    }

    /// Whether a byte of a head has come: empty lines do not count. If not,
    /// the peer may close the connection and nobody minds.
    pub fn begun(&self) -> bool {
        !matches!(self.state, State::Empty | State::EmptyLf)
    }

    /// How many bytes have been looked at since `reset`, from the first on:
    /// no later call looks at them again to find where something ends (I1).
    pub fn scanned(&self) -> usize {
        self.at
    }
}
// given end

impl RequestParser {
    // ANCHOR: parse
    /// Goes on where the last call stopped. `bytes` is the buffer from the
    /// first byte after `reset` on: what the last call got, and what has come
    /// since. Gives the head's length with its empty line, or `None` for
    /// "need more". What follows the head is not looked at.
    ///
    /// # Errors
    /// Why the head is refused; every later call until `reset` says the same.
    pub fn parse(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        if let Some(said) = self.said {
            return said.map(Some);
        }
        let result = self.advance(bytes);
        self.said = result.transpose();
        result
    }
    // ANCHOR_END: parse

    // ANCHOR: advance
    fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        if self.state != State::Fields {
            if !self.request_line(bytes)? {
                return Ok(None);
            }
            self.state = State::Fields;
            self.fields.reset(self.at);
        }
        let end = self.fields.parse(bytes, &self.rules);
        self.at = self.fields.at();
        if end?.is_some() {
            self.check_host(bytes)?;
            return Ok(Some(self.at));
        }
        Ok(None)
    }

    // ANCHOR_END: advance

    // ANCHOR: request_line
    /// Scans within the limits: true when the request line has ended.
    fn request_line(&mut self, bytes: &[u8]) -> Result<bool, HeadError> {
        while self.state == State::Empty || self.state == State::EmptyLf {
            let Some(&byte) = bytes.get(self.at) else {
                return Ok(false);
            };
            self.empty_line(byte)?;
        }
        let (line, head) = (self.rules.line, self.rules.head);
        let limit = self.line.saturating_add(line).saturating_add(2); // CRLF
        let window = &bytes[..bytes.len().min(limit).min(head)];
        let done = self.scan(window)?;
        match done {
            true => Ok(true),
            false if self.at >= head => {
                Err(HeadError::LongHead { limit: head })
            }
            false if self.at >= limit => {
                Err(HeadError::LongLine { limit: line })
            }
            false => Ok(false),
        }
    }
    // ANCHOR_END: request_line

    // ANCHOR: empty
    /// Passes over one byte of the empty lines before a request line, or
    /// finds that it is the line's first.
    fn empty_line(&mut self, byte: u8) -> Result<(), HeadError> {
        if self.at >= self.rules.head {
            let limit = self.rules.head;
            return Err(HeadError::LongHead { limit });
        }
        self.state = match (self.state, byte) {
            (State::Empty, b'\r') => State::EmptyLf,
            (State::EmptyLf, b'\n') => State::Empty,
            (State::EmptyLf, _) => return Err(syntax(Part::LineEnd, self.at)),
            (_, b'\n') if self.rules.bare_lf => State::Empty,
            _ => {
                (self.line, self.start) = (self.at, self.at);
                self.state = State::Method;
                return Ok(());
            }
        };
        self.at += 1;
        Ok(())
    }
    // ANCHOR_END: empty

    // ANCHOR: scan
    /// The machine itself: true behind the line's LF.
    fn scan(&mut self, bytes: &[u8]) -> Result<bool, HeadError> {
        if self.state == State::Method {
            self.at = token_end(bytes, self.at);
            let Some(&byte) = bytes.get(self.at) else {
                return Ok(false);
            };
            if byte != b' ' || self.at == self.start {
                return Err(syntax(Part::Method, self.at));
            }
            self.method = Span::new(self.start, self.at);
            self.next(State::Target);
        }
        if self.state == State::Target {
            self.at = target_end(bytes, self.at);
            let Some(&byte) = bytes.get(self.at) else {
                return Ok(false);
            };
            if byte != b' ' {
                return Err(syntax(Part::Target, self.at));
            }
            self.target = Span::new(self.start, self.at);
            if !self.is_target(bytes) {
                return Err(syntax(Part::Target, self.start));
            }
            self.next(State::Version);
        }
        let usual = b"HTTP/1.1\r\n";
        let rest = bytes.get(self.at..).unwrap_or(&[]);
        if self.at == self.start && rest.starts_with(usual) {
            self.version = Version::Http11;
            self.at += usual.len();
            return Ok(true);
        }
        while let Some(&byte) = bytes.get(self.at) {
            let done = self.version(byte)?;
            self.at += 1;
            if done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // ANCHOR_END: scan

    // ANCHOR: is_target
    /// The byte at `at` is the space before the next part.
    fn next(&mut self, state: State) {
        self.state = state;
        self.at += 1;
        self.start = self.at;
    }

    /// Whether the target has a form that goes with the method.
    fn is_target(&self, bytes: &[u8]) -> bool {
        let (method, target) = (self.method.of(bytes), self.target.of(bytes));
        if target.starts_with(b"/") && method != b"CONNECT" {
            return true; // nearly every request: nothing more to look at
        }
        let target = std::str::from_utf8(target);
        target.is_ok_and(|target| Target::parse(method, target).is_some())
    }
    // ANCHOR_END: is_target

    // ANCHOR: byte_of_version
    /// Takes one byte of the version or of the line's end: true at the LF.
    fn version(&mut self, byte: u8) -> Result<bool, HeadError> {
        let wrong = |part| Err(syntax(part, self.at));
        match self.at - self.start {
            index @ (0..5 | 6) if byte != b"HTTP/_."[index] => {
                return wrong(Part::Version);
            }
            5 | 7 if !byte.is_ascii_digit() => return wrong(Part::Version),
            5 => self.digits[0] = byte - b'0',
            7 => {
                self.digits[1] = byte - b'0';
                self.version = Version::of(self.digits[0], self.digits[1])?;
            }
            8 if byte == b'\n' && self.rules.bare_lf => return Ok(true),
            8 if byte == b'\n' => return wrong(Part::LineEnd),
            8 if byte != b'\r' => return wrong(Part::Version),
            9 if byte == b'\n' => return Ok(true),
            9 => return wrong(Part::LineEnd),
            _ => {}
        }
        Ok(false)
    }
    // ANCHOR_END: byte_of_version

    // ANCHOR: check_host
    /// RFC 9112, section 3.2: 400 for no Host, for two, and for a wrong one,
    /// whatever the target's form is.
    fn check_host(&self, bytes: &[u8]) -> Result<(), HeadError> {
        let headers = self.fields.headers(bytes).iter();
        let mut hosts =
            headers.filter(|(name, _)| name.eq_ignore_ascii_case(b"host"));
        let fault = match (hosts.next(), hosts.next()) {
            (None, _) if self.version == Version::Http10 => return Ok(()),
            (None, _) => HostFault::Missing,
            (Some(_), Some(_)) => HostFault::Many,
            (Some((_, host)), None) if is_host(host) => return Ok(()),
            (Some(_), None) => HostFault::Invalid,
        };
        Err(HeadError::Host(fault))
    }
    // ANCHOR_END: check_host

    // ANCHOR: head
    /// The head, once `parse` has given its length; `bytes` are those that
    /// `parse` got. Before that, and with other bytes, its parts are empty
    /// or wrong.
    pub fn head<'a>(&'a self, bytes: &'a [u8]) -> Request<'a> {
        let method = self.method.of(bytes);
        let target = std::str::from_utf8(self.target.of(bytes));
        let target = target.unwrap_or_default(); // visible ASCII alone
        Request {
            method: method.into(),
            raw_target: target,
            target: Target::parse(method, target).unwrap_or(Target::Asterisk),
            version: self.version,
            headers: self.fields.headers(bytes),
        }
    }
    // ANCHOR_END: head
}

// ANCHOR: request
/// A request's head, as slices of the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is asked for.
    pub method: Method<'a>,
    /// Of what, as it came.
    pub raw_target: &'a str,
    /// Of what, taken apart.
    pub target: Target<'a>,
    /// The version that the client speaks.
    pub version: Version,
    /// The fields.
    pub headers: Headers<'a>,
}

impl<'a> Request<'a> {
    /// The host that the request is for, with its port if one is given: the
    /// target's where it names one, whatever the Host field says (RFC 9112,
    /// section 3.2.2). `None` only in HTTP/1.0.
    pub fn host(&self) -> Option<&'a str> {
        match self.target {
            Target::Absolute { authority, .. }
            | Target::Authority { authority } => Some(authority),
            Target::Origin { .. } | Target::Asterisk => {
                std::str::from_utf8(self.headers.get("host")?).ok()
            }
        }
    }
}
// ANCHOR_END: request
