//! The checks of the exercise `ex_batch`: calls are counted, not timed, so
//! the ratio is the same on every machine.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

#[path = "../solutions/ex_batch.rs"]
mod solution;

#[path = "../exercises/ex_batch.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A client that sends these pieces and notes what it gets, and when.
#[derive(Default)]
struct Client {
    sends: VecDeque<Vec<u8>>,
    got: Vec<u8>,
    writes: usize,         // calls that brought at least one byte
    largest: usize,        // bytes offered with one write
    at_reads: Vec<String>, // what it had when the server began to wait
    takes: Option<usize>,  // bytes per write; None: all of them
}

impl Client {
    fn new(pieces: &[&str]) -> Client {
        let sends = pieces.iter().map(|piece| piece.as_bytes().to_vec());
        Client {
            sends: sends.collect(),
            ..Client::default()
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.got).into_owned()
    }
}

impl Read for Client {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.at_reads.push(self.text());
        let Some(mut piece) = self.sends.pop_front() else {
            return Ok(0);
        };
        let count = piece.len().min(buf.len());
        buf[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            self.sends.push_front(piece.split_off(count));
        }
        Ok(count)
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Err(ErrorKind::InvalidInput.into());
        }
        let count = bytes.len().min(self.takes.unwrap_or(usize::MAX));
        self.writes += 1;
        self.largest = self.largest.max(bytes.len());
        self.got.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{MOST, answer};
            use super::super::Client;
            use std::io::ErrorKind;

            /// I1, I3: each line has its answer, in order, however the lines
            /// are cut and however little a write takes.
            #[test]
            $(#[$skip])?
            fn every_line_is_answered() {
                for takes in [None, Some(1), Some(3)] {
                    let pieces = ["a\nbcd", "e\n\n", "1234567890\r\n"];
                    let mut client = Client::new(&pieces);
                    client.takes = takes;
                    let got = answer(&mut client, 80).map_err(|e| e.kind());
                    let input = format!("{pieces:?}, {takes:?} per write");
                    assert_eq!(client.text(), "1\n4\n0\n10\n", "{input}");
                    assert_eq!(got, Ok(4), "{input}");
                }
            }

            /// The ratio: at least 100 times fewer writes than lines.
            #[test]
            $(#[$skip])?
            fn a_hundred_times_fewer_writes() {
                let lines = "hello\n".repeat(10_000);
                let mut client = Client::new(&[&lines]);
                let got = answer(&mut client, 80).map_err(|e| e.kind());
                assert_eq!(got, Ok(10_000), "input: 10000 lines at once");
                let (text, fives) = (client.text(), "5\n".repeat(10_000));
                let answers = text.lines().count();
                assert!(text == fives, "{answers} answers, not all of them 5");
                let writes = client.writes;
                assert!(
                    writes <= 100,
                    "10000 lines in one piece: {writes} writes, 100 allowed"
                );
            }

            /// I6: nothing is held back while the server waits: a client that
            /// wants its answer before it goes on would wait for ever.
            #[test]
            $(#[$skip])?
            fn no_read_before_the_answers() {
                let mut client = Client::new(&["a\nbb\n", "cc", "c\ndd"]);
                let got = answer(&mut client, 80).map_err(|e| e.kind());
                let expected = ["", "1\n2\n", "1\n2\n", "1\n2\n3\n"];
                let input = "what the client has whenever it is read from";
                assert_eq!(client.at_reads, expected, "{input}");
                let end = Err(ErrorKind::UnexpectedEof);
                assert_eq!(got, end, "input: ends inside a line");
            }

            /// I4: a line over the limit is an error, after the answers to
            /// those before it.
            #[test]
            $(#[$skip])?
            fn answers_before_a_refusal_are_sent() {
                let mut client = Client::new(&["ab\n123456789\nc\n"]);
                let got = answer(&mut client, 8).map_err(|e| e.kind());
                assert_eq!(got, Err(ErrorKind::InvalidData), "limit: 8");
                assert_eq!(client.text(), "2\n", "limit: 8");
            }

            /// I4: what is held back is bounded, though one read brings more
            /// lines than the bound has bytes.
            #[test]
            $(#[$skip])?
            fn what_is_held_back_is_bounded() {
                let mut client = Client::new(&[&"\n".repeat(1_000_000)]);
                let got = answer(&mut client, 80).map_err(|e| e.kind());
                assert_eq!(got, Ok(1_000_000), "input: as many line feeds");
                let largest = client.largest;
                assert!(
                    largest <= MOST + 32,
                    "{largest} bytes of answers at once, {MOST} allowed"
                );
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_batch"]);
}
