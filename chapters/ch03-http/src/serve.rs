//! The server's loop: request after request on one connection.
//!
//! ```text
//!      ┌──────────────────────────────────────────────────────────┐
//!      ▼                                                          │ goes on
//!   [idle] ─ a byte ─▶ [head] ─▶ service ─▶ head, content ─▶ pass over the
//!      │                 │          │            │            rest of the body
//!      │ end, drain,     │ fault    │ fault,     │ last
//!      ▼ too long        ▼          ▼ panic      ▼
//!      FIN          status, FIN, read on until the client's FIN
//! ```
//!
//! - I15: answers go out in the order of the requests, each whole.
//! - I18: a connection that waits for a request holds a task and a place in
//!   the poller, and no buffers.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::{TcpStream, WriteHalf};
use ch03_http::chunked::BodyLimits;
use ch03_http::date;
use ch03_http::head::{RequestParser, Rules};
use ch03_http::incoming::{Fault, Incoming, fill};
use ch03_http::manner::Manner;
use ch03_http::out::{GATHERED, Out};
use ch03_http::patience::{Endless, Patience, Phase};
use ch03_http::response::{Payload, Response, Upgrade};

/// How much of a body that nobody wanted is read to keep the connection.
const PASSED_OVER: u64 = 64 * 1024;

/// How much is read and dropped behind the last answer.
const LINGERED: u64 = 8 * 1024 * 1024;

/// How many work areas are kept for the next request.
const SPARE: usize = 64;

// ANCHOR: service
/// What a server is for.
#[allow(async_fn_in_trait)] // one thread: its futures need not be Send
pub trait Service {
    /// Answers one request.
    ///
    /// # Errors
    /// A fault ends the connection, after its status if it has one.
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault>;
}

/// A server: a service, and what its clients may do.
pub struct Server<S> {
    service: S,
    runtime: Runtime,
    drain: Drain,
    settings: Settings,
    now: date::Now,
    spare: RefCell<Vec<Work>>,
}

/// What clients may do.
pub struct Settings {
    /// What a head may have.
    pub rules: Rules,
    /// What a body may have.
    pub body: BodyLimits,
    /// How long they may take.
    pub patience: Box<dyn Patience>,
    /// How many requests a connection may bring.
    pub requests: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            rules: Rules::default(),
            body: BodyLimits::default(),
            patience: Box::new(Endless),
            requests: u64::MAX,
        }
    }
}
// ANCHOR_END: service

/// What one request needs while it is worked on.
struct Work {
    parser: RequestParser,
    head: Vec<u8>,
    out: Vec<u8>,
}

// ANCHOR: then
/// How a connection goes on after a request.
enum Then {
    Next,
    Close,
    Upgrade(Box<dyn Upgrade>),
    Failed(io::Error), // orderly, since earlier answers may be on their way
}
// ANCHOR_END: then

impl<S: Service> Server<S> {
    /// A server on this loop.
    pub fn new(
        service: S,
        runtime: &Runtime,
        drain: &Drain,
        settings: Settings,
    ) -> Rc<Server<S>> {
        Rc::new(Server {
            service,
            runtime: runtime.clone(),
            drain: drain.clone(),
            settings,
            now: date::Now::default(),
            spare: RefCell::default(),
        })
    }

    /// What it serves.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// How many work areas wait for a request.
    pub fn spare(&self) -> usize {
        self.spare.borrow().len()
    }

