//! One connection, and one head that comes on it.

use std::cell::Cell;
use std::io::ErrorKind;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::tcp::WriteHalf;
use ch03_http::client::error::{AnswerFault, ClientError, Step};
use ch03_http::client::pool::{Key, Place};
use ch03_http::head::{Response, ResponseParser, Rules};

// ANCHOR: line
/// A connection to a server or a proxy. Dropped, it is closed, and its place
/// is free.
pub struct Line {
    /// What comes.
    pub reader: BufReader,
    /// What goes.
    pub writer: WriteHalf,
    /// Where to.
    pub key: Key,
    /// Its place.
    pub place: Place,
    /// How many requests it has had.
    pub served: u64,
}

impl Line {
    /// Whether the server has said nothing since its last answer: no end,
    /// and no bytes that nobody asked for. A look that does not wait, so
    /// what comes a moment later it does not see.
    pub fn is_quiet(&self) -> bool {
        let nothing = self.reader.stream().try_read(&mut [0]);
        self.reader.unread().is_empty() && matches!(nothing, Ok(None))
    }
}
// ANCHOR_END: line

/// The heads that come for one request: interim ones, then the last.
pub struct Heads {
    /// What it is made of.
    pub parser: ResponseParser,
    /// The last head that was whole.
    pub bytes: Vec<u8>,
    /// Whether any byte has come.
    pub heard: Cell<bool>,
    interims: usize,
    most_interims: usize,
}

impl Heads {
    /// None yet; at most so many before the last.
    pub fn new(rules: Rules, most_interims: usize) -> Heads {
        Heads {
            parser: ResponseParser::new(rules),
            bytes: Vec::new(),
            heard: Cell::new(false),
            interims: 0,
            most_interims,
        }
    }

    /// The last head that was whole.
    pub fn response(&self) -> Response<'_> {
        self.parser.head(&self.bytes)
    }

    // ANCHOR: heads
    /// Waits for the next head and gives its status. Dropped while it waits,
    /// it has lost nothing.
    ///
    /// # Errors
    /// `Lost`, or `Answer`: it is no head, or one too many.
    pub async fn next(
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

    // ANCHOR_END: heads

    /// Waits for the last one, past all others.
    ///
    /// # Errors
    /// As [`Heads::next`].
    pub async fn last(
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

/// What the connection said; or that our own patience is over, which is not
/// the system's ETIMEDOUT.
pub fn lost(error: std::io::Error) -> ClientError {
    let ours = error.raw_os_error().is_none();
    match error.kind() {
        ErrorKind::TimedOut if ours => ClientError::TimedOut(Step::Send),
        _ => ClientError::Lost(error),
    }
}
