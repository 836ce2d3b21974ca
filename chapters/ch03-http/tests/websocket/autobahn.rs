//! The families of cases of the Autobahn suite, as a table: what a client
//! sends, what comes of it, and what the server has to send by itself. Each
//! row is fed whole, byte by byte, and cut in two at every byte.

use std::time::Duration;

use ch00_toolbox::golden::show;
use ch03_http::frames::fault::Fault;
use ch03_http::frames::frame::Side;
use ch03_http::websocket::connection::Connection;
use ch03_http::websocket::message::Event;

use super::{
    LIMIT, LIMITS, body, closed, events, plain, sent, take, talk, text,
};

/// Frames as (first byte, payload).
type Frames<'a> = &'a [(u8, &'a [u8])];

/// What a server that only listens does with a client's bytes.
fn answers(pieces: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
    let mut server = Connection::server(LIMITS, Duration::ZERO);
    let (mut events, mut out) = (Vec::new(), Vec::new());
    for piece in pieces {
        events.extend(talk(&mut server, piece));
        out.extend(take(&mut server));
    }
    (events, out)
}

fn check_bytes(stream: &[u8], expected: &[Event], out: Frames) {
    let out: Vec<u8> = out.iter().flat_map(|f| plain(f.0, f.1)).collect();
    let input = show(&stream[..stream.len().min(256)]);
    let check = |pieces: &[&[u8]], how: &str| {
        let (got, sent) = answers(pieces);
        assert_eq!(got, expected, "{how}, input:\n{input}");
        assert_eq!(show(&sent), show(&out), "{how}: sent for\n{input}");
    };
    check(&[stream], "whole");
    check(&stream.chunks(1).collect::<Vec<_>>(), "byte by byte");
    for at in 0..=stream.len().min(300) {
        let how = format!("cut after byte {at}");
        check(&[&stream[..at], &stream[at..]], &how);
    }
}

fn check(frames: Frames, expected: &[Event], out: Frames) {
    let stream: Vec<u8> = frames
        .iter()
        .flat_map(|frame| sent(frame.0, frame.1))
        .collect();
    check_bytes(&stream, expected, out);
}

/// A stream that fails, with the events before it; the answer is a close.
fn fails(frames: Frames, before: &[Event], fault: Fault, code: u16) {
    let stream: Vec<u8> = frames
        .iter()
        .flat_map(|frame| sent(frame.0, frame.1))
        .collect();
    fails_bytes(&stream, before, fault, code);
}

fn fails_bytes(stream: &[u8], before: &[Event], fault: Fault, code: u16) {
    let mut expected = before.to_vec();
    expected.push(Event::Failed(fault));
    let mut out: Vec<(u8, Vec<u8>)> = Vec::new();
    for event in before {
        if let Event::Ping(payload) = event {
            out.push((0x8a, payload.clone()));
        }
    }
    out.push((0x88, body(code, fault.to_string().as_bytes())));
    let out: Vec<(u8, &[u8])> = out.iter().map(|f| (f.0, &f.1[..])).collect();
    check_bytes(stream, &expected, &out);
}

/// I46: family 1, framing: messages at every form of the length.
#[test]
fn messages_of_every_length() {
    let lengths = [0, 1, 125, 126, 127, 128, 65_535, 65_536];
    for length in lengths {
        let letters = "*".repeat(length);
        let bytes = vec![0xfe; length];
        let frames = [sent(0x81, letters.as_bytes()), sent(0x82, &bytes)];
        let stream = frames.concat();
        let expected = [text(&letters), Event::Binary(bytes)];
        for size in [stream.len(), 997, 1] {
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            let got = events(Side::Client, LIMIT, &pieces);
            let input = format!("{length} bytes, in pieces of {size}");
            assert!(got == expected, "input: {input}");
        }
    }
}

/// I48: family 2, pings: each is answered with its payload; what is too long
/// for a control frame fails.
#[test]
fn pings() {
    let most = vec![0xfe; 125];
    for payload in [&b""[..], b"Hello", &[0, 0xff, 0xfe, 0x0a], &most] {
        let event = [Event::Ping(payload.to_vec())];
        check(&[(0x89, payload)], &event, &[(0x8a, payload)]);
    }
    let fault = Fault::ControlTooLong;
    fails(&[(0x89, &[0xfe; 126])], &[], fault, 1002);
    let pong = |payload: &[u8]| Event::Pong(payload.to_vec());
    check(&[(0x8a, b"")], &[pong(b"")], &[]); // nobody asked: no matter
    let ping = Event::Ping(b"x".to_vec());
    let both = [pong(b"unasked"), ping];
    check(&[(0x8a, b"unasked"), (0x89, b"x")], &both, &[(0x8a, b"x")]);
    let numbers: Vec<Vec<u8>> = (0..10).map(|n| vec![n]).collect();
    let asked: Vec<_> = numbers.iter().map(|n| (0x89, &n[..])).collect();
    let answered: Vec<_> = numbers.iter().map(|n| (0x8a, &n[..])).collect();
    let events: Vec<_> = numbers.iter().cloned().map(Event::Ping).collect();
    check(&asked, &events, &answered);
}

/// I3: family 3, reserved bits: each set of them fails, on each kind of
/// frame, after what came before.
#[test]
fn reserved_bits() {
    for bits in 1..8 {
        for opcode in [0x81, 0x82, 0x80, 0x88, 0x89, 0x8a] {
            let bad = (opcode | bits << 4, &b"x"[..]);
            let hello = [text("Hello"), Event::Ping(b"a".to_vec())];
            let frames = [(0x81, &b"Hello"[..]), (0x89, b"a"), bad];
            fails(&frames, &hello, Fault::Reserved, 1002);
        }
    }
}

/// I3: family 4, opcodes that have no meaning.
#[test]
fn reserved_opcodes() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for payload in [&b""[..], b"x"] {
            let frames = [(0x81, &b"a"[..]), (0x80 | opcode, payload)];
            fails(&frames, &[text("a")], Fault::Opcode(opcode), 1002);
        }
    }
}

