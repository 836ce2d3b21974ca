//! The echo's streams and listeners are scripts.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::callbacks::Loop;
use ch02_event_loop::connection::{
    ACCEPTS, CAP, Connection, Next, PAUSE, ROUNDS, serve,
};
use ch02_event_loop::poller::{Interest, Source};
use ch02_event_loop::slab::Token;

use super::{Script, quiet};

/// A stream whose calls do what a script says, and then refuse for now; it
/// remembers in which direction.
#[derive(Default)]
struct Stream {
    reads: VecDeque<Result<Vec<u8>, ErrorKind>>, // then the end
    writes: VecDeque<Result<usize, ErrorKind>>,  // then all
    written: Vec<u8>,
    refused: Rc<Cell<Interest>>, // by the last call of each direction
    calls: Rc<Cell<usize>>,
}

impl Stream {
    fn note(&mut self, is_read: bool, refused: bool) {
        self.calls.set(self.calls.get() + 1);
        let mut now = self.refused.get();
        match is_read {
            true => now.read = refused,
            false => now.write = refused,
        }
        self.refused.set(now);
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let step = self.reads.pop_front().unwrap_or(Ok(Vec::new()));
        self.note(true, step == Err(ErrorKind::WouldBlock));
        let mut bytes = step?;
        let count = bytes.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        if count < bytes.len() {
            self.reads.push_front(Ok(bytes.split_off(count)));
        }
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.writes.pop_front().unwrap_or(Ok(usize::MAX));
        self.note(false, most == Err(ErrorKind::WouldBlock));
        let count = bytes.len().min(most?);
        self.written.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn a_connection_is_the_identity() {
    prop::check(
        "a_connection_is_the_identity",
        2_000,
        |random| {
            let refusal = |random: &mut Gen| {
                *random.pick(&[ErrorKind::WouldBlock, ErrorKind::Interrupted])
            };
            let reads = random.vec(12, |random| match random.once_in(3) {
                true => Err(refusal(random)),
                false => Ok(random.bytes(40)),
            });
            let writes = random.vec(40, |random| match random.once_in(2) {
                true => Err(refusal(random)),
                false => Ok(random.range(1, 9) as usize),
            });
            (reads, writes)
        },
        |(reads, writes)| {
            let sent: Vec<u8> =
                reads.iter().flatten().flatten().copied().collect();
            let stream = Stream {
                // A read of nothing would be the end.
                reads: reads
                    .iter()
                    .filter(|read| **read != Ok(Vec::new()))
                    .cloned()
                    .collect(),
                writes: writes.iter().copied().collect(),
                ..Stream::default()
            };
            let refused = stream.refused.clone();
            let written: Rc<RefCell<Vec<u8>>> = Rc::default();
            let stream = Shown(stream, written.clone());
            let mut connection = Connection::new(stream);
            for _ in 0..reads.len() + writes.len() + 1 {
                match connection.step().map_err(|e| e.to_string())? {
                    Next::Wait(interest) => {
                        let refused = refused.get();
                        if interest.read && !refused.read
                            || interest.write && !refused.write
                            || interest == Interest::default()
                            || refused.write && !interest.write
                        {
                            return Err(format!(
                                "waits for {interest:?}; {refused:?} refused"
                            ));
                        }
                    }
                    Next::Again => {}
                    Next::Over => {
                        let got = &*written.borrow();
                        let count = connection.echoed();
                        return match *got == sent && count == sent.len() as u64
                        {
                            true => Ok(()),
                            false => Err(format!("{got:?}, counted {count}")),
                        };
                    }
                }
            }
            Err("never over".to_string())
        },
    );
}

/// A stream whose writes can be seen while the connection has it.
struct Shown(Stream, Rc<RefCell<Vec<u8>>>);

impl Read for Shown {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        self.1.borrow_mut().extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn a_full_connection_is_not_read() -> io::Result<()> {
    use ErrorKind::WouldBlock;
    let much = vec![b'x'; 5 * CAP];
    let mut stream = Stream {
        reads: [Ok(much)].into(),
        ..Stream::default()
    };
    stream.writes.extend([Err(WouldBlock); ROUNDS + 1]);
    let (written, refused) = (Rc::default(), stream.refused.clone());
    let mut connection = Connection::new(Shown(stream, Rc::clone(&written)));
    let next = connection.step()?;
    assert_eq!(next, Next::Wait(Interest::WRITE), "a peer that reads not");
    assert!(refused.get().write, "the write was tried");
    let mut steps = 1;
    while connection.step()? != Next::Over {
        steps += 1;
        assert!(steps < 100, "{} bytes are back", written.borrow().len());
    }
    assert_eq!(written.borrow().len(), 5 * CAP, "bytes that came back");
    Ok(())
}

pub fn a_turn_has_an_end() -> io::Result<()> {
    let reads = (0..1000).map(|_| Ok(b"x".to_vec())).collect();
    let stream = Stream {
        reads,
        ..Stream::default()
    };
    let calls = stream.calls.clone();
    let mut connection = Connection::new(stream);
    assert_eq!(connection.step()?, Next::Again, "1,000 reads in a row");
    assert!(calls.get() <= 2 * ROUNDS, "{} calls in a step", calls.get());
    Ok(())
}

pub fn a_connections_error_is_told() {
    let check = |reads: Vec<Result<Vec<u8>, _>>, writes: Vec<_>, expected| {
        let input = format!("reads {reads:?}, writes {writes:?}");
        let stream = Stream {
            reads: reads.into(),
            writes: writes.into(),
            ..Stream::default()
        };
        let got = Connection::new(stream).step().map_err(|e| e.kind());
        assert_eq!(got, expected, "input: {input}");
    };
    use ErrorKind::{BrokenPipe, ConnectionReset, WriteZero};
    let hi = || Ok(b"hi".to_vec());
    check(vec![], vec![], Ok(Next::Over));
    check(vec![hi()], vec![], Ok(Next::Over));
    check(vec![Err(ConnectionReset)], vec![], Err(ConnectionReset));
    let reset = vec![hi(), Err(ConnectionReset)];
    check(reset, vec![], Err(ConnectionReset));
    check(vec![hi()], vec![Err(BrokenPipe)], Err(BrokenPipe));
    check(vec![hi()], vec![Ok(1), Ok(0)], Err(WriteZero));
}

type Accepts = VecDeque<Result<Stream, i32>>; // then nobody is there

/// A listener that gives these, on the sources 100, 101, …
fn serve_script(
    script: &Script,
    accepts: Accepts,
) -> io::Result<(Loop, Token, Rc<RefCell<Accepts>>)> {
    let mut l = script.new_loop();
    let accepts = Rc::new(RefCell::new(accepts));
    let (queue, mut next) = (accepts.clone(), 100);
    let accept = move || match queue.borrow_mut().pop_front() {
        None => Err(ErrorKind::WouldBlock.into()),
        Some(Err(number)) => Err(io::Error::from_raw_os_error(number)),
        Some(Ok(stream)) => {
            next += 1;
            Ok((stream, Source(next)))
        }
    };
    let token = serve(&mut l, Source(1), accept, quiet())?;
    Ok((l, token, accepts))
}

fn waiting() -> Stream {
    Stream {
        reads: [Err(ErrorKind::WouldBlock)].into(),
        ..Stream::default()
    }
}

pub fn accept_survives() -> io::Result<()> {
    const EMFILE: i32 = 24;
    const ECONNABORTED: i32 = if cfg!(target_os = "macos") { 53 } else { 103 };
    let script = Script::default();
    let accepts = VecDeque::from([
        Ok(waiting()),
        Err(ECONNABORTED),
        Ok(waiting()),
        Err(EMFILE),
        Err(EMFILE),
        Ok(waiting()),
    ]);
    let (mut l, token, accepts) = serve_script(&script, accepts)?;
    script.will(&[&[token]]);
    l.turn(None)?;
    assert_eq!(l.len(), 3, "the listener, and two clients");
    l.turn(None)?; // the clients have nothing to say
    // A new client's event within the pause tries once more, and begins it
    // anew: the first timer is not there any more.
    let advance = |part| script.0.borrow().clock.advance(PAUSE * part / 10);
    advance(6);
    script.will(&[&[token]]);
    l.turn(None)?;
    assert_eq!(accepts.borrow().len(), 1, "two EMFILEs, no busy loop");
    advance(5);
    l.turn(Some(Duration::ZERO))?;
    l.turn(Some(Duration::ZERO))?;
    assert_eq!(l.len(), 3, "after the first pause, which is cancelled");
    l.turn(Some(PAUSE))?;
    l.turn(None)?;
    assert_eq!(l.len(), 4, "the third client, after the second pause");
    assert_eq!(accepts.borrow().len(), 0, "nobody is left waiting");
    let waited = script.0.borrow().clock.now();
    assert_eq!(waited, PAUSE * 16 / 10, "when it was accepted");
    Ok(())
}

pub fn accept_takes_turns_and_ends() -> io::Result<()> {
    const EBADF: i32 = 9;
    let script = Script::default();
    let many = 2 * ACCEPTS + 1;
    let mut accepts: Accepts = (0..many).map(|_| Ok(waiting())).collect();
    accepts.push_back(Err(EBADF));
    let (mut l, token, accepts) = serve_script(&script, accepts)?;
    script.will(&[&[token], &[]]);
    l.turn(None)?;
    let left = accepts.borrow().len();
    assert_eq!(left, many + 1 - ACCEPTS, "left after one turn");
    l.turn(None)?;
    l.turn(None)?;
    assert_eq!(l.len(), many, "the clients, without the listener");
    assert!(!script.known().contains(&1), "the listener is forgotten");
    Ok(())
}

pub fn one_clients_end_is_its_own() -> io::Result<()> {
    let script = Script::default();
    let reset = Stream {
        reads: [Err(ErrorKind::ConnectionReset)].into(),
        ..Stream::default()
    };
    let ends = Stream::default();
    let accepts = VecDeque::from([Ok(reset), Ok(waiting()), Ok(ends)]);
    let (mut l, token, _) = serve_script(&script, accepts)?;
    script.will(&[&[token]]);
    l.turn(None)?;
    assert_eq!(l.len(), 4, "accepted");
    l.turn(Some(Duration::ZERO))?;
    assert_eq!(script.known(), [1, 102], "the listener and who waits");
    Ok(())
}
