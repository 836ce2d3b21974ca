//! The checks of the exercise `ex_chargen`: the pattern of RFC 864, and the
//! two ways in which its users leave.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};

#[path = "../solutions/ex_chargen.rs"]
mod solution;

#[path = "../exercises/ex_chargen.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// The first lines as RFC 864 prints them, and those around the ring's end.
const LINES: [(usize, &str); 5] = [
    (
        0,
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\
         [\\]^_`abcdefg",
    ),
    (
        1,
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\
         [\\]^_`abcdefgh",
    ),
    (
        24,
        "89:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz\
         {|}~ ",
    ),
    (
        94,
        "~ !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\
         [\\]^_`abcdef",
    ),
    (
        95,
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\
         [\\]^_`abcdefg",
    ),
];

/// A peer that takes what the script says, call by call, and then leaves.
struct Peer {
    script: VecDeque<Result<usize, ErrorKind>>,
    leaves: ErrorKind,
    got: Vec<u8>,
}

impl Peer {
    fn new(script: &[Result<usize, ErrorKind>], leaves: ErrorKind) -> Peer {
        Peer {
            script: script.to_vec().into(),
            leaves,
            got: Vec::new(),
        }
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.script.pop_front().unwrap_or(Err(self.leaves))?;
        let count = most.min(bytes.len());
        self.got.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The byte at a place of the endless pattern, by the RFC's own arithmetic.
fn byte(at: usize) -> u8 {
    match at % 74 {
        72 => b'\r',
        73 => b'\n',
        column => b' ' + ((at / 74 + column) % 95) as u8,
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::io::ErrorKind;

            use ch00_toolbox::prop;

            use super::super::$subject::{chargen, line};
            use super::super::{LINES, Peer, byte};

            /// RFC 864: line n has the characters n to n + 71 of the ring,
            /// and ends with CR LF.
            #[test]
            $(#[$skip])?
            fn lines_are_those_of_the_rfc() {
                for (n, expected) in LINES {
                    let got = String::from_utf8_lossy(&line(n)).into_owned();
                    let expected = format!("{expected}\r\n");
                    assert_eq!(got, expected, "input: line {n}");
                }
            }

            /// RFC 864, I2: the careful close and the rude abort are both the
            /// end; what the stream says otherwise is an error.
            #[test]
            $(#[$skip])?
            fn both_ways_of_leaving_are_the_end() {
                let check = |script: &[_], leaves, expected| {
                    let mut peer = Peer::new(script, leaves);
                    let got = chargen(&mut peer).map_err(|e| e.kind());
                    assert_eq!(got, expected, "{script:?}, then {leaves:?}");
                };
                use ErrorKind::{BrokenPipe, ConnectionReset, Interrupted};
                check(&[], BrokenPipe, Ok(0));
                check(&[Ok(74), Ok(10)], BrokenPipe, Ok(84));
                check(&[Ok(3), Ok(5)], ConnectionReset, Ok(8));
                check(&[Err(Interrupted), Ok(5)], BrokenPipe, Ok(5));
                let other = ErrorKind::TimedOut;
                check(&[Ok(3)], other, Err(other));
                let zero = Err(ErrorKind::WriteZero);
                check(&[Ok(3), Ok(0)], BrokenPipe, zero);
            }

            /// I1: however the writes are cut, what was taken is the pattern
            /// without a gap, and the count is right to the byte.
            #[test]
            $(#[$skip])?
            fn short_writes_leave_no_gap() {
                prop::check(
                    "short_writes_leave_no_gap",
                    1_000,
                    |random| random.vec(60, |random| match random.upto(90) {
                        0 => Err(ErrorKind::Interrupted),
                        most => Ok(most as usize),
                    }),
                    |script| {
                        let mut peer = Peer::new(script, ErrorKind::BrokenPipe);
                        let count = chargen(&mut peer);
                        let count = count.map_err(|e| e.to_string())?;
                        if count != peer.got.len() as u64 {
                            let taken = peer.got.len();
                            return Err(format!("{taken} taken, {count} said"));
                        }
                        let wrong = |&at: &usize| peer.got[at] != byte(at);
                        match (0..peer.got.len()).find(wrong) {
                            None => Ok(()),
                            Some(at) => Err(format!(
                                "byte {at}: got {:?}, expected {:?}",
                                peer.got[at] as char,
                                byte(at) as char
                            )),
                        }
                    },
                );
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_chargen"]);
}
