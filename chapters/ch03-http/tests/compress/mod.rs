//! Who gets a response compressed, and what its head says then.

use std::io;

use ch00_toolbox::prop::{Gen, check};
use ch03_http::compress::{bytes_of, compressed, gzipped};
use ch03_http::gzip::decode::Decoder;
use ch03_http::head::{RequestParser, Rules};
use ch03_http::negotiate::{Coding, choose};
use ch03_http::out::Out;
use ch03_http::response::{Content, Later, Payload, Response};

const TEXT: &str = "text/plain; charset=utf-8";
const TAG: &str = "\"1a-2b\"";

/// A text that gets shorter.
fn text(length: usize) -> Vec<u8> {
    b"hello, ".iter().copied().cycle().take(length).collect()
}

/// A content of a length that is known, or not; there at once, or not.
struct Stream(Option<u64>, Option<Vec<u8>>);

impl Content for Stream {
    fn length(&self) -> Option<u64> {
        self.0
    }

    fn to_bytes(&self, most: u64) -> Option<io::Result<Vec<u8>>> {
        let bytes = self.1.clone()?;
        (bytes.len() as u64 <= most).then_some(Ok(bytes))
    }

    fn send<'a>(&'a mut self, _: &'a mut Out<'_>) -> Later<'a> {
        panic!("nobody sends it")
    }
}

/// What a file's service answers.
fn response(status: u16, media: &str, bytes: Vec<u8>) -> Response {
    let response = Response::new(status)
        .with("ETag", TAG)
        .and_then(|it| it.with("Accept-Ranges", "bytes"))
        .and_then(|it| it.with("Content-Type", media))
        .expect("fields");
    response.with_payload(Payload::Bytes(bytes.into()))
}

/// What becomes of a response to a request with these fields.
fn after(fields: &str, response: Response) -> Response {
    let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    let mut parser = RequestParser::new(Rules::default());
    let parsed = parser.parse(head.as_bytes()).expect("a good head");
    assert_eq!(parsed, Some(head.len()), "input: {head:?}");
    let request = parser.head(head.as_bytes());
    compressed(&request, response).expect("fields that can be written")
}

/// The bytes again.
fn plain(gzip: &[u8]) -> Vec<u8> {
    let (mut decoder, mut out) = (Decoder::new(1 << 24), Vec::new());
    let end = decoder.pull(gzip, &mut out, usize::MAX);
    assert!(end.is_ok_and(|it| it.done), "a whole gzip stream");
    out
}

const GZIP: &str = "Accept-Encoding: gzip\r\n";

/// I32: compressed for whom, and never for anybody else; and whoever could
/// have got it in another way is told so by Vary.
#[test]
fn for_whom() {
    let check = |fields: &str, expected: bool| {
        let got = after(fields, response(200, TEXT, text(5000)));
        let is_gzip = got.get("content-encoding") == Some("gzip");
        assert_eq!(is_gzip, expected, "input: {fields:?}");
        assert_eq!(got.get("vary"), Some("Accept-Encoding"), "{fields:?}");
        let bytes = bytes_of(&got).expect("bytes").expect("no error");
        let back = if is_gzip { plain(&bytes) } else { bytes };
        assert!(back == text(5000), "other bytes; input: {fields:?}");
        let (tag, ranges) = match expected {
            true => ("W/\"1a-2b\"", "none"),
            false => (TAG, "bytes"),
        };
        assert_eq!(got.get("etag"), Some(tag), "input: {fields:?}");
        assert_eq!(got.get("accept-ranges"), Some(ranges), "{fields:?}");
        assert_eq!(got.get("content-type"), Some(TEXT), "{fields:?}");
    };
    check("", false);
    check(GZIP, true);
    check("Accept-Encoding: x-gzip\r\n", true);
    check("Accept-Encoding: br, GZIP;q=0.1\r\n", true);
    check("Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n", true);
    check("Accept-Encoding: *\r\n", true);
    check("Accept-Encoding: br\r\n", false);
    check("Accept-Encoding:\r\n", false);
    check("Accept-Encoding: identity\r\n", false);
    check("Accept-Encoding: gzip;q=0\r\n", false);
    check("Accept-Encoding: *, gzip;q=0\r\n", false);
    check("Accept-Encoding: gzip;q=0.5, identity\r\n", false);
    check("Accept-Encoding: gzipped\r\n", false);
}