/// I46: family 5, fragments: joined in order, with control frames between
/// them; and every order that is none.
#[test]
fn fragments() {
    let ping = |payload: &[u8]| Event::Ping(payload.to_vec());
    check(&[(1, b"Hel"), (0x80, b"lo")], &[text("Hello")], &[]);
    check(&[(1, b""), (0, b""), (0x80, b"")], &[text("")], &[]);
    check(&[(1, b""), (0, b"x"), (0x80, b"")], &[text("x")], &[]);
    let binary = [Event::Binary(b"abc".to_vec())];
    check(&[(2, b"a"), (0, b"b"), (0x80, b"c")], &binary, &[]);
    check(
        &[
            (1, b"a"),
            (0x89, b"1"),
            (0, b"b"),
            (0x89, b"2"),
            (0x80, b"c"),
        ],
        &[ping(b"1"), ping(b"2"), text("abc")],
        &[(0x8a, b"1"), (0x8a, b"2")],
    );
    let two = [text("ab"), Event::Binary(b"c".to_vec())];
    check(&[(1, b"a"), (0x80, b"b"), (0x82, b"c")], &two, &[]);
    let control = Fault::ControlInFragments;
    fails(&[(9, b"a"), (0x80, b"b")], &[], control, 1002);
    fails(&[(10, b"a"), (0x80, b"b")], &[], control, 1002);
    fails(&[(1, b"a"), (8, b"")], &[], control, 1002);
    let nothing = Fault::NothingToContinue;
    fails(&[(0x80, b"a")], &[], nothing, 1002);
    fails(&[(0, b"")], &[], nothing, 1002);
    let hello = [text("a")];
    fails(&[(0x81, b"a"), (0x80, b"b")], &hello, nothing, 1002);
    let inside = Fault::Interrupted;
    fails(&[(1, b"a"), (0x81, b"b")], &[], inside, 1002);
    fails(&[(1, b"a"), (1, b"b")], &[], inside, 1002);
    fails(
        &[(2, b"a"), (0x89, b"p"), (0x82, b"")],
        &[ping(b"p")],
        inside,
        1002,
    );
}

/// I46: family 6, UTF-8: characters cut by fragments and reads are whole;
/// wrong ones fail.
#[test]
fn utf8() {
    let words = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 漢字 🦀";
    check(&[(0x81, words.as_bytes())], &[text(words)], &[]);
    for at in 0..words.len() {
        let (a, b) = words.as_bytes().split_at(at);
        let frames = [(1, a), (0x89, b"p"), (0x80, b)];
        let expected = [Event::Ping(b"p".to_vec()), text(words)];
        check(&frames, &expected, &[(0x8a, b"p")]);
    }
    for wrong in [
        &b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited"[..], // 6.3.1: a surrogate
        b"\x80",
        b"a\xbf",
        b"\xfe",
        b"\xff", // no first bytes
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9f\xa6", // end within a character
        b"\xc3(",
        b"\xe2\x82(",
        b"\xe2(\xa1",
        b"\xf0\x9f\xa6(",
        b"12345678\xff",
        b"1234567\xff",
    ] {
        fails(&[(0x81, wrong)], &[], Fault::Utf8, 1007);
        let (a, b) = wrong.split_at(wrong.len() / 2);
        fails(&[(1, a), (0x80, b)], &[], Fault::Utf8, 1007);
    }
    let binary = [Event::Binary(b"\xff\xfe".to_vec())];
    check(&[(0x82, b"\xff\xfe")], &binary, &[]); // bytes are not text
}

