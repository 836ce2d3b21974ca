//! Random peers for as long as one likes: every stream must give the same
//! events however it is cut, and whatever a peer sends, what a connection
//! answers must be a stream that breaks no rule.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ch00_toolbox::args::{Command, Opt, Stop, fail, usage};
use ch00_toolbox::prop::{Gen, search};
use ch03_http::events::parser::Parser;
use ch03_http::frames::frame::{Head, Opcode, Side};
use ch03_http::frames::mask::Mask;
use ch03_http::upgrade::handshake::{Origins, Policy, accept};
use ch03_http::websocket::connection::{Connection, Limits};
use ch03_http::websocket::message::{Event, Messages};
use ch03_http::websocket::pulse::Times;

const COMMAND: Command = Command {
    name: "fuzz_websocket",
    about: "Feeds the WebSocket and the event parser with random bytes.",
    operands: "",
    options: &[
        Opt {
            name: "seconds",
            value: Some("N"),
            default: Some("10"),
            help: "how long to go on",
        },
        Opt {
            name: "seed",
            value: Some("S"),
            default: Some("1"),
            help: "the first case; the same seed gives the same cases",
        },
    ],
    try_it: "cargo run --release -p ch03-http --example fuzz_websocket",
};

/// Cases between two looks at the clock.
const BATCH: u32 = 500;

const LIMITS: Limits = Limits {
    message: 300,
    output: 200,
    times: Times {
        ping_after: Duration::from_secs(20),
        pong_within: Duration::from_secs(5),
        close_within: Duration::from_secs(3),
    },
};

fn main() -> ExitCode {
    let (seconds, seed) = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let start = Instant::now();
    let mut cases: u64 = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        let seed = seed.wrapping_add(cases);
        let why = search(seed, BATCH, Case::new, Case::holds)
            .map(|f| format!("seed {}: {}\n{:?}", f.seed, f.why, f.input));
        if let Some(why) = why {
            return fail(COMMAND.name, why);
        }
        cases += u64::from(BATCH);
    }
    println!("{cases} cases from seed {seed} on, none broken");
    ExitCode::SUCCESS
}

fn config() -> Result<(u64, u64), Stop> {
    let parsed = COMMAND.from_env();
    Ok((parsed.value("seconds")?, parsed.value("seed")?))
}

/// What the program does between two pieces.
#[derive(Debug)]
enum Act {
    Say(usize),
    Ping(usize),
    Close(u16),
    Pass(u64), // seconds
    Take(usize),
}

#[derive(Debug)]
struct Case {
    from: Side,
    bytes: Vec<u8>,
    cuts: Vec<usize>,
    acts: Vec<Act>,
}

impl Case {
    fn new(gen_: &mut Gen) -> Case {
        let from = *gen_.pick(&[Side::Client, Side::Server]);
        let bytes = gen_.vec(14, |gen_| frame(gen_, from)).concat();
        let cuts = gen_.vec(24, |gen_| gen_.upto(50) as usize);
        let acts = gen_.vec(24, |gen_| match gen_.upto(9) {
            0..=2 => Act::Say(gen_.upto(300) as usize),
            3 => Act::Ping(gen_.upto(130) as usize),
            4 => Act::Close(gen_.upto(5_000) as u16),
            5 => Act::Pass(gen_.upto(25)),
            _ => Act::Take(gen_.upto(400) as usize),
        });
        Case {
            from,
            bytes,
            cuts,
            acts,
        }
    }

