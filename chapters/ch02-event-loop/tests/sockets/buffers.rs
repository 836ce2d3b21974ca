//! Buffers and outboxes, for step 7.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use ch00_toolbox::prop::{self, Gen};
use ch00_toolbox::rng::Rng;
use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::combine::{Either, join, select};
use ch02_event_loop::outbox::{Outbox, Refused};
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch02_event_loop::tcp::{TcpListener, TcpStream};

use super::{SEC, addr, simulated};

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

/// I39, I40: however the bytes are cut and consumed, a reader shows what a
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

/// I39: a fill that is dropped while it waits has lost nothing.
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

/// I41, I42: what was pushed is written in order and whole; no more than the
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

/// I42: after a discard nothing is delivered, and an error closes.
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

/// I42: a discard ends a delivery that waits for a peer which takes nothing.
#[test]
fn a_discard_ends_a_write_that_waits() {
    let outbox = Outbox::new(10);
    outbox.push(Arc::from(&b"abc"[..])).expect("room");
    let cut = async { outbox.discard() };
    let never = outbox.deliver(async |_| std::future::pending().await);
    let (delivered, ()) = ch02_event_loop::promise::block_on(join(never, cut));
    delivered.expect("no error");
    assert!(outbox.is_discarded());
}
