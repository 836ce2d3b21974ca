//! What server-sent events must do: the standard's examples, any cut, and a
//! naive reader that is given all at once.

use std::time::Duration;

use ch00_toolbox::prop::{self, Gen};
use ch03_http::events::parser::{Parser, Received, TooLong};
use ch03_http::events::writer::{Event, Unwritable, comment, write};

mod events;

const LIMIT: usize = 1_000;

fn received(kind: &str, data: &str, last_id: &str) -> Received {
    Received {
        kind: kind.to_owned(),
        data: data.to_owned(),
        last_id: last_id.to_owned(),
    }
}

/// What a parser gives for these pieces, and what it then knows.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    events: Vec<Received>,
    last_id: String,
    retry: Option<Duration>,
    end: Result<(), TooLong>,
}

fn read(pieces: &[&[u8]], limit: usize) -> Read {
    let mut parser = Parser::new(limit, "");
    let mut events = Vec::new();
    let mut end = Ok(());
    for mut piece in pieces.iter().copied() {
        loop {
            match parser.next(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => {
                    end = Err(error);
                    break;
                }
            }
        }
        assert!(piece.is_empty(), "{} bytes are left over", piece.len());
    }
    let (last_id, retry) = (parser.last_id().to_owned(), parser.retry());
    Read {
        events,
        last_id,
        retry,
        end,
    }
}

fn check(stream: &[u8], expected: &[(&str, &str, &str)], last_id: &str) {
    let events = expected.iter().map(|e| received(e.0, e.1, e.2)).collect();
    let (last_id, end) = (last_id.to_owned(), Ok(()));
    let whole = read(&[stream], LIMIT);
    let retry = whole.retry;
    let expected = Read {
        events,
        last_id,
        retry,
        end,
    };
    let input = stream.escape_ascii();
    assert_eq!(whole, expected, "input: {input}");
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(&bytes, LIMIT), expected, "byte by byte: {input}");
    for at in 0..=stream.len() {
        let (a, b) = stream.split_at(at);
        let got = read(&[a, b], LIMIT);
        assert_eq!(got, expected, "cut after byte {at}: {input}");
    }
}

/// I52: the examples of the standard, section 9.2.6.
#[test]
fn examples_of_the_standard() {
    check(
        b"data: YHOO\ndata: +2\ndata: 10\n\n",
        &[("message", "YHOO\n+2\n10", "")],
        "",
    );
    check(
        b": test stream\n\ndata: first event\nid: 1\n\n\
          data:second event\nid\n\ndata:  third event\n",
        &[
            ("message", "first event", "1"),
            ("message", "second event", ""),
        ],
        "",
    );
    check(
        b"data\n\ndata\ndata\n\ndata:",
        &[("message", "", ""), ("message", "\n", "")],
        "",
    );
    check(
        b"data:test\n\ndata: test\n\n",
        &[("message", "test", ""), ("message", "test", "")],
        "",
    );
    check(
        b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
        &[("add", "73857293", ""), ("remove", "2153", "")],
        "",
    );
}

/// I52: all three line ends, mixed, and a BOM at the start alone.
#[test]
fn line_ends() {
    let one = [("message", "a\nb", "")];
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!("data:a{end}data:b{end}{end}");
        check(stream.as_bytes(), &one, "");
        let stream = format!("\u{feff}{stream}");
        check(stream.as_bytes(), &one, "");
    }
    check(b"data:a\r\ndata:b\n\r", &one, ""); // three line ends
    check(b"data:a\rdata:b\r\n\r\n", &one, "");
    check(b"data:a\n\r\ndata:b\n\n", &[one_of("a"), one_of("b")], "");
    let twice = "\u{feff}\u{feff}data:a\n\n"; // the second is of the name
    check(twice.as_bytes(), &[], "");
    check("\n\u{feff}data:a\n\n".as_bytes(), &[], "");
    check(b"\xef\xbbdata:a\n\n", &[], ""); // half of one
}

fn one_of(data: &str) -> (&str, &str, &str) {
    ("message", data, "")
}

