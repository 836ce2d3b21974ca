//! A site in a simulated world, and those who talk to it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::join;
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::WriteHalf;
use ch03_http::files::Files;
use ch03_http::live::Room;
use ch03_http::serve::{Server, Settings};
use ch03_http::site::Site;
use ch03_http::websocket::connection::{Connection, Limits};
use ch03_http::websocket::message::Event;
use ch03_http::websocket::pulse::Times;

pub const SEC: Duration = Duration::from_secs(1);

pub const LIMITS: Limits = Limits {
    message: 1000,
    output: 1000,
    times: Times {
        ping_after: Duration::from_secs(30),
        pong_within: Duration::from_secs(10),
        close_within: Duration::from_secs(5),
    },
};

/// A site in a simulated world, with a drain of its own.
pub fn on_site<T>(
    faults: Faults,
    seed: u64,
    body: impl AsyncFnOnce(&Runtime, &Room, &Drain) -> io::Result<T>,
) -> T {
    let sim = Sim::new(seed, faults);
    let runtime = Runtime::simulated(&sim);
    let drain = Drain::default();
    let room = Room::new(&runtime, &drain, "7", LIMITS, 2000);
    let root = env!("CARGO_MANIFEST_DIR");
    let files = Files::new(root.as_ref(), false).expect("this crate's folder");
    let site = Site::new(files, room.clone());
    let server = Server::new(site, &runtime, &drain, Settings::default());
    let listener = runtime
        .listen(here(), ListenOptions::default())
        .expect("a free port");
    let door = Door {
        most: 100,
        full: "",
    };
    let serves = serve(&runtime, &listener, &drain, door, |stream, _| {
        let server = server.clone();
        async move { drop(server.connection(stream).await) }
    });
    let run = async {
        let done = body(&runtime, &room, &drain).await;
        if !drain.has_begun() {
            drain.begin();
        }
        drain.begin(); // whoever is still here is cut off
        done
    };
    let both = runtime.block_on(join(serves, run));
    let (served, done) = both.unwrap_or_else(|e| panic!("seed={seed}: {e}"));
    served.expect("a listener");
    done.unwrap_or_else(|e| panic!("seed={seed}: {e}\n{}", sim.trace()))
}

fn here() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 80))
}

/// Stands for a byte that no UTF-8 has.
pub const NO_TEXT: char = '\u{ff}';

/// A connection and the head of what the site answered.
pub async fn ask(
    runtime: &Runtime,
    request: &str,
) -> io::Result<(String, BufReader, WriteHalf)> {
    let (reader, writer) = runtime.connect(here()).await?.split();
    let request = request.replace('\n', "\r\n");
    let mut bytes = Vec::new();
    for char in request.chars() {
        match char {
            NO_TEXT => bytes.push(0xff),
            char => bytes.extend(char.to_string().as_bytes()),
        }
    }
    writer.stream().write_all(&bytes).await?;
    let buffers = runtime.buffers().clone();
    let mut reader = BufReader::new(reader, buffers, 100_000);
    let mut head = String::new();
    while let Some(line) = reader.line().await? {
        let line = String::from_utf8_lossy(line).into_owned();
        reader.consume(line.len());
        head += &line;
        if line == "\r\n" {
            break;
        }
    }
    Ok((head, reader, writer))
}

pub const UPGRADE: &str = "GET /-/ws HTTP/1.1\nHost: a.org\n\
    Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";

/// A WebSocket from the client's side.
pub struct Member {
    pub socket: Connection,
    pub reader: BufReader,
    pub writer: WriteHalf,
}

impl Member {
    pub async fn enter(runtime: &Runtime) -> io::Result<Member> {
        let (head, reader, writer) =
            ask(runtime, &format!("{UPGRADE}\n")).await?;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        assert!(head.contains(accept), "{head}");
        let keys = Box::new(|| [1, 2, 3, 4]);
        let socket = Connection::client(LIMITS, runtime.now(), keys);
        Ok(Member {
            socket,
            reader,
            writer,
        })
    }

    pub async fn flush(&mut self) -> io::Result<()> {
        let bytes = self.socket.output().to_vec();
        self.writer.stream().write_all(&bytes).await?;
        self.socket.sent(bytes.len());
        Ok(())
    }

    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        self.socket.text(text).expect("it is open");
        self.flush().await
    }

    /// The next event; `None` at the end.
    pub async fn hear(
        &mut self,
        runtime: &Runtime,
    ) -> io::Result<Option<Event>> {
        loop {
            let mut input = self.reader.unread();
            let before = input.len();
            let event = self.socket.receive(&mut input, runtime.now());
            let taken = before - input.len();
            self.reader.consume(taken);
            self.flush().await?;
            if event.is_some() {
                return Ok(event);
            }
            if self.reader.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    pub async fn hear_text(&mut self, runtime: &Runtime) -> io::Result<String> {
        match self.hear(runtime).await? {
            Some(Event::Text(text)) => Ok(text),
            other => panic!("no text: {other:?}"),
        }
    }
}
