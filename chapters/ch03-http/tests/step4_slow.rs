//! What this step must do about clients that are slow on purpose. All times
//! are virtual: an hour of silence takes no time, and a deadline is a number.

mod peer;
mod slow;

use std::time::Duration;

use ch00_toolbox::process::Server as Stage;
use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::combine::join_all;
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch03_http::patience::{Patience, Phase};
use ch03_http::serve::Settings;
use ch03_http::slow::{Crowded, Times};
use peer::{
    MS, SEC, World, answers, polls, read_some, read_to_end, simulated,
    statuses, with_server,
};

/// Cases of a property.
const CASES: u32 = 1000;

/// Short times, each another one.
fn times() -> Times {
    Times {
        keep_alive: 7 * SEC,
        head: 5 * SEC,
        body: 3 * SEC,
        send: 4 * SEC,
        rate: 100,
        linger: 2 * SEC,
    }
}

fn patient(patience: impl Patience + 'static) -> Settings {
    Settings {
        patience: Box::new(patience),
        ..Settings::default()
    }
}

/// Runs a body beside a server with these times.
fn timed<T>(
    times: Times,
    body: impl AsyncFnOnce(&World) -> std::io::Result<T>,
) -> T {
    // The step's own function first, on this thread.
    assert!(times.left(Phase::Idle, Duration::ZERO, 0).is_some());
    let sim = Sim::new(1, Faults::NONE);
    let done = simulated(&sim, patient(times), body);
    done.unwrap_or_else(|error| panic!("{error}\n{}", sim.trace()))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Each byte after a pause.
fn slowly(text: &str, pause: Duration) -> Vec<(Duration, Vec<u8>)> {
    text.bytes().map(|byte| (pause, vec![byte])).collect()
}

/// Asserts that a moment is at a deadline, or at most so much later that a
/// timer's tick and a poll explain it.
#[track_caller]
fn assert_at(got: Duration, deadline: Duration, input: &str) {
    let late = got.checked_sub(deadline);
    let is_late = late.is_some_and(|late| late <= 10 * MS);
    assert!(is_late, "at {got:?}, and not at {deadline:?}: {input}");
}

// ---- times

/// I19, I20, I21: what is left, phase by phase.
#[test]
fn what_is_left() {
    let t = times();
    let check = |phase, elapsed: Duration, moved, expected: Duration| {
        let got = t.left(phase, elapsed, moved);
        assert_eq!(got, Some(expected), "{phase:?}, {elapsed:?}, {moved}");
    };
    check(Phase::Idle, SEC, 0, 6 * SEC);
    check(Phase::Head, SEC, 9_999, 4 * SEC);
    check(Phase::Head, 6 * SEC, 9_999, Duration::ZERO);
    check(Phase::Body, SEC, 0, 2 * SEC);
    check(Phase::Body, SEC, 99, 2 * SEC);
    check(Phase::Body, 13 * SEC, 1_100, SEC);
    check(Phase::Send, 4 * SEC, 0, Duration::ZERO);
    check(Phase::Send, 4 * SEC, 100, SEC);
    check(Phase::Linger, SEC, 500, SEC);
    // Rates and times at their ends.
    let none = Times { rate: 0, ..t };
    assert_eq!(none.left(Phase::Body, SEC, u64::MAX), Some(2 * SEC));
    let most = Times {
        body: Duration::MAX,
        rate: 1,
        ..t
    };
    let all = most.left(Phase::Body, Duration::ZERO, u64::MAX);
    assert_eq!(all, Some(Duration::MAX));
}

// ---- heads

/// I19: a byte a second ends at the deadline, wherever in the head it is;
/// what was asked before is answered before.
#[test]
fn a_slow_head() {
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(99));
    let fields = format!("{}{}", &get("/")[..25], "X: y\r\n".repeat(99));
    for text in [long, fields] {
        let (got, end) =
            timed(times(), async |w| w.drip(slowly(&text, SEC)).await);
        assert!(got.starts_with("HTTP/1.1 408 Request Timeout"), "{got}");
        assert!(got.contains("Connection: close"), "{got}");
        assert_at(end, 6 * SEC, &text); // the first byte comes after 1 s
    }
    let mut pieces = vec![(SEC, (get("/a") + "G").into_bytes())];
    pieces.extend(slowly(&"E".repeat(99), SEC));
    let (got, end) = timed(times(), async |w| w.drip(pieces).await);
    let (found, _) = answers(got.as_bytes(), &[]);
    assert_eq!(
        statuses(&found),
        [200, 408],
        "input: GET /a, then a byte a s"
    );
    assert_at(end, 6 * SEC, "a head behind a request");
}

