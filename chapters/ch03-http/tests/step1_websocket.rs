//! What the WebSocket's parts must do, each with the vectors of its
//! specification. How they play together stands in `websocket/`.

use ch00_toolbox::golden::show;
use ch00_toolbox::prop;
use ch03_http::websocket::base64;
use ch03_http::websocket::fault::Fault;
use ch03_http::websocket::frame::{Head, Opcode, Side};
use ch03_http::websocket::handshake::{
    Accepted, Fields, Origins, Policy, Refusal, Request, Unconfirmed, accept,
    accept_value,
};
use ch03_http::websocket::mask::Mask;
use ch03_http::websocket::sha1::sha1;

mod websocket;

use websocket::KEY;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// I1: SHA-1 of the standard's examples, and around the lengths at which the
/// padding needs another block.
#[test]
fn sha1_vectors() {
    let check = |bytes: &[u8], expected: &str| {
        let input = show(&bytes[..bytes.len().min(64)]);
        let length = bytes.len();
        assert_eq!(hex(&sha1(bytes)), expected, "input: {length}:\n{input}");
    };
    check(b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check(b"", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    let two_blocks =
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    check(two_blocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check(
        b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
          hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "a49b2446a02c645bf419f995b67091253a04a259",
    );
    check(
        &[b'a'; 1_000_000],
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
    );
    for (length, expected) in [
        (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
        (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
        (63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"),
        (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
        (65, "11655326c708d70319be2610e8a57d9a5b959d3b"),
    ] {
        check(&vec![b'a'; length], expected);
    }
}

/// I1: base64 of RFC 4648, section 10, both ways.
#[test]
fn base64_vectors() {
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64::encode(bytes.as_bytes()), text, "input: {bytes}");
        let decoded = base64::decode(text);
        assert_eq!(decoded, Some(bytes.into()), "input: {text}");
    }
    assert_eq!(base64::encode(&[0xfb, 0xff, 0xfe]), "+//+", "all of it");
}

/// I1: a value has one spelling, and everything else is none.
#[test]
fn base64_is_strict() {
    for text in [
        "Zg", "Zg=", "Zg===", "Z===", "====", "=", "Z=g=",
        "=Zg=", // padding
        "Zh==", "Zm9=", // bits that nobody reads
        "Zg==Zg==", "Zm9v====", // padding within, or of nothing
        "Zm 9", "Zm9v\n", "Zm-_", "Zmé", // no characters of the alphabet
    ] {
        assert_eq!(base64::decode(text), None, "input: {text:?}");
    }
    prop::check(
        "base64",
        2_000,
        |gen_| gen_.bytes(80),
        |bytes| {
            let text = base64::encode(bytes);
            match base64::decode(&text) {
                Some(back) if back == *bytes => Ok(()),
                other => Err(format!("{text} decodes to {other:?}")),
            }
        },
    );
}

/// The request of RFC 6455, section 1.2.
const REQUEST: Fields = &[
    ("Host", "server.example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Origin", "http://example.com"),
    ("Sec-WebSocket-Protocol", "chat, superchat"),
    ("Sec-WebSocket-Version", "13"),
];

const POLICY: Policy = Policy {
    origins: Origins::Only(&["http://example.com"]),
    protocols: &["superchat", "chat"],
};

const LINE: (&str, &str, &str) = ("GET", "/chat", "HTTP/1.1");

/// I1: the example of RFC 6455, sections 1.2 and 1.3, from both sides.
#[test]
fn the_handshake_of_the_rfc() {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let value = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    assert_eq!(accept_value(key), value, "input: {key}");
    let accepted = Accepted {
        accept: value.to_owned(),
        protocol: Some("chat".to_owned()),
    };
    let got = accept(LINE, REQUEST, &POLICY);
    assert_eq!(got, Ok(accepted), "input: {REQUEST:?}");

    let request = Request {
        host: "server.example.com",
        target: "/chat",
        nonce: *b"the sample nonce",
        protocols: &["chat", "superchat"],
    };
    assert_eq!(request.key(), key, "input: the sample nonce");
    let answer: Fields = &[
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", value),
        ("Sec-WebSocket-Protocol", "chat"),
    ];
    let got = request.confirm(101, answer);
    assert_eq!(got, Ok(Some("chat")), "input: {answer:?}");
}

/// A copy of the fields in which those of that name are replaced by these.
fn with<'a>(
    fields: Fields<'a>,
    name: &'a str,
    values: &[&'a str],
) -> Vec<(&'a str, &'a str)> {
    let others = fields.iter().filter(|field| field.0 != name);
    let new = values.iter().map(|value| (name, *value));
    others.copied().chain(new).collect()
}

/// I1: each requirement of section 4.2.1 alone decides.
#[test]
fn requests() {
    let check = |name: &str, values: &[&str], expected: Result<(), Refusal>| {
        let fields = with(REQUEST, name, values);
        let got = accept(LINE, &fields, &POLICY).map(drop);
        assert_eq!(got, expected, "input: {name}: {values:?}");
    };
    check("Upgrade", &["WebSocket"], Ok(()));
    check("Upgrade", &["h2c, websocket"], Ok(()));
    check("Upgrade", &["h2c", "websocket"], Ok(()));
    check("Upgrade", &[], Err(Refusal::NotAsked));
    check("Upgrade", &["websockets"], Err(Refusal::NotAsked));
    check("Connection", &["keep-alive, upgrade"], Ok(()));
    check(
        "Connection",
        &["keep-alive"],
        Err(Refusal::Bad("Connection")),
    );
    check("Host", &[], Err(Refusal::Bad("Host")));
    check("Host", &["a", "b"], Err(Refusal::Bad("Host")));
    let name = "Sec-WebSocket-Version";
    check(name, &["8"], Err(Refusal::Version));
    check(name, &[], Err(Refusal::Bad(name)));
    check(name, &["13", "13"], Err(Refusal::Bad(name)));
    let (name, key) = ("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA==");
    check(name, &[key], Ok(()));
    check(name, &[key, key], Err(Refusal::Bad(name)));
    check(name, &[&key[..22]], Err(Refusal::Bad(name)));
    check(name, &["AQIDBAUGBwgJCgsMDQ4P"], Err(Refusal::Bad(name)));
    check(name, &["AQIDBAUGBwgJCgsMDQ4PEBE="], Err(Refusal::Bad(name)));
    check(name, &[], Err(Refusal::Bad(name)));
    for line in [
        ("POST", "/", "HTTP/1.1"),
        ("get", "/", "HTTP/1.1"),
        ("GET", "/", "HTTP/1.0"),
    ] {
        let got = accept(line, REQUEST, &POLICY);
        assert_eq!(got, Err(Refusal::NotAsked), "input: {line:?}");
    }
    for (refusal, status) in [
        (Refusal::NotAsked, 426),
        (Refusal::Version, 426),
        (Refusal::Bad("Host"), 400),
        (Refusal::Origin, 403),
    ] {
        assert_eq!(refusal.status(), status, "input: {refusal:?}");
    }
}

/// I1: a page is let in by its origin and by nothing else.
#[test]
fn origins() {
    let check = |origins, sent: &[&str], expected: bool| {
        let fields = with(REQUEST, "Origin", sent);
        let policy = Policy {
            origins,
            protocols: &[],
        };
        let got = accept(LINE, &fields, &policy).map(drop);
        let expected = if expected {
            Ok(())
        } else {
            Err(Refusal::Origin)
        };
        assert_eq!(got, expected, "input: {origins:?}, Origin: {sent:?}");
    };
    for origins in [Origins::Any, Origins::Same, Origins::Only(&[])] {
        check(origins, &[], true); // no browser
        check(origins, &["http://a", "http://a"], false);
    }
    check(Origins::Any, &["null"], true);
    check(Origins::Same, &["http://server.example.com"], true);
    check(Origins::Same, &["https://SERVER.example.com"], true);
    check(Origins::Same, &["http://server.example.com:81"], false);
    check(Origins::Same, &["http://evil.com"], false);
    check(
        Origins::Same,
        &["http://server.example.com.evil.com"],
        false,
    );
    check(Origins::Same, &["file://server.example.com"], false);
    check(Origins::Same, &["server.example.com"], false);
    check(Origins::Same, &["null"], false);
    let known = Origins::Only(&["http://a.com", "https://b.com:444"]);
    check(known, &["https://B.com:444"], true);
    check(known, &["https://a.com"], false);
    check(known, &["https://b.com"], false);
    check(known, &["http://server.example.com"], false);
}

/// I1: the client's order decides, and what is chosen was offered.
#[test]
fn subprotocols() {
    let check = |offered: &[&str], expected: Result<Option<&str>, ()>| {
        let name = "Sec-WebSocket-Protocol";
        let fields = with(REQUEST, name, offered);
        let got = accept(LINE, &fields, &POLICY).map(|a| a.protocol);
        let expected = expected.map(|name| name.map(str::to_owned));
        let expected = expected.map_err(|()| Refusal::Bad(name));
        assert_eq!(got, expected, "input: {offered:?}");
    };
    check(&[], Ok(None));
    check(&["other"], Ok(None));
    check(&["Chat"], Ok(None)); // these are compared as they are
    check(&["superchat, chat"], Ok(Some("superchat")));
    check(&["x,chat\t, superchat"], Ok(Some("chat")));
    check(&["x", "superchat"], Ok(Some("superchat")));
    check(&["chat, chat"], Err(()));
    check(&["chat", "chat"], Err(()));
    check(&[""], Err(()));
    check(&["chat,"], Err(()));
    check(&["a b"], Err(()));
    check(&["chat\r\nSet-Cookie: x"], Err(()));
}

/// I1: an answer that does not fit the request ends it.
#[test]
fn answers() {
    let request = Request {
        host: "h",
        target: "/",
        nonce: *b"the sample nonce",
        protocols: &["chat", "superchat"],
    };
    let right: Fields = &[
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    let check = |name: &'static str, values: &[&str], good: bool| {
        let fields = with(right, name, values);
        let got = request.confirm(101, &fields).map(drop);
        let field = match name {
            "upgrade" => "Upgrade",
            "connection" => "Connection",
            other => other,
        };
        let wrong = Err(Unconfirmed::Field(field));
        let expected = if good { Ok(()) } else { wrong };
        assert_eq!(got, expected, "input: {name}: {values:?}");
    };
    check("upgrade", &[], false);
    check("upgrade", &["h2c"], false);
    check("connection", &[], false);
    check("connection", &["close"], false);
    check("Sec-WebSocket-Accept", &[], false);
    check("Sec-WebSocket-Accept", &["dGhlIHNhbXBsZSBub25jZQ=="], false);
    let lower = "s3pplmbitxaq9kygzzhzrbk+xoo=";
    check("Sec-WebSocket-Accept", &[lower], false);
    check("Sec-WebSocket-Protocol", &[], true);
    check("Sec-WebSocket-Protocol", &["chat"], true);
    check("Sec-WebSocket-Protocol", &["other"], false);
    check("Sec-WebSocket-Protocol", &["chat", "superchat"], false);
    check("Sec-WebSocket-Extensions", &["permessage-deflate"], false);
    for status in [100, 200, 301, 400, 426] {
        let got = request.confirm(status, right);
        let expected = Err(Unconfirmed::Status(status));
        assert_eq!(got, expected, "input: status {status}");
    }
}

/// I1: what one side writes, the other takes.
#[test]
fn heads() {
    let mut request = Request {
        host: "h:1",
        target: "/a?b",
        nonce: [7; 16],
        protocols: &[],
    };
    assert_eq!(
        request.head(),
        "GET /a?b HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: BwcHBwcHBwcHBwcHBwcHBw==\
         \r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    request.protocols = &["a", "chat"];
    let line = "Sec-WebSocket-Protocol: a, chat\r\n\r\n";
    assert!(request.head().ends_with(line), "{}", request.head());
    for (protocol, line) in [
        (None, ""),
        (Some("chat".to_owned()), "Sec-WebSocket-Protocol: chat\r\n"),
    ] {
        let accepted = Accepted {
            accept: "x=".to_owned(),
            protocol,
        };
        let expected = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Accept: x=\r\n{line}\r\n"
        );
        assert_eq!(accepted.head(), expected, "input: {accepted:?}");
    }
}

/// I4: eight at a time is the same as one at a time, however it is cut.
#[test]
fn masks() {
    let mut hello = *b"Hello";
    Mask::new(KEY).apply(&mut hello);
    let masked = [0x7f, 0x9f, 0x4d, 0x51, 0x58]; // RFC 6455, section 5.7
    assert_eq!(show(&hello), show(&masked), "input: Hello");
    prop::check(
        "mask",
        2_000,
        |gen_| {
            let key = [gen_.byte(), gen_.byte(), gen_.byte(), gen_.byte()];
            (
                key,
                gen_.bytes(80),
                gen_.vec(5, |gen_| gen_.upto(80) as usize),
            )
        },
        |(key, bytes, cuts)| {
            let mut whole = bytes.clone();
            Mask::new(*key).apply_bytes(&mut whole);
            let (mut got, mut mask) = (bytes.clone(), Mask::new(*key));
            let mut rest = &mut got[..];
            for cut in cuts {
                let (piece, more) = rest.split_at_mut((*cut).min(rest.len()));
                mask.apply(piece);
                rest = more;
            }
            mask.apply(rest);
            match got == whole {
                true => Ok(()),
                false => Err(format!("expected {whole:?}, got {got:?}")),
            }
        },
    );
}

/// I3: the heads of RFC 6455, section 5.7, both ways, and at every place
/// where the length changes its form.
#[test]
fn frame_heads() {
    let check = |bytes: &[u8], last, opcode, key, length| {
        let head = Head {
            last,
            opcode,
            key,
            length,
        };
        let mut out = Vec::new();
        head.encode(&mut out);
        let whole = show(bytes);
        assert_eq!(show(&out), whole, "input: {head:?}");
        let from = if key.is_some() {
            Side::Client
        } else {
            Side::Server
        };
        for end in 0..bytes.len() {
            let got = Head::decode(&bytes[..end], from);
            assert_eq!(got, Ok(None), "input: {end} bytes of\n{whole}");
        }
        let got = Head::decode(&[bytes, b"Hello"].concat(), from);
        assert_eq!(got, Ok(Some((head, bytes.len()))), "input:\n{whole}");
    };
    use Opcode::{Binary, Continuation, Ping, Pong, Text};
    let masked = Some([0x37, 0xfa, 0x21, 0x3d]);
    check(&[0x81, 5], true, Text, None, 5);
    let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d];
    check(&bytes, true, Text, masked, 5);
    check(&[1, 3], false, Text, None, 3);
    check(&[0x80, 2], true, Continuation, None, 2);
    check(&[0x89, 5], true, Ping, None, 5);
    let bytes = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d];
    check(&bytes, true, Pong, masked, 5);
    check(&[0x82, 126, 1, 0], true, Binary, None, 256);
    let bytes = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
    check(&bytes, true, Binary, None, 65_536);
    check(&[0x82, 125], true, Binary, None, 125);
    check(&[0x82, 126, 0, 126], true, Binary, None, 126);
    check(&[0x82, 126, 0xff, 0xff], true, Binary, None, 65_535);
    let mut most = [0xff; 10];
    (most[0], most[1], most[2]) = (0x82, 127, 0x7f);
    check(&most, true, Binary, None, (1 << 63) - 1);
    let mut most = most.to_vec();
    (most[1], most) = (0xff, [&most[..], &KEY].concat());
    most[1] = 0xff;
    check(&most, true, Binary, masked, (1 << 63) - 1);
}

/// I3: each rule of sections 5.2 and 5.5 alone refuses, at the byte that
/// breaks it.
#[test]
fn frames_that_are_refused() {
    let check = |from, bytes: &[u8], fault: Fault| {
        let before = Head::decode(&bytes[..bytes.len() - 1], from);
        let input = show(bytes);
        assert_eq!(before, Ok(None), "all but the last byte of\n{input}");
        let got = Head::decode(bytes, from);
        assert_eq!(got, Err(fault), "input:\n{input}");
    };
    for bits in 1..8 {
        check(Side::Server, &[0x81 | bits << 4], Fault::Reserved);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        check(Side::Client, &[0x80 | opcode], Fault::Opcode(opcode));
        check(Side::Client, &[opcode], Fault::Opcode(opcode));
    }
    for opcode in [8, 9, 10] {
        check(Side::Client, &[opcode], Fault::ControlInFragments);
        for short in [126, 127] {
            let bytes = [0x80 | opcode, 0x80 | short];
            check(Side::Client, &bytes, Fault::ControlTooLong);
        }
    }
    check(Side::Client, &[0x81, 5], Fault::Unmasked);
    check(Side::Server, &[0x81, 0x85], Fault::Masked);
    check(Side::Server, &[0x82, 126, 0, 125], Fault::Length);
    check(Side::Server, &[0x82, 126, 0, 0], Fault::Length);
    let short = [0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    check(Side::Server, &short, Fault::Length);
    let huge = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
    check(Side::Server, &huge, Fault::Length);
}
