//! What step 7 must do: sockets, buffers and outboxes for tasks, the same on
//! the kernel's network and on a simulated one.

use std::future::pending;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch00_toolbox::rng::Rng;
use ch02_event_loop::buffered::{BufReader, Buffers};
use ch02_event_loop::combine::{join, join_all};
use ch02_event_loop::echo::echo;
use ch02_event_loop::poll;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;

#[path = "sockets/buffers.rs"]
mod buffers;

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

/// I38: an echo of more than all buffers hold comes back whole, and the end
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

/// I38: two hundred connections at once, each its own bytes.
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

/// I36: a connect to a port where nobody listens fails with its reason.
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

/// I38: a reset is an error for who reads, a FIN is not.
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

/// I36: a write waits when the peer does not read, and goes on when it does;
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

/// I38: a reset is told as one although the writing half is dropped before.
#[test]
fn no_end_before_a_reset() {
    on_the_kernel(async |runtime| {
        let listener = runtime.listen(addr(0), ListenOptions::default())?;
        let client = runtime.connect(listener.local_addr()?).await?;
        let (server, _) = listener.accept().await?;
        let (reader, writer) = server.split();
        reader.stream().reset_on_close()?;
        drop(writer);
        drop(reader);
        let read = client.read(&mut [0; 8]).await.map_err(|e| e.kind());
        assert_eq!(read, Err(ErrorKind::ConnectionReset));
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

/// I44: whatever is withheld, lost, cut short or falsely announced, each byte
/// arrives once and in order.
#[test]
fn a_rough_network_changes_no_byte() {
    for seed in 0..1000 {
        let (outcome, sim) = echo_run(seed, Faults::ROUGH);
        let same = outcome.unwrap_or_else(|e| panic!("seed={seed}: {e}"));
        assert_eq!(same, [true; 4], "seed={seed}\n{}", sim.trace());
    }
}

/// I43: the same seed gives the same trace; others give others.
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

/// I44: a reset ends its connection with an error, and nothing hangs.
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

/// I37: when descriptors run out, accept waits and goes on; it counts that.
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