/// I19: a head that takes less than its time is answered, however it comes,
/// and one that takes longer is not.
#[test]
fn heads_in_time() {
    let head = times().head;
    prop::check(
        "heads_in_time",
        CASES,
        |g: &mut Gen| {
            let text = get("/a");
            let mut at = g.range(1, 9) as usize;
            let mut pieces = vec![(Duration::ZERO, text[..at].to_owned())];
            while at < text.len() {
                let to = (at + g.range(1, 12) as usize).min(text.len());
                let pause = 20 * MS * g.range(0, 90) as u32;
                pieces.push((pause, text[at..to].to_owned()));
                at = to;
            }
            pieces
        },
        |pieces| {
            let took: Duration = pieces.iter().map(|piece| piece.0).sum();
            if took.abs_diff(head) < 20 * MS {
                return Ok(()); // who knows
            }
            let bytes = pieces.iter();
            let bytes =
                bytes.map(|(at, text)| (*at, text.clone().into_bytes()));
            let bytes: Vec<_> = bytes.collect();
            let (got, _) = timed(times(), async |w| w.drip(bytes).await);
            let (found, _) = answers(got.as_bytes(), &[]);
            let expected: &[u16] = if took < head { &[200] } else { &[408] };
            match statuses(&found) == expected {
                true => Ok(()),
                false => Err(format!("{took:?}: {got}")),
            }
        },
    );
}

/// Between two requests a client may be silent for longer than within one,
/// and is then told nothing; an empty line is no beginning.
#[test]
fn an_idle_client() {
    for text in [String::new(), get("/a"), get("/a") + "\r\n", "\r\n".into()] {
        let pieces = vec![(SEC, text.clone().into_bytes())];
        let (got, end) = timed(times(), async |w| w.drip(pieces).await);
        let (found, _) = answers(got.as_bytes(), &[]);
        let expected: &[u16] = if text.len() > 2 { &[200] } else { &[] };
        assert_eq!(statuses(&found), expected, "input: {text:?}");
        let last = if text.is_empty() { 7 * SEC } else { 8 * SEC };
        assert_at(end, last, &text);
    }
}

// ---- many

/// I19: a thousand clients that send a byte a second do not keep one waiting
/// that does not: it gets its answer at the same moment, after as many polls,
/// as it would alone. And they are gone at their deadline.
#[test]
fn a_thousand_slow_clients() {
    let alone = timed(times(), async |world| one_request(world).await);
    let sim = Sim::new(1, Faults::NONE);
    let beside = simulated(&sim, patient(times()), async |world| {
        let mut slow = Vec::new();
        for _ in 0..1000 {
            let client = world.connect().await?;
            client.write_all(b"GET /").await?;
            slow.push(client);
        }
        let mut found = Vec::new();
        for _ in 0..4 {
            let bytes = slow.iter().map(|client| client.write_all(b"x"));
            for sent in join_all(bytes).await {
                sent?;
            }
            found.push(one_request(world).await?);
            world.runtime.sleep(SEC).await;
        }
        world.runtime.sleep(4 * SEC).await; // deadline, linger
        assert_eq!(world.drain.here(), 0, "of a thousand");
        Ok(found)
    });
    assert_eq!(beside.expect("a world"), [alone; 4], "time, polls");
}

