//! One connection, and one head that comes on it.

use std::cell::Cell;
use std::io::ErrorKind;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::tcp::WriteHalf;
use ch03_http::client::error::{AnswerFault, ClientError, Step};
use ch03_http::client::pool::{Key, Place};
use ch03_http::head::{Response, ResponseParser, Rules};
use ch03_http::patience::{Patience, Phase};

// ANCHOR: times
/// How long the client waits, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// For a connection to become free, when there are as many as may be.
    pub place: Duration,
    /// For the host's addresses, and again for each of them to answer.
    pub connect: Duration,
    /// For each write to be taken.
    pub send: Duration,
    /// From the request's end to the end of the answer's head: also the time
    /// that the server may think.
    pub head: Duration,
    /// From one piece of the body to the next.
    pub idle: Duration,
    /// For `100 Continue`, before the body is sent without it.
    pub go_on: Duration,
    /// For all of it, redirects and the answer's body included; `None`: as
    /// long as it goes on.
    pub total: Option<Duration>,
}

impl Default for Times {
    fn default() -> Times {
        let seconds = Duration::from_secs;
        Times {
            place: seconds(30),
            connect: seconds(10),
            send: seconds(30),
            head: seconds(60),
            idle: seconds(30),
            go_on: seconds(1), // as curl
            total: None,
        }
    }
}

impl Patience for Times {
    fn left(&self, phase: Phase, _: Duration, _: u64) -> Option<Duration> {
        (phase == Phase::Send).then_some(self.send)
    }
}
// ANCHOR_END: times

// ANCHOR: line
/// A connection to a server or a proxy. Dropped, it is closed, and its place
/// is free.
pub(crate) struct Line {
    pub(crate) reader: BufReader,
    pub(crate) writer: WriteHalf,
    pub(crate) key: Key,
    pub(crate) place: Place,
    pub(crate) served: u64, // requests before this one
}

impl Line {
    /// Whether the server has said nothing since its last answer: no end,
    /// and no bytes that nobody asked for. A look that does not wait, so
    /// what comes a moment later it does not see.
    pub(crate) fn is_quiet(&self) -> bool {
        let nothing = self.reader.stream().try_read(&mut [0]);
        self.reader.unread().is_empty() && matches!(nothing, Ok(None))
    }
}
// ANCHOR_END: line

// ANCHOR: heads
/// The heads that come for one request: interim ones, then the last.
pub(crate) struct Heads {
    pub(crate) parser: ResponseParser,
    pub(crate) bytes: Vec<u8>, // the last head that was whole
    pub(crate) heard: Cell<bool>, // whether any byte has come
    interims: usize,
    most_interims: usize,
}

impl Heads {
    pub(crate) fn new(rules: Rules, most_interims: usize) -> Heads {
        Heads {
            parser: ResponseParser::new(rules),
            bytes: Vec::new(),
            heard: Cell::new(false),
            interims: 0,
            most_interims,
        }
    }

    /// The last head that was whole.
    pub(crate) fn response(&self) -> Response<'_> {
        self.parser.head(&self.bytes)
    }

    /// Waits for the next head and gives its status. Dropped while it waits,
    /// it has lost nothing.
    pub(crate) async fn next(
        &mut self,
        reader: &mut BufReader,
    ) -> Result<u16, ClientError> {
        loop {
            let unread = reader.unread();
            self.heard.set(self.heard.get() || !unread.is_empty());
            if let Some(length) = self.parser.parse(unread)? {
                let status = self.parser.head(unread).status;
                let is_interim = is_interim(status);
                self.bytes.clear();
                self.bytes.extend_from_slice(&unread[..length]);
                reader.consume(length);
                if is_interim {
                    self.parser.reset();
                    self.interims += 1;
                }
                let most = self.most_interims;
                return match self.interims > most {
                    true => {
                        Err(ClientError::Answer(AnswerFault::Interims(most)))
                    }
                    false => Ok(status),
                };
            }
            match reader.fill().await {
                Ok(0) => return Err(lost(ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(lost(error)),
            }
        }
    }

    /// Waits for the last one, past all others.
    pub(crate) async fn last(
        &mut self,
        reader: &mut BufReader,
    ) -> Result<(), ClientError> {
        while is_interim(self.next(reader).await?) {}
        Ok(())
    }
}

/// Whether another head follows. After 101 none does: it is the last of
/// HTTP.
fn is_interim(status: u16) -> bool {
    matches!(status, 100 | 102..=199)
}
// ANCHOR_END: heads

/// What the connection said; or that our own patience is over, which is not
/// the system's ETIMEDOUT.
pub(crate) fn lost(error: std::io::Error) -> ClientError {
    let ours = error.raw_os_error().is_none();
    match error.kind() {
        ErrorKind::TimedOut if ours => ClientError::TimedOut(Step::Send),
        _ => ClientError::Lost(error),
    }
}
