//! Exercise: long polling, as it was done before there were streams.
//!
//! The page asks `GET /news?seen=7-41`. Is there anything behind 7-41, it gets
//! that at once. If not, the server keeps the request, and answers when
//! something is said. So there is one request for each piece of news, or for
//! several that come at once.

use ch03_http::events::history::{History, Next};

/// What a request is answered with.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Events, as the history has them.
    pub body: Vec<u8>,
    /// The number to ask for next. (The page gets the id before it.)
    pub next: u64,
    /// Some events before these are gone.
    pub has_lost: bool,
}

/// The answer to a client that wants the event `number` next: all events
/// from it on that are there, in order, but no more bytes than `most`, and at
/// least one event. If that number is forgotten, it says so and begins with
/// the oldest. `None`: there is nothing to say, and the request waits.
pub fn answer(history: &History, number: u64, most: usize) -> Option<Answer> {
    // begin: what is there from the number on, or nothing
    let mut answer = Answer {
        next: number,
        ..Answer::default()
    };
    if let Next::Lost(oldest) = history.get(number) {
        (answer.next, answer.has_lost) = (oldest, true);
    }
    while let Next::Event(bytes, next) = history.get(answer.next) {
        let is_first = answer.body.is_empty();
        if !is_first && answer.body.len() + bytes.len() > most {
            break;
        }
        answer.body.extend_from_slice(bytes);
        answer.next = next;
    }
    (answer.has_lost || !answer.body.is_empty()).then_some(answer)
    // end
}
