//! What step 2 must do: where bodies end, and what is in them.

mod bodies;

use bodies::wire::{self, cuts, requests, responses, unescape};
use bodies::{
    SMALL, check_body, decode, framing, golden_requests, is, is_trailer,
    nearly, response,
};
use ch00_toolbox::golden::{self, show};
use ch00_toolbox::prop;
use ch03_http::body::BodyReader;
use ch03_http::chunked::{
    BodyError, BodyLimits, ChunkDecoder, chunk, chunk_size,
    is_forbidden_trailer, last_chunk,
};
use ch03_http::connection::{Expectation, expectation, persists};
use ch03_http::framing::{Body, FramingError};
use ch03_http::head::{HeadError, Part, Refused, RequestParser, Rules};

/// I1, I2: the request line, as RFC 9112 has it, with whatever follows.
#[test]
fn golden_lines() {
    golden_requests("requests_line.txt");
}

/// I2, I4: fields and Host, as RFC 9112 has them.
#[test]
fn golden_fields() {
    golden_requests("requests_fields.txt");
}

/// I6: each request has one end or is refused.
#[test]
fn golden_framing() {
    golden_requests("requests_framing.txt");
}

/// I7: chunks are the grammar's or refused.
#[test]
fn golden_chunks() {
    golden_requests("requests_chunks.txt");
}

/// I6: responses, by the method that they answer.
#[test]
fn golden_responses() {
    golden::run("tests/golden/responses.txt", |command| {
        let (method, bytes) = command.split_once(' ').expect("a method");
        let bytes = unescape(bytes);
        let whole = responses(method.as_bytes(), &[&bytes]);
        for pieces in cuts(&bytes) {
            let got = responses(method.as_bytes(), &pieces);
            assert_eq!(got, whole, "input: {pieces:?}");
        }
        whole
    });
}

/// I6: the decision table for requests.
#[test]
fn a_request_has_one_end() {
    let check = |version: &str, fields: &str, expected| {
        let got = framing(version, fields);
        assert_eq!(got, expected, "input: HTTP/{version}, {fields:?}");
    };
    let coded = "Transfer-Encoding: chunked\r\n";
    let sized = "Content-Length: 5\r\n";
    let both = format!("{coded}{sized}");
    check("1.1", "", Ok(Body::Empty));
    check("1.1", sized, Ok(Body::Length(5)));
    check("1.0", sized, Ok(Body::Length(5)));
    check("1.1", coded, Ok(Body::Chunked));
    check("1.0", coded, Err(FramingError::CodingIn10));
    check("1.0", &both, Err(FramingError::CodingIn10));
    check("1.1", &both, Err(FramingError::CodingAndLength));
    let both = format!("{sized}{coded}");
    check("1.1", &both, Err(FramingError::CodingAndLength));

    let length = |value: &str, expected| {
        let fields = format!("Content-Length: {value}\r\n");
        check("1.1", &fields, expected);
    };
    length("0", Ok(Body::Length(0)));
    length("00018446744073709551615", Ok(Body::Length(u64::MAX)));
    length("18446744073709551616", Err(FramingError::Length));
    length("184467440737095516150", Err(FramingError::Length));
    for value in ["", "+1", "-1", "1.0", "0x1", "1 1", "1;", "\u{661}"] {
        length(value, Err(FramingError::Length));
    }
    length("5, 5", Err(FramingError::ManyLengths));
    let twice = format!("{sized}{sized}");
    check("1.1", &twice, Err(FramingError::ManyLengths));

    let coding = |value: &str, expected| {
        let fields = format!("Transfer-Encoding: {value}\r\n");
        check("1.1", &fields, expected);
    };
    coding("Chunked", Ok(Body::Chunked));
    coding(",chunked,", Ok(Body::Chunked));
    for value in ["", ",", "chunked, gzip", "chunked,chunked"] {
        coding(value, Err(FramingError::Coding));
    }
    coding("chunked;a=b", Err(FramingError::Coding));
    coding("gzip, chunked;a", Err(FramingError::UnknownCoding));
    for value in ["gzip", "gzip, chunked", "identity", "xchunked"] {
        coding(value, Err(FramingError::UnknownCoding));
    }
    assert_eq!(FramingError::UnknownCoding.status(), 501, "unknown coding");
    assert_eq!(FramingError::Coding.status(), 400, "chunked, gzip");
}

