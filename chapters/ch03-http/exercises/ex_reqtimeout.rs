//! Apache's way to be patient: its directive `RequestReadTimeout`.

use std::time::Duration;

use ch03_http::patience::{Patience, Phase};

/// How long one phase may take: `20-40,MinRate=500` is 20 s, a second more
/// for each 500 bytes, and 40 s at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// At first.
    pub first: Duration,
    /// At most, whatever comes; `None`: no limit.
    pub most: Option<Duration>,
    /// Bytes that earn a second; 0: none do.
    pub rate: u64,
}

/// `RequestReadTimeout header=… body=…`; `None`: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadTimeout {
    /// For a head.
    pub header: Option<Term>,
    /// For a body.
    pub body: Option<Term>,
}

impl ReadTimeout {
    /// Reads the directive's arguments: `header=20-40,MinRate=500 body=20`.
    /// A time of 0 is for ever. `None`: a word, a number or an order that is
    /// not Apache's: a range needs a rate, and must not fall.
    pub fn parse(text: &str) -> Option<ReadTimeout> {
        todo!("ex_reqtimeout: name=first[-most][,MinRate=rate], word by word")
    }
}

/// A number of digits alone, small enough for any sum here.
pub fn number(text: &str) -> Option<u64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|n| is_digits && *n < 1 << 32)
}

impl Patience for ReadTimeout {
    /// A head and a body by their terms; all else waits for ever, but for
    /// the client's end: two seconds.
    fn left(
        &self,
        phase: Phase,
        elapsed: Duration,
        moved: u64,
    ) -> Option<Duration> {
        todo!(
            "ex_reqtimeout: the term of the phase, and what bytes have earned"
        )
    }
}
