//! A request as a service sees it: the head at once, the body when asked for.
//!
//! ```text
//!  unread │ body …            │ next request …
//!         └─ BodyReader ─▶ pieces, until it is done; the rest stays
//! ```
//!
//! - I24: a client that waits for `100 Continue` gets it when somebody asks
//!   for the body, and not when nobody does: then it has sent nothing.
//! - I25: no byte of the next request is taken for the body, and none of the
//!   body for the next request.

use std::fmt;
use std::io::{self, ErrorKind};

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::runtime::Runtime;
use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyError;
use ch03_http::framing::FramingError;
use ch03_http::head::{HeadError, Refused, Request, RequestParser};
use ch03_http::out::Out;
use ch03_http::patience::{Patience, Phase};

// ANCHOR: fault
/// Why a request gets no answer of the service's, but a status and an end.
#[derive(Debug)]
pub enum Fault {
    /// The client is told this, and that it is the last.
    Status(u16, String),
    /// There is nobody to be told.
    Gone(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
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
    fn from(error: Refused) -> Fault {
        Fault::Status(500, error.to_string())
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
    pub(crate) parser: &'a RequestParser,
    pub(crate) head: &'a [u8],
    pub(crate) reader: &'a mut BufReader,
    pub(crate) out: &'a mut Out<'s>,
    pub(crate) body: BodyReader,
    pub(crate) waits: bool, // for 100 Continue
    pub(crate) is_done: bool,
    pub(crate) received: u64,
    pub(crate) runtime: &'a Runtime,
    pub(crate) patience: &'a dyn Patience,
}

impl Incoming<'_, '_> {
    /// The head.
    pub fn request(&self) -> Request<'_> {
        self.parser.head(self.head)
    }

    /// The loop that serves it.
    pub fn runtime(&self) -> &Runtime {
        self.runtime
    }
    // ANCHOR_END: incoming

    // ANCHOR: piece
    /// Appends the next piece of the body. False: that was all of it.
    ///
    /// # Errors
    /// The body is refused, too large, or too slow; or the client is gone.
    pub async fn piece(&mut self, to: &mut Vec<u8>) -> Result<bool, Fault> {
        let began = self.runtime.now();
        while !self.is_done {
            let taken = self.body.decode(self.reader.unread())?;
            let (used, count) = (taken.used, taken.data.len());
            to.extend_from_slice(taken.data);
            self.is_done = taken.done;
            self.reader.consume(used);
            self.received += count as u64;
            if count > 0 {
                return Ok(true);
            }
            if used == 0 && !self.is_done {
                self.invite().await?;
                let elapsed = self.runtime.now().saturating_sub(began);
                let left =
                    self.patience.left(Phase::Body, elapsed, self.received);
                if fill(self.reader, self.runtime, left).await? == 0 {
                    self.body.finish()?;
                    self.is_done = true;
                }
            }
        }
        Ok(false)
    }

    /// Says `100 Continue` to a client that waits for it.
    async fn invite(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.waits) {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.out.bytes().extend_from_slice(go_on);
        }
        // Also the answers to earlier requests: the client may wait for them.
        self.out.flush().await
    }
    // ANCHOR_END: piece

    /// The whole body.
    ///
    /// # Errors
    /// As [`Incoming::piece`].
    pub async fn whole(&mut self) -> Result<Vec<u8>, Fault> {
        let mut all = Vec::new();
        while self.piece(&mut all).await? {}
        Ok(all)
    }

    // ANCHOR: pass_over
    /// Reads on to the end of a body that the service did not want, if that
    /// is cheaper than a new connection: false if it is not, or if the client
    /// still waits to be asked for it.
    pub(crate) async fn pass_over(&mut self, most: u64) -> Result<bool, Fault> {
        let mut dropped = Vec::new();
        let limit = self.received.saturating_add(most);
        while !self.is_done {
            if self.waits || self.received > limit {
                return Ok(false);
            }
            dropped.clear();
            self.piece(&mut dropped).await?;
        }
        Ok(true)
    }
    // ANCHOR_END: pass_over
}

// ANCHOR: fill
/// Waits for more bytes, for so long.
///
/// # Errors
/// The connection's; `TimedOut`.
pub(crate) async fn fill(
    reader: &mut BufReader,
    runtime: &Runtime,
    left: Option<std::time::Duration>,
) -> io::Result<usize> {
    match left {
        None => reader.fill().await,
        Some(left) => runtime.timeout(left, reader.fill()).await?,
    }
}
// ANCHOR_END: fill
