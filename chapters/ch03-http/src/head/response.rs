//! Response heads: what a client reads.
//!
//! ```text
//! HTTP/1.1 SP 404 SP Not Found CR LF      then fields, then an empty line
//! ```
//!
//! The reason is for people: nobody decides by it, and it may be empty
//! (RFC 9112, section 4). Many servers leave out the space before an empty
//! one; every client takes that, and so does this one.

use ch03_http::head::class::value_end;
use ch03_http::head::error::{HeadError, Part, syntax};
use ch03_http::head::fields::{FieldParser, Headers, Rules, Span};
use ch03_http::head::request::Version;

/// Where a [`ResponseParser`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Line,
    Reason,
    Lf,
    Fields,
}

/// Parses one response head, then, after `reset`, the next: a response with
/// a status of 1xx is followed by another.
#[derive(Debug)]
pub struct ResponseParser {
    rules: Rules,
    state: State,
    at: usize,                              // the next byte to look at
    said: Option<Result<usize, HeadError>>, // once it is more than "need more"
    version: Version,
    major: u8,
    status: u16,
    reason: Span,
    fields: FieldParser,
}

// given: the parser of requests again, with another first line
impl ResponseParser {
    /// A parser that takes what the rules allow. The status line has no
    /// limit of its own: `rules.head` is also its limit.
    pub fn new(rules: Rules) -> ResponseParser {
        ResponseParser {
            rules: rules.clamped(),
            state: State::Line,
            at: 0,
            said: None,
            version: Version::Http11,
            major: 0,
            status: 0,
            reason: Span::default(),
            fields: FieldParser::new(0),
        }
    }

    /// Ready for the next head, which begins at the start of a buffer.
    pub fn reset(&mut self) {
        self.state = State::Line;
        self.at = 0;
        self.said = None;
        self.status = 0;
    }

    /// How many bytes have been looked at since `reset`, from the first on:
    /// no later call looks at them again to find where something ends (I1).
    pub fn scanned(&self) -> usize {
        self.at
    }

    /// As [`RequestParser::parse`](ch03_http::head::RequestParser::parse).
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

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        if self.state != State::Fields {
            let limit = self.rules.head;
            if !self.scan(&bytes[..bytes.len().min(limit)])? {
                return match self.at >= limit {
                    true => Err(HeadError::LongHead { limit }),
                    false => Ok(None),
                };
            }
            self.state = State::Fields;
            self.fields.reset(self.at);
        }
        let end = self.fields.parse(bytes, &self.rules);
        self.at = self.fields.at();
        end
    }

    /// The status line: true behind its LF.
    fn scan(&mut self, bytes: &[u8]) -> Result<bool, HeadError> {
        while let Some(&byte) = bytes.get(self.at) {
            match self.state {
                State::Line => {
                    self.state = self.fixed(byte)?;
                    self.at += 1;
                }
                State::Reason => {
                    self.at = value_end(bytes, self.at);
                    let Some(&end) = bytes.get(self.at) else {
                        break;
                    };
                    self.reason = Span::new(13, self.at);
                    self.state = self.end(end)?;
                    self.at += 1;
                }
                _ if byte != b'\n' => {
                    return Err(syntax(Part::LineEnd, self.at));
                }
                _ => {
                    self.at += 1;
                    return Ok(true);
                }
            }
            if self.state == State::Fields {
                return Ok(true); // an LF alone, where it is allowed
            }
        }
        Ok(false)
    }

    /// Takes one of the 13 bytes before the reason.
    fn fixed(&mut self, byte: u8) -> Result<State, HeadError> {
        let digit = byte.wrapping_sub(b'0');
        match self.at {
            at @ (0..5 | 6 | 8) if byte != b"HTTP/_._ "[at] => {
                return Err(syntax(Part::Version, at));
            }
            at @ (5 | 7) if digit > 9 => return Err(syntax(Part::Version, at)),
            5 => self.major = digit,
            7 => self.version = Version::of(self.major, digit)?,
            at @ 9 if !(1..=5).contains(&digit) => {
                return Err(syntax(Part::Status, at));
            }
            at @ (10 | 11) if digit > 9 => {
                return Err(syntax(Part::Status, at));
            }
            9..=11 => self.status = self.status * 10 + u16::from(digit),
            12 if byte == b' ' => return Ok(State::Reason),
            12 => {
                self.reason = Span::default();
                return match byte {
                    b'\r' | b'\n' => self.end(byte),
                    _ => Err(syntax(Part::Status, self.at)),
                };
            }
            _ => {}
        }
        Ok(State::Line)
    }

    /// What follows the byte that ends the reason.
    fn end(&self, byte: u8) -> Result<State, HeadError> {
        match byte {
            b'\r' => Ok(State::Lf),
            b'\n' if self.rules.bare_lf => Ok(State::Fields),
            b'\n' => Err(syntax(Part::LineEnd, self.at)),
            _ => Err(syntax(Part::Value, self.at)),
        }
    }

    /// The head, once `parse` has given its length; `bytes` are those that
    /// `parse` got.
    pub fn head<'a>(&'a self, bytes: &'a [u8]) -> Response<'a> {
        Response {
            version: self.version,
            status: self.status,
            reason: self.reason.of(bytes),
            headers: self.fields.headers(bytes),
        }
    }
}
// given end

// ANCHOR: response
/// A response's head, as slices of the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// The version that the server speaks.
    pub version: Version,
    /// 100 to 599. What a status does not say by itself, its first digit
    /// does (RFC 9110, section 15).
    pub status: u16,
    /// For people; may be empty, and need not be UTF-8.
    pub reason: &'a [u8],
    /// The fields.
    pub headers: Headers<'a>,
}
// ANCHOR_END: response
