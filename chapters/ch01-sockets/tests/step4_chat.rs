//! What step 4 must do: the registry by scripts and by a model, the threads
//! over real sockets.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ch00_toolbox::clock::RealClock;
use ch00_toolbox::golden;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::process::{Launch, Server};
use ch00_toolbox::prop::{self, Gen};
use ch00_toolbox::sys::set_linger;
use ch01_sockets::bucket::Rate;
use ch01_sockets::chat::{Hub, Limits, TOO_SLOW, serve};
use ch01_sockets::outbox::Limit;
use ch01_sockets::registry::{ClientId, Core, Echo, Effect, Event, Registry};

mod client;
use client::{Client, LONG};
mod tape;

/// `1 enter`, `1 leave WHY`, `1 notice TEXT` or `1: LINE` (with `\xNN`).
fn play(registry: &mut Registry, script: &str) -> String {
    let mut out = Vec::new();
    for command in script.lines() {
        let split = command.find([':', ' ']).expect("a client's number");
        let id = ClientId(command[..split].parse().expect("a number"));
        let rest = &command[split + 1..];
        let line = unescape(rest.strip_prefix(' ').unwrap_or(rest));
        let event = match rest.split_once(' ').unwrap_or((rest, "")) {
            _ if command[split..].starts_with(':') => Event::Line(&line),
            ("enter", _) => Event::Enter,
            ("leave", why) => Event::Leave(why),
            ("notice", text) => Event::Notice(text),
            _ => panic!("no such command: {command}"),
        };
        registry.step(id, event, &mut out);
    }
    let show = |effect: &Effect| match effect {
        Effect::Say(to, line) => {
            let text = String::from_utf8_lossy(line);
            let text = text.strip_suffix('\n').expect("a line's end");
            format!("{} < {text}\n", to.0)
        }
        Effect::End(id) => format!("{} closed\n", id.0),
    };
    out.iter().map(show).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

/// I7, I8, I10: the registry says what the scripts in tests/golden say
#[test]
fn golden_scripts() {
    golden::run_each("tests/golden", || {
        let mut registry = Registry::default();
        move |script: &str| play(&mut registry, script)
    });
}

/// The chat as a list of who is called what and where: the naive model.
type People = BTreeMap<ClientId, (Option<String>, Option<String>)>;

fn talk(gen_: &mut Gen) -> Vec<(u64, String)> {
    gen_.vec(40, |g| {
        let line = match g.upto(9) {
            0 => "/leave".to_string(),
            1 | 2 => format!("/join {}", g.pick(&["red", "Red", "blue"])),
            3 => "/quit".to_string(),
            4 | 5 => format!("/name {}", g.pick(&["ann", "Ann", "bob", "eve"])),
            6 => g.pick(&["ann", "bob", "eve", "ANN"]).to_string(),
            _ => format!("line {}", g.upto(99)),
        };
        (g.range(1, 4), line)
    })
}

/// Runs the lines, and checks after each what cannot be otherwise.
fn holds(lines: &[(u64, String)]) -> Result<(), String> {
    let mut registry = Registry::default();
    let mut people: People = BTreeMap::new();
    for (id, line) in lines {
        let (id, mut out) = (ClientId(*id), Vec::new());
        if let std::collections::btree_map::Entry::Vacant(new) =
            people.entry(id)
        {
            new.insert((None, None));
            registry.step(id, Event::Enter, &mut out);
            out.clear();
        }
        registry.step(id, Event::Line(line.as_bytes()), &mut out);
        let told: Vec<(ClientId, String)> = out
            .iter()
            .filter_map(|effect| match effect {
                Effect::Say(to, line) => Some((
                    *to,
                    String::from_utf8_lossy(line).trim().to_string(),
                )),
                Effect::End(_) => None,
            })
            .collect();
        let expected = expected_of(&people, id, line);
        if let Some((text, to)) = expected {
            let got: BTreeSet<_> = told.iter().map(|(to, _)| *to).collect();
            if got != to || told.iter().any(|(_, said)| *said != text) {
                return Err(format!("{line:?}: {told:?}, not {text:?}"));
            }
        }
        learn(&mut people, id, &told, out.contains(&Effect::End(id)));
        let names = people.values().filter_map(|(name, _)| name.as_ref());
        let names: Vec<_> = names.map(|n| n.to_ascii_lowercase()).collect();
        let unique: BTreeSet<_> = names.iter().collect();
        if unique.len() != names.len() {
            return Err(format!("a name belongs to two: {names:?}"));
        }
    }
    Ok(())
}

/// What a line of talk must cause: its text, to all in the speaker's room.
fn expected_of(
    people: &People,
    id: ClientId,
    line: &str,
) -> Option<(String, BTreeSet<ClientId>)> {
    let (Some(name), Some(room)) = people.get(&id)? else {
        return None;
    };
    let here =
        |(_, r): &&(Option<String>, Option<String>)| r.as_ref() == Some(room);
    let members = people.iter().filter(|(_, p)| here(p)).map(|(id, _)| *id);
    let talks = !line.starts_with('/');
    talks.then(|| (format!("{name}: {line}"), members.collect()))
}

/// Follows the server's own words, as a person in the chat would.
fn learn(
    people: &mut People,
    id: ClientId,
    told: &[(ClientId, String)],
    ended: bool,
) {
    let mine = told.iter().filter(|(to, _)| *to == id);
    let Some(me) = people.get_mut(&id) else {
        return;
    };
    for (_, text) in mine {
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            ["*", "welcome,", name, ..] => {
                me.0 = Some(name.trim_end_matches(';').to_string());
            }
            ["*", _, "is", "now", new] => me.0 = Some(new.to_string()),
            ["*", _, "joined", room] => me.1 = Some(room.to_string()),
            ["*", "you", "are", "in", "no", "room:", ..] => me.1 = None,
            _ => {}
        }
    }
    if ended {
        people.remove(&id);
    }
}

