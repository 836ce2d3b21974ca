//! What step 8 must do: signals as events, drains with a deadline, several
//! loops, and the chat on one of them.

use std::cell::Cell;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::process::id;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use ch00_toolbox::process::Server;
use ch00_toolbox::sys::{Signal, kill};
use ch01_sockets::bucket::Rate;
use ch01_sockets::patience::Terms;
use ch01_sockets::registry::Registry;
use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::chat::{Hall, Limits};
use ch02_event_loop::combine::join;
use ch02_event_loop::cores::{Stop, beside};
use ch02_event_loop::drain::{Drain, Drained};
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::serve::{Door, serve};
use ch02_event_loop::signals::SignalEvents;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::{TcpStream, WriteHalf};

const SEC: Duration = Duration::from_secs(1);

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Runs a body in a simulated world.
fn simulated<T>(
    faults: Faults,
    seed: u64,
    body: impl AsyncFnOnce(&Runtime) -> io::Result<T>,
) -> T {
    let sim = Sim::new(seed, faults);
    let runtime = Runtime::simulated(&sim);
    let done = runtime.block_on(body(&runtime));
    let done = done.unwrap_or_else(|e| panic!("seed={seed}: {e}"));
    done.unwrap_or_else(|e| panic!("seed={seed}: {e}\n{}", sim.trace()))
}

/// A signal wakes the loop from its sleep, once, and the next one again.
#[test]
fn signals_are_events() {
    let runtime = Runtime::new().expect("descriptors");
    let which = [Signal::Usr1, Signal::Usr2];
    let events = SignalEvents::new(runtime.reactor(), &which);
    let events = events.expect("no other Signals in this process");
    let heard = runtime.block_on(async {
        let mut heard = Vec::new();
        for signal in [Signal::Usr1, Signal::Usr2, Signal::Usr1] {
            kill(id(), signal)?;
            heard.push(events.next().await?);
        }
        Ok::<_, io::Error>(heard)
    });
    let heard = heard.expect("a loop").expect("signals");
    assert_eq!(heard, [Signal::Usr1, Signal::Usr2, Signal::Usr1]);
}

/// I45: who is here finishes what it does, and the drain says how many were.
#[test]
fn a_drain_waits_for_who_is_here() {
    simulated(Faults::NONE, 0, async |runtime| {
        let drain = Drain::default();
        let finished = Rc::new(Cell::new(0));
        for seconds in 1..=3 {
            let (guard, cut) = (drain.enter(), drain.clone());
            let (sleep, finished) =
                (runtime.sleep(SEC * seconds), finished.clone());
            let work = async move {
                if cut.unless_cut(sleep).await.is_some() {
                    finished.set(finished.get() + 1);
                }
                drop(guard);
            };
            runtime.spawn(work).detach();
        }
        assert!(!drain.has_begun());
        let drained = drain.finish(runtime.timers(), SEC * 10).await;
        assert_eq!(drained, Drained { here: 3, late: 0 });
        assert_eq!(finished.get(), 3);
        assert!(drain.has_begun() && runtime.now() < SEC * 4);
        Ok(())
    });
}

/// I46: a drain ends at its deadline; begun a second time, at once.
#[test]
fn a_drain_has_a_deadline() {
    for again in [None, Some(SEC)] {
        simulated(Faults::NONE, 0, async |runtime| {
            let drain = Drain::default();
            for _ in 0..5 {
                let (guard, cut) = (drain.enter(), drain.clone());
                let work = async move {
                    let cut_off = cut.unless_cut(pending::<()>()).await;
                    assert_eq!(cut_off, None);
                    drop(guard);
                };
                runtime.spawn(work).detach();
            }
            let limit = SEC * 10;
            let hurry = async {
                if let Some(after) = again {
                    runtime.sleep(after).await;
                    drain.begin();
                }
            };
            let finish = drain.finish(runtime.timers(), limit);
            let (drained, ()) = join(finish, hurry).await;
            assert_eq!(drained, Drained { here: 5, late: 5 });
            let took = runtime.now();
            let expected = again.unwrap_or(limit);
            assert!(took >= expected && took < expected + SEC, "{took:?}");
            Ok(())
        });
    }
}

