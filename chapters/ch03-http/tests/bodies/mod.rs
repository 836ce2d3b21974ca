//! What the tests of bodies share: readers that are fed in pieces, and
//! chunks as a peer may send them.

#[path = "../wire/mod.rs"]
pub mod wire;

use ch00_toolbox::golden;
use ch00_toolbox::prop::Gen;
use ch03_http::body::BodyReader;
use ch03_http::chunked::{BodyError, BodyLimits};
use ch03_http::connection::reusable;
use ch03_http::framing::{Body, FramingError, request_body, response_body};
use ch03_http::head::{Method, RequestParser, ResponseParser, Rules};
use wire::{cuts, requests, unescape};

/// Limits that a test comes to.
pub const SMALL: BodyLimits = BodyLimits {
    body: 10,
    extensions: 12,
    trailer: Rules {
        line: 0,
        head: 20,
        fields: 2,
        bare_lf: false,
    },
};

/// A script of requests; each is read the same however it is cut.
pub fn golden_requests(file: &str) {
    golden::run(format!("tests/golden/{file}"), |command| {
        let bytes = unescape(command);
        let read = |pieces: &[&[u8]]| {
            requests(pieces, Rules::default(), BodyLimits::default())
        };
        let whole = read(&[&bytes]);
        for pieces in cuts(&bytes) {
            assert_eq!(read(&pieces), whole, "input: {pieces:?}");
        }
        whole
    });
}

pub fn framing(version: &str, fields: &str) -> Result<Body, FramingError> {
    let head = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
    let mut parser = RequestParser::new(Rules::default());
    let length = parser.parse(head.as_bytes());
    assert_eq!(length, Ok(Some(head.len())), "input: {head:?}");
    request_body(&parser.head(head.as_bytes()))
}

/// The end of a response's body, and whether a client goes on.
pub fn response(
    method: &[u8],
    head: &str,
) -> (Result<Body, FramingError>, bool) {
    let head = format!("HTTP/{head}\r\n\r\n");
    let mut parser = ResponseParser::new(Rules::default());
    let length = parser.parse(head.as_bytes());
    assert_eq!(length, Ok(Some(head.len())), "input: {head:?}");
    let response = parser.head(head.as_bytes());
    let method = Method::from(method);
    let body = response_body(method, &response);
    let again = body.is_ok_and(|body| reusable(method, &response, body));
    (body, again)
}

/// What a body is, as text, and how many bytes it took: with its trailer.
pub type Decoded = Result<(String, String, usize), BodyError>;

pub fn decode(reader: &mut BodyReader, pieces: &[&[u8]]) -> Decoded {
    let (mut buffer, mut content) = (Vec::new(), Vec::new());
    let mut pieces = pieces.iter();
    let mut all = 0;
    loop {
        let taken = reader.decode(&buffer)?;
        content.extend_from_slice(taken.data);
        all += taken.used;
        let (used, done) = (taken.used, taken.done);
        let trailer = reader.trailers(&buffer).map_or(vec![], |fields| {
            fields
                .iter()
                .map(|(name, value)| [name, b"=", value].concat())
                .collect()
        });
        if done {
            let trailer = trailer.join(&b" "[..]);
            return Ok((wire::shown(&content), wire::shown(&trailer), all));
        }
        buffer.drain(..used);
        if used == 0 {
            let Some(piece) = pieces.next() else {
                reader.finish()?;
                return Ok((wire::shown(&content), "".into(), all));
            };
            buffer.extend_from_slice(piece);
        }
    }
}

pub fn check_body(
    body: Body,
    limits: BodyLimits,
    bytes: &str,
    expected: Decoded,
) {
    for pieces in cuts(bytes.as_bytes()) {
        let reader = BodyReader::new(body, limits);
        let got = reader.and_then(|mut reader| decode(&mut reader, &pieces));
        assert_eq!(got, expected, "input: {bytes:?} cut as {pieces:?}");
    }
}

pub fn is(content: &str, used: usize) -> Decoded {
    Ok((content.into(), "".into(), used))
}

pub fn is_trailer(trailer: &str, used: usize) -> Decoded {
    Ok(("".into(), trailer.into(), used))
}

/// Chunks as a peer may send them: nearly right.
pub fn nearly(random: &mut Gen) -> String {
    const PARTS: [&str; 24] = [
        "0\r\n",
        "1\r\na\r\n",
        "2;a=b\r\nab\r\n",
        "3 ;a=\"\\\"\"\r\nabc\r\n",
        "0\r\n\r\n",
        "\r\n",
        "A: b\r\n",
        "Host: a\r\n",
        "4\r\n",
        "\r",
        "\n",
        "f",
        "ffffffffffffffff\r\n",
        ";",
        "=",
        "\"",
        "a",
        " ",
        "\t",
        "\0",
        "0000000000000",
        "1\n",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\n",
    ];
    let parts = random.vec(9, |random| *random.pick(&PARTS));
    parts.concat()
}
