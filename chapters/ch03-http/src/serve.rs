//! The server's loop: request after request on one connection.
//!
//! ```text
//!      ┌──────────────────────────────────────────────────────────┐
//!      ▼                                                          │ goes on
//!   [idle] ─ a byte ─▶ [head] ─▶ service ─▶ head, content ─▶ pass over the
//!      │                 │          │            │            rest of the body
//!      │ end, drain,     │ fault    │ fault      │ last
//!      ▼ too long        ▼          ▼            ▼
//!   closed          status, FIN, read on until the client's FIN
//! ```
//!
//! - I26: answers go out in the order of the requests, each whole.
//! - I27: the head alone decides whether the connection goes on; an answer
//!   after which it does not says so.
//! - I28: HEAD gets the head that GET would get. 1xx, 204 and 304 have no
//!   content, whatever the service gave.
//! - I29: a connection that waits for a request holds a task and a place in
//!   the poller, and no buffers.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::{TcpStream, WriteHalf};
use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyLimits;
use ch03_http::connection::{Expectation, expectation, persists};
use ch03_http::date;
use ch03_http::framing::request_body;
use ch03_http::head::{Method, RequestParser, Rules, Version, reason};
use ch03_http::incoming::{Fault, Incoming, fill};
use ch03_http::out::{Framing, GATHERED, Out};
use ch03_http::patience::{Endless, Patience, Phase};
use ch03_http::response::{Payload, Response, Upgrade};

/// How much of a body that nobody wanted is read to keep the connection.
const PASSED_OVER: u64 = 64 * 1024;

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