    fn pieces(&self) -> Vec<&[u8]> {
        let (mut pieces, mut rest) = (Vec::new(), &self.bytes[..]);
        for cut in &self.cuts {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        pieces
    }

    fn holds(&self) -> Result<(), String> {
        let whole = heard(self.from, &[&self.bytes]);
        let cut = heard(self.from, &self.pieces());
        if whole != cut {
            return Err(format!("whole: {whole:?}, cut: {cut:?}"));
        }
        let (whole, cut) = (listed(&[&self.bytes]), listed(&self.pieces()));
        if whole != cut {
            return Err(format!("whole: {whole:?}, cut: {cut:?}"));
        }
        self.asked();
        self.lived()
    }

    /// A request of these bytes is decided about, one way or the other.
    fn asked(&self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let fields: Vec<(&str, &str)> = text
            .split('\n')
            .filter_map(|line| line.split_once(':'))
            .collect();
        let policy = Policy {
            origins: Origins::Same,
            protocols: &["chat"],
        };
        let _ = accept(("GET", "/", "HTTP/1.1"), &fields, &policy);
    }

    /// A connection in which all that happens between the pieces.
    fn lived(&self) -> Result<(), String> {
        let keys = Box::new(|| [1, 2, 3, 4]);
        let (mut connection, peer) = match self.from {
            Side::Client => {
                (Connection::server(LIMITS, Duration::ZERO), Side::Server)
            }
            Side::Server => (
                Connection::client(LIMITS, Duration::ZERO, keys),
                Side::Client,
            ),
        };
        let (mut now, mut sent) = (Duration::ZERO, Vec::new());
        let mut ended = false;
        let mut acts = self.acts.iter();
        for mut piece in self.pieces() {
            while let Some(event) = connection.receive(&mut piece, now) {
                if ended {
                    return Err(format!("{event:?} after the end"));
                }
                ended = is_last(&event);
            }
            if !piece.is_empty() {
                return Err(format!("{} bytes are left", piece.len()));
            }
            match acts.next() {
                Some(Act::Say(n)) => {
                    let _ = connection.binary(&vec![7; *n]);
                }
                Some(Act::Ping(n)) => {
                    let _ = connection.ping(&vec![7; *n]);
                }
                Some(Act::Close(code)) => {
                    let _ = connection.close(*code, "bye", now);
                }
                Some(Act::Pass(s)) => {
                    now += Duration::from_secs(*s);
                    ended |= connection.tick(now).is_some();
                }
                Some(Act::Take(n)) => take(&mut connection, *n, &mut sent),
                None => {}
            }
            // One message, one control frame and one close over the limit.
            let most = LIMITS.output + 300 + 14 + 2 * (125 + 6);
            let waits = connection.output().len();
            if waits > most || connection.is_over() != ended {
                return Err(format!("{waits} bytes wait, ended: {ended}"));
            }
        }
        while !connection.output().is_empty() {
            take(&mut connection, usize::MAX, &mut sent);
        }
        sound(peer, &sent)
    }
}

fn is_last(event: &Event) -> bool {
    matches!(event, Event::Close(_) | Event::Failed(_))
}

fn take(connection: &mut Connection, most: usize, sent: &mut Vec<u8>) {
    let count = most.min(connection.output().len());
    sent.extend_from_slice(&connection.output()[..count]);
    connection.sent(count);
}

/// What was sent breaks no rule, and has one close at most, with nothing but
/// pongs behind it.
fn sound(from: Side, sent: &[u8]) -> Result<(), String> {
    let mut messages = Messages::new(from, 1_000);
    let (mut input, mut closed) = (sent, false);
    loop {
        match messages.next(&mut input) {
            Ok(None) => return Ok(()),
            Ok(Some(Event::Pong(_))) => {}
            Ok(Some(event)) if closed => {
                return Err(format!("{event:?} is sent after a close"));
            }
            Ok(Some(event)) => closed = is_last(&event),
            Err(fault) => return Err(format!("sent: {fault}")),
        }
    }
}

/// A frame, right or wrong.
fn frame(gen_: &mut Gen, from: Side) -> Vec<u8> {
    const OPCODES: [Opcode; 8] = [
        Opcode::Text,
        Opcode::Binary,
        Opcode::Continuation,
        Opcode::Continuation,
        Opcode::Ping,
        Opcode::Pong,
        Opcode::Text,
        Opcode::Close,
    ];
    let opcode = *gen_.pick(&OPCODES);
    let last = opcode.is_control() || gen_.once_in(2);
    let mut payload = match gen_.upto(3) {
        0 => gen_.bytes(330),
        1 => gen_.upto(5_000).to_be_bytes()[6..].to_vec(),
        _ => gen_.text(60).into_bytes(),
    };
    if opcode.is_control() {
        payload.truncate(125);
    }
    let masked = (from == Side::Client) != gen_.once_in(60);
    let key = masked.then(|| [gen_.byte(), gen_.byte(), 0, gen_.byte()]);
    let length = payload.len() as u64;
    let mut bytes = Vec::new();
    Head {
        last,
        opcode,
        key,
        length,
    }
    .encode(&mut bytes);
    if let Some(key) = key {
        Mask::new(key).apply(&mut payload);
    }
    bytes.extend(payload);
    if gen_.once_in(30) {
        let at = gen_.upto(bytes.len() as u64 - 1) as usize;
        bytes[at] = gen_.byte();
    }
    bytes
}

/// All events of the pieces, the fault as the last.
fn heard(from: Side, pieces: &[&[u8]]) -> Vec<Event> {
    let mut messages = Messages::new(from, LIMITS.message);
    let mut events = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match messages.next(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(fault) => {
                    events.push(Event::Failed(fault));
                    return events;
                }
            }
        }
    }
    events
}

/// All server-sent events of the pieces, an error as the last.
fn listed(pieces: &[&[u8]]) -> Vec<String> {
    let mut parser = Parser::new(500, "");
    let mut events = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match parser.next(&mut piece) {
                Ok(Some(event)) => events.push(format!("{event:?}")),
                Ok(None) => break,
                Err(error) => {
                    events.push(error.to_string());
                    return events;
                }
            }
        }
    }
    events
}
