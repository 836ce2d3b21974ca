//! Servers by script, on a simulated network.

use std::cell::RefCell;
use std::future::pending;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyLimits;
use ch03_http::client::{Client, ClientError, Outgoing, Settings};
use ch03_http::framing::request_body;
use ch03_http::head::{RequestParser, Rules};

/// What a server does next.
#[derive(Clone)]
pub enum Act {
    /// Takes a request with its body.
    Take,
    /// Takes a request's head only.
    TakeHead,
    /// Takes the body that belongs to the head before.
    TakeBody,
    /// Says this.
    Say(Vec<u8>),
    /// Waits so many milliseconds.
    Wait(u64),
    /// Closes with a reset.
    Reset,
    /// Neither reads nor writes, for ever.
    Hang,
    /// Sends back all that comes.
    Echo,
}

pub fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

/// An answer of 200 with this body.
pub fn ok(body: &str) -> Act {
    let length = body.len();
    say(&format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}

/// A request that a server has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub connection: usize, // the how manieth of its server
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

/// A world with a client in it, and servers.
pub struct World {
    pub runtime: Runtime,
    pub client: Client,
}

impl World {
    /// Runs `body` in a world; the client is made first.
    pub fn run<T>(
        seed: u64,
        faults: Faults,
        settings: Settings,
        body: impl AsyncFnOnce(&World) -> T,
    ) -> T {
        let sim = Sim::new(seed, faults);
        let runtime = Runtime::simulated(&sim);
        let client = Client::new(&runtime, settings);
        let world = World { runtime, client };
        let runtime = world.runtime.clone();
        let done = runtime.block_on(body(&world));
        done.unwrap_or_else(|e| panic!("seed={seed}: {e}"))
    }

    /// In a world without faults.
    pub fn calm<T>(
        settings: Settings,
        body: impl AsyncFnOnce(&World) -> T,
    ) -> T {
        World::run(1, Faults::NONE, settings, body)
    }

    /// A server at this port that plays a script for each connection, in
    /// their order, and closes all later ones.
    pub fn serve(
        &self,
        port: u16,
        scripts: Vec<Vec<Act>>,
    ) -> Rc<RefCell<Vec<Seen>>> {
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let options = ListenOptions::default();
        let listener = self.runtime.listen(addr, options).expect("a port");
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (all, runtime) = (seen.clone(), self.runtime.clone());
        let accepts = async move {
            let mut scripts = scripts.into_iter();
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let script = scripts.next().unwrap_or_default();
                let (seen, of_it) = (all.clone(), runtime.clone());
                let plays = async move {
                    play(&of_it, stream, script, connection, &seen).await;
                };
                runtime.spawn(plays).detach();
            }
        };
        self.runtime.spawn(accepts).detach();
        seen
    }

    /// Gets this URL: status and body.
    pub async fn get(&self, url: &str) -> Result<(u16, String), ClientError> {
        self.send(Outgoing::new("GET", url)?).await
    }

    pub async fn send(
        &self,
        outgoing: Outgoing,
    ) -> Result<(u16, String), ClientError> {
        let mut reply = self.client.send(outgoing).await?;
        let body = reply.whole(1 << 24).await?;
        Ok((reply.status(), String::from_utf8_lossy(&body).into_owned()))
    }
}

async fn play(
    runtime: &Runtime,
    stream: TcpStream,
    script: Vec<Act>,
    connection: usize,
    seen: &RefCell<Vec<Seen>>,
) {
    let (reader, writer) = stream.split();
    let buffers = runtime.buffers().clone();
    let mut reader = BufReader::new(reader, buffers, 1 << 20);
    let mut parser = RequestParser::new(Rules::default());
    let mut at = None; // of the head that was taken last
    for act in script {
        match act {
            Act::Take | Act::TakeHead => {
                let Some(head) = head(&mut reader, &mut parser).await else {
                    return;
                };
                at = Some(seen.borrow().len());
                let text = String::from_utf8_lossy(&head).into_owned();
                seen.borrow_mut().push(Seen {
                    connection,
                    head: text,
                    body: Vec::new(),
                });
                if matches!(act, Act::Take) {
                    take_body(&mut reader, at, seen).await;
                }
            }
            Act::TakeBody => take_body(&mut reader, at, seen).await,
            Act::Say(bytes) => {
                if writer.stream().write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::Wait(ms) => runtime.sleep(Duration::from_millis(ms)).await,
            Act::Reset => {
                let _ = writer.stream().reset_on_close();
                return;
            }
            Act::Hang => pending().await,
            Act::Echo => {
                while let Ok(1..) = reader.fill().await {
                    let bytes = reader.unread().to_vec();
                    reader.consume(bytes.len());
                    if writer.stream().write_all(&bytes).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn head(
    reader: &mut BufReader,
    parser: &mut RequestParser,
) -> Option<Vec<u8>> {
    parser.reset();
    loop {
        let parsed = parser.parse(reader.unread());
        if let Some(length) = parsed.expect("the client speaks HTTP") {
            let head = reader.unread()[..length].to_vec();
            reader.consume(length);
            return Some(head);
        }
        if !matches!(reader.fill().await, Ok(1..)) {
            return None;
        }
    }
}

async fn take_body(
    reader: &mut BufReader,
    at: Option<usize>,
    seen: &RefCell<Vec<Seen>>,
) {
    let at = at.expect("a head was taken before");
    let head = seen.borrow()[at].head.clone();
    let mut parser = RequestParser::new(Rules::default());
    parser.parse(head.as_bytes()).expect("was parsed before");
    let body = request_body(&parser.head(head.as_bytes())).expect("an end");
    let limits = BodyLimits {
        body: 1 << 30,
        ..BodyLimits::default()
    };
    let mut body = BodyReader::new(body, limits).expect("within limits");
    loop {
        let taken = body.decode(reader.unread()).expect("a good body");
        let (used, done) = (taken.used, taken.done);
        seen.borrow_mut()[at].body.extend_from_slice(taken.data);
        reader.consume(used);
        if done {
            return;
        }
        if used == 0 && !matches!(reader.fill().await, Ok(1..)) {
            return;
        }
    }
}
