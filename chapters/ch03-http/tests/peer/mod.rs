//! A server in a simulated world, and clients that send raw bytes.
#![allow(dead_code)] // each test file uses its part

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::{Either, join, select};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::{TcpStream, WriteHalf};
use ch03_http::body::BodyReader;
use ch03_http::chunked::BodyLimits;
use ch03_http::framing::{Body, response_body};
use ch03_http::head::{Method, ResponseParser, Rules};
use ch03_http::incoming::{Fault, Incoming};
use ch03_http::out::Out;
use ch03_http::response::{Content, Later, Payload, Response, Upgrade};
use ch03_http::serve::{Server, Service, Settings};

pub const SEC: Duration = Duration::from_secs(1);
pub const MS: Duration = Duration::from_millis(1);

/// A service with an answer of each kind, by path.
#[derive(Default)]
pub struct Site {
    pub calls: Cell<usize>,
    pub runtime: RefCell<Option<Runtime>>, // for /slow
}

/// A content that writes these pieces, whatever it has promised.
pub struct Pieces {
    pub length: Option<u64>,
    pub pieces: Vec<Vec<u8>>,
    pub panics: bool,
}

impl Content for Pieces {
    fn length(&self) -> Option<u64> {
        self.length
    }

    fn send<'a>(&'a mut self, out: &'a mut Out<'_>) -> Later<'a> {
        Box::pin(async move {
            for piece in &self.pieces {
                out.write(piece).await?;
            }
            assert!(!self.panics, "a content's secret");
            Ok(())
        })
    }
}

/// Says back what comes, in capitals.
struct Shout;

impl Upgrade for Shout {
    fn run(
        self: Box<Self>,
        mut reader: BufReader,
        writer: WriteHalf,
    ) -> Later<'static> {
        Box::pin(async move {
            loop {
                let text = reader.unread().to_ascii_uppercase();
                reader.consume(text.len());
                writer.stream().write_all(&text).await?;
                if reader.fill().await? == 0 {
                    return Ok(());
                }
            }
        })
    }
}

fn pieces(length: Option<u64>, pieces: &[&[u8]], panics: bool) -> Payload {
    let pieces = pieces.iter().map(|piece| piece.to_vec()).collect();
    Payload::Content(Box::new(Pieces {
        length,
        pieces,
        panics,
    }))
}

impl Service for Site {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        self.calls.set(self.calls.get() + 1);
        let ok = || Response::new(200);
        let request = incoming.request();
        let path = request.target.path().unwrap_or("*").to_owned();
        if request.method == Method::Connect {
            return Ok(match request.raw_target {
                "shout.org:1" => {
                    ok().with_payload(Payload::Upgrade(Box::new(Shout)))
                }
                "plain.org:1" => Response::text(200, "no tunnel\n"),
                _ => Response::text(405, "no tunnel\n"),
            });
        }
        let big = vec![b'x'; 100_000];
        Ok(match path.as_str() {
            "/skip" => Response::text(200, "skipped"),
            "/nothing" => Response::new(204),
            "/same" => Response::new(304).with_payload(pieces(
                Some(3),
                &[b"abc"],
                false,
            )),
            "/again" => Response::text(205, "not sent"),
            "/count" => ok().with_payload(pieces(None, &[b"1", b"2"], false)),
            "/big" => ok().with_payload(Payload::Bytes(big.into())),
            "/many" => {
                let large: Vec<&[u8]> = vec![&big; 3];
                ok().with_payload(pieces(None, &large, false))
            }
            "/short" => ok().with_payload(pieces(Some(9), &[b"abc"], false)),
            "/long" => ok().with_payload(pieces(Some(2), &[b"abc"], false)),
            "/late" => {
                let length = Some(big.len() as u64 + 9);
                ok().with_payload(pieces(length, &[&big], false))
            }
            "/endless" => ok().with_payload(pieces(None, &[&big], true)),
            "/panic" => panic!("a service's secret"),
            "/panics" => ok().with_payload(pieces(None, &[b"abc"], true)),
            "/gone" => {
                return Err(Fault::Gone(io::ErrorKind::BrokenPipe.into()));
            }
            "/io" => return Err(io::Error::other("/etc/secret").into()),
            "/status" => Response::new(199),
            "/last" => Response::text(200, "last").last(),
            "/wide" => Response::new(204)
                .with("X-Wide", vec![b'w'; 1000])
                .expect("a field"),
            "/tunnel" => ok().with_payload(Payload::Upgrade(Box::new(Shout))),
            "/shout" => Response::new(101)
                .with("Upgrade", "shout")
                .expect("a field")
                .with_payload(Payload::Upgrade(Box::new(Shout))),
            "/slow" => {
                let runtime = incoming.runtime().clone();
                runtime.sleep(10 * SEC).await;
                Response::text(200, "slow")
            }
            "/pause" => {
                // Between two pieces, this service is the slow one.
                let mut said = Vec::new();
                while incoming.piece(&mut said).await? {
                    let runtime = incoming.runtime().clone();
                    runtime.sleep(10 * SEC).await;
                }
                ok().with_payload(Payload::Bytes(said.into()))
            }
            _ => {
                let said = incoming.whole().await?;
                let method = incoming.request().method.token().to_vec();
                let mut text = [&method[..], b" ", path.as_bytes()].concat();
                text.extend_from_slice(b" ");
                text.extend_from_slice(&said);
                ok().with_payload(Payload::Bytes(text.into()))
            }
        })
    }
}

