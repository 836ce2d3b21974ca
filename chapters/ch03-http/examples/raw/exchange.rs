//! Bytes to a server and its statuses back, straight or through nginx.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyLimits;
use ch03_http::framing::response_body;
use ch03_http::head::{Method, ResponseParser, Rules};

/// How long a server may take, to begin and to answer.
const WAIT: Duration = Duration::from_secs(10);

/// Final statuses in their order; 9 for an answer without a head (HTTP/0.9).
pub type Answers = Vec<u16>;

/// What this needs of a TCP and of a Unix connection.
pub trait Stream: Read + Write {
    /// No wait for ever.
    ///
    /// # Errors
    /// The system's.
    fn prepare(&self) -> io::Result<()>;
    /// Our FIN.
    ///
    /// # Errors
    /// The system's.
    fn half_close(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn prepare(&self) -> io::Result<()> {
        self.set_read_timeout(Some(WAIT))?;
        self.set_write_timeout(Some(WAIT))
    }

    fn half_close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for UnixStream {
    fn prepare(&self) -> io::Result<()> {
        self.set_read_timeout(Some(WAIT))?;
        self.set_write_timeout(Some(WAIT))
    }

    fn half_close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A connection to a server that may just be starting.
pub fn connect(path: &str) -> io::Result<UnixStream> {
    let until = Instant::now() + WAIT;
    loop {
        match UnixStream::connect(path) {
            Err(_) if Instant::now() < until => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => {
                return Err(io::Error::other(format!("{path}: {error}")));
            }
            done => return done,
        }
    }
}

/// Sends the pieces and the end, and reads all that comes.
pub fn exchange(
    mut stream: impl Stream,
    pieces: &[&[u8]],
) -> io::Result<Vec<u8>> {
    stream.prepare()?;
    for piece in pieces {
        // Who has refused the first half need not take the second.
        let _ = stream.write_all(piece);
    }
    let _ = stream.half_close();
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error),
        _ => Ok(bytes),
    }
}

/// The final statuses in a stream of responses to methods other than HEAD.
pub fn statuses(bytes: &[u8]) -> Answers {
    let (mut rest, mut found) = (bytes, Vec::new());
    let mut parser = ResponseParser::new(Rules::default());
    while !rest.is_empty() {
        parser.reset();
        let Ok(Some(length)) = parser.parse(rest) else {
            found.push(9);
            return found;
        };
        let response = parser.head(&rest[..length]);
        let status = response.status;
        let body = response_body(Method::Get, &response).ok();
        found.extend((status >= 200).then_some(status));
        rest = &rest[length..];
        let limits = BodyLimits::default();
        let reader = body.and_then(|body| BodyReader::new(body, limits).ok());
        let Some(mut reader) = reader else {
            return found;
        };
        while let Ok(taken) = reader.decode(rest) {
            rest = &rest[taken.used..];
            if taken.done || taken.used == 0 {
                break;
            }
        }
    }
    found
}

/// The end of nginx's connections, and the beginning of those to our stage.
#[derive(Clone)]
pub struct Behind(Arc<(Mutex<Passed>, Condvar)>);

#[derive(Default)]
struct Passed {
    open: usize,
    answers: Answers,
}

impl Behind {
    /// Begins to take nginx's connections.
    pub fn listen(path: &str, ours: SocketAddr) -> io::Result<Behind> {
        let listener = UnixListener::bind(path).map_err(|error| {
            io::Error::other(format!("cannot listen on {path}: {error}"))
        })?;
        let behind = Behind(Arc::default());
        let accepting = behind.clone();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                accepting.with(|passed| passed.open += 1);
                let behind = accepting.clone();
                thread::spawn(move || {
                    let bytes = relay(stream, ours).unwrap_or_default();
                    behind.with(|passed| {
                        passed.open -= 1;
                        passed.answers.extend(statuses(&bytes));
                    });
                });
            }
        });
        Ok(behind)
    }

    fn with(&self, change: impl FnOnce(&mut Passed)) {
        let (passed, changed) = &*self.0;
        change(&mut passed.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
    }

    /// Our answers since the last call, when all connections have ended.
    pub fn take(&self) -> io::Result<Answers> {
        let (passed, changed) = &*self.0;
        let passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |passed: &mut Passed| passed.open > 0;
        let (mut passed, late) = changed
            .wait_timeout_while(passed, WAIT, open)
            .unwrap_or_else(PoisonError::into_inner);
        match late.timed_out() {
            true => Err(io::Error::other("nginx keeps its connection")),
            false => Ok(std::mem::take(&mut passed.answers)),
        }
    }
}

/// Passes on what nginx sends, and back what we answer, of which nginx may
/// read less than there is; all of it.
fn relay(mut from: UnixStream, ours: SocketAddr) -> io::Result<Vec<u8>> {
    let mut to = TcpStream::connect(ours)?;
    to.prepare()?;
    from.set_read_timeout(Some(WAIT))?;
    let (mut back, mut answers) = (from.try_clone()?, to.try_clone()?);
    let answered = thread::spawn(move || {
        let (mut all, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = answers.read(&mut piece) {
            all.extend_from_slice(&piece[..count]);
            let _ = back.write_all(&piece[..count]);
        }
        let _ = back.shutdown(Shutdown::Write);
        all
    });
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    answered.join().map_err(|_| io::Error::other("no answers"))
}

/// Who answered, by its own word.
pub fn server(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("\r\nServer: ")?;
    rest.split_whitespace().next().map(str::to_owned)
}
