//! Against our own server, and a network with faults.

use std::net::SocketAddr;
use std::rc::Rc;

use ch00_toolbox::clock::Clock as _;
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch03_http::chunked::BodyLimits;
use ch03_http::client::{Client, ClientError, Settings};
use ch03_http::incoming::{Fault, Incoming};
use ch03_http::response::Response;
use ch03_http::serve::{Server, Service};
use ch03_http::{response, serve};

use super::super::script::{Act, World, ok};
use super::parts::{A, Stream, byte_at, get, short, upload, with_body};

/// Sends the body back, or as many bytes as the path says.
struct Mirror;

impl Service for Mirror {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        let path = incoming.request().target.path().unwrap_or_default();
        if let Ok(length) = path[1..].parse() {
            let told = incoming.request().headers.get("told").is_some();
            let stream = Stream {
                length,
                told,
                really: length,
            };
            let payload = response::Payload::Content(Box::new(stream));
            return Ok(Response::new(200).with_payload(payload));
        }
        let body = incoming.whole().await?;
        let payload = response::Payload::Bytes(body.into());
        Ok(Response::new(200).with_payload(payload))
    }
}

fn start_mirror(world: &World) {
    let settings = serve::Settings {
        body: BodyLimits {
            body: 1 << 30,
            ..BodyLimits::default()
        },
        ..serve::Settings::default()
    };
    let (runtime, drain) = (world.runtime.clone(), Drain::default());
    let server = Server::new(Mirror, &runtime, &drain, settings);
    let addr = SocketAddr::from(([127, 0, 0, 1], 80));
    let options = ListenOptions::default();
    let listener = runtime.listen(addr, options).expect("a port");
    let accepts = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server: Rc<Server<Mirror>> = server.clone();
            let serves = async move { drop(server.connection(stream).await) };
            runtime.spawn(serves).detach();
        }
    };
    world.runtime.spawn(accepts).detach();
}

pub fn megabytes_go_both_ways() {
    let faults = Faults {
        room: 60_000,
        ..Faults::ROUGH
    };
    for seed in 0..2 {
        let told = seed % 2 == 0;
        World::run(seed, faults, Settings::default(), async |world| {
            start_mirror(world);
            let length = 2_000_000;
            let outgoing = upload(length, told, length);
            let mut reply = world.client.send(outgoing).await.expect("one");
            let body = reply.whole(1 << 24).await.expect("a body");
            let expected: Vec<u8> = (0..length).map(byte_at).collect();
            assert!(body == expected, "input: up, seed={seed}");
            let mut outgoing = get(&format!("http://127.0.0.1/{length}"));
            if told {
                outgoing = outgoing.with("Told", "1").expect("a field");
            }
            let mut reply = world.client.send(outgoing).await.expect("one");
            let (mut piece, mut at) = (Vec::new(), 0);
            while reply.piece(&mut piece).await.expect("a piece") {
                assert!(piece.len() <= 64 * 1024, "input: one piece");
                let right = (at..).map(byte_at).take(piece.len());
                assert!(right.eq(piece.iter().copied()), "input: at {at}");
                at += piece.len() as u64;
                piece.clear();
            }
            assert_eq!(at, length, "input: down, seed={seed}");
            let counts = world.client.counts();
            assert_eq!((counts.opened, counts.reused), (1, 1), "seed={seed}");
        });
    }
}

pub fn resets_lose_nothing_but_requests() {
    let faults = Faults {
        reset: 0.03,
        ..Faults::ROUGH
    };
    let (mut good, mut lost, mut retried) = (0, 0, 0);
    for seed in 0..300 {
        let counts =
            World::run(seed, faults, Settings::default(), async |world| {
                let script: Vec<Act> =
                    (0..9).flat_map(|_| [Act::Take, ok("right")]).collect();
                let seen = world.serve(80, vec![script; 99]);
                for n in 0..8 {
                    let url = format!("http://127.0.0.1/{n}");
                    match world.get(&url).await {
                        Ok(answer) => {
                            let expected = (200, "right".to_owned());
                            assert_eq!(answer, expected, "input: seed={seed}");
                            good += 1;
                        }
                        Err(
                            ClientError::Lost(_) | ClientError::Connect(..),
                        ) => {
                            lost += 1;
                        }
                        Err(error) => panic!("seed={seed}: {error}"),
                    }
                    let line = format!("GET /{n} HTTP/1.1");
                    let seen = seen.borrow();
                    let times =
                        seen.iter().filter(|s| s.line() == line).count();
                    assert!(times <= 2, "input: seed={seed}: {times} times");
                }
                let all = world.client.places() + world.client.idle();
                assert_eq!(all, 256, "input: places, seed={seed}");
                world.client.counts()
            });
        retried += counts.retried;
    }
    assert!(
        good > 500 && lost > 50 && retried > 20,
        "{good} {lost} {retried}"
    );
}

pub fn runs_can_be_repeated() {
    let run = |seed| {
        let sim = Sim::new(
            seed,
            Faults {
                reset: 0.01,
                ..Faults::ROUGH
            },
        );
        let runtime = Runtime::simulated(&sim);
        let client = Client::new(&runtime, Settings::default());
        let world = World { runtime, client };
        let body = async {
            start_mirror(&world);
            let mut ends = Vec::new();
            for _ in 0..5 {
                ends.push(short(world.send(with_body("PUT", A, "x")).await));
            }
            ends
        };
        let ends = world.runtime.block_on(body).expect("a loop");
        (ends, sim.trace().hash(), sim.clock().now())
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "input: seed={seed}");
    }
}
