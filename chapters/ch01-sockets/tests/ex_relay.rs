//! The checks of the exercise `ex_relay`, over TCP on loopback. A wrong relay
//! waits for ever, so every wait here has a limit; a right one never meets it.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

#[path = "../solutions/ex_relay.rs"]
mod solution;

#[path = "../exercises/ex_relay.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

const LIMIT: Duration = Duration::from_secs(20);

type Relay = fn(&TcpStream, &TcpStream) -> io::Result<(u64, u64)>;

fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    near.set_read_timeout(Some(LIMIT))?;
    near.set_write_timeout(Some(LIMIT))?;
    Ok((near, listener.accept()?.0))
}

/// Two peers and the relay between them, which tells what it returned.
struct Between {
    client: TcpStream,
    server: TcpStream,
    ended: Receiver<Result<(u64, u64), io::ErrorKind>>,
}

fn between(relay: Relay) -> io::Result<Between> {
    let (client, a) = pair()?;
    let (server, b) = pair()?;
    let (tell, ended) = channel();
    thread::spawn(move || {
        let result = relay(&a, &b).map_err(|error| error.kind());
        drop((a, b));
        let _ = tell.send(result); // the test may have failed already
    });
    Ok(Between {
        client,
        server,
        ended,
    })
}

/// One of each end, relayed and returned: reaches the relay on the test's own
/// thread before any other does.
fn reach(relay: Relay) -> io::Result<()> {
    let (client, a) = pair()?;
    let (server, b) = pair()?;
    drop((client, server));
    assert_eq!(relay(&a, &b)?, (0, 0), "input: two ends");
    Ok(())
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::io::{self, Read, Write};
            use std::net::Shutdown;
            use std::thread;
            use std::time::Duration;

            use ch00_toolbox::sys::set_linger;

            use super::super::$subject::relay;
            use super::super::{LIMIT, between, reach};

            /// I1, I6: more than all buffers hold goes there and back, and
            /// the counts are right.
            #[test]
            $(#[$skip])?
            fn both_ways_at_the_same_time() -> io::Result<()> {
                reach(relay)?;
                let all = between(relay)?;
                let sent: Vec<u8> =
                    (0..16u32 << 20).map(|i| (i % 251) as u8).collect();
                let mut up = all.client.try_clone()?;
                let bytes = sent.clone();
                let sender = thread::spawn(move || {
                    up.write_all(&bytes)?;
                    up.shutdown(Shutdown::Write)
                });
                let mut server = all.server;
                let echo = thread::spawn(move || {
                    ch01_sockets::echo::echo(&mut server)
                });
                let mut got = Vec::new();
                (&all.client).read_to_end(&mut got)?;
                let (back, there) = (got.len(), sent.len());
                assert!(got == sent, "{there} bytes sent, {back} came back");
                sender.join().expect("no panic")?;
                echo.join().expect("no panic")?;
                let ended = all.ended.recv_timeout(LIMIT);
                let count = there as u64;
                assert_eq!(ended, Ok(Ok((count, count))), "16 MiB echoed");
                Ok(())
            }

            /// I6: the client's end goes to the server, and the answer that
            /// the server gives only then comes back.
            #[test]
            $(#[$skip])?
            fn a_half_close_is_passed_on() -> io::Result<()> {
                reach(relay)?;
                let mut all = between(relay)?;
                all.client.write_all(b"question")?;
                all.client.shutdown(Shutdown::Write)?;
                let mut text = String::new();
                all.server.read_to_string(&mut text)?;
                assert_eq!(text, "question", "before the client's FIN");
                all.server.write_all(b"answer")?;
                drop(all.server);
                text.clear();
                all.client.read_to_string(&mut text)?;
                assert_eq!(text, "answer", "after the client's FIN");
                let ended = all.ended.recv_timeout(LIMIT);
                assert_eq!(ended, Ok(Ok((8, 6))), "8 bytes there, 6 back");
                Ok(())
            }

            /// I6: the server may end first, and still gets all that the
            /// client says.
            #[test]
            $(#[$skip])?
            fn the_other_half_stays_open() -> io::Result<()> {
                reach(relay)?;
                let mut all = between(relay)?;
                all.server.write_all(b"go on")?;
                all.server.shutdown(Shutdown::Write)?;
                let mut text = String::new();
                all.client.read_to_string(&mut text)?;
                assert_eq!(text, "go on", "before the server's FIN");
                all.client.write_all(b"still talking")?;
                all.client.shutdown(Shutdown::Write)?;
                text.clear();
                all.server.read_to_string(&mut text)?;
                assert_eq!(text, "still talking", "after the server's FIN");
                let ended = all.ended.recv_timeout(LIMIT);
                assert_eq!(ended, Ok(Ok((13, 5))), "13 bytes there, 5 back");
                Ok(())
            }

            /// I2: a reset of either side ends both, and is an error.
            #[test]
            $(#[$skip])?
            fn a_reset_ends_both() -> io::Result<()> {
                reach(relay)?;
                for client_resets in [true, false] {
                    let all = between(relay)?;
                    let (gone, mut left) = match client_resets {
                        true => (all.client, all.server),
                        false => (all.server, all.client),
                    };
                    set_linger(&gone, Some(Duration::ZERO))?;
                    drop(gone); // sends RST
                    let who = if client_resets { "client" } else { "server" };
                    let end = left.read(&mut [0; 8]).map_err(|e| e.kind());
                    let hangs = end == Err(io::ErrorKind::WouldBlock);
                    assert!(!hangs, "the {who} reset, the other waits");
                    drop(left);
                    let ended = all.ended.recv_timeout(LIMIT);
                    let failed = matches!(ended, Ok(Err(_)));
                    assert!(failed, "the {who} reset: got {ended:?}");
                }
                Ok(())
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_relay"]);
}
