//! Exercise: the browser's half of server-sent events (WHATWG HTML, section
//! 9.2.3): when to connect again, and when not.
//!
//! ```text
//!   request ──▶ 200, text/event-stream ──▶ Listen ──▶ cut: Again(retry)
//!          ├──▶ anything else ─────────────────────▶ Stop
//!          └──▶ no connection ─────────▶ Again(longer each time)
//! ```

use std::time::Duration;

use ch03_http::events::parser::Parser;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Read the response as events.
    Listen,
    /// Request again after that time.
    Again(Duration),
    /// The server does not want us: never request again by yourself.
    Stop,
}

/// A source of events, through all of its connections.
#[derive(Debug)]
pub struct Source {
    retry: Duration,
    most: Duration,
    failures: u32, // in a row
    last_id: String,
}

impl Source {
    /// A source that waits for `retry` until the server says otherwise, and
    /// never longer than `most` but when the server asks for it.
    pub fn new(retry: Duration, most: Duration) -> Source {
        Source {
            retry,
            most,
            failures: 0,
            last_id: String::new(),
        }
    }

    /// The fields of the next request, beside those of every request:
    /// `Accept: text/event-stream`, `Cache-Control: no-store`, and the last
    /// id if there is one.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        // begin: two fields, and Last-Event-ID unless it is empty
        let mut fields = vec![
            ("Accept", "text/event-stream".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
        ];
        if !self.last_id.is_empty() {
            fields.push(("Last-Event-ID", self.last_id.clone()));
        }
        fields
        // end
    }

    /// An answer's head has come. It is a stream of events if its status is
    /// 200 and its type `text/event-stream`, in any case, whatever
    /// parameters follow behind a semicolon. Failures in a row end here.
    /// Anything else, 204 too, says that we are not wanted.
    pub fn answered(&mut self, status: u16, kind: Option<&str>) -> Then {
        // begin: 200 and the right type, its parameters left off
        let kind = kind.and_then(|kind| kind.split(';').next());
        let kind = kind.map(|kind| kind.trim_matches([' ', '\t']));
        let right = kind
            .is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"));
        if status != 200 || !right {
            return Then::Stop;
        }
        self.failures = 0;
        Then::Listen
        // end
    }

    /// The stream has ended. What its parser knows now is kept: the last id,
    /// and the time to wait if the server has named one.
    pub fn cut(&mut self, parser: &Parser) -> Then {
        // begin: keep both, wait for retry
        self.last_id = parser.last_id().to_owned();
        self.retry = parser.retry().unwrap_or(self.retry);
        Then::Again(self.retry)
        // end
    }

    /// There was no connection, or no answer. The wait is twice as long for
    /// each failure in a row before this one, at most `most`, though never
    /// shorter than `retry`. `chance`, in 0..=1000, takes up to a half of it
    /// off again, in thousandths of that half: ten thousand clients of one
    /// server must not all come back at once.
    pub fn failed(&mut self, chance: u32) -> Then {
        // begin: double, cap, and take off what chance says
        let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let wait = self.retry.saturating_mul(factor);
        let wait = wait.min(self.most.max(self.retry));
        let off = wait / 2_000 * chance.min(1_000);
        Then::Again(wait - off)
        // end
    }
}
