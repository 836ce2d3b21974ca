//! A connection's bytes, as these tests write them and as we read them.

use std::fmt::Write;

use ch03_http::body::BodyReader;
use ch03_http::chunked::{BodyError, BodyLimits};
use ch03_http::connection::{Expectation, expectation, persists};
use ch03_http::framing::{Body, request_body, response_body};
use ch03_http::head::{
    Headers, Method, Request, RequestParser, ResponseParser, Rules, Target,
};

/// More messages than any test sends.
const MAX_MESSAGES: usize = 1_000;

/// The bytes that a script's text stands for. Line ends are not part of
/// them, and the escapes are those of `printf %b`: `\r \n \t \\`, and `\0`
/// with three octal digits.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        rest = more;
        if byte != b'\\' {
            bytes.extend((byte != b'\n').then_some(byte));
            continue;
        }
        let (&kind, more) = rest.split_first().expect("an escape at the end");
        rest = more;
        bytes.push(match kind {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'0' => {
                let (digits, more) = rest.split_at(3);
                rest = more;
                let digits = std::str::from_utf8(digits).expect("digits");
                u8::from_str_radix(digits, 8).expect("octal digits")
            }
            other => panic!("no escape: \\{}", char::from(other)),
        });
    }
    bytes
}

/// Bytes as a script writes them.
pub fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// How a stream of pieces is read: what is there, and what is to come.
struct Wire<'p> {
    pieces: std::slice::Iter<'p, &'p [u8]>,
    buffer: Vec<u8>,
}

impl<'p> Wire<'p> {
    fn new(pieces: &'p [&'p [u8]]) -> Wire<'p> {
        let (pieces, buffer) = (pieces.iter(), Vec::new());
        Wire { pieces, buffer }
    }

    /// Appends the next piece; false at the end.
    fn more(&mut self) -> bool {
        let piece = self.pieces.next();
        self.buffer.extend_from_slice(piece.copied().unwrap_or(&[]));
        piece.is_some()
    }

    /// All of a body, and a line for each field of its trailer.
    fn body(
        &mut self,
        body: Body,
        limits: BodyLimits,
    ) -> Result<(Vec<u8>, String), BodyError> {
        let mut reader = BodyReader::new(body, limits)?;
        let (mut content, mut trailer) = (Vec::new(), String::new());
        loop {
            let taken = reader.decode(&self.buffer)?;
            content.extend_from_slice(taken.data);
            let (used, done) = (taken.used, taken.done);
            if done && let Some(fields) = reader.trailers(&self.buffer) {
                trailer = field_lines("trailer", &fields);
            }
            self.buffer.drain(..used);
            if done || (used == 0 && !self.more()) {
                if !done {
                    reader.finish()?;
                }
                return Ok((content, trailer));
            }
        }
    }
}

fn field_lines(what: &str, fields: &Headers) -> String {
    let line = |(name, value): (&[u8], &[u8])| {
        format!("{what} {}: {}\n", shown(name), shown(value))
    };
    fields.iter().map(line).collect()
}

fn target_line(request: &Request) -> String {
    let form = match request.target {
        Target::Origin { .. } => "origin",
        Target::Absolute { .. } => "absolute",
        Target::Authority { .. } => "authority",
        Target::Asterisk => "asterisk",
    };
    let method = shown(request.method.token());
    let host = request.host().unwrap_or("-");
    format!("{method} {form} {} for {host}\n", request.raw_target)
}

fn body_line(body: Body, content: &[u8], trailer: &str) -> String {
    let how = match body {
        Body::Empty => return "no body\n".into(),
        Body::Length(_) => "length",
        Body::Chunked => "chunks",
        Body::UntilClose => "until close",
    };
    format!("{how}: \"{}\"\n{trailer}", shown(content))
}

/// What a server with these rules makes of the pieces: request by request,
/// up to an error, a close, or the end of the bytes.
pub fn requests(pieces: &[&[u8]], rules: Rules, limits: BodyLimits) -> String {
    let mut wire = Wire::new(pieces);
    let mut parser = RequestParser::new(rules);
    let mut text = String::new();
    for _ in 0..MAX_MESSAGES {
        let length = loop {
            match parser.parse(&wire.buffer) {
                Ok(Some(length)) => break length,
                Ok(None) if wire.more() => {}
                Ok(None) if parser.begun() => return text + "needs more\n",
                Ok(None) => return text,
                Err(error) => {
                    return text + &format!("{}: {error}\n", error.status());
                }
            }
        };
        let request = parser.head(&wire.buffer[..length]);
        text += &target_line(&request);
        text += &field_lines(" ", &request.headers);
        let goes_on = persists(request.version, &request.headers);
        let body = match request_body(&request) {
            Ok(body) => body,
            Err(error) => {
                return text + &format!("{}: {error}\n", error.status());
            }
        };
        match expectation(&request, body) {
            Expectation::Nothing => {}
            Expectation::Continue => text += "waits for 100\n",
            Expectation::Unknown => return text + "417\n",
        }
        wire.buffer.drain(..length);
        match wire.body(body, limits) {
            Ok((content, trailer)) => {
                text += &body_line(body, &content, &trailer);
            }
            Err(BodyError::Cut) => return text + "needs more\n",
            Err(error) => {
                return text + &format!("{}: {error}\n", error.status());
            }
        }
        if !goes_on {
            return text + "close\n";
        }
        parser.reset();
    }
    text
}

/// What a client makes of the pieces, which answer one request with this
/// method; then the stream ends.
pub fn responses(method: &[u8], pieces: &[&[u8]]) -> String {
    let mut wire = Wire::new(pieces);
    let mut parser = ResponseParser::new(Rules::default());
    let mut text = String::new();
    for _ in 0..MAX_MESSAGES {
        let length = loop {
            match parser.parse(&wire.buffer) {
                Ok(Some(length)) => break length,
                Ok(None) if wire.more() => {}
                Ok(None) => return text + "cut\n",
                Err(error) => return text + &format!("refused: {error}\n"),
            }
        };
        let response = parser.head(&wire.buffer[..length]);
        let (status, reason) = (response.status, shown(response.reason));
        let _ = writeln!(text, "{status} \"{reason}\"");
        text += &field_lines(" ", &response.headers);
        let method = Method::from(method);
        let body = match response_body(method, &response) {
            Ok(body) => body,
            Err(error) => return text + &format!("refused: {error}\n"),
        };
        let again = ch03_http::connection::reusable(method, &response, body);
        wire.buffer.drain(..length);
        parser.reset();
        match wire.body(body, BodyLimits::default()) {
            Ok((content, trailer)) => {
                text += &body_line(body, &content, &trailer);
            }
            Err(error) => return text + &format!("refused: {error}\n"),
        }
        if status >= 200 || status == 101 {
            text += if again { "reusable\n" } else { "close\n" };
            while wire.more() {}
            if !wire.buffer.is_empty() {
                let _ = writeln!(text, "then \"{}\"", shown(&wire.buffer));
            }
            return text;
        }
    }
    text
}

/// Every way of cutting that a test of one input can afford: whole, byte by
/// byte, and in two at each place.
pub fn cuts(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut ways = vec![vec![bytes], bytes.chunks(1).collect()];
    for at in 0..=bytes.len() {
        ways.push(vec![&bytes[..at], &bytes[at..]]);
    }
    ways
}
