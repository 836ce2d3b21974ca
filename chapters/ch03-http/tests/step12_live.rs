//! What a page that is alive must do, on a simulated network: a room, heard
//! over WebSockets and as a stream of events.

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

const SEC: Duration = Duration::from_secs(1);

const LIMITS: Limits = Limits {
    message: 1000,
    output: 1000,
    times: Times {
        ping_after: Duration::from_secs(30),
        pong_within: Duration::from_secs(10),
        close_within: Duration::from_secs(5),
    },
};

/// A site in a simulated world, with a drain of its own.
fn on_site<T>(
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

/// A connection and the head of what the site answered.
async fn ask(
    runtime: &Runtime,
    request: &str,
) -> io::Result<(String, BufReader, WriteHalf)> {
    let (reader, writer) = runtime.connect(here()).await?.split();
    let request = request.replace('\n', "\r\n");
    writer.stream().write_all(request.as_bytes()).await?;
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

const UPGRADE: &str = "GET /-/ws HTTP/1.1\nHost: a.org\n\
    Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";

/// A WebSocket from the client's side.
struct Member {
    socket: Connection,
    reader: BufReader,
    writer: WriteHalf,
}

impl Member {
    async fn enter(runtime: &Runtime) -> io::Result<Member> {
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

    async fn flush(&mut self) -> io::Result<()> {
        let bytes = self.socket.output().to_vec();
        self.writer.stream().write_all(&bytes).await?;
        self.socket.sent(bytes.len());
        Ok(())
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.socket.text(text).expect("it is open");
        self.flush().await
    }

    /// The next event; `None` at the end.
    async fn hear(&mut self, runtime: &Runtime) -> io::Result<Option<Event>> {
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

    async fn hear_text(&mut self, runtime: &Runtime) -> io::Result<String> {
        match self.hear(runtime).await? {
            Some(Event::Text(text)) => Ok(text),
            other => panic!("no text: {other:?}"),
        }
    }
}

/// I50: on any network, all hear one order, those who listen to events too.
#[test]
fn all_hear_one_order() {
    let faults = Faults {
        room: 300,
        ..Faults::ROUGH
    };
    for seed in 0..100 {
        on_site(faults, seed, async |runtime, _, _| {
            let mut one = Member::enter(runtime).await?;
            let mut two = Member::enter(runtime).await?;
            let request = "GET /-/events HTTP/1.1\nHost: a.org\n\n";
            let (head, mut events, _writer) = ask(runtime, request).await?;
            assert!(head.contains("text/event-stream"), "{head}");
            for number in 0..5 {
                one.say(&format!("one {number}")).await?;
                two.say(&format!("two {number}")).await?;
            }
            let (mut first, mut second) = (Vec::new(), Vec::new());
            for _ in 0..10 {
                first.push(one.hear_text(runtime).await?);
                second.push(two.hear_text(runtime).await?);
            }
            assert_eq!(first, second, "seed={seed}");
            let mut heard = Vec::new();
            while heard.len() < 10 {
                let line = events.line().await?.expect("no end").to_vec();
                events.consume(line.len());
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some(text) = line.strip_prefix("data: ") {
                    heard.push(text.trim_end().to_owned());
                }
            }
            assert_eq!(heard, first, "seed={seed}");
            Ok(())
        });
    }
}

/// I51: a member that does not read is cut off, and nobody waits for it.
#[test]
fn a_slow_member_is_cut_off() {
    let faults = Faults {
        room: 500,
        ..Faults::NONE
    };
    on_site(faults, 0, async |runtime, room, _| {
        let mut slow = Member::enter(runtime).await?;
        let mut quick = Member::enter(runtime).await?;
        let mut said = 0;
        while room.members() == 2 {
            quick
                .say("a text of some length, to fill the buffers")
                .await?;
            quick.hear_text(runtime).await?;
            said += 1;
            assert!(said < 200, "it is never cut off");
        }
        assert!(said > 20, "cut off after {said}");
        let ended = loop {
            match slow.hear(runtime).await {
                Ok(Some(Event::Text(_))) => {}
                other => break other.map_err(|e| e.kind()),
            }
        };
        assert_eq!(ended, Err(io::ErrorKind::ConnectionReset));
        Ok(())
    });
}

/// I52: a silent member is pinged; if it says nothing to that, it is ended.
#[test]
fn silence_is_asked_and_ended() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        let mut member = Member::enter(runtime).await?;
        // It answers the first ping, which `hear` does by itself.
        let ping = member.hear(runtime).await?;
        assert!(matches!(ping, Some(Event::Ping(_))), "{ping:?}");
        let asked = runtime.now().as_secs();
        assert!((30..32).contains(&asked), "asked after {asked} s");
        runtime.sleep(SEC * 5).await;
        assert_eq!(room.members(), 1);
        // And then it answers nothing more.
        runtime.sleep(SEC * 80).await;
        assert_eq!(room.members(), 0);
        Ok(())
    });
}

/// I51: who comes back with the id that it saw last gets what it missed; who
/// was away for too long is told so.
#[test]
fn events_resume() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        for number in 1..=1500 {
            room.say(&format!("text {number}"));
        }
        for (id, first) in [
            ("7-1498", "id: 7-1499\ndata: text 1499"),
            ("7-3", "event: lost\ndata: some events are gone"),
            ("6-1400", "event: lost\ndata: some events are gone"),
        ] {
            let request = format!(
                "GET /-/events HTTP/1.1\nHost: a.org\nLast-Event-ID: {id}\n\n"
            );
            let (_, mut events, _writer) = ask(runtime, &request).await?;
            let mut text = String::new();
            while !text.contains(first) {
                assert!(text.len() < 200, "id {id}: {text}");
                let line = events.line().await?.expect("no end").to_vec();
                events.consume(line.len());
                text += &String::from_utf8_lossy(&line).replace('\r', "");
            }
        }
        Ok(())
    });
}