/// I45: a drain stops the accepting, and one more than the door lets in is
/// told so and closed.
#[test]
fn a_door_and_its_end() {
    simulated(Faults::NONE, 0, async |runtime| {
        let listener = runtime.listen(here(80), ListenOptions::default())?;
        let drain = Drain::default();
        let door = Door {
            most: 2,
            full: "full\n",
        };
        let ended = drain.clone();
        let serves = serve(runtime, &listener, &drain, door, move |_, _| {
            let ended = ended.clone();
            async move { ended.begun().await }
        });
        let visits = async {
            let _one = runtime.connect(here(80)).await?;
            let _two = runtime.connect(here(80)).await?;
            runtime.sleep(SEC).await;
            assert_eq!(drain.here(), 2);
            let three = runtime.connect(here(80)).await?;
            let mut said = [0; 10];
            let count = three.read(&mut said).await?;
            assert_eq!(&said[..count], b"full\n");
            assert_eq!(three.read(&mut said).await?, 0, "and then the end");
            Ok(drain.finish(runtime.timers(), SEC).await)
        };
        let (served, drained) = join(serves, visits).await;
        served?;
        drained.map(|drained| assert_eq!(drained, Drained { here: 2, late: 0 }))
    });
}

/// I47: every loop runs; when one ends, with an error or without, all are
/// asked to, and the first error is told.
#[test]
fn loops_end_together() {
    for failing in [None, Some(0), Some(2)] {
        let stop = Stop::default();
        let (numbers, ran) = (AtomicU32::new(1), AtomicU32::new(0));
        let run = |number: u32| {
            let runtime = Runtime::new()?;
            ran.fetch_add(1, SeqCst);
            if failing == Some(number) {
                return Err(io::Error::other(format!("loop {number}")));
            }
            if failing.is_none() && number == 1 {
                return Ok(()); // the others are asked
            }
            runtime.block_on(stop.asked(1))
        };
        let other = || run(numbers.fetch_add(1, SeqCst));
        let ended = beside(3, &stop, other, || run(0));
        assert_eq!(ran.load(SeqCst), 4, "input: {failing:?}");
        let error = ended.err().map(|error| error.to_string());
        let expected = failing.map(|number| format!("loop {number}"));
        assert_eq!(error, expected, "input: {failing:?}");
    }
}

// ---- the chat

const LIMITS: Limits = Limits {
    line: 100,
    outbox: 1000,
    rate: Rate {
        burst: 100,
        per_second: 0,
    },
    terms: Terms {
        login: Duration::from_secs(30),
        idle: Duration::from_secs(60),
    },
    send: Duration::from_secs(20),
    linger: Duration::from_secs(2),
};

/// A chat at port 80, and what a test does with it.
async fn chat(runtime: &Runtime, limits: Limits) -> io::Result<Hall> {
    let hall = Hall::new(Box::new(Registry::default()), limits, runtime);
    let listener = runtime.listen(here(80), ListenOptions::default())?;
    let (halls, spawner) = (hall.clone(), runtime.clone());
    let accepts = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let hall = halls.clone();
            let client = async move { hall.client(stream).await };
            spawner.spawn(client).detach();
        }
    };
    runtime.spawn(accepts).detach();
    Ok(hall)
}

struct Member {
    reader: BufReader,
    writer: WriteHalf,
}

impl Member {
    async fn enter(runtime: &Runtime, name: &str) -> io::Result<Member> {
        let stream: TcpStream = runtime.connect(here(80)).await?;
        let (reader, writer) = stream.split();
        let buffers = runtime.buffers().clone();
        let reader = BufReader::new(reader, buffers, 100_000);
        let mut member = Member { reader, writer };
        member.say(name).await?;
        while !member.hear().await?.starts_with("* in lobby") {}
        Ok(member)
    }

    async fn say(&self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        self.writer.stream().write_all(line.as_bytes()).await
    }

    /// The next line; empty at the end.
    async fn hear(&mut self) -> io::Result<String> {
        let line = match self.reader.line().await? {
            Some(line) => String::from_utf8_lossy(line).into_owned(),
            None => return Ok(String::new()),
        };
        self.reader.consume(line.len());
        Ok(line.trim_end().to_owned())
    }

    /// All lines up to the end, or to one that ends with this.
    async fn hear_until(&mut self, last: &str) -> io::Result<Vec<String>> {
        let mut heard = Vec::new();
        loop {
            let line = self.hear().await?;
            let ends = line.is_empty() || line.ends_with(last);
            heard.push(line);
            if ends {
                return Ok(heard);
            }
        }
    }
}

/// I48: whatever the network does, all members hear one order.
#[test]
fn a_room_hears_one_order() {
    for seed in 0..100 {
        simulated(
            Faults {
                room: 500,
                ..Faults::ROUGH
            },
            seed,
            async |runtime| {
                let limits = Limits {
                    outbox: 100_000,
                    ..LIMITS
                };
                chat(runtime, limits).await?;
                let mut ears = Member::enter(runtime, "ears").await?;
                let mut ann = Member::enter(runtime, "ann").await?;
                let bob = Member::enter(runtime, "bob").await?;
                ears.hear_until("bob joined lobby").await?;
                ann.hear_until("bob joined lobby").await?;
                let talk = async {
                    for number in 0..20 {
                        ann.say(&format!("a{number}")).await?;
                    }
                    ann.say("done").await
                };
                let back = async {
                    for number in 0..20 {
                        bob.say(&format!("b{number}")).await?;
                    }
                    bob.say("done").await
                };
                let (one, two) = join(talk, back).await;
                one.and(two)?;
                let mut first = ears.hear_until(": done").await?;
                first.extend(ears.hear_until(": done").await?);
                let mut second = ann.hear_until(": done").await?;
                second.extend(ann.hear_until(": done").await?);
                assert_eq!(second, first, "seed={seed}");
                assert_eq!(first.len(), 42, "seed={seed}");
                Ok(())
            },
        );
    }
}

