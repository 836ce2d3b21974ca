//! Waits, and their ends.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch03_http::client::error::Step;
use ch03_http::client::{ClientError, Outgoing, Settings, Times, dial};

use super::super::script::{Act, World, ok, say};
use super::parts::{A, get, short, with_body};

fn short_times() -> Settings {
    let seconds = Duration::from_secs;
    Settings {
        times: Times {
            place: seconds(1),
            connect: seconds(2),
            send: seconds(3),
            head: seconds(4),
            idle: seconds(5),
            go_on: seconds(1),
            total: Some(seconds(60)),
        },
        ..Settings::default()
    }
}

pub fn each_wait_has_an_end() {
    let hang = |before: Vec<Act>| [before, vec![Act::Hang]].concat();
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi";
    let drips = |text: &str, ms| -> Vec<Act> {
        let drip = |byte: u8| [Act::Wait(ms), Act::Say(vec![byte])];
        text.bytes().flat_map(drip).collect()
    };
    let drip_head =
        [vec![Act::Take], drips(&"HTTP/1.1 200 OK ".repeat(9), 900)];
    let many = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n";
    let drip_body = [vec![Act::Take, say(many)], drips(&"x".repeat(99), 4_000)];
    let large = with_body("POST", A, "x".repeat(300_000).leak());
    type Row = (&'static str, Vec<Act>, Outgoing, Step, u64);
    let table: Vec<Row> = vec![
        ("silence", hang(vec![Act::Take]), get(A), Step::Head, 4),
        ("a slow head", drip_head.concat(), get(A), Step::Head, 4),
        (
            "half a body",
            hang(vec![Act::Take, say(begun)]),
            get(A),
            Step::Body,
            5,
        ),
        ("a slow body", drip_body.concat(), get(A), Step::Total, 60),
        ("takes nothing", hang(vec![]), large, Step::Send, 3),
    ];
    for (name, script, outgoing, step, after) in table {
        World::calm(short_times(), async |world| {
            world.serve(80, vec![script]);
            let got = world.send(outgoing).await;
            match got {
                Err(ClientError::TimedOut(at)) => {
                    assert_eq!(at, step, "input: {name}");
                }
                other => panic!("input: {name}: {}", short(other)),
            }
            let now = world.runtime.now().as_secs();
            assert_eq!(now, after, "input: {name}");
            let places = world.client.places();
            assert_eq!(places, 256, "input: {name}: its place is free");
        });
    }
}

pub fn the_wait_for_a_place_has_an_end() {
    let mut settings = short_times();
    settings.limits.connections = 1;
    World::calm(settings, async |world| {
        world.serve(80, vec![vec![Act::Take, ok("held")]]);
        let held = world.client.send(get(A)).await.expect("an answer");
        let got = short(world.get(A).await);
        let expected = ClientError::TimedOut(Step::Place).to_string();
        assert_eq!(got, expected, "input: one place, and it is held");
        drop(held);
    });
}

pub fn addresses_are_tried_in_turn() {
    let sim = Sim::new(1, Faults::NONE);
    let runtime = Runtime::simulated(&sim);
    let addr = |n: u8| SocketAddr::from(([10, 0, 0, n], 80));
    let limit = Duration::from_secs(2);
    let connect = |addr: SocketAddr| async move {
        match addr.ip().to_string().as_str() {
            "10.0.0.1" => pending().await,
            "10.0.0.2" => Err(io::ErrorKind::ConnectionRefused.into()),
            _ => Ok(addr),
        }
    };
    let table: [(&[u8], &str, u64); 5] = [
        (&[3], "10.0.0.3:80", 0),
        (&[1, 2, 3], "10.0.0.3:80", 2),
        (
            &[2, 1, 1],
            "timed out: the server did not take the connection",
            4,
        ),
        (
            &[1, 2],
            "cannot connect to 10.0.0.2:80: connection refused",
            2,
        ),
        (&[], "timed out: the server did not take the connection", 0),
    ];
    for (those, expected, seconds) in table {
        let all: Vec<SocketAddr> = those.iter().map(|n| addr(*n)).collect();
        let before = runtime.now();
        let first = dial::first(&runtime, &all, limit, connect);
        let got = runtime.block_on(first).expect("a loop");
        let got = got.map_or_else(|e| e.to_string(), |a| a.to_string());
        assert_eq!(got, expected, "input: {those:?}");
        let took = (runtime.now() - before).as_secs();
        assert_eq!(took, seconds, "input: {those:?}");
    }
}

pub fn names_are_looked_up() {
    let lookup: dial::Lookup = Arc::new(|host: &str, port| match host {
        "a.test" => Ok(vec![
            SocketAddr::from(([127, 0, 0, 9], port)), // nobody is there
            SocketAddr::from(([127, 0, 0, 1], port)),
        ]),
        "empty.test" => Ok(vec![]),
        _ => Err(io::Error::other("no such name")),
    });
    let settings = Settings {
        lookup,
        ..Settings::default()
    };
    World::calm(settings, async |world| {
        let seen = world.serve(80, vec![vec![Act::Take, ok("1")]]);
        let got = short(world.get("http://A.test/x").await);
        assert_eq!(got, "200 1", "input: the second address");
        assert!(seen.borrow()[0].head.contains("\r\nHost: a.test\r\n"));
        for (host, expected) in [
            ("empty.test", "empty.test: no address"),
            ("b.test", "b.test: no such name"),
            ("127.0.0.1:99", "refused"),
        ] {
            let got = short(world.get(&format!("http://{host}/")).await);
            assert_eq!(got, expected, "input: {host}");
        }
        assert_eq!(world.client.places(), 255, "input: one is idle");
    });
}