/// I32, I33: what is left alone although the client takes gzip: what does not
/// get shorter, is small or huge, is no whole answer, or is coded already.
#[test]
fn what() {
    let check = |what: &str, response: Response, vary: bool| {
        let before = response.payload().length();
        let got = after(GZIP, response);
        assert_eq!(got.get("content-encoding"), None, "input: {what}");
        assert_eq!(got.payload().length(), before, "input: {what}");
        assert_eq!(got.get("vary").is_some(), vary, "input: {what}");
        if let Some(tag) = got.get("etag") {
            assert_eq!(tag, TAG, "input: {what}");
        }
    };
    const MIB: usize = 1024 * 1024;
    check("small", response(200, TEXT, text(1023)), false);
    check("huge", response(200, TEXT, text(MIB + 1)), false);
    check("a picture", response(200, "image/png", text(5000)), false);
    let untyped = Payload::Bytes(text(5000).into());
    let untyped = Response::new(200).with_payload(untyped);
    check("no type", untyped, false);
    check("not found", response(404, TEXT, text(5000)), false);
    check("a part", response(206, TEXT, text(5000)), true);
    check("confirmed", response(304, TEXT, Vec::new()), true);
    let stored = response(200, TEXT, text(5000));
    let stored = stored.with_fixed("Cache-Control", "no-transform");
    check("not to be touched", stored, false);
    let stream = |length, bytes| {
        let stream = Payload::Content(Box::new(Stream(length, bytes)));
        response(200, TEXT, Vec::new()).with_payload(stream)
    };
    check("of no known length", stream(None, Some(text(5000))), false);
    check("not there yet", stream(Some(5000), None), true);
    check(
        "longer than it says",
        stream(Some(5000), Some(text(MIB + 1))),
        true,
    );
    // And for comparison what is done.
    let check = |what: &str, response: Response| {
        let got = after(GZIP, response);
        let coding = got.get("content-encoding");
        assert_eq!(coding, Some("gzip"), "input: {what}");
    };
    check("just large enough", response(200, TEXT, text(1024)));
    check("just small enough", response(200, TEXT, text(MIB)));
    check("a stream", stream(Some(5000), Some(text(5000))));
    let coded =
        response(200, TEXT, text(5000)).with_fixed("Content-Encoding", "br");
    let got = after(GZIP, coded);
    assert_eq!(got.get("content-encoding"), Some("br"), "coded already");
    assert_eq!(got.payload().length(), Some(5000), "coded already");
}

/// I33: a 304 names the state as the client keeps it, so that it never puts
/// plain parts behind compressed ones.
#[test]
fn confirmations() {
    let check = |field: &str, expected: &str| {
        let fields = format!("If-None-Match: {field}\r\n{GZIP}");
        let got = after(&fields, response(304, TEXT, Vec::new()));
        assert_eq!(got.get("etag"), Some(expected), "input: {field}");
    };
    check(TAG, TAG);
    check("*", TAG);
    check("W/\"1a-2b\"", "W/\"1a-2b\"");
    check("\"x\", W/\"1a-2b\"", "W/\"1a-2b\"");
}

/// I32: whatever the field says, the answer is one that it allows, and its
/// bytes are the same.
#[test]
fn whatever_is_accepted() {
    let make = |g: &mut Gen| {
        let parts = g.vec(5, |g| {
            const NAMES: [&str; 7] =
                ["gzip", "x-gzip", "br", "*", "identity", "", "gzi p"];
            const WEIGHTS: [&str; 7] =
                ["", ";q=0", ";q=1", "; q=0.5", ";q=0.001", ";q=2", ";x"];
            format!("{}{}", g.pick(&NAMES), g.pick(&WEIGHTS))
        });
        (parts.join(","), 1024 + g.upto(3000) as usize)
    };
    check("whatever_is_accepted", 1000, make, |(accept, length)| {
        let fields = format!("Accept-Encoding: {accept}\r\n");
        let got = after(&fields, response(200, TEXT, text(*length)));
        let bytes = bytes_of(&got).expect("bytes").expect("no error");
        let chosen = choose(Some(accept), &[Coding::Gzip]);
        match got.get("content-encoding") {
            Some("gzip") if chosen != Some(Coding::Gzip) => {
                Err(format!("gzip, where {chosen:?} was chosen"))
            }
            Some("gzip") if plain(&bytes) == text(*length) => Ok(()),
            None if chosen == Some(Coding::Gzip) => Err("plain".to_owned()),
            None if bytes == text(*length) => Ok(()),
            coding => Err(format!("other bytes, as {coding:?}")),
        }
    });
}

/// I33: what is made in one go is a whole gzip member, also of nothing.
#[test]
fn in_one_go() {
    for length in [0, 1, 70_000] {
        let packed = gzipped(&text(length));
        assert!(plain(&packed) == text(length), "input: {length} bytes");
    }
    assert!(gzipped(&text(70_000)).len() < 1000);
}
