//! A connection's life: time, limits, ends; text and codes by themselves.

use std::time::Duration;

use ch03_http::frames::fault::Fault;
use ch03_http::frames::frame::Side;
use ch03_http::websocket::close::{self, Closed, may_be_sent};
use ch03_http::websocket::connection::{Connection, Limits, Unsent};
use ch03_http::websocket::message::{Event, Messages};
use ch03_http::websocket::pulse::{Due, Pulse};
use ch03_http::websocket::utf8::Utf8;

use super::{LIMITS, body, closed, plain, sent, take, talk, text};

const SECOND: Duration = Duration::from_secs(1);

fn server() -> Connection {
    Connection::server(LIMITS, Duration::ZERO)
}

/// I46: every first byte, followed by every second, goes on or fails as in
/// the table of RFC 3629, section 4.
#[test]
fn utf8_byte_by_byte() {
    for first in 0..=255u8 {
        for second in 0..=255u8 {
            let mut utf8 = Utf8::default();
            let got = utf8.push(&[first]).and_then(|()| utf8.push(&[second]));
            let error = std::str::from_utf8(&[first, second]).err();
            let begun = error.is_none_or(|e| e.error_len().is_none());
            let input = format!("{first:02x} {second:02x}");
            assert_eq!(got.is_ok(), begun, "input: {input}");
        }
    }
}

/// I48: exactly these codes may be sent.
#[test]
fn codes() {
    let ranges = [1000..=1003, 1007..=1014, 3000..=4999];
    for code in 0..=u16::MAX {
        let expected = ranges.iter().any(|range| range.contains(&code));
        assert_eq!(may_be_sent(code), expected, "input: {code}");
    }
    let end = |code, reason: &str| {
        let reason = reason.to_owned();
        Ok(Closed { code, reason })
    };
    assert_eq!(close::read(b""), end(1005, ""), "input: nothing");
    assert_eq!(close::read(b"\x03"), Err(Fault::CloseBody), "input: 03");
    let got = close::read(b"\x03\xe8ok");
    assert_eq!(got, end(1000, "ok"), "input: 1000, ok");
}

/// I49: a silence is asked about once; an answer, of any kind, ends it.
#[test]
fn silence() {
    let mut pulse = Pulse::new(LIMITS.times, SECOND);
    assert_eq!(pulse.deadline(), 21 * SECOND, "heard at 1");
    let almost = 21 * SECOND - Duration::from_nanos(1);
    assert_eq!(pulse.due(almost), Due::At(21 * SECOND), "just before");
    assert_eq!(pulse.due(21 * SECOND), Due::Ping, "20 s after");
    assert_eq!(pulse.due(21 * SECOND), Due::At(26 * SECOND), "asked");
    pulse.heard(25 * SECOND);
    assert_eq!(pulse.due(26 * SECOND), Due::At(45 * SECOND), "heard at 25");
    assert_eq!(pulse.due(46 * SECOND), Due::Ping, "late");
    assert_eq!(pulse.deadline(), 51 * SECOND, "asked late");
    let dead = Due::Dead(Fault::Silence);
    assert_eq!(pulse.due(51 * SECOND), dead, "5 s after the ping");
    assert_eq!(pulse.due(60 * SECOND), dead, "it stays so");
}

/// I49: after our close nothing but its answer stops the clock, however much
/// else comes; a wait longer than time itself is none.
#[test]
fn an_unanswered_close() {
    let mut pulse = Pulse::new(LIMITS.times, Duration::ZERO);
    assert_eq!(pulse.due(20 * SECOND), Due::Ping, "silence");
    pulse.closed(21 * SECOND);
    pulse.heard(23 * SECOND);
    assert_eq!(pulse.due(23 * SECOND), Due::At(24 * SECOND), "heard at 23");
    let dead = Due::Dead(Fault::NoClose);
    assert_eq!(pulse.due(24 * SECOND), dead, "3 s after the close");
    let mut times = LIMITS.times;
    times.ping_after = Duration::MAX;
    let pulse = Pulse::new(times, SECOND);
    assert_eq!(pulse.deadline(), Duration::MAX, "never");
}

