//! The checks of the exercise `ex_proxy`.

#[path = "../exercises/ex_proxy.rs"]
#[allow(dead_code, unused)]
mod exercise;
#[path = "../solutions/ex_proxy.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::cell::{Cell, RefCell};
            use std::collections::VecDeque;
            use std::io::{self, ErrorKind, Read, Write};
            use std::net::Shutdown;
            use std::os::fd::AsRawFd;
            use std::os::unix::net::UnixStream;
            use std::rc::Rc;
            use std::time::Duration;

            use ch00_toolbox::clock::RealClock;
            use ch00_toolbox::prop::{self, Gen};
            use ch02_event_loop::callbacks::Loop;
            use ch02_event_loop::poller::{Interest, Ready, Source, system};

            use super::super::$subject::{HELD, Next, Proxy, ROUNDS, Stream};

            type Reads = Vec<Result<Vec<u8>, ErrorKind>>; // then the end
            type Writes = Vec<Result<usize, ErrorKind>>; // then all

            /// A stream whose calls do what a script says.
            #[derive(Clone, Default)]
            struct Script {
                reads: Rc<RefCell<VecDeque<Result<Vec<u8>, ErrorKind>>>>,
                writes: Rc<RefCell<VecDeque<Result<usize, ErrorKind>>>>,
                written: Rc<RefCell<Vec<u8>>>,
                has_end: Rc<Cell<bool>>,
                refused: Rc<Cell<Interest>>,
                read_calls: Rc<Cell<usize>>,
            }

            impl Script {
                fn new(reads: &Reads, writes: &Writes) -> Script {
                    let script = Script::default();
                    // A read of nothing would be the end.
                    let some = |read: &&Result<Vec<u8>, ErrorKind>| {
                        **read != Ok(Vec::new())
                    };
                    let reads = reads.iter().filter(some).cloned();
                    script.reads.borrow_mut().extend(reads);
                    script.writes.borrow_mut().extend(writes.iter());
                    script
                }
            }

            impl Read for Script {
                fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                    self.read_calls.set(self.read_calls.get() + 1);
                    let step = self.reads.borrow_mut().pop_front();
                    let step = step.unwrap_or(Ok(Vec::new()));
                    let mut refused = self.refused.get();
                    refused.read = step == Err(ErrorKind::WouldBlock);
                    self.refused.set(refused);
                    let mut bytes = step?;
                    let count = bytes.len().min(buf.len());
                    buf[..count].copy_from_slice(&bytes[..count]);
                    if count < bytes.len() {
                        let rest = bytes.split_off(count);
                        self.reads.borrow_mut().push_front(Ok(rest));
                    }
                    Ok(count)
                }
            }

            impl Write for Script {
                fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                    assert!(!self.has_end.get(), "a write after the end");
                    let step = self.writes.borrow_mut().pop_front();
                    let step = step.unwrap_or(Ok(usize::MAX));
                    let mut refused = self.refused.get();
                    refused.write = step == Err(ErrorKind::WouldBlock);
                    self.refused.set(refused);
                    let count = bytes.len().min(step?);
                    let taken = &bytes[..count];
                    self.written.borrow_mut().extend_from_slice(taken);
                    Ok(count)
                }

                fn flush(&mut self) -> io::Result<()> {
                    Ok(())
                }
            }

            impl Stream for Script {
                fn end(&mut self) -> io::Result<()> {
                    assert!(!self.has_end.replace(true), "ended twice");
                    Ok(())
                }
            }

            fn sides(random: &mut Gen) -> (Reads, Writes) {
                let refusal = |random: &mut Gen| {
                    let both = [ErrorKind::WouldBlock, ErrorKind::Interrupted];
                    *random.pick(&both)
                };
                let reads = random.vec(8, |random| match random.once_in(3) {
                    true => Err(refusal(random)),
                    false => Ok(random.bytes(30)),
                });
                let writes = random.vec(20, |random| match random.once_in(2) {
                    true => Err(refusal(random)),
                    false => Ok(random.range(1, 9) as usize),
                });
                (reads, writes)
            }

            fn bytes(reads: &Reads) -> Vec<u8> {
                reads.iter().flatten().flatten().copied().collect()
            }

            /// I15: both ways, what goes out is what came in, and then the
            /// end, however the calls are cut, refused and interrupted; and
            /// no step waits for what has not refused.
            #[test]
            $(#[$skip])?
            fn carries_both_ways() {
                prop::check(
                    "carries_both_ways",
                    2_000,
                    |random| (sides(random), sides(random)),
                    |((a_reads, a_writes), (b_reads, b_writes))| {
                        let a = Script::new(a_reads, a_writes);
                        let b = Script::new(b_reads, b_writes);
                        let mut proxy = Proxy::new(a.clone(), b.clone());
                        for _ in 0..200 {
                            let next = proxy.step();
                            match next.map_err(|e| e.to_string())? {
                                Next::Over => break,
                                Next::Again => {}
                                Next::Wait { a: wa, b: wb } => {
                                    let (ra, rb) =
                                        (a.refused.get(), b.refused.get());
                                    let none = Interest::default();
                                    if wa.read && !ra.read
                                        || wa.write && !ra.write
                                        || wb.read && !rb.read
                                        || wb.write && !rb.write
                                        || (wa, wb) == (none, none)
                                    {
                                        return Err(format!(
                                            "waits for {wa:?}, {wb:?}"
                                        ));
                                    }
                                }
                            }
                        }
                        let got = (a.written.take(), b.written.take());
                        if got != (bytes(b_reads), bytes(a_reads)) {
                            return Err(format!("{got:?}"));
                        }
                        match (a.has_end.get(), b.has_end.get()) {
                            (true, true) => Ok(()),
                            ends => Err(format!("ended: {ends:?}")),
                        }
                    },
                );
            }

            /// I15: the end of one side is passed on while the other still
            /// sends.
            #[test]
            $(#[$skip])?
            fn passes_a_half_close_on() -> io::Result<()> {
                let a = Script::new(&vec![Ok(b"bye".to_vec())], &vec![]);
                let wait = Err(ErrorKind::WouldBlock);
                let later = Ok(b"later".to_vec());
                let b = Script::new(&vec![wait, later], &vec![]);
                let mut proxy = Proxy::new(a.clone(), b.clone());
                let next = proxy.step()?;
                let none = Interest::default();
                let expected = Next::Wait { a: none, b: Interest::READ };
                assert_eq!(next, expected, "a has ended, b is silent");
                assert!(b.has_end.get(), "b was told of a's end");
                assert!(!a.has_end.get(), "b has not ended");
                assert_eq!(proxy.step()?, Next::Over, "b says more, ends");
                assert_eq!(*a.written.borrow(), b"later", "what a got");
                Ok(())
            }

            /// I15: who writes to one who does not read is not read on, and
            /// the other direction goes on.
            #[test]
            $(#[$skip])?
            fn a_slow_reader_slows_its_writer() -> io::Result<()> {
                let a = Script::new(&vec![Ok(vec![b'x'; 9 * HELD])], &vec![]);
                let refusals = vec![Err(ErrorKind::WouldBlock); 50];
                let hello = Ok(b"hello".to_vec());
                let wait = Err(ErrorKind::WouldBlock);
                let b = Script::new(&vec![hello, wait], &refusals);
                let mut proxy = Proxy::new(a.clone(), b.clone());
                let next = proxy.step()?;
                let expected = Next::Wait {
                    a: Interest::default(),
                    b: Interest::BOTH,
                };
                assert_eq!(next, expected, "b does not read");
                for _ in 0..10 {
                    proxy.step()?;
                }
                assert_eq!(a.read_calls.get(), 1, "reads from a");
                assert_eq!(*a.written.borrow(), b"hello", "what a got");
                Ok(())
            }

            /// I15: a step has an end, whatever there is to carry.
            #[test]
            $(#[$skip])?
            fn a_step_has_an_end() -> io::Result<()> {
                let reads = vec![Ok(b"x".to_vec()); 10 * ROUNDS];
                let a = Script::new(&reads, &vec![]);
                let mut proxy = Proxy::new(a.clone(), Script::default());
                assert_eq!(proxy.step()?, Next::Again, "much to carry");
                assert!(a.read_calls.get() <= ROUNDS, "reads in a step");
                Ok(())
            }

            /// I15: an error of either side ends both, and tells.
            #[test]
            $(#[$skip])?
            fn an_error_is_told() {
                let check = |reads: Reads, writes: Writes, expected| {
                    let a = Script::new(&reads, &vec![]);
                    let b = Script::new(&vec![], &writes);
                    let got = Proxy::new(a, b).step().map_err(|e| e.kind());
                    let input = format!("{reads:?}, {writes:?}");
                    assert_eq!(got, expected, "input: {input}");
                };
                use ErrorKind::{BrokenPipe, ConnectionReset, WriteZero};
                let hi = || vec![Ok(b"hi".to_vec())];
                let reset = vec![Err(ConnectionReset)];
                check(reset, vec![], Err(ConnectionReset));
                check(hi(), vec![Err(BrokenPipe)], Err(BrokenPipe));
                check(hi(), vec![Ok(1), Ok(0)], Err(WriteZero));
            }

            /// I10, I15: on the loop, a client and a server that are a proxy
            /// apart, and more than the buffers on the way hold.
            #[test]
            $(#[$skip])?
            fn on_the_loop() -> io::Result<()> {
                let (client, a) = UnixStream::pair()?;
                let (server, b) = UnixStream::pair()?;
                a.set_nonblocking(true)?;
                b.set_nonblocking(true)?;
                let sources = [&a, &b].map(|s| Source(s.as_raw_fd()));
                let proxy = Rc::new(RefCell::new(Proxy::new(a, b)));
                proxy.borrow_mut().step()?;
                let clock = Box::new(RealClock::new());
                let mut l = Loop::new(system()?, clock);
                let tokens = Rc::new(RefCell::new(Vec::new()));
                for source in sources {
                    let (proxy, all) = (proxy.clone(), tokens.clone());
                    let step = move |l: &mut Loop, own, _| {
                        let tokens = all.borrow().clone();
                        let next = proxy.borrow_mut().step();
                        match next {
                            Ok(Next::Wait { a, b }) => {
                                for (token, w) in tokens.iter().zip([a, b]) {
                                    l.arm(*token, w).expect("it is there");
                                }
                            }
                            Ok(Next::Again) => {
                                let read = true;
                                let ready = Ready { read, ..Ready::default() };
                                l.again(own, ready);
                            }
                            _ => tokens.iter().for_each(|&t| {
                                l.remove(t);
                            }),
                        }
                    };
                    let token = l.add(source, step)?;
                    l.arm(token, Interest::BOTH)?;
                    tokens.borrow_mut().push(token);
                }
                let echo = std::thread::spawn(move || {
                    let (mut from, mut to) = (&server, &server);
                    io::copy(&mut from, &mut to)?;
                    server.shutdown(Shutdown::Write)
                });
                let asks = std::thread::spawn(move || {
                    let mut up = client.try_clone()?;
                    let sender = std::thread::spawn(move || {
                        up.write_all(&vec![b'x'; 1_000_000])?;
                        up.shutdown(Shutdown::Write)
                    });
                    let mut back = Vec::new();
                    (&client).read_to_end(&mut back)?;
                    let sent = sender.join().is_ok_and(|r| r.is_ok());
                    Ok::<_, io::Error>((sent, back.len()))
                });
                while !l.is_empty() {
                    let calls = l.turn(Some(Duration::from_secs(20)))?;
                    assert!(calls > 0, "both ends wait, and nobody is called");
                }
                let got = asks.join().expect("it does not panic")?;
                assert_eq!(got, (true, 1_000_000), "what came back");
                echo.join().expect("it does not panic")
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_proxy"]);
}