/// I7, I8: whatever four clients say, a room's line reaches its members
/// alone, once each, and no two clients have one name.
#[test]
fn any_talk_equals_the_model() {
    prop::check("talk", 2000, talk, |lines| holds(lines));
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

/// A chat in this process, on a free port. Its threads end with the test.
fn start(core: Box<dyn Core>, limits: Limits) -> SocketAddr {
    let hub = Hub::new(core, limits, Arc::new(RealClock::new()));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let log = Log::to_stderr(Level::Info);
        serve(&hub, listener.incoming(), |stream, _| Ok(stream), &log)
    });
    addr
}

/// Reaches what step 4 adds on the test's own thread, before any other.
fn chat(limits: Limits) -> SocketAddr {
    let mut out = Vec::new();
    Registry::default().step(ClientId(0), Event::Enter, &mut out);
    start(Box::new(Registry::default()), limits)
}

/// I7: eight talk at once over sockets, and all see one order
#[test]
fn everybody_sees_the_same_order() {
    const TALKERS: usize = 8;
    const LINES: usize = 200;
    let addr = chat(LIMITS);
    let names: Vec<_> = (0..TALKERS).map(|n| format!("c{n}")).collect();
    let clients: Vec<_> =
        names.iter().map(|name| Client::named(addr, name)).collect();
    let seen: Vec<Vec<String>> = thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter()
            .map(|client| {
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    for n in 0..LINES {
                        client.say(&n.to_string());
                        collect(client, &mut seen, n * TALKERS / 2);
                    }
                    collect(client, &mut seen, TALKERS * LINES);
                    seen
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|t| t.join().expect("a talker"))
            .collect()
    });
    for (n, other) in seen.iter().enumerate() {
        assert!(*other == seen[0], "c{n} and c0 saw different orders");
    }
    for name in &names {
        let prefix = format!("{name}: ");
        let own = seen[0].iter().filter_map(|l| l.strip_prefix(&prefix));
        let own: Vec<usize> = own.map(|n| n.parse().expect("n")).collect();
        let expected: Vec<usize> = (0..LINES).collect();
        assert_eq!(own, expected, "input: the lines of {name}");
    }
}

fn collect(client: &Client, seen: &mut Vec<String>, wanted: usize) {
    while seen.len() < wanted {
        let line = client.hear().expect("a line");
        if !line.starts_with('*') {
            seen.push(line);
        }
    }
}

