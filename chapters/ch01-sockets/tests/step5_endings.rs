//! What step 5 must do. Deadlines are short ones of the real clock, and no
//! test waits longer than for the event that it is about.

use std::env;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::process::{Launch, Server};
use ch00_toolbox::sys::{Signal, set_linger};
use ch01_sockets::bucket::Rate;
use ch01_sockets::chat::{Hub, Limits, serve};
use ch01_sockets::endings::{Timed, Times};
use ch01_sockets::outbox::Limit;
use ch01_sockets::patience::{Next, Terms, Watch};
use ch01_sockets::registry::{Core, Echo, Registry};

mod client;
use client::{Client, LONG};

const SHORT: Duration = Duration::from_millis(150);

const TIMES: Times = Times {
    terms: Terms {
        login: LONG,
        idle: LONG,
    },
    send: LONG,
    linger: LONG,
};

/// Reaches what step 5 adds on the test's own thread, before any other.
fn reach_the_step() {
    let mut watch = Watch::new(TIMES.terms, Duration::ZERO);
    assert_eq!(watch.next(Duration::ZERO, false), Next::Wait(LONG));
}

const LIMITS: Limits = Limits {
    line: 4096,
    outbox: Limit {
        bytes: 64 * 1024,
        lines: 4096,
    },
    rate: Rate {
        burst: 0,
        per_second: 0,
    },
};

/// A line a second.
const SLOWLY: Limits = Limits {
    rate: Rate {
        burst: 1,
        per_second: 1,
    },
    ..LIMITS
};

/// A server in this process; the hub and where it listens.
fn start(core: Box<dyn Core>, times: Times) -> (Arc<Hub>, SocketAddr) {
    start_within(LIMITS, core, times)
}

fn start_within(
    limits: Limits,
    core: Box<dyn Core>,
    times: Times,
) -> (Arc<Hub>, SocketAddr) {
    reach_the_step();
    let hub = Hub::new(core, limits, Arc::new(RealClock::new()));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let serving = hub.clone();
    thread::spawn(move || {
        let log = Log::to_stderr(Level::Info);
        let link = |stream, seat| Timed::new(stream, seat, times);
        serve(&serving, listener.incoming(), link, &log)
    });
    (hub, addr)
}

fn chat(terms: Terms) -> (Arc<Hub>, SocketAddr) {
    let times = Times { terms, ..TIMES };
    start(Box::new(Registry::default()), times)
}

/// I12: who never writes is told so and closed at the login deadline
#[test]
fn a_client_that_never_writes() {
    let (_, addr) = chat(Terms {
        login: SHORT,
        idle: LONG,
    });
    let client = Client::new(addr);
    client.until("* your name?");
    assert_eq!(client.hear().as_deref(), Some("* bye: no name in time"));
    assert_eq!(client.hear(), None, "then the end");
}

