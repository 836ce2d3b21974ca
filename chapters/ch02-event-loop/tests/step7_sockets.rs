//! What step 7 must do: sockets, buffers and outboxes for tasks, the same on
//! the kernel's network and on a simulated one.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch00_toolbox::prop::{self, Gen};
use ch00_toolbox::rng::Rng;
use ch02_event_loop::buffered::{BufReader, Buffers};
use ch02_event_loop::combine::{Either, join, join_all, select};
use ch02_event_loop::echo::echo;
use ch02_event_loop::outbox::{Outbox, Refused};
use ch02_event_loop::poll;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::{TcpListener, TcpStream};

const SEC: Duration = Duration::from_secs(1);

fn addr(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Runs a test's body on the kernel's network, once for each poller.
fn on_the_kernel(body: impl AsyncFn(&Runtime) -> io::Result<()>) {
    let poll = || Runtime::with_poller(Box::new(poll::Poll::new()));
    for (name, runtime) in [("system", Runtime::new()), ("poll", poll())] {
        let runtime = runtime.expect("descriptors");
        let limited = runtime.timeout(20 * SEC, body(&runtime));
        let done = runtime.block_on(limited).expect("a loop");
        done.expect("within 20 s")
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

/// Runs a body in a simulated world; what the loop itself says is the result.
fn simulated<T>(
    sim: &Sim,
    body: impl AsyncFnOnce(&Runtime) -> io::Result<T>,
) -> io::Result<T> {
    let runtime = Runtime::simulated(sim);
    runtime.block_on(body(&runtime))?
}

/// A listener whose connections are echoed by tasks of their own.
fn start_echo(runtime: &Runtime) -> io::Result<SocketAddr> {
    let listener = runtime.listen(addr(0), ListenOptions::default())?;
    let at = listener.local_addr()?;
    let for_tasks = runtime.clone();
    let accepts = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let buffers = for_tasks.buffers().clone();
            let echo = async move { echo(&stream, &buffers, pending()).await };
            for_tasks.spawn(echo).detach();
        }
    };
    runtime.spawn(accepts).detach();
    Ok(at)
}

/// Sends all of it while it reads, and gives what came back.
async fn exchange(
    runtime: &Runtime,
    at: SocketAddr,
    sent: &[u8],
) -> io::Result<Vec<u8>> {
    let (reader, writer) = runtime.connect(at).await?.split();
    let sends = async move {
        writer.stream().write_all(sent).await // and then its drop: the FIN
    };
    let reads = async {
        let (mut back, mut buf) = (Vec::new(), [0; 1000]);
        loop {
            match reader.stream().read(&mut buf).await? {
                0 => return Ok::<_, io::Error>(back),
                count => back.extend_from_slice(&buf[..count]),
            }
        }
    };
    let (sent, back) = join(sends, reads).await;
    sent?;
    back
}

/// I29: an echo of more than all buffers hold comes back whole, and the end
/// of sending ends neither the reading nor what is still to come.
#[test]
fn an_echo_is_whole() {
    on_the_kernel(async |runtime| {
        let at = start_echo(runtime)?;
        let sent = Rng::seeded(1).bytes(3_000_000);
        let back = exchange(runtime, at, &sent).await?;
        assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
        Ok(())
    });
}

/// I29: two hundred connections at once, each its own bytes.
#[test]
fn many_at_once() {
    on_the_kernel(async |runtime| {
        let at = start_echo(runtime)?;
        let all = (0..200_u64).map(|seed| async move {
            let sent = Rng::seeded(seed).bytes(2000);
            let back = exchange(runtime, at, &sent).await?;
            Ok::<bool, io::Error>(sent == back)
        });
        for (number, same) in join_all(all).await.into_iter().enumerate() {
            assert!(same?, "connection {number}");
        }
        Ok(())
    });
}

/// I27: a connect to a port where nobody listens fails with its reason.
#[test]
fn a_refused_connect() {
    on_the_kernel(async |runtime| {
        let closed = runtime.listen(addr(0), ListenOptions::default())?;
        let at = closed.local_addr()?;
        drop(closed);
        let error = runtime.connect(at).await.expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
    let sim = Sim::new(0, Faults::NONE);
    let refused = simulated(&sim, async |r| r.connect(addr(9)).await);
    let kind = refused.expect_err("nobody listens").kind();
    assert_eq!(kind, ErrorKind::ConnectionRefused, "simulated");
}

/// I29: a reset is an error for who reads, a FIN is not.
#[test]
fn a_reset_and_an_end_differ() {
    on_the_kernel(async |runtime| {
        for resets in [true, false] {
            let listener = runtime.listen(addr(0), ListenOptions::default())?;
            let at = listener.local_addr()?;
            let client = runtime.connect(at).await?;
            let (server, _) = listener.accept().await?;
            if resets {
                server.reset_on_close()?;
            }
            drop(server);
            let read = client.read(&mut [0; 8]).await.map_err(|e| e.kind());
            let expected = if resets {
                Err(ErrorKind::ConnectionReset)
            } else {
                Ok(0)
            };
            assert_eq!(read, expected, "input: resets {resets}");
        }
        Ok(())
    });
}

/// I27: a write waits when the peer does not read, and goes on when it does;
/// what was dropped while it waited has moved no byte.
#[test]
fn back_pressure() {
    on_the_kernel(async |runtime| {
        let listener = runtime.listen(addr(0), ListenOptions::default())?;
        let client = runtime.connect(listener.local_addr()?).await?;
        let (server, _) = listener.accept().await?;
        let block = vec![7; 256 * 1024];
        let mut written = 0;
        loop {
            let pieces = [IoSlice::new(&block)];
            let write = client.write_vectored(&pieces);
            match runtime.timeout(SEC / 20, write).await {
                Ok(count) => written += count?,
                Err(_) => break, // full: the write was dropped
            }
        }
        drop(client); // the FIN comes after what was written
        let (mut read, mut buf) = (0, vec![0; 100_000]);
        loop {
            match server.read(&mut buf).await? {
                0 => break,
                count => read += count,
            }
        }
        assert_eq!(read, written);
        Ok(())
    });
}

/// Writes in pieces, some of them empty, arrive in order.
#[test]
fn pieces_arrive_in_order() {
    on_the_kernel(async |runtime| {
        let at = start_echo(runtime)?;
        let (reader, writer) = runtime.connect(at).await?.split();
        let texts: [&[u8]; 6] = [b"", b"a", b"", b"bc", b"def", b""];
        let mut pieces = texts.map(IoSlice::new);
        writer.stream().write_all_vectored(&mut pieces).await?;
        drop(writer);
        let mut lines = BufReader::new(reader, Buffers::default(), 100);
        while lines.fill().await? > 0 {}
        assert_eq!(lines.unread(), b"abcdef");
        Ok(())
    });
}

// ---- the simulated network

/// Random bytes through an echo in a hostile world; what came back, and what
/// the world has seen.
fn echo_run(seed: u64, faults: Faults) -> (io::Result<Vec<bool>>, Sim) {
    let sim = Sim::new(seed, faults);
    let outcome = simulated(&sim, async |runtime| {
        let at = start_echo(runtime)?;
        let clients = (0..4).map(|number| async move {
            let sent = Rng::seeded(seed ^ number).bytes(250);
            let back = exchange(runtime, at, &sent).await;
            back.map(|back| back == sent)
        });
        join_all(clients).await.into_iter().collect()
    });
    (outcome, sim)
}

/// I52: whatever is withheld, lost, cut short or falsely announced, each byte
/// arrives once and in order.
#[test]
fn a_rough_network_changes_no_byte() {
    for seed in 0..1000 {
        let (outcome, sim) = echo_run(seed, Faults::ROUGH);
        let same = outcome.unwrap_or_else(|e| panic!("seed={seed}: {e}"));
        assert_eq!(same, [true; 4], "seed={seed}\n{}", sim.trace());
    }
}

/// I51: the same seed gives the same trace; others give others.
#[test]
fn the_same_seed_the_same_trace() {
    let faults = Faults {
        reset: 0.01,
        ..Faults::ROUGH
    };
    let traces: Vec<_> = (0..50)
        .map(|seed| echo_run(seed, faults).1.trace())
        .collect();
    for (seed, trace) in traces.iter().enumerate() {
        let again = echo_run(seed as u64, faults).1.trace();
        assert!(*trace == again, "seed={seed}\n{trace}\nagain:\n{again}");
        assert!(trace.count() > 50, "seed={seed}: hardly anything happened");
    }
    let mut hashes: Vec<u64> = traces.iter().map(|t| t.hash()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 50, "two seeds with one trace");
}

/// I52: a reset ends its connection with an error, and nothing hangs.
#[test]
fn resets_end_connections_and_nothing_else() {
    let faults = Faults {
        reset: 0.02,
        ..Faults::ROUGH
    };
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..500 {
        match echo_run(seed, faults).0 {
            Ok(same) => {
                assert_eq!(same, [true; 4], "seed={seed}");
                whole += 1;
            }
            Err(error) => {
                let kind = error.kind();
                let expected = [
                    ErrorKind::ConnectionReset,
                    ErrorKind::BrokenPipe,
                    ErrorKind::NotConnected,
                ];
                assert!(expected.contains(&kind), "seed={seed}: {error}");
                broken += 1;
            }
        }
    }
    assert!(whole > 0 && broken > 0, "whole {whole}, broken {broken}");
}

/// A world in which nothing can happen any more says so instead of hanging,
/// and an hour in it takes no time.
#[test]
fn a_deadlock_is_an_error_and_time_is_virtual() {
    let sim = Sim::new(0, Faults::NONE);
    let stuck = simulated(&sim, async |runtime| {
        let listener = runtime.listen(addr(80), ListenOptions::default())?;
        runtime.sleep(3600 * SEC).await;
        listener.accept().await.map(|_| ())
    });
    let error = stuck.expect_err("nobody ever connects");
    assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
    let hour = sim.clock().now();
    assert!(hour >= 3600 * SEC && hour < 3601 * SEC, "{hour:?}");
}

/// I28: when descriptors run out, accept waits and goes on; it counts that.
#[test]
fn accept_survives_a_shortage() {
    let faults = Faults {
        shortage: 0.5,
        ..Faults::NONE
    };
    let sim = Sim::new(3, faults);
    let shortages = simulated(&sim, async |runtime| {
        let listener = runtime.listen(addr(80), ListenOptions::default())?;
        for _ in 0..20 {
            let client = runtime.connect(addr(80)).await?;
            let (server, _) = listener.accept().await?;
            server.write_all(b"x").await?;
            assert_eq!(client.read(&mut [0; 2]).await?, 1);
        }
        Ok(listener.shortages())
    });
    let shortages = shortages.expect("20 connections");
    assert!(shortages > 5, "{shortages}");
    let waited = sim.clock().now();
    assert!(waited >= Duration::from_millis(100) * shortages as u32);
}

// ---- buffers

/// A reader of a simulated connection, and the peer that writes to it.
async fn buffered(
    runtime: &Runtime,
    limit: usize,
) -> io::Result<(BufReader, TcpStream)> {
    let listener: TcpListener =
        runtime.listen(addr(0), ListenOptions::default())?;
    let peer = runtime.connect(listener.local_addr()?).await?;
    let (server, _) = listener.accept().await?;
    let (reader, writer) = server.split();
    std::mem::forget(writer); // its FIN is not what is tested
    let buffers = runtime.buffers().clone();
    Ok((BufReader::new(reader, buffers, limit), peer))
}

/// I47, I48: however the bytes are cut and consumed, a reader shows what a
/// plain vector would, never more than its limit, and loses nothing.
#[test]
fn a_reader_is_a_vector() {
    let generate = |g: &mut Gen| {
        let limit = g.range(1, 50_000) as usize;
        (
            limit,
            g.range(0, 1000),
            g.vec(30, |g| (g.upto(9000), g.upto(9000))),
        )
    };
    prop::check("a_reader_is_a_vector", 1000, generate, |input| {
        let (limit, seed, steps) = input;
        let room = 1_000_000; // the writer never waits
        let sim = Sim::new(
            *seed,
            Faults {
                short: 0.3,
                room,
                ..Faults::NONE
            },
        );
        simulated(&sim, async |runtime| {
            let (mut reader, peer) = buffered(runtime, *limit).await?;
            let mut model = Vec::new();
            for &(write, consume) in steps {
                let bytes = Rng::seeded(write).bytes(write as usize);
                peer.write_all(&bytes).await?;
                model.extend_from_slice(&bytes);
                while reader.unread().len() < model.len().min(*limit) {
                    reader.fill().await?;
                }
                if reader.unread().len() == *limit {
                    let full = reader.fill().await.map_err(|e| e.kind());
                    assert_eq!(full, Err(ErrorKind::OutOfMemory));
                }
                let seen = reader.unread().len();
                assert!(seen <= *limit, "{seen} over the limit {limit}");
                assert!(reader.unread() == &model[..seen], "other bytes");
                let consume = (consume as usize).min(seen);
                reader.consume(consume);
                model.drain(..consume);
            }
            drop(peer);
            Ok(())
        })
        .map_err(|error| error.to_string())
    });
}

/// I47: a fill that is dropped while it waits has lost nothing.
#[test]
fn a_dropped_fill_loses_nothing() {
    let sim = Sim::new(5, Faults::ROUGH);
    simulated(&sim, async |runtime| {
        let (mut reader, peer) = buffered(runtime, 10_000).await?;
        let sends = async {
            for byte in 0..50 {
                runtime.sleep(SEC).await;
                peer.write_all(&[byte]).await?;
            }
            peer.shutdown(Shutdown::Write)
        };
        let reads = async {
            loop {
                let tick = runtime.sleep(SEC / 7);
                match select(reader.fill(), tick).await {
                    Either::Left(Ok(0)) => return reader.unread().to_vec(),
                    Either::Left(filled) => drop(filled.expect("no error")),
                    Either::Right(()) => {} // dropped, and tried again
                }
            }
        };
        let (sent, read) = join(sends, reads).await;
        sent?;
        assert_eq!(read, (0..50).collect::<Vec<u8>>());
        Ok(())
    })
    .expect("a run");
}

/// Lines: whole, with their end; then the end, or the end within a line.
#[test]
fn lines() {
    let check = |sent: &[u8], expected: &[&str], ends_well: bool| {
        let sim = Sim::new(1, Faults::ROUGH);
        let ended = simulated(&sim, async |runtime| {
            let (mut reader, peer) = buffered(runtime, 100).await?;
            peer.write_all(sent).await?;
            drop(peer);
            for &line in expected {
                let got = reader.line().await?.map(<[u8]>::to_vec);
                assert_eq!(got.as_deref(), Some(line.as_bytes()));
                reader.consume(line.len());
            }
            reader.line().await.map(|line| line.map(<[u8]>::to_vec))
        });
        let ended = ended.map_err(|e| e.kind());
        let good = if ends_well {
            Ok(None)
        } else {
            Err(ErrorKind::UnexpectedEof)
        };
        assert_eq!(ended, good, "input: {}", sent.escape_ascii());
    };
    check(b"", &[], true);
    check(b"a\n\nbc\r\n", &["a\n", "\n", "bc\r\n"], true);
    check(b"a\nb", &["a\n"], false);
}

// ---- outboxes

/// I49, I50: what was pushed is written in order and whole; no more than the
/// limit is ever queued; refused pieces are not written.
#[test]
fn an_outbox_is_a_bounded_queue() {
    let generate = |g: &mut Gen| (g.range(1, 300), g.vec(60, |g| g.bytes(120)));
    prop::check("an_outbox_is_a_bounded_queue", 1000, generate, |input| {
        let (limit, pieces) = (input.0 as usize, &input.1);
        let outbox = Outbox::new(limit);
        let written = RefCell::new(Vec::new());
        let mut accepted = Vec::new();
        let turns = Cell::new(0);
        let deliver = outbox.deliver(async |slices| {
            // Takes a turn, so that pushes come in between.
            poll_fn(|cx| match turns.replace(turns.get() + 1) % 3 {
                2 => Poll::Ready(()),
                _ => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
            let mut written = written.borrow_mut();
            slices
                .iter()
                .for_each(|slice| written.extend_from_slice(slice));
            Ok(())
        });
        let push = async {
            for piece in pieces {
                let fits = piece.len() <= limit - outbox.queued();
                let pushed = outbox.push(Arc::from(&piece[..]));
                assert_eq!(pushed.is_ok(), fits, "{} bytes", piece.len());
                assert!(outbox.queued() <= limit);
                match pushed {
                    Ok(()) => accepted.extend_from_slice(piece),
                    Err(_) if piece.len() <= limit => {
                        outbox.room(piece.len()).await;
                        let again = outbox.push(Arc::from(&piece[..]));
                        assert_eq!(again, Ok(()), "after room");
                        accepted.extend_from_slice(piece);
                    }
                    Err(_) => {}
                }
            }
            outbox.close();
        };
        let both = join(deliver, push);
        let (delivered, ()) = ch02_event_loop::promise::block_on(both);
        delivered.expect("no error");
        assert!(accepted == *written.borrow(), "other bytes");
        assert_eq!(outbox.push(Arc::from(&b"x"[..])), Err(Refused::Closed));
        Ok(())
    });
}

/// I50: after a discard nothing is delivered, and an error closes.
#[test]
fn a_discarded_outbox_delivers_nothing() {
    let outbox = Outbox::new(10);
    outbox.push(Arc::from(&b"abc"[..])).expect("room");
    outbox.discard();
    let calls = Rc::new(Cell::new(0));
    let counted = calls.clone();
    let run = outbox.deliver(async |_| {
        counted.set(counted.get() + 1);
        Ok(())
    });
    ch02_event_loop::promise::block_on(run).expect("no error");
    assert_eq!((calls.get(), outbox.is_discarded()), (0, true));

    let outbox = Outbox::new(10);
    outbox.push(Arc::from(&b"abc"[..])).expect("room");
    let run = outbox.deliver(async |_| Err(ErrorKind::BrokenPipe.into()));
    let error = ch02_event_loop::promise::block_on(run).expect_err("broken");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(outbox.push(Arc::from(&b"x"[..])), Err(Refused::Closed));
    assert_eq!(outbox.queued(), 0);
}
