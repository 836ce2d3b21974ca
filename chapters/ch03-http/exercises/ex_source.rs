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
        todo!("ex_source: two fields, and Last-Event-ID unless it is empty")
    }

    /// An answer's head has come. It is a stream of events if its status is
    /// 200 and its type `text/event-stream`, in any case, whatever
    /// parameters follow behind a semicolon. Failures in a row end here.
    /// Anything else, 204 too, says that we are not wanted.
    pub fn answered(&mut self, status: u16, kind: Option<&str>) -> Then {
        todo!("ex_source: 200 and the right type, its parameters left off")
    }

    /// The stream has ended. What its parser knows now is kept: the last id,
    /// and the time to wait if the server has named one.
    pub fn cut(&mut self, parser: &Parser) -> Then {
        todo!("ex_source: keep both, wait for retry")
    }

    /// There was no connection, or no answer. The wait is twice as long for
    /// each failure in a row before this one, at most `most`, though never
    /// shorter than `retry`. `chance`, in 0..=1000, takes up to a half of it
    /// off again, in thousandths of that half: ten thousand clients of one
    /// server must not all come back at once.
    pub fn failed(&mut self, chance: u32) -> Then {
        todo!("ex_source: double, cap, and take off what chance says")
    }
}