/// A world with a server in it.
pub struct World {
    pub runtime: Runtime,
    pub addr: SocketAddr,
    pub drain: Drain,
    pub server: Rc<Server<Site>>,
    /// How each connection has ended, in the order of their ends.
    pub ends: Rc<RefCell<Vec<Result<(), io::ErrorKind>>>>,
}

/// Runs a test's body beside a server.
pub fn simulated<T>(
    sim: &Sim,
    settings: Settings,
    body: impl AsyncFnOnce(&World) -> io::Result<T>,
) -> io::Result<T> {
    let runtime = Runtime::simulated(sim);
    let drain = Drain::default();
    with_server(&runtime, &drain, settings, body)
}

/// As [`simulated`], in a world and with a drain that are there already.
pub fn with_server<T>(
    runtime: &Runtime,
    drain: &Drain,
    settings: Settings,
    body: impl AsyncFnOnce(&World) -> io::Result<T>,
) -> io::Result<T> {
    let server = Server::new(Site::default(), runtime, drain, settings);
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = runtime.listen(addr, ListenOptions::default())?;
    let world = World {
        runtime: runtime.clone(),
        addr: listener.local_addr()?,
        drain: drain.clone(),
        server: server.clone(),
        ends: Rc::default(),
    };
    let (ends, for_task, drain) =
        (world.ends.clone(), runtime.clone(), drain.clone());
    let serves = async move {
        let door = Door {
            most: 5000,
            full: "",
        };
        let handle = |stream, _| {
            let (server, ends) = (server.clone(), ends.clone());
            async move {
                let end = server.connection(stream).await;
                ends.borrow_mut().push(end.map_err(|error| error.kind()));
            }
        };
        serve(&for_task, &listener, &drain, door, handle).await
    };
    runtime.spawn(serves).detach();
    runtime.block_on(body(&world))?
}

/// A calm world, and patience without end.
pub fn calm<T>(body: impl AsyncFnOnce(&World) -> io::Result<T>) -> T {
    let sim = Sim::new(1, Faults::NONE);
    let done = simulated(&sim, Settings::default(), body);
    done.unwrap_or_else(|error| panic!("{error}\n{}", sim.trace()))
}

impl World {
    pub async fn connect(&self) -> io::Result<TcpStream> {
        self.runtime.connect(self.addr).await
    }

    /// Sends the pieces, a moment apart, then a FIN; and reads to the end.
    pub async fn talk(&self, pieces: &[&[u8]]) -> io::Result<Vec<u8>> {
        let (reader, writer) = self.connect().await?.split();
        let sends = async {
            for piece in pieces {
                // An error: the server has had enough.
                if writer.stream().write_all(piece).await.is_err() {
                    break;
                }
                self.runtime.sleep(MS).await;
            }
            drop(writer);
        };
        let reads = read_to_end(reader.stream());
        join(sends, reads).await.1
    }

