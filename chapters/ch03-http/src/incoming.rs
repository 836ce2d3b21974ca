//! A request as a service sees it: the head at once, the body when asked for.
//!
//! ```text
//!  unread │ body …            │ next request …
//!         └─ BodyReader ─▶ pieces, until it is done; the rest stays
//! ```
//!
//! - I13: a client that waits for `100 Continue` gets it when somebody asks
//!   for the body, and not when nobody does: then it has sent nothing.
//! - I14: no byte of the next request is taken for the body, and none of the
//!   body for the next request.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::runtime::Runtime;
use ch03_http::body::BodyReader;
use ch03_http::chunked::{BodyError, BodyLimits};
use ch03_http::connection::{Expectation, expectation};
use ch03_http::framing::{Body, FramingError, request_body};
use ch03_http::head::{HeadError, Refused, Request, RequestParser};
use ch03_http::out::Out;
use ch03_http::patience::{Phase, within};

// ANCHOR: fault
/// Why a request gets no answer of the service's, but a status and an end.
#[derive(Debug)]
pub enum Fault {
    /// The client is told this, and that it is the last.
    Status(u16, String),
    /// There is nobody to be told.
    Gone(io::Error),
}

/// What fails in a service is its own affair: the client learns no more than
/// that. (What fails on the connection is a fault already.)
impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Fault {
        Fault::failed()
    }
}

impl Fault {
    /// The server's own failure, of which the client learns nothing.
    pub fn failed() -> Fault {
        Fault::Status(500, "the server failed".to_owned())
    }

    /// What a wait for the client has ended with.
    pub fn of_wait(error: io::Error) -> Fault {
        match error.kind() {
            ErrorKind::TimedOut => Fault::Status(408, "too slow".to_owned()),
            _ => Fault::Gone(error),
        }
    }
}
// ANCHOR_END: fault

// given: four times the same
impl From<HeadError> for Fault {
    fn from(error: HeadError) -> Fault {
        Fault::Status(error.status(), error.to_string())
    }
}

impl From<FramingError> for Fault {
    fn from(error: FramingError) -> Fault {
        Fault::Status(error.status(), error.to_string())
    }
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Fault {
        Fault::Status(error.status(), error.to_string())
    }
}

impl From<Refused> for Fault {
    fn from(_: Refused) -> Fault {
        Fault::failed()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Status(status, why) => write!(f, "{status}: {why}"),
            Fault::Gone(error) => error.fmt(f),
        }
    }
}
// given end

// ANCHOR: incoming
/// A request whose head is here.
pub struct Incoming<'a, 's> {
    parser: &'a RequestParser,
    head: &'a [u8],
    reader: &'a mut BufReader,
    out: &'a mut Out<'s>,
    body: BodyReader,
    length: Option<u64>, // of the body, if its head says
    waits: bool,         // for 100 Continue
    is_done: bool,       // all of the body was read
    is_broken: bool,     // it never will be
    received: u64,       // of the body
    waited: Duration,    // for the body
}

// ANCHOR_END: incoming

// ANCHOR: new
impl<'a, 's> Incoming<'a, 's> {
    /// The request that the parser has found in `head`, with what comes
    /// behind it.
    ///
    /// # Errors
    /// Its body is refused, before any of it is read.
    pub fn new(
        parser: &'a RequestParser,
        head: &'a [u8],
        reader: &'a mut BufReader,
        out: &'a mut Out<'s>,
        limits: BodyLimits,
    ) -> Result<Incoming<'a, 's>, Fault> {
        let request = parser.head(head);
        let body = request_body(&request)?;
        let waits = match expectation(&request, body) {
            Expectation::Nothing => false,
            Expectation::Continue => true,
            Expectation::Unknown => {
                let why = "nothing but 100-continue can be expected";
                return Err(Fault::Status(417, why.to_owned()));
            }
        };
        let length = match body {
            Body::Empty => Some(0),
            Body::Length(length) => Some(length),
            Body::Chunked | Body::UntilClose => None,
        };
        Ok(Incoming {
            parser,
            head,
            reader,
            out,
            body: BodyReader::new(body, limits)?,
            length,
            waits,
            is_done: length == Some(0),
            is_broken: false,
            received: 0,
            waited: Duration::ZERO,
        })
    }