/// I12: a stranger who sends a byte now and then gets no more time
#[test]
fn a_stranger_that_trickles() {
    let (_, addr) = chat(Terms {
        login: SHORT,
        idle: LONG,
    });
    let mut client = Client::new(addr);
    let tick = Some(Duration::from_millis(10));
    client.stream.set_read_timeout(tick).expect("a timeout");
    let mut heard = Vec::new();
    for _ in 0..10_000 {
        let _ = client.stream.write_all(b"a");
        match client.reader().read_until(b'\n', &mut heard) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let heard = String::from_utf8_lossy(&heard);
    assert_eq!(heard, "* your name?\n* bye: no name in time\n");
}

/// I11, I12: nor does a stranger whose many lines have to wait for us
#[test]
fn a_stranger_that_is_slowed_down() {
    let terms = Terms {
        login: SHORT,
        idle: LONG,
    };
    let times = Times { terms, ..TIMES };
    let core = Box::new(Registry::default());
    let (_, addr) = start_within(SLOWLY, core, times);
    let client = Client::new(addr);
    client.say(&"\n".repeat(16_000));
    client.until("* bye: no name in time");
}

/// I8: a reset frees the name at once, whatever of the client's is unread
#[test]
fn a_reset_of_a_client_that_is_slowed_down() {
    let core = Box::new(Registry::default());
    let (_, addr) = start_within(SLOWLY, core, TIMES);
    let witness = Client::named(addr, "ann");
    let client = Client::named(addr, "bob");
    witness.until("* bob joined lobby");
    client.say(&"\n".repeat(16_300));
    set_linger(&client.stream, Some(Duration::ZERO)).expect("an option");
    drop(client);
    let heard = witness.hear().expect("a line");
    let heard = heard.split(" (os error").next().unwrap_or_default();
    assert_eq!(heard, "* bob left lobby: Connection reset by peer");
    Client::named(addr, "bob");
}

/// I12: a silent member is warned, and then closed; the others are told
#[test]
fn a_member_that_falls_silent() {
    let (_, addr) = chat(Terms {
        login: LONG,
        idle: SHORT * 2,
    });
    let client = Client::named(addr, "ann");
    client.until("* in lobby: ann");
    let warning = "* still there? say something within 1 s";
    assert_eq!(client.hear().as_deref(), Some(warning));
    assert_eq!(client.hear().as_deref(), Some("* bye: idle for too long"));
    assert_eq!(client.hear(), None, "then the end");
}

/// I12: a client that writes and never reads is reset at the send deadline
#[test]
fn a_client_that_never_reads() {
    let times = Times {
        send: SHORT,
        ..TIMES
    };
    let (hub, addr) = start(Box::new(Echo), times);
    let mut client = Client::new(addr);
    let chunk = format!("{}\n", "x".repeat(4000)).repeat(4);
    let error = loop {
        if let Err(error) = client.stream.write_all(chunk.as_bytes()) {
            break error.kind();
        }
    };
    let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(gone.contains(&error), "got {error:?}, expected a reset");
    assert_eq!(hub.wait_until_empty(LONG), 0, "its threads have ended");
}

/// I12: after our FIN we wait for the peer's, and not for ever
#[test]
fn a_client_that_does_not_close() {
    let times = Times {
        linger: SHORT,
        ..TIMES
    };
    let (hub, addr) = start(Box::new(Registry::default()), times);
    let client = Client::named(addr, "ann");
    client.say("/quit");
    client.until("* bye");
    assert_eq!(client.hear(), None, "our FIN");
    assert_eq!(hub.wait_until_empty(LONG), 0, "it never sent its own");
}

/// I12: who said no name and does not close is let go of all the same,
/// whether it keeps quiet or goes on to send
#[test]
fn a_stranger_that_does_not_close() {
    let terms = Terms {
        login: SHORT,
        idle: LONG * 2,
    };
    let linger = SHORT;
    let times = Times {
        terms,
        linger,
        ..TIMES
    };
    for trickles in [false, true] {
        let (hub, addr) = start(Box::new(Registry::default()), times);
        let mut client = Client::new(addr);
        client.until("* bye: no name in time");
        assert_eq!(client.hear(), None, "our FIN");
        let trickle = |_| {
            let _ = client.stream.write_all(b"a"); // it may be cut off
            hub.wait_until_empty(SHORT / 10) == 0
        };
        let _ = trickles && (0..1000).any(trickle);
        let left = hub.wait_until_empty(LONG);
        assert_eq!(left, 0, "input: trickles {trickles}");
    }
}

/// I12: the reason for an end arrives although more was sent behind it
#[test]
fn last_words_are_not_lost_to_a_reset() {
    let (hub, addr) = chat(TIMES.terms);
    let client = Client::named(addr, "ann");
    client.say(&"x".repeat(1_000_000));
    client.until("* bye: a frame of more than 4096 bytes");
    let mut rest = Vec::new();
    let end = client.reader().read_to_end(&mut rest).map_err(|e| e.kind());
    assert_eq!(end, Ok(0), "a FIN, and no reset");
    drop(client);
    assert_eq!(hub.wait_until_empty(LONG), 0);
}

/// The stage of this step, started by a shell that limits it first.
fn limited(descriptors: u32, max_clients: u32) -> io::Result<Server> {
    let test = env::current_exe()?;
    let target = test.ancestors().nth(2).map(PathBuf::from);
    let stage = target.unwrap_or_default().join("examples/step5_endings");
    let script = format!(
        "ulimit -n {descriptors}; exec '{}' --port 0 --max-clients {}",
        stage.display(),
        max_clients
    );
    Launch::program("sh").args(["-c", &script]).start()
}

/// I13: without descriptors nobody who is here is lost, and who waits gets
/// in when somebody leaves
#[test]
fn no_descriptors_left() -> io::Result<()> {
    reach_the_step();
    let server = limited(16, 1000)?;
    let first = Client::named(server.addr(), "first");
    let mut crowd: Vec<_> =
        (0..40).map(|_| Client::new(server.addr())).collect();
    first.say("still here");
    first.until("first: still here");
    let last = crowd.pop().expect("40 clients");
    drop(crowd);
    assert_eq!(last.hear().as_deref(), Some("* your name?"));
    first.say("and now");
    first.until("first: and now");
    Ok(())
}

/// I13: over the limit of clients a new one is told so, and gets in later
#[test]
fn a_limit_of_clients() -> io::Result<()> {
    reach_the_step();
    let server = limited(64, 2)?;
    let one = Client::named(server.addr(), "one");
    let two = Client::named(server.addr(), "two");
    one.until("* two joined lobby");
    let full = "* the server is full: try again later";
    let three = Client::new(server.addr());
    assert_eq!(three.hear().as_deref(), Some(full));
    drop(two);
    one.until("* two left lobby: hung up");
    // `two` counts until its threads have ended, a moment after the line.
    let back = (0..10_000).any(|_| {
        let heard = Client::new(server.addr()).hear();
        heard.as_deref() == Some("* your name?")
    });
    assert!(back, "nobody gets in although one of two has left");
    Ok(())
}

/// I14: a drain under load loses nothing that anybody saw
#[test]
fn a_drain_under_load() -> io::Result<()> {
    reach_the_step();
    const TALKERS: usize = 6;
    let mut server = Server::bin("ch01-sockets")
        .args(["--rate", "0", "--drain", "20", "--outbox", "1000000000"])
        .args(["--outbox-lines", "10000000"])
        .start()?;
    let mut clients: Vec<_> = (0..TALKERS)
        .map(|n| Client::named(server.addr(), &format!("c{n}")))
        .collect();
    for client in &mut clients {
        client.say("/who"); // and with its answer, all arrivals are heard
        client.until(&format!("* in lobby: {}", names(TALKERS)));
    }
    let (busy, is_busy) = std::sync::mpsc::channel();
    let (status, seen) = thread::scope(|scope| {
        let threads: Vec<_> = clients
            .into_iter()
            .map(|client| {
                let busy = busy.clone();
                let writer = client.stream.try_clone().expect("a clone");
                scope.spawn(move || talk_on(writer));
                scope.spawn(move || listen(client, &busy))
            })
            .collect();
        for _ in 0..TALKERS {
            is_busy.recv().expect("a listener");
        }
        let status = server.terminate();
        let seen: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().expect("a listener"))
            .collect();
        (status, seen)
    });
    assert_eq!(status.code(), Some(0), "after SIGTERM");
    for (n, lines) in seen.iter().enumerate() {
        let last = lines.last().map(String::as_str);
        assert_eq!(last, Some("* the server is closing: goodbye"), "c{n}");
        assert!(*lines == seen[0], "c{n} saw other lines than c0");
    }
    for n in 0..TALKERS {
        let prefix = format!("c{n}: ");
        let own = seen[0].iter().filter_map(|l| l.strip_prefix(&prefix));
        let own: Vec<usize> = own.map(|n| n.parse().expect("n")).collect();
        let expected: Vec<usize> = (0..own.len()).collect();
        assert_eq!(own, expected, "input: the lines of c{n}");
    }
    Ok(())
}