/// I46: family 6.4, failing fast: the wrong byte is enough, whatever is
/// announced to come after it.
#[test]
fn utf8_fails_at_the_first_wrong_byte() {
    let whole = sent(1, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xf4\x90\x80\x80more");
    let wrong = whole.len() - 4 - 2; // behind f4 90, which no text has
    let (before, fast) = (&whole[..wrong - 1], &whole[..wrong]);
    assert_eq!(answers(&[before]).0, [], "all before the wrong byte");
    let failed = [Event::Failed(Fault::Utf8)];
    let got = answers(&[fast]).0;
    assert_eq!(got, failed, "up to the wrong byte:\n{}", show(fast));
}

/// I48: family 7, closes: the code comes back; nothing after it counts.
#[test]
fn closes() {
    check(&[(0x88, b"")], &[closed(1005, "")], &[(0x88, b"")]);
    let codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011];
    let codes = codes.into_iter().chain([1012, 1013, 1014]);
    for code in codes.chain([3000, 3999, 4000, 4999]) {
        let (bare, why) = (body(code, b""), body(code, b"bye \xc2\xb5"));
        let answer: Frames = &[(0x88, &bare)];
        check(&[(0x88, &bare)], &[closed(code, "")], answer);
        check(&[(0x88, &why)], &[closed(code, "bye µ")], answer);
    }
    let longest = body(1000, &[b'*'; 123]);
    let answer: Frames = &[(0x88, &body(1000, b""))];
    let event = [closed(1000, &"*".repeat(123))];
    check(&[(0x88, &longest)], &event, answer);
    let end = (0x88, &body(1000, b"")[..]);
    for after in [(0x81, &b"x"[..]), (0x89, b"x"), end, (0xff, b"")] {
        check(&[end, after], &[closed(1000, "")], answer);
    }
    check(&[(1, b"half"), end], &[closed(1000, "")], answer);
}

/// I48: family 7, closes that are malformed.
#[test]
fn malformed_closes() {
    fails(&[(0x88, b"\x03")], &[], Fault::CloseBody, 1002);
    let never = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999];
    for code in never.into_iter().chain([5000, 65_535]) {
        let fault = Fault::CloseCode(code);
        fails(&[(0x88, &body(code, b""))], &[], fault, 1002);
        fails(&[(0x88, &body(code, b"why"))], &[], fault, 1002);
    }
    fails(&[(0x88, &body(1000, b"\xc0\xaf"))], &[], Fault::Utf8, 1007);
    fails(&[(0x88, &body(1000, b"\xc3"))], &[], Fault::Utf8, 1007);
    let long = body(1000, &[b'*'; 124]);
    fails(&[(0x88, &long)], &[], Fault::ControlTooLong, 1002);
}

/// I47: family 9, limits: a message of the limit is taken; one more byte is
/// refused when it is announced, in one frame or in many.
#[test]
fn limits() {
    let most = "*".repeat(LIMIT);
    let got = events(Side::Client, LIMIT, &[&sent(0x81, most.as_bytes())]);
    assert!(got == [text(&most)], "input: {LIMIT} bytes");
    let fault = Fault::TooLong { limit: LIMIT };
    let head = |first, length: u64| {
        let mut head = vec![first, 0xff];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        head
    };
    for length in [LIMIT as u64 + 1, 1 << 32, (1 << 63) - 1] {
        fails_bytes(&head(0x82, length), &[], fault, 1009);
        fails_bytes(&head(2, length), &[], fault, 1009);
    }
    let first = sent(2, &[0; 200]);
    let rest = head(0x80, LIMIT as u64 - 199);
    fails_bytes(&[first.clone(), rest].concat(), &[], fault, 1009);
    let rest = sent(0, &vec![0; LIMIT - 200]);
    let ping = sent(0x89, b"p"); // a control frame is not of the message
    let stream = [first, rest, ping, sent(0x80, b"")].concat();
    let got = events(Side::Client, LIMIT, &[&stream]);
    let whole = Event::Binary(vec![0; LIMIT]);
    assert!(got == [Event::Ping(b"p".to_vec()), whole], "at the limit");
}

/// I2: nothing but unmasked frames comes from a server, nothing but masked
/// ones from a client.
#[test]
fn each_side_masks_as_it_must() {
    fails_bytes(&plain(0x81, b"x"), &[], Fault::Unmasked, 1002);
    let got = events(Side::Server, LIMIT, &[&plain(0x81, b"x")]);
    assert_eq!(got, [text("x")], "input: a server's frame");
    let got = events(Side::Server, LIMIT, &[&sent(0x81, b"x")]);
    let failed = [Event::Failed(Fault::Masked)];
    assert_eq!(got, failed, "input: a server's frame, masked");
}
