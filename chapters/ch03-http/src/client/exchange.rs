//! One try: a request out, the head of its answer in, on one connection.
//!
//! ```text
//!   head ──▶ (small body with it) ───────────────────▶ wait for the head
//!     │  large: Expect ──▶ 100, or 1 s ──▶ body ─────▶ wait for the head
//!     │                       │              │
//!     ▼ a write fails         ▼ final        ▼ final while we send
//!   what the server has said before it closed: the answer, or the error
//! ```

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice, Write as _};
use std::pin::pin;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::client::error::{ClientError, Step};
use ch03_http::client::line::{Heads, Line, lost};
use ch03_http::client::outgoing::{Outgoing, Payload, is_idempotent};
use ch03_http::client::settings::Settings;
use ch03_http::connection::persists;
use ch03_http::head::{HeadWriter, Refused};
use ch03_http::out::{Framing, GATHERED, Out};

/// How much of a body one write offers: the time for it is counted anew for
/// each.
const PIECE: usize = 64 * 1024;

/// A try, and how far it has come.
pub struct Exchange<'a> {
    runtime: &'a Runtime,
    settings: &'a Settings,
    absolute: bool,
    expects: bool,
    sent: Cell<bool>,  // a byte of it
    began: Cell<bool>, // with the body
    whole: Cell<bool>, // all of it is sent
    /// What has come.
    pub heads: Heads,
}