/// I7: what is said after somebody has come, the newcomer hears as well
#[test]
fn a_newcomer_hears_what_follows() -> io::Result<()> {
    const VISITS: usize = 8000;
    let (hub, ann, bob) = tape::ann_and_bob()?;
    thread::scope(|scope| {
        let visits = scope.spawn(|| {
            for _ in 0..VISITS {
                bob.say("/leave");
                bob.say("/join lobby");
            }
        });
        let busy = |_: &usize| !visits.is_finished();
        (0..).take_while(busy).for_each(|n| ann.say(&n.to_string()));
    });
    hub.end_all("the end");
    assert_eq!(hub.wait_until_empty(LONG), 0, "all is sent");
    let (ann, bob) = (ann.visits(), bob.visits());
    assert_eq!(
        ann.len(),
        VISITS + 1,
        "input: bob's visits, as ann saw them"
    );
    for (n, (bob, ann)) in bob.iter().zip(&ann).enumerate() {
        assert_eq!(bob, ann, "input: visit {n}, as bob and ann heard it");
    }
    Ok(())
}

/// I9: who never reads is cut off, the others are told why, and go on
#[test]
fn a_client_that_never_reads_is_cut_off() {
    let outbox = Limit {
        bytes: 16 * 1024,
        lines: 4096,
    };
    let addr = chat(Limits { outbox, ..LIMITS });
    let _never_reads = Client::named(addr, "slow");
    let talker = Client::named(addr, "ann");
    let line = "x".repeat(4000);
    let left = format!("* slow left lobby: {TOO_SLOW}");
    // The kernel's buffers come first: some megabytes on loopback.
    for _ in 0..20_000 {
        talker.say(&line);
        let heard = talker.hear().expect("a line");
        if heard == left {
            return talker.until(&format!("ann: {line}"));
        }
    }
    panic!("80 MB are somewhere, and nobody was cut off");
}

/// I9: who is told more than it reads in an echo is waited for, not cut off,
/// since nobody else waits
#[test]
fn an_echo_client_that_reads_late_loses_nothing() {
    let _ = Echo.stranger(ClientId(0));
    let addr = start(Box::new(Echo), LIMITS);
    let client = Client::new(addr);
    let text: String = (0..200_000).map(|n| format!("{n}\n")).collect();
    let got = thread::scope(|scope| {
        scope.spawn(|| {
            (&client.stream)
                .write_all(text.as_bytes())
                .expect("a write");
            client.stream.shutdown(Shutdown::Write).expect("a FIN");
        });
        let mut got = String::new();
        client.reader().read_to_string(&mut got).expect("text");
        got
    });
    assert!(
        got == text,
        "{} bytes of {} came back",
        got.len(),
        text.len()
    );
}

/// I4: a line over the limit ends the connection, and all that was owed
/// arrives, the reason too, although a megabyte behind it is never taken
#[test]
fn what_is_owed_arrives_before_the_end() {
    const LINES: usize = 2000; // 8 MB
    let outbox = Limit {
        bytes: 10_000_000,
        lines: 4096,
    };
    let addr = chat(Limits { outbox, ..LIMITS });
    let witness = Client::named(addr, "ann");
    let client = Client::named(addr, "bob");
    witness.until("* bob joined lobby");
    // More than the client's kernel takes while nobody reads: the rest waits
    // in ours, where a reset would throw it away. It comes from somebody
    // else: bob's own would be sent by his reader, which then reads no more.
    let line = "x".repeat(4000);
    for _ in 0..LINES {
        witness.say(&line);
        witness.until(&format!("ann: {line}"));
    }
    client.say(&"x".repeat(1_000_000));
    witness.until("* bob left lobby: a frame of more than 4096 bytes");
    for _ in 0..LINES {
        client.until(&format!("ann: {line}"));
    }
    client.until("* bye: a frame of more than 4096 bytes");
    assert_eq!(client.hear(), None, "the end follows");
}

/// I2: a reset in the middle of a line ends one client, and the line is not
/// said
#[test]
fn a_reset_in_the_middle_of_a_line() {
    let addr = chat(LIMITS);
    let witness = Client::named(addr, "ann");
    let client = Client::named(addr, "bob");
    witness.until("* bob joined lobby");
    (&client.stream).write_all(b"half a li").expect("a write");
    set_linger(&client.stream, Some(Duration::ZERO)).expect("an option");
    drop(client);
    let heard = witness.hear().expect("a line");
    let heard = heard.split(" (os error").next().unwrap_or_default();
    assert_eq!(heard, "* bob left lobby: Connection reset by peer");
    witness.say("still here");
    witness.until("ann: still here");
}