/// How long a request takes, and how often its client is polled.
async fn one_request(world: &World) -> std::io::Result<(Duration, usize)> {
    let client = world.connect().await?;
    let began = world.runtime.now();
    let exchange = async {
        client.write_all(get("/a").as_bytes()).await?;
        read_some(&client, "GET /a ").await
    };
    let (answer, polls) = polls(exchange).await;
    assert!(answer?.contains("200 OK"), "an answer");
    Ok((world.runtime.now() - began, polls))
}

/// I22: the fuller the house, the shorter an idle client may stay.
#[test]
fn a_crowd() {
    let drain = Drain::default();
    let crowded = Crowded {
        times: times(),
        least: SEC / 2,
        drain: drain.clone(),
        most: 10,
    };
    let left = |phase| crowded.left(phase, Duration::ZERO, 0);
    assert_eq!(left(Phase::Idle), Some(7 * SEC), "nobody is here");
    let five: Vec<_> = (0..5).map(|_| drain.enter()).collect();
    assert_eq!(left(Phase::Idle), Some(7 * SEC / 2), "half of the places");
    assert_eq!(left(Phase::Head), Some(5 * SEC), "a head is a head");
    let rest: Vec<_> = (0..5).map(|_| drain.enter()).collect();
    assert_eq!(left(Phase::Idle), Some(SEC / 2), "all of the places");
    let elapsed = crowded.left(Phase::Idle, SEC, 0);
    assert_eq!(elapsed, Some(Duration::ZERO), "after its time");
    drop((five, rest));
    let endless = Crowded {
        times: Times {
            keep_alive: Duration::MAX,
            ..times()
        },
        most: 0,
        ..crowded
    };
    let least = endless.left(Phase::Idle, Duration::ZERO, 0);
    assert_eq!(least, Some(SEC / 2), "no place at all");
}

/// I22: in a server, whoever comes last leaves first.
#[test]
fn a_crowd_of_idle_clients() {
    let drain = Drain::default();
    let crowded = Crowded {
        times: times(),
        least: SEC / 2,
        drain: drain.clone(),
        most: 10,
    };
    assert!(crowded.left(Phase::Idle, SEC, 0).is_some());
    let sim = Sim::new(1, Faults::NONE);
    let runtime = Runtime::simulated(&sim);
    let stays =
        with_server(&runtime, &drain, patient(crowded), async |world| {
            let mut clients = Vec::new();
            for _ in 0..10 {
                clients.push(world.connect().await?);
                world.runtime.sleep(MS).await;
            }
            let stays = clients.iter().map(async |client| {
                read_to_end(client).await.map(|_| world.runtime.now())
            });
            join_all(stays).await.into_iter().collect()
        });
    let stays: Vec<Duration> = stays.expect("ten ends");
    assert_at(stays[0], 7 * SEC * 9 / 10, "the first");
    assert_at(stays[9], SEC / 2, "the last");
    assert!(stays.is_sorted_by(|a, b| a >= b), "{stays:?}");
}

/// The stage, with its shortest times: 408, in the kernel's time.
#[test]
fn the_stage() {
    use std::io::{Read, Write};
    assert!(times().left(Phase::Idle, SEC, 0).is_some());
    let mut stage = Stage::example("ch03-http", "step4_slow")
        .args(["--head-ms", "50", "--keep-alive-ms", "50"])
        .start()
        .expect("a stage");
    let mut slow = stage.connect().expect("a connection");
    slow.write_all(b"GET / HT").expect("sent");
    let mut got = String::new();
    slow.read_to_string(&mut got).expect("an end");
    assert!(got.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{got}");
    let mut idle = stage.connect().expect("a connection");
    let mut got = String::new();
    idle.read_to_string(&mut got).expect("an end");
    assert_eq!(got, "");
    assert!(stage.terminate().success());
}
