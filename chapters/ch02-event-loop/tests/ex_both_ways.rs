//! The checks of the exercise ex_both_ways.

#[path = "../exercises/ex_both_ways.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;
#[path = "../solutions/ex_both_ways.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::io::{self, ErrorKind};
            use std::net::SocketAddr;
            use std::time::Duration;

            use ch02_event_loop::combine::join;
            use ch02_event_loop::runtime::Runtime;
            use ch02_event_loop::sim::{Faults, Sim};
            use ch02_event_loop::sys::ListenOptions;
            use ch02_event_loop::tcp::TcpStream;

            use super::super::$subject::proxy;

            const IDLE: Duration = Duration::from_secs(60);

            /// Two peers with a proxy between them: left, right, and what
            /// the proxy said.
            fn between<T>(
                faults: Faults,
                seed: u64,
                peers: impl AsyncFnOnce(
                    &Runtime,
                    TcpStream,
                    TcpStream,
                ) -> io::Result<T>,
            ) -> (io::Result<(u64, u64)>, io::Result<T>) {
                let sim = Sim::new(seed, faults);
                let runtime = Runtime::simulated(&sim);
                let at = SocketAddr::from(([10, 0, 0, 1], 80));
                let listener = runtime
                    .listen(at, ListenOptions::default())
                    .expect("a port");
                let run = async {
                    let left = runtime.connect(at).await?;
                    let (a, _) = listener.accept().await?;
                    let b = runtime.connect(at).await?;
                    let (right, _) = listener.accept().await?;
                    let proxied = proxy(&runtime, a, b, IDLE);
                    let peers = peers(&runtime, left, right);
                    Ok::<_, io::Error>(join(proxied, peers).await)
                };
                let ran = runtime.block_on(run);
                ran.unwrap_or_else(|e| panic!("seed={seed}: {e}"))
                    .unwrap_or_else(|e| panic!("seed={seed}: {e}"))
            }

            async fn all(stream: &TcpStream) -> io::Result<Vec<u8>> {
                let (mut all, mut buf) = (Vec::new(), [0; 100]);
                loop {
                    match stream.read(&mut buf).await? {
                        0 => return Ok(all),
                        count => all.extend_from_slice(&buf[..count]),
                    }
                }
            }

            /// I38: a question, its end, and an answer after that
            #[test]
            $(#[$skip])?
            fn both_ways_and_both_ends() {
                for seed in 0..100 {
                    let said = between(
                        Faults::ROUGH,
                        seed,
                        async |_, left, right| {
                            let asks = async {
                                let (reads, writes) = left.split();
                                writes.stream().write_all(&[1; 500]).await?;
                                drop(writes);
                                all(reads.stream()).await
                            };
                            let answers = async {
                                let question = all(&right).await?;
                                right.write_all(&[2; 300]).await?;
                                drop(right);
                                Ok::<_, io::Error>(question)
                            };
                            let (answer, question) =
                                join(asks, answers).await;
                            Ok((answer?, question?))
                        },
                    );
                    let (counts, peers) = said;
                    let counts = counts.map_err(|e| e.kind());
                    assert_eq!(counts, Ok((500, 300)), "seed={seed}");
                    let expected = (vec![2; 300], vec![1; 500]);
                    let peers = peers.map_err(|e| e.kind());
                    assert_eq!(peers, Ok(expected), "seed={seed}");
                }
            }

            /// I38: an error of one side ends the other at once
            #[test]
            $(#[$skip])?
            fn a_reset_ends_both() {
                let (counts, ended) = between(
                    Faults::NONE,
                    0,
                    async |runtime, left, right| {
                        left.write_all(b"half a").await?;
                        right.read(&mut [0; 64]).await?;
                        left.reset_on_close()?;
                        drop(left);
                        let end = right.read(&mut [0; 64]).await;
                        assert!(runtime.now() < IDLE, "only by the limit");
                        Ok(end.is_ok_and(|count| count > 0))
                    },
                );
                let kind = counts.map_err(|e| e.kind());
                let reset = Err(ErrorKind::ConnectionReset);
                assert_eq!(kind, reset, "input: a reset of the left side");
                let more = ended.map_err(|e| e.kind());
                assert_eq!(more, Ok(false), "input: bytes after the reset");
            }

            /// I36: silence ends it, and bytes put the end off
            #[test]
            $(#[$skip])?
            fn silence_ends_it() {
                let (counts, took) = between(
                    Faults::NONE,
                    0,
                    async |runtime, left, right| {
                        for _ in 0..3 {
                            runtime.sleep(IDLE / 4 * 3).await;
                            left.write_all(b"x").await?;
                        }
                        let seen = all(&right).await.unwrap_or_default();
                        assert!(seen.len() <= 3, "input: three bytes");
                        Ok(runtime.now())
                    },
                );
                let kind = counts.map_err(|e| e.kind());
                let expected = Err(ErrorKind::TimedOut);
                assert_eq!(kind, expected, "input: silence");
                let took = took.expect("no error");
                let expected = IDLE / 4 * 9 + IDLE;
                assert!(
                    took >= expected && took < expected + IDLE / 10,
                    "input: bytes at 45, 90 and 135 s: over after {took:?}"
                );
            }
        }
    };
}
mod on {
    checks!(solution);
    checks!(
        exercise,
        #[ignore = "exercise: cargo run -- check ex_both_ways"]
    );
}