/// I6: the decision table for responses, and which connections go on.
#[test]
fn a_response_has_one_end() {
    let check = |method: &str, head: &str, expected, again| {
        let got = response(method.as_bytes(), head);
        let input = format!("{method}, HTTP/{head}");
        assert_eq!(got, (expected, again), "input: {input:?}");
    };
    let five = "1.1 200\r\nContent-Length: 5";
    check("GET", five, Ok(Body::Length(5)), true);
    check("HEAD", five, Ok(Body::Empty), true);
    check("CONNECT", five, Ok(Body::Empty), false);
    check("CONNECT", "1.1 299", Ok(Body::Empty), false);
    check("CONNECT", "1.1 300", Ok(Body::UntilClose), false);
    for status in ["100", "199", "204", "304"] {
        let head = format!("1.1 {status}\r\nContent-Length: 5");
        check("GET", &head, Ok(Body::Empty), true);
    }
    check("GET", "1.1 101", Ok(Body::Empty), false);
    check("GET", "1.1 200", Ok(Body::UntilClose), false);
    check(
        "GET",
        "1.1 205\r\nContent-Length: 0",
        Ok(Body::Length(0)),
        true,
    );
    let chunks = "1.1 200\r\nTransfer-Encoding: chunked";
    check("GET", chunks, Ok(Body::Chunked), true);
    let closes = format!("{chunks}\r\nConnection: close");
    check("GET", &closes, Ok(Body::Chunked), false);
    check(
        "GET",
        &five.replace("1.1", "1.0"),
        Ok(Body::Length(5)),
        false,
    );
    let both = format!("{chunks}\r\nContent-Length: 5");
    check("GET", &both, Err(FramingError::CodingAndLength), false);
    check("HEAD", &both, Ok(Body::Empty), true);
    let gzip = "1.1 200\r\nTransfer-Encoding: gzip";
    check("GET", gzip, Err(FramingError::UnknownCoding), false);
}

/// I6: the connection goes on or ends as the head says.
#[test]
fn connections_persist() {
    let check = |version: &str, fields: &str, expected| {
        let head = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let mut parser = RequestParser::new(Rules::default());
        let said = parser.parse(head.as_bytes());
        assert_eq!(said, Ok(Some(head.len())), "input: {head:?}");
        let request = parser.head(head.as_bytes());
        let got = persists(request.version, &request.headers);
        assert_eq!(got, expected, "input: {head:?}");
    };
    check("1.1", "", true);
    check("1.1", "Connection: close\r\n", false);
    check("1.1", "Connection: keep-alive, Close\r\n", false);
    check("1.1", "Connection: TE\r\nconnection: close\r\n", false);
    check("1.1", "Connection: closed\r\n", true);
    check("1.0", "", false);
    check("1.0", "Connection: Keep-Alive\r\n", true);
    check("1.0", "Connection: keep-alive, close\r\n", false);
    check("1.0", "Keep-Alive: 5\r\n", false);
}

/// I6: who waits for `100 Continue`.
#[test]
fn expectations_are_told() {
    let check = |version: &str, expect: &str, length, expected| {
        let fields = format!("Expect: {expect}\r\nContent-Length: {length}");
        let head =
            format!("PUT / HTTP/{version}\r\nHost: a\r\n{fields}\r\n\r\n");
        let mut parser = RequestParser::new(Rules::default());
        let said = parser.parse(head.as_bytes());
        assert_eq!(said, Ok(Some(head.len())), "input: {head:?}");
        let request = parser.head(head.as_bytes());
        let got = expectation(&request, Body::Length(length));
        assert_eq!(got, expected, "input: {head:?}");
        if length == 0 {
            let got = expectation(&request, Body::Empty);
            assert_eq!(got, expected, "input: {head:?}, no body");
        }
    };
    check("1.1", "100-CONTINUE", 5, Expectation::Continue);
    check("1.1", "100-continue", 0, Expectation::Nothing);
    check("1.1", "", 5, Expectation::Nothing);
    check("1.0", "100-continue", 5, Expectation::Nothing);
    check("1.1", "200-ok", 5, Expectation::Unknown);
    check("1.1", "100-continue, a=\"b, c\"", 5, Expectation::Unknown);
    check("1.0", "200-ok", 5, Expectation::Nothing);
}

/// I6: bodies that are not chunked; what follows them is left alone.
#[test]
fn other_bodies_end() {
    use Body::{Empty, Length, UntilClose};
    check_body(Empty, SMALL, "next", is("", 0));
    check_body(Length(0), SMALL, "next", is("", 0));
    check_body(Length(5), SMALL, "hellonext", is("hello", 5));
    check_body(Length(5), SMALL, "hell", Err(BodyError::Cut));
    check_body(Length(10), SMALL, "0123456789", is("0123456789", 10));
    let over = || Err(BodyError::TooLarge { limit: 10 });
    check_body(Length(11), SMALL, "", over());
    check_body(Length(u64::MAX), SMALL, "", over());
    check_body(UntilClose, SMALL, "0123456789", is("0123456789", 10));
    check_body(UntilClose, SMALL, "0123456789a", over());
    assert_eq!(BodyError::TooLarge { limit: 1 }.status(), 413, "too large");
}

