//! The bug hunt "A buffer to fill": most are wrong.

#[allow(unused, reason = "it is the reader's to write")]
#[path = "../exercises/ex_fill_hunt.rs"]
mod exercise;
#[path = "../solutions/ex_fill_hunt.rs"]
mod solution;

use std::io::{self, BufReader, ErrorKind, Read};

/// Until the buffer is full or nothing more comes.
fn right(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    filled(from, buf, |result, _| Next::Of(result))
}

/// A byte at a time is slow, and right.
fn byte_by_byte(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    for byte in buf.chunks_mut(1) {
        match right(from, byte)? {
            0 => break,
            more => n += more,
        }
    }
    Ok(n)
}

/// What a loop does after a read.
enum Next {
    /// What the read returned says: go on, or return.
    Of(io::Result<usize>),
    /// It forgets what it has.
    Again,
}

/// The loop that all have in common. `next` sees what a read returned, and
/// how much there was room for.
fn filled(
    from: &mut dyn Read,
    buf: &mut [u8],
    mut next: impl FnMut(io::Result<usize>, usize) -> Next,
) -> io::Result<usize> {
    let mut n = 0;
    while n < buf.len() {
        let room = buf.len() - n;
        match next(from.read(&mut buf[n..]), room) {
            Next::Of(Ok(0)) => break,
            Next::Of(Ok(more)) => n += more,
            Next::Of(Err(e)) if e.kind() == ErrorKind::Interrupted => {}
            Next::Of(Err(e)) => return Err(e),
            Next::Again => n = 0,
        }
    }
    Ok(n)
}

/// EINTR is an error like any other.
fn fails(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buf.len() {
        match from.read(&mut buf[n..])? {
            0 => break,
            more => n += more,
        }
    }
    Ok(n)
}

/// EINTR is the end.
fn ends(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    filled(from, buf, |result, _| match result {
        Err(e) if e.kind() == ErrorKind::Interrupted => Next::Of(Ok(0)),
        result => Next::Of(result),
    })
}

/// After EINTR, it starts at the buffer's start.
fn starts_again(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    filled(from, buf, |result, _| match result {
        Err(e) if e.kind() == ErrorKind::Interrupted => Next::Again,
        result => Next::Of(result),
    })
}

/// A second EINTR in a row is too much for it.
fn once(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut before = false;
    filled(from, buf, |result, _| {
        let now =
            matches!(&result, Err(e) if e.kind() == ErrorKind::Interrupted);
        let twice = now && std::mem::replace(&mut before, now);
        before = now;
        match twice {
            true => Next::Of(Err(io::Error::other("interrupted"))),
            false => Next::Of(result),
        }
    })
}

/// Every error is the end.
fn swallows(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    filled(from, buf, |result, _| match result {
        Err(e) if e.kind() != ErrorKind::Interrupted => Next::Of(Ok(0)),
        result => Next::Of(result),
    })
}

/// A short read is the end.
fn short(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buf.len() {
        let room = buf.len() - n;
        match from.read(&mut buf[n..]) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            result => n += result?,
        }
        if n < buf.len() && n < room {
            break;
        }
    }
    Ok(n)
}

/// Each read goes to the buffer's start.
fn overwrites(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buf.len() {
        let room = buf.len() - n;
        match right(from, &mut buf[..room.min(2)])? {
            0 => break,
            more => n += more,
        }
    }
    Ok(n)
}

/// It takes more than it needs, and drops the rest.
fn reads_ahead(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    right(&mut BufReader::new(from), buf)
}

/// The end of the input is a read that will be better next time.
fn never_ends(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buf.len() {
        n += right(from, &mut buf[n..])?;
    }
    Ok(n)
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Fill, hunt};
            use super::super::*;

            /// Those that are right pass.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                assert_eq!(hunt(right), Ok(()), "input: right");
                assert_eq!(hunt(byte_by_byte), Ok(()), "input: byte_by_byte");
            }

            /// Each of the others is caught.
            #[test]
            $(#[$skip])?
            fn the_others_are_caught() {
                let others: [(&str, Fill); 9] = [
                    ("fails", fails),
                    ("ends", ends),
                    ("starts_again", starts_again),
                    ("once", once),
                    ("swallows", swallows),
                    ("short", short),
                    ("overwrites", overwrites),
                    ("reads_ahead", reads_ahead),
                    ("never_ends", never_ends),
                ];
                for (name, fill) in others {
                    assert!(hunt(fill).is_err(), "not caught: {name}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_fill_hunt"]);
}