/// I52: fields: their names as they are, one blank off, the unknown ignored.
#[test]
fn fields() {
    check(b"data:  a \n\n", &[one_of(" a ")], "");
    check(b"data: a: b\n\n", &[one_of("a: b")], "");
    check(b"data:\ta\n\n", &[one_of("\ta")], "");
    check(b"Data: a\n data: b\ndata : c\ndata\n\n", &[one_of("")], "");
    check(b"event: x\n\ndata: a\n\n", &[one_of("a")], ""); // not carried over
    check(b"event: x\nevent:\ndata: a\n\n", &[one_of("a")], "");
    check(b"event: x\nevent: y\ndata: a\n\n", &[("y", "a", "")], "");
    check(b"id: 1\n\ndata: a\n\n", &[("message", "a", "1")], "1");
    check(b"id: 1\n\nid\ndata: a\n\n", &[one_of("a")], "");
    check(
        b"id: 1\n\nid: \0\ndata: a\n\n",
        &[("message", "a", "1")],
        "1",
    );
    check(b"id: 1\ndata: a\n", &[], ""); // no blank line, no event, no id
    check(b"data: \xff\n\n", &[one_of("\u{fffd}")], "");
    check(b"\n\n\n:\n:x\n\n", &[], "");
}

/// I52: a time to wait is digits and nothing else.
#[test]
fn retries() {
    for (value, expected) in [
        ("retry: 1500\n", Some(1_500)),
        ("retry:0\n", Some(0)),
        ("retry: 1\nretry: 2\n", Some(2)),
        ("retry: 3\nretry: x\n", Some(3)),
        ("retry: 99999999999999999999999\n", Some(u64::MAX)),
        ("retry: -1\n", None),
        ("retry: +1\n", None),
        ("retry: 1.5\n", None),
        ("retry: 1 \n", None),
        ("retry:  1\n", None),
        ("retry\n", None),
        ("retry: ١\n", None), // a digit, and no ASCII one
    ] {
        let got = read(&[value.as_bytes()], LIMIT).retry;
        let expected = expected.map(Duration::from_millis);
        assert_eq!(got, expected, "input: {value:?}");
    }
}

/// I50: at the limit is taken; one byte more is refused, wherever it stands,
/// and for good.
#[test]
fn limits() {
    let too_long = Err(TooLong { limit: 20 });
    let check = |stream: &str, expected: Result<(), TooLong>| {
        let got = read(&[stream.as_bytes()], 20);
        assert_eq!(got.end, expected, "input: {stream:?}");
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes, 20), got, "byte by byte: {stream:?}");
    };
    check("data:123456789012345", Ok(()));
    check("data:1234567890123456", too_long);
    check("data:1234567890123456\n\n", too_long);
    check(":12345678901234567890\n", too_long);
    check("data:12345\ndata:123456789\n", Ok(()));
    check("data:12345\ndata:1234567890\n", too_long);
    check("event:12345\ndata:1234567890", Ok(()));
    check("event:12345\ndata:12345678901", too_long);
    check("data:1234567890\n\ndata:1234567890\n\n", Ok(()));
    let got = read(&[b"data:1234567890123456\n\n", b"data:a\n\n"], 20);
    assert_eq!(
        (got.events, got.end),
        (vec![], too_long),
        "what comes after"
    );
}

fn event<'a>(id: &'a str, kind: &'a str, data: &'a str) -> Event<'a> {
    let (id, kind, data) = (Some(id), Some(kind), Some(data));
    Event {
        id,
        kind,
        data,
        retry: None,
    }
}

/// I51: every field on lines of its own.
#[test]
fn writes_lines() {
    let check = |event: Event, expected: &str| {
        let mut out = b"before\n".to_vec();
        assert_eq!(write(&event, &mut out), Ok(()), "input: {event:?}");
        let expected = format!("before\n{expected}");
        let got = String::from_utf8_lossy(&out);
        assert_eq!(got, expected, "input: {event:?}");
    };
    check(Event::default(), "\n");
    check(event("1", "t", "x"), "id: 1\nevent: t\ndata: x\n\n");
    let retry = Some(Duration::from_micros(1_500_999));
    check(
        Event {
            retry,
            ..Event::default()
        },
        "retry: 1500\n\n",
    );
    let data = |text| Event {
        data: Some(text),
        ..Event::default()
    };
    check(data(""), "data: \n\n");
    check(
        data("a\nb\rc\r\nd"),
        "data: a\ndata: b\ndata: c\ndata: d\n\n",
    );
    check(data("\n\r"), "data: \ndata: \ndata: \n\n");
    check(data(" a"), "data:  a\n\n");
    let mut out = Vec::new();
    comment("still\nhere", &mut out);
    assert_eq!(out, b": still\n: here\n", "input: a comment of two lines");
}