    // ANCHOR: connection
    /// Serves one connection to its end.
    ///
    /// # Errors
    /// How it ended, if not as both sides wanted.
    pub async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        // A future is as large as all that it may wait for, and whatever
        // wraps one holds it twice: before it is polled, and after. A box is
        // a pointer, however often it is wrapped.
        Box::pin(self.serve(stream)).await
    }

    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?; // answers leave in whole writes
        let (reader, writer) = stream.split();
        let buffers = self.runtime.buffers().clone();
        let room = self.settings.rules.head.max(GATHERED);
        let mut reader = BufReader::new(reader, buffers, room);
        let (mut left, mut how) = (self.settings.requests, Ok(()));
        while left > 0 && self.is_asked(&mut reader).await? {
            let work = self.take_work();
            let work = self.work(work, &mut reader, &writer, &mut left);
            // Another box, which is there only while there is work.
            match Box::pin(work).await? {
                Then::Next => {}
                Then::Close => break,
                Then::Failed(error) => {
                    how = Err(error);
                    break;
                }
                Then::Upgrade(upgrade) => {
                    return upgrade.run(reader, writer).await;
                }
            }
        }
        self.end(&mut reader, writer).await;
        how
    }

    // ANCHOR_END: connection

    // ANCHOR: more
    /// Waits for a first byte: false if there will be none that is answered.
    async fn is_asked(&self, reader: &mut BufReader) -> io::Result<bool> {
        if !reader.unread().is_empty() {
            return Ok(true);
        }
        match self.more(reader, Phase::Idle, Duration::ZERO).await {
            Ok(count) => Ok(count > 0),
            Err(Fault::Gone(error)) => Err(error),
            Err(Fault::Status(..)) => Ok(false),
        }
    }

    /// Waits for more bytes. To a client that has asked nothing yet, the end
    /// of patience and of the server are like its own end.
    async fn more(
        &self,
        reader: &mut BufReader,
        phase: Phase,
        elapsed: Duration,
    ) -> Result<usize, Fault> {
        let (patience, have) = (&self.settings.patience, reader.unread().len());
        let left = || patience.left(phase, elapsed, have as u64);
        let bytes = fill(reader, &self.runtime, left);
        if phase != Phase::Idle {
            return bytes.await.map_err(Fault::of_wait);
        }
        match select(bytes, self.drain.begun()).await {
            Either::Left(Err(e)) if e.kind() == ErrorKind::TimedOut => Ok(0),
            Either::Left(filled) => filled.map_err(Fault::Gone),
            Either::Right(()) => Ok(0),
        }
    }
    // ANCHOR_END: more

    // ANCHOR: work
    /// Answers requests for as long as they are there without a wait.
    async fn work(
        &self,
        mut work: Work,
        reader: &mut BufReader,
        writer: &WriteHalf,
        left: &mut u64,
    ) -> io::Result<Then> {
        let (stream, bytes) = (writer.stream(), std::mem::take(&mut work.out));
        let patience = &*self.settings.patience;
        let mut out = Out::new(bytes, stream, &self.runtime, patience);
        let then = self.answer_all(&mut work, reader, &mut out, left).await;
        let resets = |error: &io::Error| {
            out.is_until_close() || error.kind() == ErrorKind::TimedOut
        };
        let then = match then {
            Err(error) if resets(&error) => {
                // An end by FIN would look like the content's, or wait behind
                // what nobody reads.
                stream.reset_on_close()?;
                return Err(error);
            }
            Err(error) => Then::Failed(error),
            Ok(then) => then,
        };
        work.out = out.into_bytes();
        self.give_work(work);
        Ok(then)
    }

    // ANCHOR_END: work

    // ANCHOR: answer_all
    async fn answer_all(
        &self,
        work: &mut Work,
        reader: &mut BufReader,
        out: &mut Out<'_>,
        left: &mut u64,
    ) -> io::Result<Then> {
        loop {
            *left = left.saturating_sub(1);
            let mut manner = Manner::unknown();
            let then = self.answer(work, reader, out, *left, &mut manner).await;
            let then = match then {
                Ok(then) => then,
                Err(Fault::Gone(error)) => {
                    let _ = out.flush().await; // what was owed before
                    return Err(error);
                }
                Err(Fault::Status(status, why)) => {
                    let response = Response::text(status, why + "\n").last();
                    self.send(response, &manner, out).await?
                }
            };
            let is_over = !matches!(then, Then::Next);
            if is_over || reader.unread().is_empty() {
                out.flush().await?;
                return Ok(then);
            }
            if out.bytes().len() >= GATHERED {
                out.flush().await?; // heads gather too
            }
        }
    }
    // ANCHOR_END: answer_all

    // ANCHOR: answer
    /// Answers one request, of which a byte at least is here.
    async fn answer(
        &self,
        work: &mut Work,
        reader: &mut BufReader,
        out: &mut Out<'_>,
        left: u64,
        manner: &mut Manner,
    ) -> Result<Then, Fault> {
        if !self.read_head(work, reader, out).await? {
            return Ok(Then::Close);
        }
        *manner = Manner::of(&work.parser.head(&work.head));
        let limits = self.settings.body;
        let mut incoming =
            Incoming::new(&work.parser, &work.head, reader, out, limits)?;
        let response = caught(self.service.call(&mut incoming)).await;
        let response = response.unwrap_or_else(|| Err(Fault::failed()))?;
        manner.goes_on &= left > 0
            && !self.drain.has_begun()
            && incoming.is_worth_it(PASSED_OVER);
        let sent = self.send(response, manner, incoming.out()).await;
        match sent.map_err(Fault::Gone)? {
            Then::Close => Ok(Then::Close),
            then => match incoming.pass_over(PASSED_OVER).await {
                true => Ok(then),
                false => Ok(Then::Close),
            },
        }
    }
    // ANCHOR_END: answer

    // ANCHOR: read_head
    /// Takes the next head off the reader: false if there will be none.
    async fn read_head(
        &self,
        work: &mut Work,
        reader: &mut BufReader,
        out: &mut Out<'_>,
    ) -> Result<bool, Fault> {
        let mut since = None; // most heads come whole: no look at the clock
        work.parser.reset();
        let length = loop {
            if let Some(length) = work.parser.parse(reader.unread())? {
                break length;
            }
            out.flush().await.map_err(Fault::Gone)?; // all that is owed
            // An empty line before a head does not begin it.
            let has_begun = work.parser.begun();
            let phase = if has_begun { Phase::Head } else { Phase::Idle };
            let now = self.runtime.now();
            let (_, began) = since
                .filter(|(counted, _)| *counted == phase)
                .unwrap_or((phase, now));
            since = Some((phase, began));
            let elapsed = now.saturating_sub(began);
            match (self.more(reader, phase, elapsed).await?, has_begun) {
                (0, false) => return Ok(false),
                (0, true) => {
                    let why = "the end within a head".to_owned();
                    return Err(Fault::Status(400, why));
                }
                _ => {}
            }
        };
        work.head.clear();
        work.head.extend_from_slice(&reader.unread()[..length]);
        reader.consume(length);
        Ok(true)
    }
    // ANCHOR_END: read_head

    // ANCHOR: send
    /// Sends a response: small ones gather. One that cannot be completed
    /// becomes a 500, as long as nothing of it has left.
    async fn send(
        &self,
        response: Response,
        manner: &Manner,
        out: &mut Out<'_>,
    ) -> io::Result<Then> {
        let mark = out.mark();
        let response = match manner.is_possible(&response) {
            true => response,
            false => failure(),
        };
        let sent = caught(self.put(response, manner, out)).await;
        match sent.unwrap_or_else(|| Err(ErrorKind::Other.into())) {
            Err(_) if out.undo(mark) => self.put(failure(), manner, out).await,
            sent => sent,
        }
    }

    // ANCHOR_END: send

    // ANCHOR: put
    async fn put(
        &self,
        mut response: Response,
        manner: &Manner,
        out: &mut Out<'_>,
    ) -> io::Result<Then> {
        let status = response.status();
        let length = response.payload().length();
        let (framing, goes_on) = manner.framing(status, length);
        let goes_on = goes_on && !response.is_last();
        let date = self.now.at(self.runtime.clock().unix());
        manner.put_head(out.bytes(), &response, framing, goes_on, date);
        let is_switch = manner.is_switch(&response);
        match response.take_payload() {
            Payload::Upgrade(upgrade) if is_switch => {
                return Ok(Then::Upgrade(upgrade));
            }
            _ if !manner.has_content(status) => {}
            payload => {
                out.begin(framing);
                match payload {
                    Payload::Empty | Payload::Upgrade(_) => {}
                    Payload::Bytes(bytes) => out.write(&bytes).await?,
                    Payload::Content(mut content) => content.send(out).await?,
                }
                out.finish()?;
            }
        }
        Ok(if goes_on { Then::Next } else { Then::Close })
    }
    // ANCHOR_END: put

    // ANCHOR: end
    /// Ends the connection: our FIN, then what still comes is read and
    /// dropped. Closing with bytes unread would send a reset, and that would
    /// throw away the last answer if it is still on its way.
    async fn end(&self, reader: &mut BufReader, writer: WriteHalf) {
        drop(writer);
        let (began, mut dropped) = (self.runtime.now(), 0);
        while dropped < LINGERED {
            dropped += reader.unread().len() as u64;
            reader.consume(usize::MAX);
            let elapsed = self.runtime.now().saturating_sub(began);
            let patience = &self.settings.patience;
            let left = patience.left(Phase::Linger, elapsed, dropped);
            if left == Some(Duration::ZERO) {
                break;
            }
            match fill(reader, &self.runtime, || left).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    }
    // ANCHOR_END: end

    fn take_work(&self) -> Work {
        let spare = self.spare.borrow_mut().pop();
        spare.unwrap_or_else(|| Work {
            parser: RequestParser::new(self.settings.rules),
            head: Vec::new(),
            out: Vec::new(),
        })
    }

    fn give_work(&self, work: Work) {
        let mut spare = self.spare.borrow_mut();
        let is_small = work.out.capacity() <= 4 * GATHERED;
        if spare.len() < SPARE && is_small {
            spare.push(work);
        }
    }
}

/// What a client is told whose answer failed.
fn failure() -> Response {
    Response::text(500, "the server failed\n").last()
}

// ANCHOR: caught
/// The future's value; `None` if it panicked. What it had borrowed is in the
/// state in which the panic left it, so the connection has to end.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let poll = || future.as_mut().poll(cx);
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None), // the hook has told its message
        }
    })
    .await
}
// ANCHOR_END: caught