    /// Sends each piece after a pause, while it reads to the end; gives what
    /// came, and when the end was there.
    pub async fn drip(
        &self,
        pieces: impl IntoIterator<Item = (Duration, Vec<u8>)>,
    ) -> io::Result<(String, Duration)> {
        let (reader, writer) = self.connect().await?.split();
        let sends = async move {
            for (pause, piece) in pieces {
                self.runtime.sleep(pause).await;
                if writer.stream().write_all(&piece).await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await; // no FIN from this side
        };
        let reads = async {
            let got = read_to_end(reader.stream()).await?;
            Ok((
                String::from_utf8_lossy(&got).into_owned(),
                self.runtime.now(),
            ))
        };
        match select(reads, sends).await {
            Either::Left(read) => read,
            Either::Right(()) => unreachable!("it never ends"),
        }
    }

    /// As [`World::talk`], for one piece.
    pub async fn say(&self, text: &str) -> String {
        let got = self.talk(&[text.as_bytes()]).await;
        String::from_utf8(got.expect("no reset")).expect("a text")
    }
}

/// All that is still to come.
pub async fn read_to_end(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let (mut all, mut buf) = (Vec::new(), vec![0; 4096]);
    loop {
        match stream.read(&mut buf).await? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buf[..count]),
        }
    }
}

/// At least so many bytes, or all up to the end.
pub async fn read_some(stream: &TcpStream, until: &str) -> io::Result<String> {
    let (mut all, mut buf) = (Vec::new(), vec![0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if text.contains(until) {
            return Ok(text);
        }
        match stream.read(&mut buf).await? {
            0 => return Ok(text),
            count => all.extend_from_slice(&buf[..count]),
        }
    }
}

/// An answer, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub fields: Vec<String>, // in lower case, without the date
    pub content: Vec<u8>,
}

impl Answer {
    pub fn has(&self, line: &str) -> bool {
        self.fields.iter().any(|field| field == line)
    }
}

/// The answers in a stream that has ended, to requests of these methods
/// (afterwards: GET), and what is behind the last whole one.
pub fn answers(mut bytes: &[u8], methods: &[&str]) -> (Vec<Answer>, Vec<u8>) {
    let mut parser = ResponseParser::new(Rules::default());
    let (mut found, mut methods) = (Vec::new(), methods.iter());
    let mut method = methods.next().copied().unwrap_or("GET");
    loop {
        parser.reset();
        let length = match parser.parse(bytes) {
            Ok(Some(length)) => length,
            Ok(None) => return (found, bytes.to_vec()),
            Err(error) => panic!("{error}: {}", bytes.escape_ascii()),
        };
        let head = parser.head(&bytes[..length]);
        let line = |(name, value): (&[u8], &[u8])| {
            let line = [name, b": ", value].concat();
            String::from_utf8_lossy(&line).to_ascii_lowercase()
        };
        let fields = head.headers.iter().map(line);
        let mut answer = Answer {
            status: head.status,
            fields: fields.filter(|it| !it.starts_with("date: ")).collect(),
            content: Vec::new(),
        };
        let body = response_body(method.as_bytes().into(), &head);
        let body = body.expect("one end");
        let Some(used) = content(&bytes[length..], body, &mut answer) else {
            return (found, bytes.to_vec());
        };
        bytes = &bytes[length + used..];
        if answer.status >= 200 {
            method = methods.next().copied().unwrap_or("GET");
        }
        found.push(answer);
    }
}

/// Reads the content: how many bytes it took, if it is whole.
fn content(bytes: &[u8], body: Body, to: &mut Answer) -> Option<usize> {
    let limits = BodyLimits {
        body: u64::MAX,
        ..BodyLimits::default()
    };
    let mut reader = BodyReader::new(body, limits).expect("no limit");
    let mut used = 0;
    loop {
        let taken = reader.decode(&bytes[used..]).expect("a content");
        to.content.extend_from_slice(taken.data);
        used += taken.used;
        if taken.done {
            return Some(used);
        }
        if taken.used == 0 {
            return reader.finish().is_ok().then_some(used);
        }
    }
}

/// The statuses of these answers, but for those before the last ones (1xx).
pub fn statuses(answers: &[Answer]) -> Vec<u16> {
    let all = answers.iter().map(|answer| answer.status);
    all.filter(|status| *status >= 200).collect()
}

/// How often a future is polled until it is done.
pub async fn polls<F: Future>(future: F) -> (F::Output, usize) {
    let (mut future, mut count) = (std::pin::pin!(future), 0);
    let value = poll_fn(|cx| {
        count += 1;
        future.as_mut().poll(cx)
    });
    (value.await, count)
}
