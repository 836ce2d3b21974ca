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
        // begin: name=first[-most][,MinRate=rate], word by word
        let mut found = ReadTimeout::default();
        for word in text.split_whitespace() {
            let (name, term) = word.split_once('=')?;
            let (times, rate) = match term.split_once(",MinRate=") {
                Some((times, rate)) => (times, number(rate)?),
                None => (term, 0),
            };
            let (first, most) = match times.split_once('-') {
                Some((first, most)) => (number(first)?, Some(number(most)?)),
                None => (number(times)?, None),
            };
            if most.is_some_and(|most| most < first || rate == 0) {
                return None;
            }
            let term = (first > 0).then_some(Term {
                first: Duration::from_secs(first),
                most: most.map(Duration::from_secs),
                rate,
            });
            match name {
                "header" => found.header = term,
                "body" => found.body = term,
                _ => return None,
            }
        }
        Some(found)
        // end
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
        // begin: the term of the phase, and what bytes have earned
        let term = match phase {
            Phase::Head => self.header?,
            Phase::Body => self.body?,
            Phase::Linger => Term {
                first: Duration::from_secs(2),
                most: None,
                rate: 0,
            },
            Phase::Idle | Phase::Send => return None,
        };
        let earned = moved.checked_div(term.rate).unwrap_or(0);
        let whole = term.first.saturating_add(Duration::from_secs(earned));
        let whole = whole.min(term.most.unwrap_or(Duration::MAX));
        Some(whole.saturating_sub(elapsed))
        // end
    }
}
