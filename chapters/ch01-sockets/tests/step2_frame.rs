//! What step 2 must do. Only the last word needs a socket: a framing is given
//! its bytes, cut wherever a kernel could cut them.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use ch00_toolbox::golden::show;
use ch00_toolbox::prop::{self, Gen};
use ch01_sockets::frame::{
    FrameError, Frames, Framing, LengthPrefixed, Lines, last_word,
};

const LIMIT: usize = 8;

/// A frame that is shown as text, whatever its bytes are.
#[derive(Clone, PartialEq, Eq)]
struct Text(Vec<u8>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

fn text(frame: &[u8]) -> Text {
    Text(frame.to_vec())
}

fn next<F: Framing>(framing: &mut F) -> Result<Option<Text>, FrameError> {
    Ok(framing.next()?.map(Text))
}

/// All that a framing gives for a stream that comes in these pieces.
fn frames<F: Framing>(
    mut framing: F,
    pieces: &[&[u8]],
) -> (Vec<Text>, Result<(), FrameError>) {
    let mut got = Vec::new();
    let most: usize = pieces.iter().map(|piece| piece.len()).sum();
    for piece in pieces {
        framing.push(piece);
        loop {
            match next(&mut framing) {
                Ok(Some(frame)) => {
                    got.push(frame);
                    let count = got.len();
                    assert!(count <= most, "{count} frames in {most} bytes");
                }
                Ok(None) => break,
                Err(error) => return (got, Err(error)),
            }
        }
    }
    (got, framing.finish())
}

fn check<F: Framing>(
    new: fn(usize) -> F,
    stream: &[u8],
    expected: &[&[u8]],
    end: Result<(), FrameError>,
) {
    let expected: Vec<Text> = expected.iter().map(|f| text(f)).collect();
    let input = show(stream);
    let (got, ended) = frames(new(LIMIT), &[stream]);
    assert_eq!(got, expected, "input:\n{input}");
    assert_eq!(ended, end, "the end of the input:\n{input}");
    for at in 0..=stream.len() {
        let (got, ended) = frames(new(LIMIT), &[&stream[..at], &stream[at..]]);
        assert_eq!(got, expected, "cut after byte {at} of the input:\n{input}");
        assert_eq!(ended, end, "the end, cut after byte {at} of:\n{input}");
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    let (got, ended) = frames(new(LIMIT), &bytes);
    assert_eq!(got, expected, "byte by byte:\n{input}");
    assert_eq!(ended, end, "the end, byte by byte:\n{input}");
}

/// I3: lines are the same whole, byte by byte, and cut at every byte, with
/// either end of line and at the limit.
#[test]
fn lines() {
    let too_long = Err(FrameError::TooLong { limit: LIMIT });
    let check = |stream: &str, expected: &[&str], end| {
        let expected: Vec<&[u8]> =
            expected.iter().map(|line| line.as_bytes()).collect();
        check(Lines::new, stream.as_bytes(), &expected, end);
    };
    check("", &[], Ok(()));
    check("\n", &[""], Ok(()));
    check("\r\n", &[""], Ok(()));
    check("a\nb\n", &["a", "b"], Ok(()));
    check("a\r\nb\n", &["a", "b"], Ok(()));
    check("a\r\r\n", &["a\r"], Ok(())); // one is taken off, not all
    check("a\rb\n", &["a\rb"], Ok(())); // in a line it is a byte like others
    check("12345678\n", &["12345678"], Ok(()));
    check("12345678\r\n", &["12345678"], Ok(()));
    check("a\n123456789\nb\n", &["a"], too_long);
    check("12345678\rx\n", &[], too_long);
    check("12345678\r\r\n", &[], too_long);
}

/// I5: a stream that ends inside a line has not sent that line.
#[test]
fn half_a_line_is_no_line() {
    let check = |stream: &[u8], whole: &[&[u8]], have| {
        check(Lines::new, stream, whole, Err(FrameError::Cut { have }));
    };
    check(b"a", &[], 1);
    check(b"a\nrm -r /", &[b"a"], 7);
    check(b"a\r", &[], 2);
}

/// I3: length-prefixed frames are the same whole, byte by byte, and cut at
/// every byte.
#[test]
fn length_prefixed() {
    let check = |stream: &[u8], expected: &[&[u8]]| {
        check(LengthPrefixed::new, stream, expected, Ok(()));
    };
    check(b"", &[]);
    check(b"\0\0\0\0", &[b""]);
    check(b"\0\0\0\x05hello", &[b"hello"]);
    check(
        b"\0\0\0\x01\n\0\0\0\0\0\0\0\x02\0\xff",
        &[b"\n", b"", b"\0\xff"],
    );
    check(b"\0\0\0\x0812345678", &[b"12345678"]);
}

/// I5: a stream that ends inside a frame, its length included, is cut.
#[test]
fn half_a_frame_is_no_frame() {
    let check = |stream: &[u8], whole: &[&[u8]], have| {
        let end = Err(FrameError::Cut { have });
        check(LengthPrefixed::new, stream, whole, end);
    };
    check(b"\0", &[], 1);
    check(b"\0\0\0\x05", &[], 4);
    check(b"\0\0\0\x05hell", &[], 8);
    check(b"\0\0\0\x01a\0\0\0\x01", &[b"a"], 4);
}

/// I4: an announced length over the limit is refused as soon as it is there,
/// before one byte of the frame.
#[test]
fn a_length_over_the_limit_is_refused() {
    let check = |stream: &[u8], length| {
        let end = Err(FrameError::Announced {
            length,
            limit: LIMIT,
        });
        check(LengthPrefixed::new, stream, &[], end);
    };
    check(b"\0\0\0\x09", 9);
    check(b"\0\0\0\x09123456789", 9);
    check(b"\xff\xff\xff\xff", u32::MAX);
    check(b"GET / HTTP/1.1\r\n\r\n", u32::from_be_bytes(*b"GET "));
}

/// I4: a length that lies within the limit costs what was sent, not what was
/// announced.
#[test]
fn memory_follows_the_bytes_not_the_promise() {
    let mut framing = LengthPrefixed::new(64 << 20);
    framing.push(b"\x04\0\0\0only this");
    assert_eq!(next(&mut framing), Ok(None), "input: 64 MiB announced");
    let held = framing.held();
    assert!(
        held < 1024,
        "64 MiB announced, 9 sent: {held} bytes are held"
    );
}

/// I4: a long stream of small frames is not kept once they are handed out.
#[test]
fn memory_does_not_grow_with_the_stream() {
    let mut framing = LengthPrefixed::new(LIMIT);
    for round in 0..100_000 {
        framing.push(b"\0\0\0\x08abcdefgh\0\0");
        let first = next(&mut framing);
        framing.push(b"\0\x01x");
        let got = [first, next(&mut framing), next(&mut framing)];
        let expected = [Some(text(b"abcdefgh")), Some(text(b"x")), None];
        assert_eq!(got, expected.map(Ok), "input: round {round}");
        let held = framing.held();
        assert!(held < 1024, "after round {round}: {held} bytes are held");
    }
}

/// I4: after a refusal nothing more is stored, and the answer stays.
#[test]
fn a_refusal_is_final() {
    let refused = FrameError::Announced {
        length: u32::MAX,
        limit: LIMIT,
    };
    let mut framing = LengthPrefixed::new(LIMIT);
    framing.push(&[0xff; 4]);
    assert_eq!(next(&mut framing), Err(refused), "input: ff ff ff ff");
    for _ in 0..1_000 {
        framing.push(&[0; 1024]);
    }
    assert_eq!(next(&mut framing), Err(refused), "a later call");
    assert_eq!(framing.finish(), Err(refused), "the end");
    let held = framing.held();
    assert!(held < 1024, "a refused stream holds {held} bytes");
}

/// I3: a line that comes byte by byte is searched once, not once per byte.
#[test]
fn no_byte_is_examined_twice() {
    let mut framing = Lines::new(1 << 16);
    for _ in 0..1 << 16 {
        framing.push(b"x");
        assert_eq!(next(&mut framing), Ok(None), "no line feed yet");
    }
    framing.push(b"\nab\nc");
    for end in [Some(1 << 16), Some(2), None] {
        let got = framing.next().map(|line| line.map(|line| line.len()));
        assert_eq!(got, Ok(end), "the lengths of the lines");
    }
    let pushed = (1 << 16) + 5;
    assert_eq!(framing.examined(), pushed, "bytes pushed: {pushed}");
}

/// I5: what cannot be read back as one frame is not written, not even half.
#[test]
fn encode_refuses() {
    let mut out = b"before".to_vec();
    let lines = Lines::new(LIMIT);
    let got = lines.encode(b"ab\ncd", &mut out);
    assert_eq!(got, Err(FrameError::LineFeed { at: 2 }), "input: ab\\ncd");
    let got = lines.encode(b"123456789", &mut out);
    assert_eq!(got, Err(FrameError::TooLong { limit: LIMIT }), "9 bytes");
    let got = LengthPrefixed::new(LIMIT).encode(b"123456789", &mut out);
    assert_eq!(got, Err(FrameError::TooLong { limit: LIMIT }), "9 bytes");
    assert_eq!(Text(out), text(b"before"), "input: three that are refused");
}

/// I5: a line that ends with a carriage return, which a reader would take for
/// part of the line's end, is written so that it comes back whole.
#[test]
fn encode_keeps_a_carriage_return() {
    let check = |frame: &[u8], expected: &[u8]| {
        let mut out = Vec::new();
        let got = Lines::new(LIMIT).encode(frame, &mut out);
        let input = frame.escape_ascii();
        assert_eq!(got, Ok(()), "input: {input}");
        assert_eq!(text(&out), text(expected), "input: {input}");
        let back = frames(Lines::new(LIMIT), &[&out]);
        assert_eq!(back, (vec![text(frame)], Ok(())), "input: {input}");
    };
    check(b"a", b"a\n");
    check(b"a\rb", b"a\rb\n");
    check(b"\r", b"\r\r\n");
    check(b"a\r\r", b"a\r\r\r\n");
    check(b"1234567\r", b"1234567\r\r\n");
}

/// I3: what was encoded comes out again, in any pieces.
#[test]
fn round_trip_in_any_pieces() {
    fn holds<F: Framing>(
        new: fn(usize) -> F,
        sent: &[Vec<u8>],
        cuts: &[u64],
    ) -> Result<(), String> {
        let mut stream = Vec::new();
        for frame in sent {
            new(64)
                .encode(frame, &mut stream)
                .map_err(|e| e.to_string())?;
        }
        let mut pieces = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts {
            let (piece, after) = rest.split_at((*cut as usize).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        match frames(new(64), &pieces) {
            (got, Ok(())) if got.iter().map(|f| &f.0).eq(sent) => Ok(()),
            other => Err(format!("{other:?} from\n{}", show(&stream))),
        }
    }
    let make = |random: &mut Gen| {
        let sent = random.vec(10, |random| {
            let mut frame = random.bytes(64);
            if random.once_in(4) {
                frame.truncate(63);
                frame.push(b'\r');
            }
            frame.retain(|&byte| byte != b'\n'); // lines cannot carry it
            frame
        });
        (sent, random.vec(30, |random| random.upto(20)))
    };
    prop::check("lines_round_trip", 2_000, make, |(sent, cuts)| {
        holds(Lines::new, sent, cuts)
    });
    prop::check("length_round_trip", 2_000, make, |(sent, cuts)| {
        holds(LengthPrefixed::new, sent, cuts)
    });
}

/// The lines of a stream that is there as a whole: what `Lines` must equal.
fn naive_lines(stream: &[u8], limit: usize) -> (Vec<Text>, bool) {
    let mut got = Vec::new();
    for line in stream.split_inclusive(|&byte| byte == b'\n') {
        let whole = line.ends_with(b"\n");
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > limit || !whole {
            return (got, false);
        }
        got.push(text(line));
    }
    (got, true)
}

/// I3: any bytes, in any pieces, give the lines that splitting the whole at
/// once gives.
#[test]
fn lines_equal_the_naive_ones() {
    let make = |random: &mut Gen| {
        random.vec(12, |random| {
            random.vec(6, |random| *random.pick(b"\n\ra\nbc"))
        })
    };
    prop::check("lines_equal_the_naive_ones", 4_000, make, |pieces| {
        let stream = pieces.concat();
        let expected = naive_lines(&stream, 4);
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (got, end) = frames(Lines::new(4), &pieces);
        if (got.clone(), end.is_ok()) == expected {
            return Ok(());
        }
        Err(format!("got {got:?} and {end:?}, naively {expected:?}"))
    });
}

/// A stream that gives one byte per read, with a signal before each.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(ErrorKind::Interrupted.into());
        }
        let count = self.0.len().min(1);
        buf[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// I5: over a stream, the end between frames is `None`, and the end inside
/// one is an error that says so.
#[test]
fn frames_of_a_stream() -> io::Result<()> {
    let mut whole = Frames::new(Trickle(b"one\ntwo\n", false), Lines::new(9));
    for expected in [Some(text(b"one")), Some(text(b"two")), None] {
        let got = whole.next_frame()?.map(Text);
        assert_eq!(got, expected, "input: one, two, the end");
    }

    let mut cut = Frames::new(Trickle(b"one\ntw", false), Lines::new(9));
    let got = cut.next_frame()?.map(Text);
    assert_eq!(got, Some(text(b"one")), "input: one, half of two");
    let error = cut.next_frame().expect_err("the end inside a line");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
    let within = FrameError::within(&error);
    assert_eq!(within, Some(FrameError::Cut { have: 2 }), "{error}");

    // Nothing more is read after a refusal: it may never end.
    let forever = b"one\n1234567890".chain(Trap);
    let mut refused = Frames::new(forever, Lines::new(9));
    let got = refused.next_frame()?.map(Text);
    assert_eq!(got, Some(text(b"one")), "input: one, a line of 10 bytes");
    let error = refused.next_frame().expect_err("a line of 10 bytes");
    let within = FrameError::within(&error);
    let expected = FrameError::TooLong { limit: 9 };
    assert_eq!(within, Some(expected), "{error}");
    Ok(())
}

/// A stream that is not to be read from.
struct Trap;

impl Read for Trap {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// I4: who is refused can read why, and the end, though it has sent on
/// without reading and more than the buffers hold.
#[test]
fn a_last_word_is_not_lost_to_a_reset() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    client.set_read_timeout(Some(Duration::from_secs(20)))?;
    client.set_write_timeout(Some(Duration::from_secs(20)))?;
    let (server, _) = listener.accept()?;
    let client = thread::spawn(move || -> io::Result<String> {
        client.write_all(&vec![b'x'; 8 << 20])?;
        let mut why = String::new();
        client.read_to_string(&mut why)?;
        Ok(why)
    });
    last_word(&server, b"too long", Duration::from_secs(20))?;
    let why = client.join().expect("no panic")?;
    assert_eq!(why, "too long", "and then the end");
    drop(server); // open until here: the end was not that of a close
    Ok(())
}

/// Whether `last_word` returns while the peer neither reads nor ends, but
/// sends these bytes every now and then.
fn last_word_returns(sends: &[u8]) -> io::Result<bool> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    let (returned, news) = mpsc::channel();
    let sends = sends.to_vec();
    let client = thread::spawn(move || {
        // So long that only a wait without a limit outlasts it. Then the
        // client ends after all, and so does the test.
        for _ in 0..1000 {
            match news.recv_timeout(Duration::from_millis(20)) {
                Err(RecvTimeoutError::Timeout) => {
                    let _ = client.write(&sends);
                }
                news => return news.is_ok(),
            }
        }
        false
    });
    last_word(&server, b"too long", Duration::from_millis(150))?;
    let _ = returned.send(());
    Ok(client.join().expect("no panic"))
}

/// I4: a peer that is silent does not keep the server waiting for its end.
#[test]
fn a_last_word_does_not_wait_for_a_silent_peer() -> io::Result<()> {
    let returned = last_word_returns(b"")?;
    assert!(
        returned,
        "the peer was silent: last_word waited for its end"
    );
    Ok(())
}

/// I4: nor does one that never stops sending.
#[test]
fn a_last_word_does_not_wait_for_a_talker() -> io::Result<()> {
    let returned = last_word_returns(b"x")?;
    assert!(returned, "the peer sent on: last_word waited for its end");
    Ok(())
}
