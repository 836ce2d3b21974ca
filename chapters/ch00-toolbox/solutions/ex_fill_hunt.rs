//! Exercise: a bug hunt by property. Functions that fill a buffer, of which
//! most are wrong. Write the statement that holds for a right one whatever
//! the reads do, and have step 6 look for the reads that break it.
//!
//! A call of `read` may return fewer bytes than there is room for, and more
//! come later. It may be interrupted (`ErrorKind::Interrupted`, EINTR), and
//! then it has read nothing. It may fail. And 0 bytes are the input's end.

use std::io::{self, Read};

/// What is tried: reads until the buffer is full or the input ends, and
/// returns how many bytes are in the buffer. An interrupted read is made
/// again. Another error is returned. Nothing is read that does not get into
/// the buffer.
pub type Fill = fn(from: &mut dyn Read, buf: &mut [u8]) -> io::Result<usize>;

/// Holds `fill` against reads of every kind.
///
/// The reader that you give it must come to an end by itself: some of those
/// that are tried read on after the end of the input, for ever.
///
/// # Errors
/// The smallest input that was found for which `fill` does something else,
/// and what it did.
pub fn hunt(fill: Fill) -> Result<(), String> {
    // begin: make reads, fill from them, compare
    use ch00_toolbox::prop::{Gen, search};
    use std::collections::VecDeque;
    use std::io::ErrorKind::{self, ConnectionReset, Interrupted};

    /// Reads that end as they are told to: with so many bytes, or an error.
    struct Script {
        reads: VecDeque<Result<usize, ErrorKind>>,
        given: u8,
        after_the_end: u32,
    }

    impl Read for Script {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let Some(read) = self.reads.pop_front() else {
                self.after_the_end += 1;
                return match self.after_the_end {
                    1..100 => Ok(0),
                    _ => Err(io::Error::other("reads on at the end")),
                };
            };
            let here = read.map_err(io::Error::from)?;
            let n = here.min(buf.len());
            if n < here {
                self.reads.push_front(Ok(here - n)); // no room: comes later
            }
            for byte in &mut buf[..n] {
                *byte = self.given;
                self.given += 1;
            }
            Ok(n)
        }
    }

    let make = |g: &mut Gen| {
        let size = g.range(1, 12) as usize;
        let reads = g.vec(8, |g| match g.upto(9) {
            0..6 => Ok(g.range(1, 6) as usize),
            6..9 => Err(Interrupted),
            _ => Err(ConnectionReset),
        });
        (size, reads)
    };
    let holds = |(size, reads): &(usize, Vec<Result<usize, ErrorKind>>)| {
        let mut expected = Ok(0);
        for read in reads {
            expected = match (expected, *read) {
                (Ok(n), Ok(more)) => Ok((*size).min(n + more)),
                (Ok(n), Err(error)) if n < *size && error != Interrupted => {
                    Err(error)
                }
                (so_far, _) => so_far,
            };
        }
        let mut script = Script {
            reads: reads.clone().into(),
            given: 0,
            after_the_end: 0,
        };
        let mut buf = vec![0xff; *size];
        let got = fill(&mut script, &mut buf).map_err(|e| e.kind());
        if got != expected {
            return Err(format!("got {got:?}, expected {expected:?}"));
        }
        let n = got.unwrap_or(0);
        let right: Vec<u8> = (0..n as u8).collect();
        if got.is_ok() && (buf[..n] != right || script.given as usize != n) {
            return Err(format!("{} were read: {buf:?}", script.given));
        }
        Ok(())
    };
    match search(1, 5_000, make, holds) {
        Some(found) => Err(format!("{:?}: {}", found.input, found.why)),
        None => Ok(()),
    }
    // end
}