/// I7: chunks, their extensions and trailers; what follows is left alone.
#[test]
fn chunks_are_decoded() {
    let check = |bytes: &str, expected| {
        check_body(Body::Chunked, SMALL, bytes, expected);
    };
    check("0\r\n\r\nnext", is("", 5));
    check("3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\nnext", is("abcde", 22));
    check("a\r\n0123456789\r\n0\r\n\r\n", is("0123456789", 20));
    check("2\r\n\r\n\r\n0\r\n\r\n", is("\\r\\n", 12));
    check("0\r\nA: b\r\n\r\n", Ok(("".into(), "A=b".into(), 11)));
    check("0\r\nHost: b\r\n\r\n", is("", 14));
    for cut in ["", "3", "3\r", "3\r\n", "3\r\nab", "3\r\nabc\r\n", "0\r\n"] {
        check(cut, Err(BodyError::Cut));
    }
    check("0\r\n\r", Err(BodyError::Cut));
}

/// I7: what is not the grammar is refused.
#[test]
fn wrong_chunks_are_refused() {
    let check = |bytes: &str, expected: BodyError| {
        check_body(Body::Chunked, SMALL, bytes, Err(expected));
    };
    for bytes in ["\r\n", "g\r\n", "-1\r\n", " 1\r\n", "1 \r\n", "0x1\r\n"] {
        check(bytes, BodyError::Size);
    }
    check("1,\r\n", BodyError::Size);
    check("00000000000000000\r\n", BodyError::Size);
    for bytes in ["1\na", "1;a\na", "1;\na", "1;a=\na", "1 \na", "1;a=b\n"] {
        check(bytes, BodyError::LineEnd);
    }
    for bytes in [
        "1\ra",
        "1\r\r\n",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\r\r",
        "1\r\na!\n",
    ] {
        check(bytes, BodyError::LineEnd);
    }
    for bytes in [
        "1;\r\n",
        "1;;a\r\n",
        "1;a;\r\n",
        "1;=\r\n",
        "1;a=\r\n",
        "1;a=b=c",
        "1;a b\r\n",
        "1;a=b c",
        "1;\"a\"",
        "1;a=\"\n",
        "1;a=\"\r\n",
        "1;a\0",
        "1;a=\"b\"c",
        "1;a=\"\\\0",
    ] {
        check(bytes, BodyError::Extension);
    }
    let (part, at) = (Part::Name, 1);
    let trailer = HeadError::Syntax { part, at };
    check("0\r\nA : b\r\n\r\n", BodyError::Trailer(trailer));
}

/// I8: sizes, extensions and trailers end at their limits.
#[test]
fn chunks_have_limits() {
    let check = |bytes: &str, expected| {
        check_body(Body::Chunked, SMALL, bytes, expected);
    };
    let over = || Err(BodyError::TooLarge { limit: 10 });
    check("b\r\n", over());
    check("ffffffffffffffff\r\n", over());
    check("9\r\n012345678\r\n2\r\n", over());
    check("1\r\na\r\nffffffffffffffff\r\n", over());
    let last = "0\r\n\r\n";
    // Behind each `;` come four bytes and the CR: 5 and 5 of 12.
    let two = format!("1;abcd\r\na\r\n1;abcd\r\na\r\n{last}");
    check(&two, is("aa", two.len()));
    check("1;abcd\r\na\r\n1;abcdefg\r\n", Err(BodyError::Extension));
    check("1;abcdefghijklmnop", Err(BodyError::Extension));
    let (limit, fields) = (20, 2);
    let long = BodyError::Trailer(HeadError::LongHead { limit });
    assert_eq!(long.status(), 431, "a long trailer");
    check(
        "0\r\nA: bbbbbbbbbbbb\r\n\r\n",
        is_trailer("A=bbbbbbbbbbbb", 22),
    );
    check("0\r\nA: bbbbbbbbbbbbbbbb\r\n\r\n", Err(long));
    let many = HeadError::ManyFields { limit: fields };
    check("0\r\nA:\r\nB:\r\nC:\r\n\r\n", Err(BodyError::Trailer(many)));
}

/// I7: a refused body stays refused, and nothing more is taken.
#[test]
fn a_refused_body_stays_refused() {
    let mut decoder = ChunkDecoder::new(SMALL);
    assert_eq!(decoder.decode(b"x"), Err(BodyError::Size), "input: x");
    assert_eq!(decoder.decode(b"0\r\n\r\n"), Err(BodyError::Size), "again");
    assert_eq!(decoder.finish(), Err(BodyError::Size), "at the end");
    let reader = BodyReader::new(Body::UntilClose, SMALL);
    let mut reader = reader.expect("it has no length yet");
    let over = Err(BodyError::TooLarge { limit: 10 });
    assert_eq!(reader.decode(b"0123456789a"), over, "input: 11 bytes");
    assert_eq!(reader.decode(b"0"), over, "input: one more");
}