/// I49: a connection asks, and gives up a peer that does not answer.
#[test]
fn a_connection_asks() {
    let mut server = server();
    assert_eq!(server.deadline(), Some(20 * SECOND), "new");
    assert_eq!(server.tick(19 * SECOND), None, "at 19");
    assert_eq!(take(&mut server), [], "at 19");
    assert_eq!(server.tick(20 * SECOND), None, "at 20");
    let ping = plain(0x89, &1u64.to_be_bytes());
    assert_eq!(take(&mut server), ping, "at 20: a ping");
    assert_eq!(server.deadline(), Some(25 * SECOND), "asked");
    let pong = sent(0x8a, &1u64.to_be_bytes());
    let got = server.receive(&mut &pong[..], 22 * SECOND);
    let answer = Event::Pong(1u64.to_be_bytes().to_vec());
    assert_eq!(got, Some(answer), "at 22: the answer");
    assert_eq!(server.tick(25 * SECOND), None, "it answered");
    assert_eq!(server.tick(42 * SECOND), None, "a silence again");
    let ping = plain(0x89, &2u64.to_be_bytes());
    assert_eq!(take(&mut server), ping, "at 42: another ping");
    let failed = Some(Event::Failed(Fault::Silence));
    assert_eq!(server.tick(47 * SECOND), failed, "no answer");
    assert_eq!(take(&mut server), [], "nobody listens: nothing is sent");
    assert!(server.is_over(), "given up");
    assert_eq!(server.deadline(), None, "over");
    assert_eq!(server.tick(60 * SECOND), None, "said once");
}

/// I48: one close, no message after it; what comes before the answer is still
/// heard, and after that the connection is over.
#[test]
fn a_close_of_ours() {
    let mut server = server();
    assert_eq!(server.close(1001, "bye", SECOND), Ok(()));
    let closing = Err(Unsent::Closing);
    assert_eq!(server.close(1001, "bye", SECOND), closing, "a second close");
    assert_eq!(server.text("x"), closing, "after the close");
    assert_eq!(server.ping(b"x"), closing, "after the close");
    assert_eq!(server.deadline(), Some(4 * SECOND), "3 s for the answer");
    assert_eq!(take(&mut server), plain(0x88, &body(1001, b"bye")));
    let late = [sent(0x81, b"late"), sent(0x89, b"p")].concat();
    let heard = [text("late"), Event::Ping(b"p".to_vec())];
    assert_eq!(talk(&mut server, &late), heard, "before its close");
    // Section 5.5.2: a ping is answered until the peer's close has come.
    assert_eq!(take(&mut server), plain(0x8a, b"p"), "the pong");
    assert!(!server.is_over(), "its close has not come");
    let answer = sent(0x88, &body(1001, b""));
    assert_eq!(talk(&mut server, &answer), [closed(1001, "")]);
    assert!(server.is_over(), "its close has come");
    assert_eq!(take(&mut server), [], "not a second close");
    assert_eq!(talk(&mut server, &late), [], "nothing counts any more");
}

/// I49: a close that is not answered ends at its deadline.
#[test]
fn a_close_without_an_answer() {
    let mut server = server();
    assert_eq!(server.close(1000, "", SECOND), Ok(()));
    assert_eq!(server.tick(3 * SECOND), None, "within 3 s");
    let failed = Some(Event::Failed(Fault::NoClose));
    assert_eq!(server.tick(4 * SECOND), failed, "after 3 s");
    assert_eq!(take(&mut server), plain(0x88, &body(1000, b"")), "once");
}

/// I48: after a fault nothing counts: not what came with it, nor what comes
/// later.
#[test]
fn a_fault_stays() {
    for (bad, fault) in [
        (sent(0x83, b""), Fault::Opcode(3)),
        (sent(0x81, b"\xff"), Fault::Utf8),
        (sent(0x80, b""), Fault::NothingToContinue),
    ] {
        let mut messages = Messages::new(Side::Client, 9);
        let good = sent(0x81, b"a");
        let both = [bad, good.clone()].concat();
        let mut input = &both[..];
        assert_eq!(messages.next(&mut input), Err(fault), "{fault}");
        assert_eq!(input, b"", "what came with it: {fault}");
        let mut input = &good[..];
        assert_eq!(messages.next(&mut input), Err(fault), "later: {fault}");
        assert_eq!(input, b"", "what comes later: {fault}");
    }
}

