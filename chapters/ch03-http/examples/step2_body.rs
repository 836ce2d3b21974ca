//! The stage of the second step: answers each request of a connection with
//! what it says and what is in its body.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{read_some, serve, write_all};
use ch01_sockets::frame::last_word;
use ch03_http::body::BodyReader;
use ch03_http::chunked::{BodyError, BodyLimits, chunk, last_chunk};
use ch03_http::connection::{Expectation, expectation, persists};
use ch03_http::framing::{Body, FramingError, request_body};
use ch03_http::head::{
    HeadError, HeadWriter, Method, Refused, Request, RequestParser, Rules,
    Version,
};

/// How long a client has for its next bytes, and in the end for its FIN.
const WAIT: Duration = Duration::from_secs(5);

const COMMAND: Command = Command {
    name: "step2_body",
    about: "Answers each request with what it says and what its body is.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7003"), PORT],
    try_it: "curl -v -d hello http://127.0.0.1:7003/\n\
             curl --raw http://127.0.0.1:7003/chunks",
};

fn main() -> ExitCode {
    let addr = match COMMAND.from_env().addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run(addr: SocketAddr) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let log = Log::to_stderr(Level::Info);
    thread::spawn(move || {
        let accept = || listener.accept().map(|(stream, _)| stream);
        let handle = |stream: TcpStream| Peer::new(&stream).answer_all();
        if let Err(error) = serve(accept, handle, &RealClock::new(), &log) {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1);
        }
    });
    signals.wait();
    Ok(())
}

/// Why a connection ends before its client wants it to.
enum Stop {
    /// The stream is gone.
    Gone(io::Error),
    /// The client gets a last word: a status and a text.
    Refused(u16, String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Gone(error)
    }
}

impl From<HeadError> for Stop {
    fn from(error: HeadError) -> Stop {
        Stop::Refused(error.status(), error.to_string())
    }
}

impl From<FramingError> for Stop {
    fn from(error: FramingError) -> Stop {
        Stop::Refused(error.status(), error.to_string())
    }
}

impl From<BodyError> for Stop {
    fn from(error: BodyError) -> Stop {
        Stop::Refused(error.status(), error.to_string())
    }
}

impl From<Refused> for Stop {
    fn from(error: Refused) -> Stop {
        Stop::Refused(500, error.to_string())
    }
}

/// How a response is sent.
#[derive(Clone, Copy)]
struct Manner {
    only_head: bool, // to HEAD
    chunked: bool,
    goes_on: bool, // the connection
}

/// A connection, and what has come on it and is not used up.
struct Peer<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    parser: RequestParser,
}

impl<'a> Peer<'a> {
    fn new(stream: &'a TcpStream) -> Peer<'a> {
        Peer {
            stream,
            buffer: Vec::new(),
            parser: RequestParser::new(Rules::default()),
        }
    }

    /// Reads what comes next; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let count = read_some(&mut self.stream, &mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }

    // ANCHOR: answer_all
    /// Answers request after request; how many there were.
    fn answer_all(&mut self) -> io::Result<u64> {
        self.stream.set_read_timeout(Some(WAIT))?;
        let mut answered = 0;
        loop {
            let (out, goes_on) = match self.next() {
                Ok(Some(answer)) => answer,
                Ok(None) => return Ok(answered),
                Err(Stop::Gone(error)) => return Err(error),
                Err(Stop::Refused(status, text)) => {
                    let text = format!("{text}\n");
                    let out = response(status, &text, LAST);
                    (out.map_err(io::Error::other)?, false)
                }
            };
            answered += 1;
            if !goes_on {
                last_word(self.stream, &out, WAIT)?;
                return Ok(answered);
            }
            write_all(&mut self.stream, &out)?;
        }
    }
    // ANCHOR_END: answer_all

    // ANCHOR: next
    /// The answer to the next request, and whether the connection goes on
    /// after it; or `None` if the client has left.
    fn next(&mut self) -> Result<Option<(Vec<u8>, bool)>, Stop> {
        self.parser.reset();
        let length = loop {
            if let Some(length) = self.parser.parse(&self.buffer)? {
                break length;
            }
            if !self.more()? {
                return Ok(None); // perhaps within a head
            }
        };
        let request = self.parser.head(&self.buffer);
        let manner = Manner {
            only_head: matches!(request.method, Method::Head),
            chunked: request.version == Version::Http11
                && request.target.path() == Some("/chunks"),
            goes_on: persists(request.version, &request.headers),
        };
        let body = request_body(&request)?;
        let expected = expectation(&request, body);
        let text = described(&request);
        self.buffer.drain(..length); // the end of `request`
        let content = self.content(body, expected)?.escape_ascii().to_string();
        let text = format!("{text}{body:?}: \"{content}\"\n");
        Ok(Some((response(200, &text, manner)?, manner.goes_on)))
    }
    // ANCHOR_END: next

    // ANCHOR: content
    /// The whole body, for which the client may have to be asked.
    fn content(
        &mut self,
        body: Body,
        expected: Expectation,
    ) -> Result<Vec<u8>, Stop> {
        let mut reader = BodyReader::new(body, BodyLimits::default())?;
        match expected {
            Expectation::Unknown => {
                return Err(Stop::Refused(417, "what is that?".into()));
            }
            Expectation::Continue if self.buffer.is_empty() => {
                write_all(&mut self.stream, b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            _ => {}
        }
        let mut content = Vec::new();
        loop {
            let taken = reader.decode(&self.buffer)?;
            content.extend_from_slice(taken.data);
            let (used, done) = (taken.used, taken.done);
            self.buffer.drain(..used);
            if done {
                return Ok(content);
            }
            if used == 0 && !self.more()? {
                reader.finish()?;
                return Ok(content);
            }
        }
    }
    // ANCHOR_END: content
}

/// How the last word is sent.
const LAST: Manner = Manner {
    only_head: false,
    chunked: false,
    goes_on: false,
};

// ANCHOR: response
/// A response: only its head where that was asked for, in chunks of a line
/// each where that can be, and with `close` where it is the last.
fn response(
    status: u16,
    text: &str,
    manner: Manner,
) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    let mut head = HeadWriter::response(&mut out, status)?;
    head.field("Content-Type", "text/plain; charset=utf-8")?;
    match manner.chunked {
        true => head.field("Transfer-Encoding", "chunked")?,
        false => head.field("Content-Length", text.len().to_string())?,
    };
    if !manner.goes_on {
        head.field("Connection", "close")?;
    }
    head.finish();
    drop(head);
    match (manner.only_head, manner.chunked) {
        (true, _) => {}
        (false, false) => out.extend_from_slice(text.as_bytes()),
        (false, true) => {
            for line in text.split_inclusive('\n') {
                chunk(&mut out, line.as_bytes());
            }
            let lines = text.lines().count().to_string();
            last_chunk(&mut out, &[("Lines", lines.as_bytes())])?;
        }
    }
    Ok(out)
}
// ANCHOR_END: response

fn described(request: &Request) -> String {
    let method = request.method.token().escape_ascii();
    let host = request.host().unwrap_or("nobody");
    format!("{method} {} for {host}\n", request.raw_target)
}