/// I5, I7: what is encoded is decoded, with its trailer, however the data is
/// divided into chunks and the bytes into pieces.
#[test]
fn what_is_encoded_is_decoded() {
    prop::check(
        "what_is_encoded_is_decoded",
        2_000,
        |random| {
            let chunks = random.vec(6, |random| random.bytes(40));
            let sizes = random.vec(20, |random| random.upto(12));
            (chunks, sizes, random.once_in(2))
        },
        |(chunks, sizes, signed)| {
            let mut sent = Vec::new();
            for data in chunks {
                chunk(&mut sent, data);
            }
            let trailer: &[(&str, &[u8])] = &[("Digest", b"1f")];
            let trailer = if *signed { trailer } else { &[] };
            last_chunk(&mut sent, trailer).map_err(|e| e.to_string())?;
            let length = sent.len();
            sent.extend_from_slice(b"next");

            let mut rest = &sent[..];
            let mut pieces = Vec::new();
            for size in sizes {
                let most = rest.len().min(*size as usize);
                let (piece, more) = rest.split_at(most);
                pieces.push(piece);
                rest = more;
            }
            pieces.push(rest);
            let limits = BodyLimits::default();
            let mut reader = BodyReader::new(Body::Chunked, limits)
                .map_err(|e| e.to_string())?;
            let got = decode(&mut reader, &pieces);
            let content = wire::shown(&chunks.concat());
            let trailer = if *signed { "Digest=1f" } else { "" };
            match got == Ok((content, trailer.into(), length)) {
                true => Ok(()),
                false => Err(format!("{got:?} for\n{}", show(&sent))),
            }
        },
    );
}

/// I7: any split of any bytes gives what the whole gives.
#[test]
fn splits_do_not_matter() {
    prop::check(
        "chunk_splits_do_not_matter",
        4_000,
        |random| {
            let sizes = random.vec(12, |random| random.upto(6));
            (nearly(random), sizes)
        },
        |(text, sizes)| {
            let head = b"PUT / HTTP/1.1\r\nHost: a\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
            let bytes = [head, text.as_bytes()].concat();
            let mut rest = &bytes[..];
            let mut pieces = Vec::new();
            for size in sizes {
                let most = rest.len().min(*size as usize + 10);
                let (piece, more) = rest.split_at(most);
                pieces.push(piece);
                rest = more;
            }
            pieces.push(rest);
            let whole = requests(&[&bytes], Rules::default(), SMALL);
            let got = requests(&pieces, Rules::default(), SMALL);
            match got == whole {
                true => Ok(()),
                false => Err(format!("{got}\nnot\n{whole}")),
            }
        },
    );
}

/// I5: chunks and trailers are written whole or not at all.
#[test]
fn chunks_are_written() {
    let mut out = Vec::new();
    chunk(&mut out, b"");
    assert_eq!(wire::shown(&out), "", "input: no data");
    chunk(&mut out, &[b'a'; 26]);
    let expected = format!("1a\\r\\n{}\\r\\n", "a".repeat(26));
    assert_eq!(wire::shown(&out), expected, "input: 26 bytes");
    out.clear();
    chunk_size(&mut out, 255);
    assert_eq!(wire::shown(&out), "ff\\r\\n", "input: 255");

    let check = |name: &str, value: &[u8], expected| {
        let mut out = b"before".to_vec();
        let got = last_chunk(&mut out, &[("A", b"1"), (name, value)]);
        assert_eq!(got, expected, "input: {name:?}");
        if got.is_err() {
            assert_eq!(wire::shown(&out), "before", "input: {name:?}");
        }
    };
    check("Digest", b"1f", Ok(()));
    check("content-LENGTH", b"5", Err(Refused::Name));
    check("Digest", b"1\r\nf", Err(Refused::Value));
    check("A B", b"", Err(Refused::Name));
}

/// I8: what may not stand in a trailer.
#[test]
fn forbidden_trailers() {
    for name in ["Host", "TE", "Trailer", "Set-Cookie", "If-Match", "IF-any"] {
        assert!(is_forbidden_trailer(name.as_bytes()), "{name}");
    }
    for name in ["Digest", "If", "Hosts", "X", "Server-Timing", "ETag"] {
        assert!(!is_forbidden_trailer(name.as_bytes()), "{name}");
    }
}