/// How a connection goes on after a request.
enum Then {
    Next,
    Close,
    Upgrade(Box<dyn Upgrade>),
}

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

    // ANCHOR: connection
    /// Serves one connection to its end.
    ///
    /// # Errors
    /// How it ended, if not as both sides wanted.
    pub async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?; // answers leave in whole writes
        let (reader, writer) = stream.split();
        let buffers = self.runtime.buffers().clone();
        let room = self.settings.rules.head.max(GATHERED);
        let mut reader = BufReader::new(reader, buffers, room);
        let mut left = self.settings.requests;
        while left > 0 && self.wait_for_a_request(&mut reader).await? {
            let work = self.take_work();
            match self.work(work, &mut reader, &writer, &mut left).await? {
                Then::Next => {}
                Then::Close => break,
                Then::Upgrade(upgrade) => {
                    return upgrade.run(reader, writer).await;
                }
            }
        }
        self.end(&mut reader, writer).await
    }

    /// Waits for a first byte: false if there will be none that is answered.
    async fn wait_for_a_request(
        &self,
        reader: &mut BufReader,
    ) -> io::Result<bool> {
        if !reader.unread().is_empty() {
            return Ok(true);
        }
        let patience = &self.settings.patience;
        let left = patience.left(Phase::Idle, Duration::ZERO, 0);
        let byte = fill(reader, &self.runtime, left);
        match select(byte, self.drain.begun()).await {
            Either::Left(Ok(count)) => Ok(count > 0),
            Either::Left(Err(e)) if e.kind() == io::ErrorKind::TimedOut => {
                Ok(false)
            }
            Either::Left(Err(error)) => Err(error),
            Either::Right(()) => Ok(false),
        }
    }
    // ANCHOR_END: connection

    // ANCHOR: work
    /// Answers requests for as long as they are there without a wait.
    async fn work(
        &self,
        mut work: Work,
        reader: &mut BufReader,
        writer: &WriteHalf,
        left: &mut u64,
    ) -> io::Result<Then> {
        let bytes = std::mem::take(&mut work.out);
        let patience = &*self.settings.patience;
        let mut out = Out::new(bytes, writer.stream(), &self.runtime, patience);
        let then = loop {
            *left = left.saturating_sub(1);
            let answered = self.answer(&mut work, reader, &mut out, *left);
            let then = match answered.await {
                Ok(then) => then,
                Err(Fault::Gone(error)) => return Err(error),
                Err(Fault::Status(status, why)) => {
                    let response = Response::text(status, why + "\n").last();
                    let manner = Manner {
                        version: Version::Http11,
                        is_head: false,
                        goes_on: false,
                    };
                    self.send(response, &manner, &mut out).await?
                }
            };
            if !matches!(then, Then::Next) || reader.unread().is_empty() {
                break then;
            }
        };
        out.flush().await?;
        work.out = out.into_bytes();
        self.give_work(work);
        Ok(then)
    }
    // ANCHOR_END: work

    // ANCHOR: answer
    /// Answers one request, of which a byte at least is here.
    async fn answer(
        &self,
        work: &mut Work,
        reader: &mut BufReader,
        out: &mut Out<'_>,
        left: u64,
    ) -> Result<Then, Fault> {
        if !self.read_head(work, reader, out).await? {
            return Ok(Then::Close);
        }
        let request = work.parser.head(&work.head);
        let body = request_body(&request)?;
        let waits = match expectation(&request, body) {
            Expectation::Nothing => false,
            Expectation::Continue => true,
            Expectation::Unknown => {
                let why = "this server knows 100-continue alone";
                return Err(Fault::Status(417, why.to_owned()));
            }
        };
        let mut manner = Manner {
            version: request.version,
            is_head: request.method == Method::Head,
            goes_on: persists(request.version, &request.headers) && left > 0,
        };
        let mut incoming = Incoming {
            parser: &work.parser,
            head: &work.head,
            reader,
            out,
            body: BodyReader::new(body, self.settings.body)?,
            waits,
            is_done: false,
            received: 0,
            runtime: &self.runtime,
            patience: &*self.settings.patience,
        };
        let response = self.service.call(&mut incoming).await?;
        if !incoming.pass_over(PASSED_OVER).await? {
            manner.goes_on = false;
        }
        manner.goes_on &= !self.drain.has_begun();
        Ok(self.send(response, &manner, out).await?)
    }
    // ANCHOR_END: answer

    // ANCHOR: read_head
    /// Takes the next head off the reader: false if the client has left
    /// before it began one.
    async fn read_head(
        &self,
        work: &mut Work,
        reader: &mut BufReader,
        out: &mut Out<'_>,
    ) -> Result<bool, Fault> {
        let mut began = None; // most heads come whole: no look at the clock
        work.parser.reset();
        let length = loop {
            if let Some(length) = work.parser.parse(reader.unread())? {
                break length;
            }
            out.flush().await?; // before a wait, all that is owed
            let now = self.runtime.now();
            let elapsed = now.saturating_sub(*began.get_or_insert(now));
            let have = reader.unread().len() as u64;
            let patience = &self.settings.patience;
            let left = patience.left(Phase::Head, elapsed, have);
            if fill(reader, &self.runtime, left).await? == 0 {
                return match work.parser.begun() {
                    false => Ok(false),
                    true => {
                        Err(Fault::Gone(io::ErrorKind::UnexpectedEof.into()))
                    }
                };
            }
        };
        work.head.clear();
        work.head.extend_from_slice(&reader.unread()[..length]);
        reader.consume(length);
        Ok(true)
    }
    // ANCHOR_END: read_head

    // ANCHOR: send
    /// Sends a response: small ones gather.
    async fn send(
        &self,
        mut response: Response,
        manner: &Manner,
        out: &mut Out<'_>,
    ) -> io::Result<Then> {
        let payload = response.take_payload();
        let (length, status) = (payload.length(), response.status());
        let (framing, goes_on) = manner.framing(status, length);
        let goes_on = goes_on && !response.is_last();
        let date = self.now.at(self.runtime.clock().unix());
        let head = out.bytes();
        put_status(head, status);
        head.extend_from_slice(b"Date: ");
        head.extend_from_slice(&date);
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(response.fields());
        manner.put_framing(head, status, length, framing);
        if status != 101 {
            manner.put_connection(head, goes_on);
        }
        head.extend_from_slice(b"\r\n");
        if !manner.is_head && has_content(status) {
            out.begin(framing);
            match payload {
                Payload::Empty => {}
                Payload::Bytes(bytes) => out.write(&bytes).await?,
                Payload::Content(mut content) => content.send(out).await?,
                Payload::Upgrade(_) => {}
            }
            out.finish()?;
        } else if let Payload::Upgrade(upgrade) = payload {
            return Ok(Then::Upgrade(upgrade));
        }
        Ok(if goes_on { Then::Next } else { Then::Close })
    }
    // ANCHOR_END: send

    // ANCHOR: end
    /// Ends the connection: our FIN, then what still comes is read and
    /// dropped. Closing with bytes unread would send a reset, and that would
    /// throw away the last answer if it is still on its way.
    async fn end(
        &self,
        reader: &mut BufReader,
        writer: WriteHalf,
    ) -> io::Result<()> {
        drop(writer);
        let began = self.runtime.now();
        loop {
            reader.consume(usize::MAX);
            let elapsed = self.runtime.now().saturating_sub(began);
            let patience = &self.settings.patience;
            match patience.left(Phase::Linger, elapsed, 0) {
                Some(Duration::ZERO) => return Ok(()),
                left => match fill(reader, &self.runtime, left).await {
                    Ok(0) | Err(_) => return Ok(()),
                    Ok(_) => {}
                },
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

/// How a response is to be sent, by the request.
struct Manner {
    version: Version,
    is_head: bool,
    goes_on: bool, // the connection, as far as the request is concerned
}

impl Manner {
    // ANCHOR: framing
    /// How the content's end is told, and whether the connection can go on.
    fn framing(&self, status: u16, length: Option<u64>) -> (Framing, bool) {
        match length {
            _ if !has_content(status) => (Framing::Length(0), self.goes_on),
            Some(length) => (Framing::Length(length), self.goes_on),
            None if self.version == Version::Http11 => {
                (Framing::Chunked, self.goes_on)
            }
            None => (Framing::Close, false), // HTTP/1.0 knows no chunks
        }
    }

    fn put_framing(
        &self,
        head: &mut Vec<u8>,
        status: u16,
        length: Option<u64>,
        framing: Framing,
    ) {
        // Writing to a vector cannot fail.
        let _ = match (framing, length) {
            // A 304 may say what a 200 would have (RFC 9110, 8.6); a 1xx and
            // a 204 must not say anything.
            _ if !has_content(status) => Ok(()),
            (Framing::Length(length), _) => {
                write!(head, "Content-Length: {length}\r\n")
            }
            (Framing::Chunked, _) => {
                write!(head, "Transfer-Encoding: chunked\r\n")
            }
            (Framing::Close, _) => Ok(()),
        };
    }

    fn put_connection(&self, head: &mut Vec<u8>, goes_on: bool) {
        let line: &[u8] = match (goes_on, self.version) {
            (false, _) => b"Connection: close\r\n",
            (true, Version::Http10) => b"Connection: keep-alive\r\n",
            (true, Version::Http11) => b"",
        };
        head.extend_from_slice(line);
    }
    // ANCHOR_END: framing
}

/// Whether a response of this status has a content (RFC 9110, section 6.4.1).
fn has_content(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 304)
}

/// The status line.
fn put_status(head: &mut Vec<u8>, status: u16) {
    let digits = [status / 100 % 10, status / 10 % 10, status % 10];
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend(digits.map(|digit| b'0' + digit as u8));
    head.push(b' ');
    head.extend_from_slice(reason(status).as_bytes());
    head.extend_from_slice(b"\r\n");
}