impl<'a> Exchange<'a> {
    /// A try that has not begun. `absolute`: to a proxy, the target is a
    /// whole URL. `expects`: waits to be told to go on, before the body.
    pub fn new(
        runtime: &'a Runtime,
        settings: &'a Settings,
        absolute: bool,
        expects: bool,
    ) -> Exchange<'a> {
        Exchange {
            runtime,
            settings,
            absolute,
            expects,
            sent: Cell::new(false),
            began: Cell::new(false),
            whole: Cell::new(false),
            heads: Heads::new(settings.rules, settings.interims),
        }
    }

    /// Whether all of the request was sent.
    pub fn is_whole(&self) -> bool {
        self.whole.get()
    }

    // ANCHOR: may_retry
    /// Whether the request may be made once more after this error, on
    /// another connection (RFC 9112, section 9.3.1).
    pub fn may_retry(&self, error: &ClientError, outgoing: &Outgoing) -> bool {
        let is_lost = matches!(error, ClientError::Lost(_));
        let harmless = !self.sent.get() || is_idempotent(outgoing.method());
        let nothing = !self.heads.heard.get();
        is_lost && nothing && harmless && self.is_there(outgoing)
    }

    /// Whether the server does not know what Expect is (417), and the
    /// request can be made again without it.
    pub fn is_misunderstood(&self, outgoing: &Outgoing) -> bool {
        let refused = self.heads.response().status == 417;
        self.expects && refused && self.is_there(outgoing)
    }

    /// Whether the body is still there to be sent.
    fn is_there(&self, outgoing: &Outgoing) -> bool {
        outgoing.payload().is_there() || !self.began.get()
    }
    // ANCHOR_END: may_retry

    // ANCHOR: run
    /// Makes the try: the answer's head is then in `heads`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn run(
        &mut self,
        line: &mut Line,
        outgoing: &mut Outgoing,
    ) -> Result<(), ClientError> {
        let Line { reader, writer, .. } = line;
        let (stream, times) = (writer.stream(), &self.settings.times);
        let mut out = Out::new(Vec::new(), stream, self.runtime, times);
        self.put_head(out.bytes(), outgoing)?;
        let gathers = self.gather(&mut out, outgoing.payload()).await?;
        if let Err(error) = self.send_first(&mut out, stream).await {
            return self.last_words(reader, lost(error)).await;
        }
        if gathers {
            self.whole.set(true);
            return self.last(reader).await;
        }
        if self.expects && self.is_answered(reader).await? {
            return Ok(());
        }
        let sent = {
            let mut body = pin!(send_body(&mut out, outgoing, &self.began));
            let last = self.heads.last(reader);
            match select(last, body.as_mut()).await {
                Either::Left(Err(error)) => return Err(error),
                Either::Left(Ok(())) if self.is_refused() => return Ok(()),
                Either::Left(Ok(())) => {
                    self.whole.set(body.await.is_ok());
                    return Ok(());
                }
                Either::Right(sent) => sent,
            }
        };
        match sent {
            Ok(()) => {
                self.whole.set(true);
                self.last(reader).await
            }
            Err(error) => self.last_words(reader, error).await,
        }
    }
    // ANCHOR_END: run

    // ANCHOR: waits
    /// Waits for the head of the answer.
    async fn last(
        &mut self,
        reader: &mut BufReader,
    ) -> Result<(), ClientError> {
        let limit = self.settings.times.head;
        let last = self.runtime.timeout(limit, self.heads.last(reader)).await;
        last.unwrap_or(Err(ClientError::TimedOut(Step::Head)))
    }

    /// A write has failed. A server that refuses a body, or a client, says
    /// so and closes: then that is the answer, and the error is none.
    async fn last_words(
        &mut self,
        reader: &mut BufReader,
        error: ClientError,
    ) -> Result<(), ClientError> {
        match error {
            ClientError::Lost(_) => self.last(reader).await.map_err(|_| error),
            _ => Err(error),
        }
    }

    // ANCHOR_END: waits

    // ANCHOR: is_answered
    /// Waits to be told to go on: true if the answer came instead. A server
    /// that knows nothing of this says nothing, so the wait is short (RFC
    /// 9110, section 10.1.1).
    async fn is_answered(
        &mut self,
        reader: &mut BufReader,
    ) -> Result<bool, ClientError> {
        let limit = self.settings.times.go_on;
        let heads = &mut self.heads;
        let heard = self.runtime.timeout(limit, async {
            loop {
                match heads.next(reader).await? {
                    100 => return Ok(false),
                    102..=199 => {} // 103, say: not about the body
                    _ => return Ok(true),
                }
            }
        });
        heard.await.unwrap_or(Ok(false))
    }

    /// Whether the answer that came while we still send says that there is
    /// no need to (RFC 9112, section 9.5).
    fn is_refused(&self) -> bool {
        let response = self.heads.response();
        response.status >= 400 || !persists(response.version, &response.headers)
    }
    // ANCHOR_END: is_answered

    fn put_head(
        &self,
        to: &mut Vec<u8>,
        outgoing: &Outgoing,
    ) -> Result<(), Refused> {
        let url = outgoing.url();
        let absolute = self.absolute.then(|| url.to_string());
        let target = absolute.as_deref().unwrap_or(url.target());
        let mut head = HeadWriter::request(to, outgoing.method(), target)?;
        if !outgoing.has("host") {
            head.field("Host", url.authority())?;
        }
        for (name, value) in outgoing.fields() {
            head.field(name, value)?;
        }
        let mut length = Vec::new();
        match (outgoing.payload().length(), outgoing.payload()) {
            (None, _) => {
                head.field("Transfer-Encoding", "chunked")?;
            }
            // Most methods without a body need not say so (RFC 9110, 8.6).
            (_, Payload::Empty) if !wants_body(outgoing.method()) => {}
            (Some(count), _) => {
                let _ = write!(length, "{count}"); // to a vector: never fails
                head.field("Content-Length", &length)?;
            }
        }
        if self.expects {
            head.field("Expect", "100-continue")?;
        }
        head.finish();
        Ok(())
    }

    // ANCHOR: send
    /// Puts a body that is small behind the head, for one write: true if
    /// nothing else is to be sent.
    async fn gather(
        &self,
        out: &mut Out<'_>,
        payload: &Payload,
    ) -> Result<bool, ClientError> {
        match payload {
            Payload::Empty => Ok(true),
            Payload::Bytes(bytes)
                if !self.expects
                    && out.bytes().len() + bytes.len() <= GATHERED =>
            {
                out.begin(Framing::Length(bytes.len() as u64));
                out.write(bytes).await.map_err(lost)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Sends what has gathered. The first write is apart from the others:
    /// if it fails, nothing was sent.
    async fn send_first(
        &self,
        out: &mut Out<'_>,
        stream: &TcpStream,
    ) -> io::Result<()> {
        let mut bytes = std::mem::take(out.bytes());
        let pieces = [IoSlice::new(&bytes)];
        let count = out.within(stream.write_vectored(&pieces)).await?;
        if count == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        self.sent.set(true);
        bytes.drain(..count);
        *out.bytes() = bytes;
        out.flush().await
    }
    // ANCHOR_END: send
}

/// Sends a body that has not gone with the head.
async fn send_body(
    out: &mut Out<'_>,
    outgoing: &mut Outgoing,
    began: &Cell<bool>,
) -> Result<(), ClientError> {
    let framing = match outgoing.payload().length() {
        Some(length) => Framing::Length(length),
        None => Framing::Chunked,
    };
    out.begin(framing);
    began.set(true);
    let sent = match outgoing.payload_mut() {
        Payload::Empty => Ok(()),
        Payload::Bytes(bytes) => send_pieces(out, bytes).await,
        Payload::Content(content) => content.send(out).await,
    };
    sent.and_then(|()| out.finish()).map_err(fault)?;
    out.flush().await.map_err(lost)
}

async fn send_pieces(out: &mut Out<'_>, bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(PIECE) {
        out.write(piece).await?;
    }
    Ok(())
}

/// Whose error it is: a content's comes on the same way as the connection's.
fn fault(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::BrokenPipe
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::WriteZero
        | ErrorKind::TimedOut => lost(error),
        _ => ClientError::Content(error),
    }
}

/// Whether a server expects a body with this method, if only an empty one.
fn wants_body(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}
