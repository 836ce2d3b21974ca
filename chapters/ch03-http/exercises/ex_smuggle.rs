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
    todo!("ex_smuggle: fields, and where the body ends or why nobody can say")
}
