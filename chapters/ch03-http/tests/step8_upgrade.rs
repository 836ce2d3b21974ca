//! What the upgrade must do: the vectors of its specifications, and each
//! requirement of the handshake alone.

use ch00_toolbox::golden::show;
use ch00_toolbox::prop;
use ch03_http::upgrade::base64;
use ch03_http::upgrade::handshake::{
    Accepted, Fields, Origins, Policy, Refusal, Request, Unconfirmed, accept,
    accept_value,
};
use ch03_http::upgrade::sha1::sha1;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// I43: SHA-1 of the standard's examples, and around the lengths at which the
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

/// I43: base64 of RFC 4648, section 10, both ways.
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

/// I43: a value has one spelling, and everything else is none.
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

/// I43: the example of RFC 6455, sections 1.2 and 1.3, from both sides.
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

/// I43: each requirement of section 4.2.1 alone decides.
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

/// I43: a page is let in by its origin and by nothing else.
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

/// I43: the client's order decides, and what is chosen was offered.
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

/// I43: an answer that does not fit the request ends it.
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

/// I43: what one side writes, the other takes.
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