/// I8: a reset frees the name at once, whatever of the client's is unread
#[test]
fn a_reset_of_a_client_that_is_slowed_down() {
    let rate = Rate {
        burst: 1,
        per_second: 1,
    };
    let addr = chat(Limits { rate, ..LIMITS });
    let witness = Client::named(addr, "ann");
    let client = Client::named(addr, "bob");
    witness.until("* bob joined lobby");
    client.say(&"\n".repeat(16_300)); // at that rate, four and a half hours
    set_linger(&client.stream, Some(Duration::ZERO)).expect("an option");
    drop(client);
    let heard = witness.hear().expect("a line");
    let heard = heard.split(" (os error").next().unwrap_or_default();
    assert_eq!(heard, "* bob left lobby: Connection reset by peer");
    Client::named(addr, "bob");
}

/// A chat with a bug: it panics at a line.
#[derive(Default)]
struct Fragile(Registry);

impl Core for Fragile {
    fn step(&mut self, id: ClientId, event: Event, out: &mut Vec<Effect>) {
        assert_ne!(event, Event::Line(b"boom"), "as this test wants it");
        self.0.step(id, event, out);
    }

    fn stranger(&self, id: ClientId) -> bool {
        self.0.stranger(id)
    }
}

/// I2, I8: a panic ends one client, whose name is free again, and nobody else
#[test]
fn a_panic_ends_one_client() {
    let mut out = Vec::new();
    Fragile::default().step(ClientId(0), Event::Enter, &mut out);
    let addr = start(Box::new(Fragile::default()), LIMITS);
    let witness = Client::named(addr, "ann");
    let client = Client::named(addr, "bob");
    witness.until("* bob joined lobby");
    client.say("boom");
    witness.until("* bob left lobby: its thread ended");
    client.until("* in lobby: ann, bob");
    assert_eq!(client.hear(), None, "its end follows");
    Client::named(addr, "bob").say("again");
    witness.until("bob: again");
}

/// I2: a client that cannot be served is closed, the log says why, and the
/// next one is served
#[test]
fn the_log_says_why_a_client_is_closed() -> io::Result<()> {
    let _ = Echo.stranger(ClientId(0));
    let clock = Arc::new(RealClock::new());
    let hub = Hub::new(Box::new(Echo), LIMITS, clock);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let [first, second] = [listener.local_addr()?; 2].map(Client::new);
    let log = Log::new(Level::Warn, Duration::default, io::sink());
    let refused = Cell::new(Some("no thread for it"));
    let link = |stream, _| match refused.take() {
        Some(why) => Err(io::Error::other(why)),
        None => Ok(stream),
    };
    serve(&hub, listener.incoming().take(2), link, &log)?;
    assert_eq!(first.hear(), None, "input: the first is refused a link");
    let expected = "    0.000000 WARN  closed a new client: no thread for it";
    assert_eq!(log.recent(), [expected], "input: the log");
    second.say("hi");
    assert_eq!(second.hear().as_deref(), Some("hi"), "input: the second");
    Ok(())
}

/// I5, I12: after a half-close everything owed arrives, and then the end
#[test]
fn a_half_close_gets_all_its_answers() {
    let addr = chat(LIMITS);
    let client = Client::new(addr);
    let said: String = (0..300).map(|n| format!("{n}\n")).collect();
    (&client.stream)
        .write_all(format!("ann\n{said}").as_bytes())
        .expect("a write");
    client.stream.shutdown(Shutdown::Write).expect("a FIN");
    let mut got = String::new();
    client.reader().read_to_string(&mut got).expect("text");
    let answers = got.lines().filter(|line| line.starts_with("ann: "));
    assert_eq!(answers.count(), 300, "input: 300 lines and a FIN");
}

/// A port in use: one clear line on stderr, and status 1
#[test]
fn a_port_in_use_is_said_in_one_line() -> io::Result<()> {
    let _ = Registry::default().stranger(ClientId(0));
    let first = Server::example("ch01-sockets", "step4_chat").start()?;
    let addr = first.addr().to_string();
    let second = Launch::example("ch01-sockets", "step4_chat")
        .args(["--addr", addr.as_str()])
        .run(b"")?;
    assert_eq!(second.status.code(), Some(1));
    let stderr = second.stderr;
    let expected = format!("step4_chat: cannot listen on {addr}: ");
    assert!(stderr.starts_with(&expected), "stderr: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "stderr: {stderr}");
    Ok(())
}
