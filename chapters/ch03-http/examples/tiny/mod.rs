//! The least HTTP that a stage needs before the protocol that it is about:
//! one request for each connection, a head of at most 8 KiB that has to come
//! within seconds, no body; and who is connected, so that the stage can end.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ch00_toolbox::clock::{Clock, Deadline, RealClock};
use ch01_sockets::echo::read_some;
use ch03_http::upgrade::handshake::Refusal;

/// The most bytes of a request's head, and how long it may take to come.
const MAX_HEAD: usize = 8 * 1024;
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long a client may leave what we write unread.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// How long a client has for its end of the stream after ours.
pub const LAST_WAIT: Duration = Duration::from_secs(2);

/// Each client is a thread.
const MAX_CLIENTS: usize = 500;

/// A request's head.
pub struct Request {
    /// The method, the target and the version.
    pub line: (String, String, String),
    /// Names and values, without the blanks around these.
    pub fields: Vec<(String, String)>,
}

impl Request {
    /// The request line, borrowed.
    pub fn line(&self) -> (&str, &str, &str) {
        let (method, target, version) = &self.line;
        (method, target, version)
    }

    /// The fields, borrowed.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect()
    }
}

/// Reads a request's head, and what came behind it; `None` if it is too long
/// or is none.
///
/// # Errors
/// What the stream says; `UnexpectedEof` where the head does not come.
pub fn read_request(
    mut stream: &TcpStream,
) -> io::Result<Option<(Request, Vec<u8>)>> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE_WITHIN))?;
    let clock = RealClock::new();
    let deadline = Deadline::after(&clock, HEAD_WITHIN);
    let (mut bytes, mut chunk) = (Vec::new(), [0; 1024]);
    loop {
        let left = deadline.left(&clock).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        let count = read_some(&mut stream, &mut chunk)?;
        if count == 0 || deadline.passed(&clock) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let from = bytes.len().saturating_sub(3); // the end may be cut
        bytes.extend_from_slice(&chunk[..count]);
        let mut ends = bytes[from..].windows(4);
        if let Some(at) = ends.position(|end| end == b"\r\n\r\n") {
            let rest = bytes.split_off(from + at + 4);
            let head = String::from_utf8(bytes).ok();
            let request = head.and_then(|head| parse(&head));
            return Ok(request.map(|request| (request, rest)));
        }
        if bytes.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

fn parse(head: &str) -> Option<Request> {
    let mut lines = head.trim_end().split("\r\n");
    let words: Vec<&str> = lines.next()?.split(' ').collect();
    let [method, target, version] = words[..] else {
        return None;
    };
    let line = (method.to_owned(), target.to_owned(), version.to_owned());
    let mut fields = Vec::new();
    for field in lines {
        let (name, value) = field.split_once(':')?;
        let value = value.trim_matches([' ', '\t']);
        fields.push((name.to_owned(), value.to_owned()));
    }
    Some(Request { line, fields })
}

/// A response that ends the connection. `status` may bring fields along.
pub fn response(status: &str, body: &str) -> Vec<u8> {
    let kind = if body.starts_with('<') {
        "html"
    } else {
        "plain"
    };
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: \
         text/{kind}; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The answer to what is no WebSocket.
#[allow(dead_code)] // not every stage is one
pub fn refused(refusal: Refusal) -> Vec<u8> {
    match refusal {
        Refusal::NotAsked | Refusal::Version => response(
            "426 Upgrade Required\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13",
            "this is a WebSocket\n",
        ),
        Refusal::Bad(name) => {
            response("400 Bad Request", &format!("{name} is wrong\n"))
        }
        Refusal::Origin => {
            response("403 Forbidden", "not for pages of this origin\n")
        }
    }
}

/// The clients that are here: at the end, each is told that we go.
#[derive(Default)]
pub struct Hall {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closing: bool,
    next: u64,
    streams: Vec<(u64, TcpStream)>,
}

impl Hall {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every read, so that each thread sees that we are closing.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        for (_, stream) in &state.streams {
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    /// Waits until all have said goodbye, or long enough.
    pub fn wait(&self) {
        let clock = RealClock::new();
        let deadline = Deadline::after(&clock, LAST_WAIT + LAST_WAIT);
        while !self.lock().streams.is_empty() && !deadline.passed(&clock) {
            clock.sleep(Duration::from_millis(10));
        }
    }
}

/// A client's place in the hall; given back when it is dropped.
pub struct Seat {
    hall: Arc<Hall>,
    number: u64,
}

impl Seat {
    /// Takes a place.
    ///
    /// # Errors
    /// There is none, or we are closing.
    pub fn take(hall: &Arc<Hall>, stream: &TcpStream) -> io::Result<Seat> {
        let mut state = hall.lock();
        if state.closing || state.streams.len() >= MAX_CLIENTS {
            return Err(io::Error::other("no room for another client"));
        }
        let number = state.next;
        state.next += 1;
        state.streams.push((number, stream.try_clone()?));
        Ok(Seat {
            hall: Arc::clone(hall),
            number,
        })
    }

    /// Whether it is time to say goodbye.
    #[allow(dead_code)] // not every stage says any
    pub fn closing(&self) -> bool {
        self.hall.lock().closing
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hall
            .lock()
            .streams
            .retain(|(number, _)| *number != self.number);
    }
}
