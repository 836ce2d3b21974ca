//! What step 1 must do. The streams are scripts, so that each way in which
//! a kernel may cut, interrupt or refuse happens on every run.

use std::collections::VecDeque;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use ch00_toolbox::clock::{Clock, VirtualClock};
use ch00_toolbox::golden::show;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::prop;
use ch01_sockets::echo::{Verdict, echo, read_some, serve, verdict, write_all};

/// A stream whose every call does what a script says.
#[derive(Debug, Default)]
struct Script {
    reads: VecDeque<Result<Vec<u8>, ErrorKind>>, // then the end
    writes: VecDeque<Result<usize, ErrorKind>>,  // then all that is offered
    written: Vec<u8>,
}

impl Script {
    fn text(&self) -> String {
        self.written.escape_ascii().to_string()
    }
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(step) = self.reads.pop_front() else {
            return Ok(0);
        };
        let mut bytes = step.map_err(Error::from)?;
        let count = bytes.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        if count < bytes.len() {
            self.reads.push_front(Ok(bytes.split_off(count)));
        }
        Ok(count)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.writes.pop_front().unwrap_or(Ok(usize::MAX));
        let count = bytes.len().min(most.map_err(Error::from)?);
        self.written.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn quiet() -> Log {
    Log::new(Level::Error, || Duration::ZERO, io::sink())
}

/// I2: an interrupted read is made again; the end and every other error come
/// through unchanged.
#[test]
fn read_some_goes_on_after_a_signal() {
    use ErrorKind::{ConnectionReset, Interrupted, WouldBlock};
    let check = |reads: Vec<Result<Vec<u8>, ErrorKind>>, expected| {
        let lengths: Vec<_> =
            reads.iter().map(|r| r.as_ref().map(Vec::len)).collect();
        let input = format!("a buffer of 4 bytes, reads of {lengths:?}");
        let mut stream = Script {
            reads: reads.into(),
            ..Script::default()
        };
        let mut buf = [0; 4];
        let got = read_some(&mut stream, &mut buf).map_err(|e| e.kind());
        assert_eq!(got, expected, "input: {input}");
    };
    check(vec![], Ok(0));
    check(vec![Ok(b"ab".to_vec())], Ok(2));
    check(vec![Ok(b"abcdef".to_vec())], Ok(4));
    check(vec![Err(Interrupted), Ok(b"a".to_vec())], Ok(1));
    check(vec![Err(Interrupted), Err(Interrupted)], Ok(0));
    check(
        vec![Err(Interrupted), Err(ConnectionReset)],
        Err(ConnectionReset),
    );
    check(vec![Err(WouldBlock)], Err(WouldBlock));
}

/// I1: a short write is followed by the rest, not by the whole again.
#[test]
fn write_all_writes_the_rest() {
    use ErrorKind::{BrokenPipe, Interrupted, WriteZero};
    let check =
        |writes: Vec<Result<usize, ErrorKind>>, expected, left: &str| {
            let mut stream = Script {
                writes: writes.clone().into(),
                ..Script::default()
            };
            let got = write_all(&mut stream, b"hello").map_err(|e| e.kind());
            assert_eq!(got, expected, "writes: {writes:?}");
            assert_eq!(stream.text(), left, "writes: {writes:?}");
        };
    check(vec![], Ok(()), "hello");
    check(vec![Ok(1), Ok(1), Ok(1), Ok(1), Ok(1)], Ok(()), "hello");
    check(vec![Ok(2), Err(Interrupted), Ok(2)], Ok(()), "hello");
    check(vec![Ok(2), Ok(0)], Err(WriteZero), "he");
    check(vec![Ok(4), Err(BrokenPipe)], Err(BrokenPipe), "hell");
}

/// I1: nothing to write is written without a call.
#[test]
fn write_all_of_nothing_calls_nothing() {
    let mut stream = Script::default();
    stream.writes.push_back(Err(ErrorKind::BrokenPipe));
    let got = write_all(&mut stream, b"").map_err(|e| e.kind());
    assert_eq!(got, Ok(()), "input: no bytes");
}

/// I1: what comes back is what was sent, however both ways are cut and
/// interrupted.
#[test]
fn echo_is_the_identity() {
    prop::check(
        "echo_is_the_identity",
        1_000,
        |random| {
            let reads = random.vec(12, |random| {
                if random.once_in(5) {
                    None
                } else {
                    Some(random.bytes(40))
                }
            });
            let writes = random.vec(40, |random| {
                if random.once_in(5) {
                    None
                } else {
                    Some(random.range(1, 9))
                }
            });
            (reads, writes)
        },
        |(reads, writes)| {
            let sent: Vec<u8> =
                reads.iter().flatten().flatten().copied().collect();
            let mut stream = Script::default();
            // A read of nothing would be the end, so those are left out.
            for read in reads.iter().filter(|read| read.as_deref() != Some(&[]))
            {
                let read = read.clone().ok_or(ErrorKind::Interrupted);
                stream.reads.push_back(read);
            }
            for write in writes {
                let write = write.map(|most| most as usize);
                stream.writes.push_back(write.ok_or(ErrorKind::Interrupted));
            }
            let count = echo(&mut stream).map_err(|e| e.to_string())?;
            if stream.written != sent {
                let (got, sent) = (show(&stream.written), show(&sent));
                return Err(format!("sent\n{sent}\ngot\n{got}"));
            }
            if count != sent.len() as u64 {
                return Err(format!("{} bytes, counted {count}", sent.len()));
            }
            Ok(())
        },
    );
}

/// I1: what was read before a reset has been sent back, and the reset is an
/// error, not an end.
#[test]
fn a_reset_is_not_an_end() {
    let mut stream = Script::default();
    stream.reads.push_back(Ok(b"abc".to_vec()));
    stream.reads.push_back(Err(ErrorKind::ConnectionReset));
    let got = echo(&mut stream).map_err(|e| e.kind());
    assert_eq!(got, Err(ErrorKind::ConnectionReset), "input: abc, RST");
    assert_eq!(stream.text(), "abc", "input: abc, RST");
}

/// I2: accept's errors are told apart by who is at fault; one that says
/// nothing of the listener, known or not, is no reason to stop.
#[test]
fn accept_errors_have_verdicts() {
    let check = |error: Error, expected| {
        assert_eq!(verdict(&error), expected, "error: {error}");
    };
    check(ErrorKind::ConnectionAborted.into(), Verdict::Next);
    check(ErrorKind::Interrupted.into(), Verdict::Next);
    check(Error::from_raw_os_error(24), Verdict::Wait); // EMFILE
    check(Error::from_raw_os_error(23), Verdict::Wait); // ENFILE
    check(Error::from_raw_os_error(12), Verdict::Wait); // ENOMEM
    check(Error::from_raw_os_error(9), Verdict::Stop); // EBADF
    check(Error::from_raw_os_error(22), Verdict::Stop); // EINVAL

    // Linux's numbers: a shortage, a firewall's no, and what the network has
    // against one connection. Elsewhere most of them are unknown, as 9999 is.
    check(Error::from_raw_os_error(105), Verdict::Wait); // ENOBUFS
    check(Error::from_raw_os_error(1), Verdict::Wait); // EPERM
    check(Error::from_raw_os_error(71), Verdict::Wait); // EPROTO
    check(Error::from_raw_os_error(100), Verdict::Wait); // ENETDOWN
    check(Error::from_raw_os_error(101), Verdict::Wait); // ENETUNREACH
    check(Error::from_raw_os_error(113), Verdict::Wait); // EHOSTUNREACH
    check(Error::from_raw_os_error(9999), Verdict::Wait);
    check(Error::other("no number at all"), Verdict::Wait);
}

/// I2: aborted connections, empty descriptor tables and a client that resets
/// are survived; the next client is served; only a broken listener ends it.
#[test]
fn serve_survives() {
    let mut good = Script::default();
    good.reads.push_back(Ok(b"still here".to_vec()));
    let mut resets = Script::default();
    resets.reads.push_back(Err(ErrorKind::ConnectionReset));
    let mut script: VecDeque<io::Result<&mut Script>> = VecDeque::from([
        Err(ErrorKind::ConnectionAborted.into()),
        Err(Error::from_raw_os_error(24)),
        Err(Error::from_raw_os_error(24)),
        Ok(&mut resets),
        Err(ErrorKind::Interrupted.into()),
        Ok(&mut good),
        Err(Error::from_raw_os_error(9)),
    ]);
    let clock = VirtualClock::new();
    let accept = || script.pop_front().expect("serve goes on after EBADF");
    let ended = serve(accept, echo, &clock, &quiet());
    let ended = ended.map_err(|e| e.raw_os_error());
    assert_eq!(ended, Err(Some(9)), "the listener's own error ends serve");
    let got = String::from_utf8_lossy(&good.written).into_owned();
    assert_eq!(got, "still here", "the client after the trouble");
    let waited = clock.now();
    assert!(
        waited >= Duration::from_millis(2) && waited <= Duration::from_secs(2),
        "two EMFILEs in a row: waited {waited:?} in all"
    );
}

/// I1: over TCP, a megabyte that is more than the buffers on the way hold
/// comes back whole, and the end is answered with the end.
#[test]
fn a_megabyte_over_tcp() -> io::Result<()> {
    assert_eq!(echo(&mut Script::default())?, 0, "input: the end");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let server = thread::spawn(move || echo(&mut listener.accept()?.0));
    let sent: Vec<u8> = (0..1u32 << 20).map(|i| (i % 251) as u8).collect();

    let mut stream = TcpStream::connect(addr)?;
    let mut up = stream.try_clone()?;
    let bytes = sent.clone();
    let sender = thread::spawn(move || {
        write_all(&mut up, &bytes)?;
        up.shutdown(Shutdown::Write)
    });
    let mut got = Vec::new();
    stream.read_to_end(&mut got)?;
    sender.join().expect("the sender does not panic")?;
    assert!(
        got == sent,
        "{} bytes of {} came back",
        got.len(),
        sent.len()
    );
    let echoed = server.join().expect("echo does not panic")?;
    assert_eq!(echoed, 1 << 20, "what echo counted");
    Ok(())
}