/// I49: who does not read is cut off, and the others are told why, while
/// they wait for nothing.
#[test]
fn a_slow_reader_is_cut_off() {
    simulated(
        Faults {
            room: 300,
            ..Faults::NONE
        },
        0,
        async |runtime| {
            chat(runtime, LIMITS).await?;
            let mut ann = Member::enter(runtime, "ann").await?;
            let mut slow = Member::enter(runtime, "slow").await?;
            let mut before = 0;
            loop {
                ann.say("a line of a length that fills a buffer soon")
                    .await?;
                let heard = ann.hear().await?;
                if heard
                    == "* slow left lobby: too slow to read what it is told"
                {
                    break;
                }
                before += 1;
                assert!(before < 100, "never cut off: {heard}");
            }
            assert!(before > 10, "cut off after {before} lines");
            // What it reads ends in a reset: it has missed something.
            let ended = loop {
                match slow.hear().await {
                    Ok(line) if !line.is_empty() => {}
                    other => break other.map_err(|e| e.kind()),
                }
            };
            assert_eq!(ended, Err(ErrorKind::ConnectionReset));
            Ok(())
        },
    );
}

/// I50: a stranger that says no name, and a member that falls silent, are
/// told and cut off at their deadlines.
#[test]
fn silences_end() {
    simulated(Faults::NONE, 0, async |runtime| {
        chat(runtime, LIMITS).await?;
        let stranger = runtime.connect(here(80)).await?;
        let (reader, _writer) = stranger.split();
        let buffers = runtime.buffers().clone();
        let mut reader = BufReader::new(reader, buffers, 1000);
        while reader.fill().await? > 0 {}
        let said = String::from_utf8_lossy(reader.unread()).into_owned();
        assert_eq!(said, "* your name?\n* bye: no name in time\n");
        let after = runtime.now().as_secs();
        assert!((30..31).contains(&after), "after {after} s");

        let mut member = Member::enter(runtime, "ann").await?;
        let start = runtime.now();
        let heard = member.hear_until("\n").await?;
        assert_eq!(heard[0], "* still there? say something within 30 s");
        assert_eq!(heard[1], "* bye: idle for too long");
        let after = (runtime.now() - start).as_secs();
        assert!((60..61).contains(&after), "after {after} s");
        Ok(())
    });
}

/// I45: a goodbye is everybody's last line.
#[test]
fn a_goodbye_is_the_last_line() {
    for seed in 0..50 {
        simulated(
            Faults {
                room: 200,
                ..Faults::ROUGH
            },
            seed,
            async |runtime| {
                let limits = Limits {
                    outbox: 100_000,
                    ..LIMITS
                };
                let hall = chat(runtime, limits).await?;
                let mut ann = Member::enter(runtime, "ann").await?;
                let mut bob = Member::enter(runtime, "bob").await?;
                for number in 0..10 {
                    ann.say(&number.to_string()).await?;
                }
                bob.hear_until("ann: 9").await?;
                hall.end_all("goodbye");
                let (ann, bob) =
                    join(ann.hear_until("\n"), bob.hear_until("\n")).await;
                let (ann, bob) = (ann?, bob?);
                assert_eq!(
                    ann[ann.len() - 2..],
                    ["* goodbye", ""],
                    "seed={seed}"
                );
                assert_eq!(bob, ["* goodbye", ""], "seed={seed}");
                Ok(())
            },
        );
    }
}

// ---- the finished stage

/// I45, I46: SIGTERM ends the process with status 0 once the client is gone;
/// its bytes all come back before the end.
#[test]
fn the_stage_drains() -> io::Result<()> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock();
    for loops in ["1", "2"] {
        let args = ["--echo", "--loops", loops];
        let mut server = Server::bin("ch02-event-loop").args(args).start()?;
        let mut client = server.connect()?;
        use std::io::{Read, Write};
        client.write_all(b"hello")?;
        let mut back = [0; 5];
        client.read_exact(&mut back)?;
        let status = server.terminate();
        assert!(status.success(), "{loops} loops: {status}");
        assert_eq!(client.read(&mut back)?, 0, "{loops} loops: the FIN");
    }
    Ok(())
}