/// I51: what would become another field is refused, and nothing is written.
#[test]
fn forgeries_are_refused() {
    for end in ["\n", "\r", "\r\n"] {
        let forged = format!("x{end}data: forged");
        let mut out = Vec::new();
        let got = write(&event(&forged, "t", "x"), &mut out);
        assert_eq!(got, Err(Unwritable::Id), "input: id {forged:?}");
        let got = write(&event("1", &forged, "x"), &mut out);
        assert_eq!(got, Err(Unwritable::Kind), "input: kind {forged:?}");
        assert_eq!(out, b"", "nothing is written of {forged:?}");
    }
    let got = write(&event("\0", "t", "x"), &mut Vec::new());
    assert_eq!(got, Err(Unwritable::Id), "input: id \\0");
    let got = write(&event("1", "\0", "x"), &mut Vec::new());
    assert_eq!(got, Ok(()), "input: kind \\0");
}

/// A reader that is given the whole stream, decodes it, and splits it.
fn naive(stream: &[u8]) -> Read {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // the last line has no end
    let (mut events, mut retry) = (Vec::new(), None);
    let (mut kind, mut data, mut id) = ("", Vec::new(), "");
    let mut last_id = "";
    for line in lines {
        let (name, value) = match line.find(':') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, ""),
        };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" if line.is_empty() => {
                last_id = id;
                let kind = match std::mem::take(&mut kind) {
                    "" => "message",
                    kind => kind,
                };
                if !data.is_empty() {
                    events.push(received(kind, &data.join("\n"), id));
                }
                data.clear();
            }
            "event" => kind = value,
            "data" => data.push(value),
            "id" if !value.contains('\0') => id = value,
            "retry" => {
                let digits = value.chars().all(|c| c.is_ascii_digit());
                if let (true, Ok(ms)) = (digits, value.parse()) {
                    retry = Some(Duration::from_millis(ms));
                }
            }
            _ => {}
        }
    }
    Read {
        events,
        last_id: last_id.to_owned(),
        retry,
        end: Ok(()),
    }
}

fn stream(gen_: &mut Gen) -> Vec<u8> {
    let parts = gen_.vec(30, |gen_| {
        const PARTS: [&str; 18] = [
            "\n",
            "\r",
            "\r\n",
            "data: a\n",
            "data:b\r\n",
            "id: 1\n",
            "id\r",
            "event: t\n",
            "retry: 5\n",
            ": c\n",
            "data",
            ":",
            " ",
            "x",
            "\u{feff}",
            "\0",
            "é",
            "\n\n",
        ];
        match gen_.once_in(20) {
            true => vec![gen_.byte()],
            false => gen_.pick(&PARTS).as_bytes().to_vec(),
        }
    });
    parts.concat()
}

/// I52: any bytes, cut anywhere, give what the naive reader gives.
#[test]
fn equals_the_naive_reader_at_any_cut() {
    let make = |gen_: &mut Gen| {
        (stream(gen_), gen_.vec(10, |gen_| gen_.upto(12) as usize))
    };
    prop::check("events_cuts", 10_000, make, |(stream, cuts)| {
        let (mut pieces, mut rest) = (Vec::new(), &stream[..]);
        for cut in cuts {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        let (got, expected) = (read(&pieces, LIMIT), naive(stream));
        match got == expected {
            true => Ok(()),
            false => Err(format!("expected {expected:?}, got {got:?}")),
        }
    });
}

/// I51, I52: what is written is read again, but for line ends in data.
#[test]
fn what_is_written_is_read() {
    let line = |gen_: &mut Gen| gen_.text(8).replace(['\n', '\r', '\0'], "");
    let make = |gen_: &mut Gen| {
        gen_.vec(6, |gen_| (line(gen_), line(gen_), gen_.text(30)))
    };
    prop::check("events_written", 2_000, make, |events| {
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        for (id, kind, data) in events {
            let wrote = write(&event(id, kind, data), &mut out);
            wrote.map_err(|error| error.to_string())?;
            comment(data, &mut out);
            let shown = if kind.is_empty() { "message" } else { kind };
            let data = data.replace("\r\n", "\n").replace('\r', "\n");
            expected.push(received(shown, &data, id));
        }
        let got = read(&[&out], LIMIT).events;
        match got == expected {
            true => Ok(()),
            false => Err(format!("expected {expected:?}, got {got:?}")),
        }
    });
}
