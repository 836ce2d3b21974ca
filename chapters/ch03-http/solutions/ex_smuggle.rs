//! A bug hunt: requests that no wrong framing gets right.

use ch03_http::framing::{Body, FramingError};
use ch03_http::head::{Request, RequestParser, Rules};

/// Where a request's body ends, as
/// [`request_body`](ch03_http::framing::request_body) has it.
pub type Framing = fn(&Request) -> Result<Body, FramingError>;

/// What the framing says of a request with these fields.
fn framed(
    framing: Framing,
    version: &str,
    fields: &str,
) -> Result<Body, FramingError> {
    let head = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
    let mut parser = RequestParser::new(Rules::default());
    let said = parser.parse(head.as_bytes());
    assert_eq!(said, Ok(Some(head.len())), "input: {head:?}");
    framing(&parser.head(head.as_bytes()))
}

/// Panics when `framing` is not the decision table of this step. Gets the
/// right one, and mutants of it with one hole each, through which a second
/// request can be smuggled past a server that reads the first one right.
pub fn hunt(framing: Framing) {
    // begin: fields, and where the body ends or why nobody can say
    use Body::{Chunked, Empty, Length};
    const CODED: &str = "Transfer-Encoding: chunked\r\n";
    let check = |version, fields: &str, expected| {
        let got = framed(framing, version, fields);
        assert_eq!(got, expected, "input: HTTP/{version}, {fields:?}");
    };
    check("1.1", "", Ok(Empty));
    check("1.1", CODED, Ok(Chunked));
    check("1.0", CODED, Err(FramingError::CodingIn10));
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        check("1.1", fields, Err(FramingError::CodingAndLength));
    }
    for (value, expected) in [
        ("5", Ok(Length(5))),
        ("05", Ok(Length(5))),
        ("", Err(FramingError::Length)),
        ("+5", Err(FramingError::Length)),
        ("5 5", Err(FramingError::Length)),
        ("18446744073709551616", Err(FramingError::Length)),
        ("18446744073709551621", Err(FramingError::Length)),
        ("5, 5", Err(FramingError::ManyLengths)),
        ("5\r\nContent-Length: 6", Err(FramingError::ManyLengths)),
        ("5\r\nContent-Length: 5", Err(FramingError::ManyLengths)),
    ] {
        check("1.1", &format!("Content-Length: {value}\r\n"), expected);
    }
    for (value, expected) in [
        ("CHUNKED", Ok(Chunked)),
        ("", Err(FramingError::Coding)),
        ("chunked, gzip", Err(FramingError::Coding)),
        ("chunked, chunked", Err(FramingError::Coding)),
        (
            "chunked\r\nTransfer-Encoding: gzip",
            Err(FramingError::Coding),
        ),
        ("gzip, chunked", Err(FramingError::UnknownCoding)),
        ("xchunked", Err(FramingError::UnknownCoding)),
        (
            "gzip\r\nTransfer-Encoding: x",
            Err(FramingError::UnknownCoding),
        ),
    ] {
        check("1.1", &format!("Transfer-Encoding: {value}\r\n"), expected);
    }
    // end
}
