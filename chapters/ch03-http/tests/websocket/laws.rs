//! What holds for any bytes and any cuts.

use std::time::Duration;

use ch00_toolbox::prop::{self, Gen};
use ch00_toolbox::rng::Rng;
use ch03_http::frames::frame::Side;
use ch03_http::websocket::connection::Connection;
use ch03_http::websocket::message::Event;
use ch03_http::websocket::utf8::Utf8;

use super::{LIMITS, closed, events, plain, sent, talk, text};

/// Frames that are right more often than not, as bytes.
fn stream(gen_: &mut Gen, masked: bool) -> Vec<u8> {
    let frames = gen_.vec(12, |gen_| {
        const FIRSTS: [u8; 10] =
            [0x81, 0x82, 1, 0, 0x80, 0x89, 0x8a, 0x81, 2, 0x88];
        let first = match gen_.once_in(20) {
            true => gen_.byte(),
            false => *gen_.pick(&FIRSTS),
        };
        let payload = match gen_.once_in(8) {
            true => gen_.bytes(300),
            false => gen_.text(12).into_bytes(),
        };
        let frame = match masked {
            true => sent(first, &payload),
            false => plain(first, &payload),
        };
        match gen_.once_in(20) {
            true => [frame, gen_.bytes(4)].concat(),
            false => frame,
        }
    });
    frames.concat()
}

/// The bytes in pieces, cut where `cuts` says.
fn pieces<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = bytes.split_at((*cut).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

fn cuts(gen_: &mut Gen) -> Vec<usize> {
    gen_.vec(20, |gen_| gen_.upto(40) as usize)
}

/// I2: any stream, of either side, right or wrong, gives the same events
/// however it is cut.
#[test]
fn any_cuts_give_the_same_events() {
    prop::check(
        "websocket_cuts",
        5_000,
        |gen_| {
            let masked = !gen_.once_in(2);
            (masked, stream(gen_, masked), cuts(gen_))
        },
        |(masked, bytes, cuts)| {
            let from = if *masked { Side::Client } else { Side::Server };
            let expected = events(from, 250, &[bytes]);
            let got = events(from, 250, &pieces(bytes, cuts));
            match got == expected {
                true => Ok(()),
                false => Err(format!("expected {expected:?}, got {got:?}")),
            }
        },
    );
}

/// One thing that a side says.
#[derive(Debug, Clone)]
enum Word {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
}

fn words(gen_: &mut Gen) -> Vec<Word> {
    gen_.vec(10, |gen_| match gen_.upto(2) {
        0 => Word::Text(gen_.text(200)),
        1 => Word::Binary(gen_.bytes(400)),
        _ => Word::Ping(gen_.bytes(125)),
    })
}

/// Says all of it, hands the bytes over in pieces, and says what was heard.
fn hear(
    from: &mut Connection,
    to: &mut Connection,
    words: &[Word],
    cuts: &[usize],
) -> Result<Vec<Event>, String> {
    let mut bytes = Vec::new();
    for word in words {
        let said = match word {
            Word::Text(text) => from.text(text),
            Word::Binary(bytes) => from.binary(bytes),
            Word::Ping(payload) => from.ping(payload),
        };
        said.map_err(|error| format!("{word:?}: {error:?}"))?;
        let more = from.output().to_vec();
        from.sent(more.len());
        bytes.extend(more);
    }
    let mut events = Vec::new();
    for piece in pieces(&bytes, cuts) {
        events.extend(talk(to, piece));
    }
    Ok(events)
}

fn expected(words: &[Word]) -> Vec<Event> {
    let event = |word: &Word| match word {
        Word::Text(words) => text(words),
        Word::Binary(bytes) => Event::Binary(bytes.clone()),
        Word::Ping(payload) => Event::Ping(payload.clone()),
    };
    words.iter().map(event).collect()
}

/// I2, I48: what either side says, the other hears, pongs come back in order,
/// and a close ends both with one close from each.
#[test]
fn what_is_said_is_heard() {
    let make = |gen_: &mut Gen| {
        let (there, back) = (words(gen_), words(gen_));
        (there, back, cuts(gen_), gen_.upto(u64::MAX))
    };
    prop::check(
        "websocket_talk",
        2_000,
        make,
        |(there, back, cuts, seed)| {
            let mut rng = Rng::seeded(*seed);
            let keys = move || (rng.next_u64() as u32).to_be_bytes();
            let keys = Box::new(keys);
            let mut client = Connection::client(LIMITS, Duration::ZERO, keys);
            let mut server = Connection::server(LIMITS, Duration::ZERO);
            let same = |what: &str, got: Vec<Event>, want: Vec<Event>| {
                let why = || format!("{what}: expected {want:?}, got {got:?}");
                if got == want { Ok(()) } else { Err(why()) }
            };
            let got = hear(&mut client, &mut server, there, cuts)?;
            same("the server hears", got, expected(there))?;
            let pongs = |words: &[Word]| -> Vec<Event> {
                let pong = |word: &Word| match word {
                    Word::Ping(payload) => Some(Event::Pong(payload.clone())),
                    _ => None,
                };
                words.iter().filter_map(pong).collect()
            };
            // Pongs wait in the server's output before what it says itself;
            // over the limit, only the last of them is still owed.
            let mut got = hear(&mut server, &mut client, &[], cuts)?;
            while !server.output().is_empty() {
                let bytes = server.output().to_vec();
                server.sent(bytes.len());
                got.extend(talk(&mut client, &bytes));
            }
            let all = pongs(there);
            match (got.last(), all.last()) {
                (last, owed) if last == owed => {}
                (last, owed) => {
                    return Err(format!("last pong {last:?}, owed {owed:?}"));
                }
            }
            if there.len() < 4 {
                same("the client's pongs", got, all)?;
            }
            let got = hear(&mut server, &mut client, back, cuts)?;
            same("the client hears", got, expected(back))?;

            let _ = super::take(&mut client);
            client
                .close(4000, "bye", Duration::ZERO)
                .map_err(|e| format!("{e:?}"))?;
            let bytes = super::take(&mut client);
            let got = talk(&mut server, &bytes);
            same("the server's end", got, vec![closed(4000, "bye")])?;
            let bytes = super::take(&mut server);
            same(
                "the client's end",
                talk(&mut client, &bytes),
                vec![closed(4000, "")],
            )?;
            let left = super::take(&mut client);
            match (left.is_empty(), client.is_over(), server.is_over()) {
                (true, true, true) => Ok(()),
                other => Err(format!("nothing left, both over: {other:?}")),
            }
        },
    );
}

/// I46: the text so far is fine exactly while some text begins with it, which
/// is what the standard library says of the whole.
#[test]
fn utf8_is_that_of_the_standard_library() {
    let make = |gen_: &mut Gen| {
        let mut bytes = gen_.text(20).into_bytes();
        if gen_.once_in(2) && !bytes.is_empty() {
            let at = gen_.upto(bytes.len() as u64 - 1) as usize;
            bytes[at] = gen_.byte();
        }
        (bytes, cuts(gen_))
    };
    prop::check("utf8", 10_000, make, |(bytes, cuts)| {
        let mut utf8 = Utf8::default();
        let result = pieces(bytes, cuts)
            .iter()
            .try_for_each(|piece| utf8.push(piece));
        let got = result.is_ok();
        let error = std::str::from_utf8(bytes).err();
        let begun = error.is_none_or(|e| e.error_len().is_none());
        match got == begun {
            true => Ok(()),
            false => Err(format!("expected {begun}, got {got}")),
        }
    });
}