    // ANCHOR_END: new

    // ANCHOR: request
    /// The head.
    pub fn request(&self) -> Request<'_> {
        self.parser.head(self.head)
    }

    /// The loop that serves it.
    pub fn runtime(&self) -> &'s Runtime {
        self.out.runtime()
    }

    /// Where the answer goes, for whoever writes it.
    pub fn out(&mut self) -> &mut Out<'s> {
        self.out
    }
    // ANCHOR_END: request

    // ANCHOR: piece
    /// Appends the next piece of the body. False: that was all of it.
    ///
    /// # Errors
    /// The body is refused, too large, or too slow; or the client is gone.
    /// There will be no more of it.
    pub async fn piece(&mut self, to: &mut Vec<u8>) -> Result<bool, Fault> {
        let piece = self.next_piece(to).await;
        self.is_broken |= piece.is_err();
        piece
    }

    async fn next_piece(&mut self, to: &mut Vec<u8>) -> Result<bool, Fault> {
        while !self.is_done {
            let taken = self.body.decode(self.reader.unread())?;
            let (used, count) = (taken.used, taken.data.len());
            to.extend_from_slice(taken.data);
            self.is_done = taken.done;
            self.reader.consume(used);
            self.received += count as u64;
            self.waits &= used == 0; // who sends does not wait
            if count > 0 {
                return Ok(true);
            }
            if used == 0 && !self.is_done {
                self.more().await?;
            }
        }
        Ok(false)
    }

    // ANCHOR_END: piece

    // ANCHOR: more
    /// Waits for more of the body, of which nothing is here.
    async fn more(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.waits) {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.out.bytes().extend_from_slice(go_on);
        }
        // Also the answers to earlier requests: the client may wait for them.
        self.out.flush().await.map_err(Fault::Gone)?;
        let (runtime, patience) = (self.out.runtime(), self.out.patience());
        let (waited, received) = (self.waited, self.received);
        let left = || patience.left(Phase::Body, waited, received);
        let began = runtime.now();
        let filled = fill(self.reader, runtime, left).await;
        self.waited += runtime.now().saturating_sub(began);
        if filled.map_err(Fault::of_wait)? == 0 {
            self.body.finish()?;
            self.is_done = true;
        }
        Ok(())
    }
    // ANCHOR_END: more

    // ANCHOR: whole
    /// The whole body.
    ///
    /// # Errors
    /// As [`Incoming::piece`].
    pub async fn whole(&mut self) -> Result<Vec<u8>, Fault> {
        let mut all = Vec::new();
        while self.piece(&mut all).await? {}
        Ok(all)
    }
    // ANCHOR_END: whole

    // ANCHOR: pass_over
    /// Whether the rest of the body is worth reading, to keep the connection:
    /// at most so much is to come, as far as anybody knows, and the client
    /// does not wait to be asked for it.
    pub fn is_worth_it(&self, most: u64) -> bool {
        let is_asked_for = !self.waits || !self.reader.unread().is_empty();
        let left = self.length.map(|length| length - self.received);
        let is_little = left.is_none_or(|left| left <= most);
        self.is_done || (!self.is_broken && is_asked_for && is_little)
    }

    /// Reads on to the end of a body that the service did not want. False if
    /// that is not worth it, or fails.
    pub async fn pass_over(&mut self, most: u64) -> bool {
        let mut dropped = Vec::new();
        let limit = self.received.saturating_add(most);
        while !self.is_done {
            if !self.is_worth_it(most) || self.received > limit {
                return false;
            }
            dropped.clear();
            if self.piece(&mut dropped).await.is_err() {
                return false;
            }
        }
        true
    }
    // ANCHOR_END: pass_over
}

// ANCHOR: fill
/// Waits for more bytes, for as long as `left` says.
///
/// # Errors
/// The connection's; `TimedOut`.
pub async fn fill(
    reader: &mut BufReader,
    runtime: &Runtime,
    left: impl FnOnce() -> Option<Duration>,
) -> io::Result<usize> {
    within(runtime, left, reader.fill()).await
}
// ANCHOR_END: fill