/// I48: a fault after our close is no reason for another one.
#[test]
fn a_fault_after_our_close() {
    let mut server = server();
    assert_eq!(server.close(1000, "", SECOND), Ok(()));
    let failed = [Event::Failed(Fault::Opcode(3))];
    assert_eq!(talk(&mut server, &sent(0x83, b"")), failed);
    assert_eq!(take(&mut server), plain(0x88, &body(1000, b"")), "once");
    assert!(server.is_over(), "failed");
}

/// I48: a close that may not be sent is refused, and the connection lives.
#[test]
fn closes_that_are_refused() {
    let mut server = server();
    let malformed = Err(Unsent::Malformed);
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let got = server.close(code, "", SECOND);
        assert_eq!(got, malformed, "input: {code}");
    }
    let long = "*".repeat(124);
    assert_eq!(server.close(1000, &long, SECOND), malformed, "124 bytes");
    assert_eq!(server.ping(&[0; 126]), malformed, "a ping of 126");
    assert_eq!(take(&mut server), [], "nothing was sent");
    assert_eq!(server.ping(&[0; 125]), Ok(()), "a ping of 125");
    assert_eq!(server.close(1000, &long[1..], SECOND), Ok(()), "123 bytes");
}

/// I48: a stream that ends says 1006, unless a close came before it.
#[test]
fn ends_of_streams() {
    let end = Some(closed(1006, ""));
    let mut server = server();
    assert_eq!(server.end(), end, "without a close");
    assert_eq!(server.end(), None, "said once");
    assert_eq!(server.text("x"), Err(Unsent::Closing), "after it");
    let mut server = Connection::server(LIMITS, Duration::ZERO);
    assert_eq!(talk(&mut server, &sent(0x88, b"")), [closed(1005, "")]);
    assert_eq!(server.end(), None, "after a close");
}

/// I47: a message is refused while the limit waits, and taken when there is
/// room again.
#[test]
fn output_is_bounded() {
    let mut server = server();
    for _ in 0..2 {
        assert_eq!(server.text(&"*".repeat(496)), Ok(()), "up to 1000");
    }
    assert_eq!(server.output().len(), 1_000, "two frames of 500");
    assert_eq!(server.text(""), Err(Unsent::Full), "at the limit");
    assert_eq!(server.ping(b""), Err(Unsent::Full), "at the limit");
    server.sent(1);
    assert_eq!(server.text(""), Ok(()), "one byte below");
    server.sent(usize::MAX);
    assert_eq!(server.output(), [], "all is sent");
}

/// I47: of pings that come while there is no room the last one is answered,
/// as soon as there is; output stays bounded whatever comes.
#[test]
fn pings_that_nobody_reads_the_answers_of() {
    let mut server = server();
    let flood: Vec<u8> = (0..1_000u32)
        .flat_map(|n| sent(0x89, &n.to_be_bytes()))
        .collect();
    assert_eq!(talk(&mut server, &flood).len(), 1_000, "events");
    assert_eq!(server.output().len(), 167 * 6, "pongs of 6 bytes");
    server.sent(167 * 6);
    let last = plain(0x8a, &999u32.to_be_bytes());
    assert_eq!(server.output(), last, "the last of the others");
    let mut server = Connection::server(LIMITS, Duration::ZERO);
    talk(&mut server, &flood);
    talk(&mut server, &sent(0x88, b""));
    let all = take(&mut server);
    assert_eq!(
        all[167 * 6..],
        plain(0x88, b""),
        "a close ends what is owed"
    );
}

/// I47: what a peer announces costs nothing before it comes.
#[test]
fn announced_is_not_allocated() {
    let limit = 1 << 40;
    let limits = Limits {
        message: limit,
        ..LIMITS
    };
    let mut server = Connection::server(limits, Duration::ZERO);
    let mut head = vec![0x82, 0xff];
    head.extend((limit as u64).to_be_bytes());
    head.extend([0; 4]);
    assert_eq!(talk(&mut server, &head), [], "1 TiB is announced");
}