/// I52: a drain closes WebSockets with 1001 and ends streams.
#[test]
fn a_drain_ends_what_is_alive() {
    on_site(Faults::NONE, 0, async |runtime, room, drain| {
        let mut member = Member::enter(runtime).await?;
        let request = "GET /-/events HTTP/1.1\nHost: a.org\n\n";
        let (_, mut events, _writer) = ask(runtime, request).await?;
        drain.begin();
        match member.hear(runtime).await? {
            Some(Event::Close(closed)) => assert_eq!(closed.code, 1001),
            other => panic!("no close: {other:?}"),
        }
        let mut rest = Vec::new();
        while events.fill().await? > 0 {
            rest = events.unread().to_vec();
        }
        assert!(rest.ends_with(b"0\r\n\r\n"), "{}", rest.escape_ascii());
        runtime.sleep(SEC).await;
        assert_eq!(room.members(), 0);
        Ok(())
    });
}

/// What is asked in a wrong way gets its status, and no page of elsewhere
/// gets in.
#[test]
fn refusals() {
    let check = |request: &str, status: &str| {
        let head = on_site(Faults::NONE, 0, async |runtime, _, _| {
            Ok(ask(runtime, request).await?.0)
        });
        let expected = format!("HTTP/1.1 {status} ");
        assert!(head.starts_with(&expected), "input: {request}\n{head}");
    };
    check(&format!("{UPGRADE}Origin: http://a.org\n\n"), "101");
    check(&format!("{UPGRADE}Origin: http://b.org\n\n"), "403");
    check(&UPGRADE.replace(": 13\n", ": 8\n").add("\n"), "426");
    check("GET /-/ws HTTP/1.1\nHost: a.org\n\n", "426");
    let say = "POST /-/say HTTP/1.1\nHost: a.org\nContent-Length: 2\n";
    check(&format!("{say}\nhi"), "204");
    check(&format!("{say}Origin: http://b.org\n\nhi"), "403");
    check(&say.replace("POST", "GET").add("\nhi"), "405");
    check("GET /-/nothing HTTP/1.1\nHost: a.org\n\n", "404");
    check("GET /Cargo.toml HTTP/1.1\nHost: a.org\n\n", "200");
}

/// `+` for strings, in the middle of a call.
trait Add {
    fn add(self, more: &str) -> String;
}

impl Add for String {
    fn add(mut self, more: &str) -> String {
        self.push_str(more);
        self
    }
}
