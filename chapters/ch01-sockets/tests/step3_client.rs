//! What step 3 must do, over TCP on loopback: a server is a thread here.

use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ch00_toolbox::sys::set_linger;
use ch01_sockets::client::{converse, in_turns};

/// No right client comes near it.
const LIMIT: Duration = Duration::from_secs(20);

/// A server for one client, and a stream to it.
fn served<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> io::Result<(TcpStream, JoinHandle<T>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let (peer, _) = listener.accept()?;
    // So that a client that waits for ever fails, and does not hang.
    for side in [&stream, &peer] {
        side.set_read_timeout(Some(LIMIT))?;
    }
    Ok((stream, thread::spawn(move || serve(peer))))
}

/// An echo server that does not wait for step 1 to be written.
fn echo(peer: &mut TcpStream) -> io::Result<u64> {
    io::copy(&mut peer.try_clone()?, peer)
}

fn pattern(len: usize) -> Vec<u8> {
    let period: Vec<u8> = (0..251).collect();
    let mut bytes = period.repeat(len / 251 + 1);
    bytes.truncate(len);
    bytes
}

/// An input that never gives anything and never ends, as a terminal at which
/// nobody sits. It blocks for as long as the sender lives.
struct Silence(std::sync::mpsc::Receiver<()>);

impl Read for Silence {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.recv().map(|()| 0).or(Ok(0))
    }
}

/// I6: more than all the buffers on the way can hold goes there and back.
#[test]
fn converse_with_big_input() -> io::Result<()> {
    let (stream, server) = served(|mut peer| echo(&mut peer))?;
    let sent = pattern(32 << 20);
    let mut got = Vec::new();
    converse(&stream, Cursor::new(sent.clone()), &mut got)?;
    assert!(
        got == sent,
        "{} of {} bytes came back",
        got.len(),
        sent.len()
    );
    let echoed = server.join().expect("the server does not panic")?;
    assert_eq!(echoed, 32 << 20, "what the server saw");
    Ok(())
}

/// I6: sending everything first works while the buffers hold it, and gets
/// stuck for good when they do not. (The timeout only ends the wait.)
#[test]
fn in_turns_gets_stuck() -> io::Result<()> {
    let (stream, server) = served(|mut peer| echo(&mut peer))?;
    let mut got = Vec::new();
    in_turns(&stream, &mut Cursor::new(b"small"), &mut got)?;
    assert_eq!(String::from_utf8_lossy(&got), "small", "input: 5 bytes");
    assert_eq!(server.join().expect("no panic")?, 5, "what the server saw");

    let (stream, server) = served(|mut peer| echo(&mut peer))?;
    stream.set_write_timeout(Some(Duration::from_millis(50)))?;
    let mut big = io::repeat(b'x').take(64 << 20);
    let got = in_turns(&stream, &mut big, &mut io::sink());
    let got = got.map_err(|e| e.kind());
    assert_eq!(got, Err(ErrorKind::WouldBlock), "input: 64 MiB");
    drop(stream);
    let server = server.join().expect("no panic");
    assert!(
        server.is_err(),
        "the server was reset, not ended: {server:?}"
    );
    Ok(())
}

/// I6: the end of the input closes the sending half only: the answer still
/// comes, after the end.
#[test]
fn half_close() -> io::Result<()> {
    let (stream, server) = served(|mut peer| {
        let mut all = Vec::new();
        peer.read_to_end(&mut all)?; // returns at the client's FIN only
        write!(peer, "{} bytes", all.len())
    })?;
    let mut got = Vec::new();
    converse(&stream, Cursor::new(pattern(1_000)), &mut got)?;
    assert_eq!(String::from_utf8_lossy(&got), "1000 bytes", "after the FIN");
    server.join().expect("no panic")
}

/// I6: the server's end ends the client, though its input goes on.
#[test]
fn the_servers_end_is_the_end() -> io::Result<()> {
    let (stream, server) = served(|mut peer| peer.write_all(b"bye\n"))?;
    let (_alive, silence) = std::sync::mpsc::channel();
    let mut got = Vec::new();
    converse(&stream, Silence(silence), &mut got)?;
    assert_eq!(String::from_utf8_lossy(&got), "bye\n", "before the end");
    server.join().expect("no panic")
}

