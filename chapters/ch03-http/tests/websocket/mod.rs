//! What the tests of the WebSocket share: frames by hand, and a peer that is
//! told its bytes in pieces.

use std::time::Duration;

use ch03_http::frames::frame::Side;
use ch03_http::websocket::close::Closed;
use ch03_http::websocket::connection::{Connection, Limits};
use ch03_http::websocket::message::{Event, Messages};
use ch03_http::websocket::pulse::Times;

pub mod autobahn;
pub mod laws;
pub mod life;

/// The limit of a message here, in bytes.
pub const LIMIT: usize = 100_000;

/// The key of every frame that `sent` makes.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub const LIMITS: Limits = Limits {
    message: LIMIT,
    output: 1_000,
    times: Times {
        ping_after: Duration::from_secs(20),
        pong_within: Duration::from_secs(5),
        close_within: Duration::from_secs(3),
    },
};

/// A client's frame, made without the code under test: its first byte, and
/// the payload before it is masked.
pub fn sent(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = plain(first, payload);
    frame[1] |= 0x80;
    let at = frame.len() - payload.len();
    frame.splice(at..at, KEY);
    for (i, byte) in frame[at + 4..].iter_mut().enumerate() {
        *byte ^= KEY[i % 4];
    }
    frame
}

/// A server's frame.
pub fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let length = payload.len();
    if length < 126 {
        frame.push(length as u8);
    } else if length < 65_536 {
        frame.push(126);
        frame.extend((length as u16).to_be_bytes());
    } else {
        frame.push(127);
        frame.extend((length as u64).to_be_bytes());
    }
    frame.extend(payload);
    frame
}

/// The body of a close.
pub fn body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

pub fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

pub fn closed(code: u16, reason: &str) -> Event {
    let reason = reason.to_owned();
    Event::Close(Closed { code, reason })
}

/// All events of a stream that comes in these pieces, a fault as the last.
pub fn events(from: Side, limit: usize, pieces: &[&[u8]]) -> Vec<Event> {
    let mut messages = Messages::new(from, limit);
    let mut events = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match messages.next(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(fault) => {
                    events.push(Event::Failed(fault));
                    return events;
                }
            }
        }
        assert!(piece.is_empty(), "{} bytes are left over", piece.len());
    }
    events
}

/// What a connection says to these bytes, and what it then has to send.
pub fn talk(connection: &mut Connection, mut bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = connection.receive(&mut bytes, Duration::ZERO) {
        events.push(event);
    }
    assert!(bytes.is_empty(), "{} bytes are left over", bytes.len());
    events
}

/// Takes all that the connection has to send.
pub fn take(connection: &mut Connection) -> Vec<u8> {
    let mut all = Vec::new();
    while !connection.output().is_empty() {
        let bytes = connection.output().to_vec();
        connection.sent(bytes.len());
        all.extend(bytes);
    }
    all
}
