//! An answer: its head, and its body piece by piece.
//!
//! Whoever has read the body to its end has given the connection back; whoever
//! drops a reply before has closed it.

use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::tcp::WriteHalf;
use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyError;
use ch03_http::client::error::{AnswerFault, ClientError, Step};
use ch03_http::client::keep::Keeper;
use ch03_http::client::line::{Heads, Line};
use ch03_http::client::outgoing::Outgoing;
use ch03_http::client::pool::Place;
use ch03_http::connection::reusable;
use ch03_http::framing::response_body;
use ch03_http::head::{Headers, Method, Response};
use ch03_http::url::Url;

/// How much of a redirect's body is read to keep its connection.
const PASSED_OVER: usize = 64 * 1024;

/// An answer whose head is here.
pub struct Reply {
    keeper: Rc<Keeper>,
    heads: Heads,
    url: Url,
    body: BodyReader,
    line: Option<Line>, // None: given back, or closed
    is_done: bool,
    is_kept: bool, // the connection, if the body is read to its end
    is_reused: bool,
    trailers: Vec<(Vec<u8>, Vec<u8>)>,
    deadline: Option<Duration>,
}

/// A connection that speaks another protocol now.
pub struct Upgraded {
    /// What comes, from behind the head on.
    pub reader: BufReader,
    /// What goes.
    pub writer: WriteHalf,
    _place: Place, // it counts as long as it is open
}

impl Reply {
    /// The head's status.
    pub fn status(&self) -> u16 {
        self.response().status
    }

    /// The head.
    pub fn response(&self) -> Response<'_> {
        self.heads.response()
    }

    /// The fields.
    pub fn headers(&self) -> Headers<'_> {
        self.response().headers
    }

    /// The head, as it came.
    pub fn head(&self) -> &[u8] {
        &self.heads.bytes
    }

    /// Whose answer it is, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it came on a connection that had had another one before.
    pub fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Names and values of the trailer, once the body is read to its end.
    pub fn trailers(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.trailers
    }

    /// The answer to a request, which came on this connection. `is_whole`:
    /// the request was sent to its end.
    ///
    /// # Errors
    /// `Answer`: nobody can say where it ends, or nobody wants it.
    pub fn begin(
        keeper: Rc<Keeper>,
        heads: Heads,
        line: Line,
        outgoing: &Outgoing,
        is_whole: bool,
        deadline: Option<Duration>,
    ) -> Result<Reply, ClientError> {
        let response = heads.response();
        if response.status == 101 && !outgoing.has("upgrade") {
            return Err(ClientError::Answer(AnswerFault::Upgrade));
        }
        let method = Method::from(outgoing.method().as_bytes());
        let body = response_body(method, &response)?;
        let asked = outgoing.fields().iter().any(|(name, value)| {
            let close =
                |it: &[u8]| it.trim_ascii().eq_ignore_ascii_case(b"close");
            name.eq_ignore_ascii_case("connection")
                && value.split(|byte| *byte == b',').any(close)
        });
        let is_kept = is_whole && !asked && reusable(method, &response, body);
        let is_upgrade = response.status == 101;
        let mut reply = Reply {
            body: BodyReader::new(body, keeper.settings().body)?,
            keeper,
            heads,
            url: outgoing.url().clone(),
            is_reused: line.served > 0,
            line: Some(line),
            is_done: is_upgrade,
            is_kept,
            trailers: Vec::new(),
            deadline,
        };
        if !is_upgrade {
            reply.take(&mut Vec::new(), true)?; // a body of nothing is over
        }
        Ok(reply)
    }

    /// Appends the next piece of the body. False: that was all of it.
    ///
    /// # Errors
    /// `Lost`, `TimedOut` or `Answer`; then the connection is closed, and
    /// every later call fails.
    pub async fn piece(
        &mut self,
        to: &mut Vec<u8>,
    ) -> Result<bool, ClientError> {
        let got = self.next(to).await;
        if got.is_err() {
            self.line = None;
        }
        got
    }

    async fn next(&mut self, to: &mut Vec<u8>) -> Result<bool, ClientError> {
        while !self.is_done {
            let before = to.len();
            let is_stuck = self.take(to, false)?;
            if to.len() > before {
                return Ok(true);
            }
            if is_stuck && self.fill().await? == 0 {
                self.body.finish()?;
                self.end();
            }
        }
        Ok(false)
    }

    // ANCHOR: piece
    /// Takes what is there: true if nothing is, and more must come. At the
    /// beginning, only the end of an empty body is taken.
    fn take(
        &mut self,
        to: &mut Vec<u8>,
        at_first: bool,
    ) -> Result<bool, ClientError> {
        let gone = || ClientError::Lost(ErrorKind::NotConnected.into());
        let line = self.line.as_mut().ok_or_else(gone)?;
        let bytes = if at_first { &[] } else { line.reader.unread() };
        let taken = self.body.decode(bytes)?;
        let (used, done) = (taken.used, taken.done);
        to.extend_from_slice(taken.data);
        if done && let Some(trailers) = self.body.trailers(bytes) {
            let owned = |(n, v): (&[u8], &[u8])| (n.to_vec(), v.to_vec());
            self.trailers = trailers.iter().map(owned).collect();
        }
        line.reader.consume(used);
        if done {
            self.end();
        }
        Ok(used == 0 && !done)
    }

    /// The body is over: the connection goes back if it may, and if no byte
    /// came behind the answer.
    fn end(&mut self) {
        self.is_done = true;
        if let Some(line) = self.line.take()
            && self.is_kept
            && line.reader.unread().is_empty()
        {
            self.keeper.give(line);
        }
    }
    // ANCHOR_END: piece

    async fn fill(&mut self) -> Result<usize, ClientError> {
        let gone = || ClientError::Lost(ErrorKind::NotConnected.into());
        let line = self.line.as_mut().ok_or_else(gone)?;
        let runtime = self.keeper.runtime();
        let idle = self.keeper.settings().times.idle;
        let left = self.deadline.map(|at| at.saturating_sub(runtime.now()));
        let (limit, step) = match left {
            Some(left) if left < idle => (left, Step::Total),
            _ => (idle, Step::Body),
        };
        match runtime.timeout(limit, line.reader.fill()).await {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(error)) => Err(ClientError::Lost(error)),
            Err(_) => Err(ClientError::TimedOut(step)),
        }
    }

    /// The whole body, if it has at most so many bytes.
    ///
    /// # Errors
    /// As [`Reply::piece`]; `TooLarge`.
    pub async fn whole(
        &mut self,
        limit: usize,
    ) -> Result<Vec<u8>, ClientError> {
        let mut all = Vec::new();
        while self.piece(&mut all).await? {
            if all.len() > limit {
                self.line = None;
                let limit = limit as u64;
                return Err(BodyError::TooLarge { limit }.into());
            }
        }
        Ok(all)
    }

    /// Reads a body that nobody wants, if that is cheaper than a new
    /// connection. If it is not, or if it fails, the connection is closed.
    pub async fn pass_over(mut self) {
        if self.is_kept {
            let _ = self.whole(PASSED_OVER).await;
        }
    }

    /// The connection, if the server has changed the protocol (101).
    pub fn upgraded(&mut self) -> Option<Upgraded> {
        let is_upgrade = self.status() == 101;
        let line = if is_upgrade { self.line.take() } else { None };
        line.map(|line| Upgraded {
            reader: line.reader,
            writer: line.writer,
            _place: line.place,
        })
    }
}