/// I6: what the server says comes at once, not when the client has spoken.
#[test]
fn the_server_may_speak_first() -> io::Result<()> {
    let (stream, server) = served(|mut peer| {
        peer.write_all(b"220 ready\n")?;
        let mut answer = [0; 5];
        peer.read_exact(&mut answer)?;
        peer.write_all(&answer)
    })?;
    /// Gives its bytes only once the greeting has been written out.
    struct AfterGreeting(std::sync::mpsc::Receiver<()>, &'static [u8]);
    impl Read for AfterGreeting {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let told = self.0.recv_timeout(LIMIT);
            told.map_err(|_| ErrorKind::TimedOut)?;
            self.1.read(buf)
        }
    }
    struct Tells(std::sync::mpsc::Sender<()>, Vec<u8>);
    impl Write for Tells {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            if self.1.ends_with(b"ready\n") {
                self.0.send(()).map_err(|_| ErrorKind::BrokenPipe)?;
            }
            Ok(())
        }
    }
    let (tell, told) = std::sync::mpsc::channel();
    let mut output = Tells(tell, Vec::new());
    converse(&stream, AfterGreeting(told, b"HELO\n"), &mut output)?;
    let got = String::from_utf8_lossy(&output.1).into_owned();
    assert_eq!(got, "220 ready\nHELO\n", "what was written out");
    server.join().expect("no panic")
}

/// I6: an input that fails is told, after what the server had to say.
#[test]
fn a_failing_input_is_told() -> io::Result<()> {
    struct Broken(bool);
    impl Read for Broken {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.0 {
                return Err(ErrorKind::IsADirectory.into());
            }
            self.0 = true;
            buf[0] = b'x';
            Ok(1)
        }
    }
    let (stream, server) = served(|mut peer| echo(&mut peer))?;
    let mut got = Vec::new();
    let ended = converse(&stream, Broken(false), &mut got);
    let ended = ended.map_err(|e| e.kind());
    assert_eq!(ended, Err(ErrorKind::IsADirectory), "the input's error");
    let got = String::from_utf8_lossy(&got);
    assert_eq!(got, "x", "what came before it was answered");
    assert_eq!(server.join().expect("no panic")?, 1, "what the server saw");
    Ok(())
}

/// I6: a reset is an error, and what came before it is written out.
#[test]
fn a_reset_is_told() -> io::Result<()> {
    let (stream, server) = served(|mut peer| {
        peer.write_all(b"so far")?;
        let mut some = [0; 1];
        peer.read_exact(&mut some)?;
        // Dropped with a byte unread: Linux sends RST and not FIN (RFC 9293,
        // section 3.6.1, SHLD-3).
        peer.peek(&mut some)
    })?;
    let (_alive, silence) = std::sync::mpsc::channel();
    let input = Cursor::new(b"ab").chain(Silence(silence));
    let mut got = Vec::new();
    let ended = converse(&stream, input, &mut got).map_err(|e| e.kind());
    assert_eq!(ended, Err(ErrorKind::ConnectionReset), "after the RST");
    assert_eq!(String::from_utf8_lossy(&got), "so far", "before the RST");
    server.join().expect("no panic")?;
    stream.shutdown(Shutdown::Both).or(Ok(()))
}

/// I6: a reset that the sending half hears of is an error too, though the
/// receiving half then reads what looks like an end.
#[test]
fn a_reset_is_told_to_either_half() -> io::Result<()> {
    use std::sync::mpsc::{Receiver, Sender, channel};
    /// Gives bytes as soon as the server is gone, and then without end.
    struct Flood(Receiver<()>, #[expect(dead_code)] Sender<()>);
    impl Read for Flood {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let _ = self.0.recv(); // fails from the second call on
            buf.fill(b'x');
            Ok(buf.len())
        }
    }
    /// Keeps the receiving half busy until the sending half has given up.
    struct Busy(Sender<()>, Receiver<()>);
    impl Write for Busy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(());
            let _ = self.1.recv(); // until the flood is dropped
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (is_busy, busy) = channel();
    let (resets, reset) = channel::<()>();
    let (flood, given_up) = channel();
    let (stream, server) = served(move |mut peer| {
        peer.write_all(b"so far")?;
        let _ = busy.recv();
        set_linger(&peer, Some(Duration::ZERO))?;
        drop(peer); // sends RST
        drop(resets);
        io::Result::Ok(())
    })?;
    let mut output = Busy(is_busy, given_up);
    let ended = converse(&stream, Flood(reset, flood), &mut output);
    let ended = ended.map_err(|e| e.kind());
    assert_eq!(ended, Err(ErrorKind::ConnectionReset), "after the RST");
    server.join().expect("no panic")
}