fn names(count: usize) -> String {
    let names: Vec<_> = (0..count).map(|n| format!("c{n}")).collect();
    names.join(", ")
}

/// Numbered lines until the connection does not take them any more.
fn talk_on(mut stream: TcpStream) {
    for n in 0..1_000_000 {
        if stream.write_all(format!("{n}\n").as_bytes()).is_err() {
            return;
        }
    }
}

/// What the room heard, to the end; says when it is a thousand lines.
fn listen(client: Client, busy: &std::sync::mpsc::Sender<()>) -> Vec<String> {
    let mut heard = Vec::new();
    while let Some(line) = client.hear() {
        if line.starts_with("* c") || line.starts_with("* in ") {
            continue;
        }
        heard.push(line);
        if heard.len() == 1000 {
            busy.send(()).expect("the test");
        }
    }
    let _ = client.stream.shutdown(Shutdown::Both);
    heard
}

/// I14: a client that never reads delays the end by the drain's limit only
#[test]
fn a_drain_is_bounded() -> io::Result<()> {
    reach_the_step();
    let mut server = Server::bin("ch01-sockets")
        .args(["--echo", "--drain", "0.2", "--outbox", "1000000"])
        .start()?;
    let mut client = server.connect()?;
    let tick = Some(Duration::from_millis(200));
    client.set_write_timeout(tick)?;
    let chunk = format!("{}\n", "x".repeat(4000)).repeat(4);
    let full = loop {
        if let Err(error) = client.write_all(chunk.as_bytes()) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock, "input: {full}");
    let status = server.terminate();
    assert_eq!(status.code(), Some(0), "after SIGTERM");
    let cut = server.process().errors().concat();
    assert!(cut.contains("1 were cut off"), "stderr: {cut}");
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    Ok(())
}

/// I14: who asks a second time does not want to wait for the drain
#[test]
fn a_second_signal_ends_a_drain() -> io::Result<()> {
    reach_the_step();
    for (signal, status) in [(Signal::Int, 130), (Signal::Term, 143)] {
        let mut server = Server::bin("ch01-sockets")
            .args(["--drain", "1000", "--linger", "1000"])
            .start()?;
        let client = Client::named(server.addr(), "ann");
        server.process().signal(Signal::Term);
        client.until("* the server is closing: goodbye");
        assert_eq!(client.hear(), None, "our FIN, which ann does not answer");
        server.process().signal(signal);
        let ended = server.process().wait()?.code();
        assert_eq!(ended, Some(status), "input: SIGTERM, {signal}");
        let said = server.process().errors().concat();
        let line = format!("{signal} again: 1 are cut off");
        assert!(said.contains(&line), "input: SIGTERM, {signal}: {said}");
    }
    Ok(())
}

/// I14: lines that a client may not say yet do not delay the end
#[test]
fn a_drain_does_not_wait_for_lines_to_come() -> io::Result<()> {
    reach_the_step();
    let mut server = Server::bin("ch01-sockets")
        .args(["--rate", "1", "--burst", "1", "--linger", "0.1"])
        .args(["--drain", "10"])
        .start()?;
    let client = Client::named(server.addr(), "ann");
    client.say(&"too fast\n".repeat(100));
    client.until("ann: too fast");
    let status = server.terminate();
    assert_eq!(status.code(), Some(0), "after SIGTERM");
    client.until("* the server is closing: goodbye");
    let cut = server.process().errors().concat();
    assert!(cut.contains("0 were cut off"), "stderr: {cut}");
    Ok(())
}

/// I12: a deadline of no time at all lets through what needs none
#[test]
fn no_time_to_send() -> io::Result<()> {
    reach_the_step();
    let server = Server::bin("ch01-sockets").args(["--send", "0"]).start()?;
    Client::named(server.addr(), "ann");
    Ok(())
}

/// I13: a limit of clients beyond all numbers is none
#[test]
fn as_many_clients_as_there_may_be() -> io::Result<()> {
    reach_the_step();
    let server = Server::bin("ch01-sockets")
        .args(["--max-clients", &usize::MAX.to_string()])
        .start()?;
    Client::named(server.addr(), "ann");
    Ok(())
}
