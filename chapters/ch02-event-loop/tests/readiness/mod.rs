//! The promises of `poller`, as functions that hold any poller against them.

pub mod any_order;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ch00_toolbox::sys::{pipe, set_linger, set_nonblocking, set_send_buffer};
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::slab::{Slab, Token};

/// Longer than anything here takes: who waits for it has found a bug.
pub const LONG: Duration = Duration::from_secs(20);
pub const NOW: Duration = Duration::ZERO;

pub fn source(of: &impl AsRawFd) -> Source {
    Source(of.as_raw_fd())
}

pub fn token(number: u64) -> Token {
    Token::from_bits(number)
}

pub fn pair() -> (UnixStream, UnixStream) {
    let (a, b) = UnixStream::pair().expect("two sockets");
    a.set_nonblocking(true).expect("a socket");
    b.set_nonblocking(true).expect("a socket");
    (a, b)
}

pub fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let a = TcpStream::connect(addr).expect("it listens");
    let (b, _) = listener.accept().expect("a has connected");
    a.set_nonblocking(true).expect("a socket");
    b.set_nonblocking(true).expect("a socket");
    (a, b)
}

/// What one wait of no time reports.
pub fn now(poller: &mut dyn Poller) -> Vec<Event> {
    let mut events = Vec::new();
    poller.wait(&mut events, Some(NOW)).expect("a wait");
    events
}

/// Waits until this is reported of the token, and gives all that was.
#[track_caller]
pub fn until(
    poller: &mut dyn Poller,
    token: Token,
    is_there: fn(Ready) -> bool,
) -> Ready {
    let started = Instant::now();
    let mut all = Ready::default();
    let mut events = Vec::new();
    while !is_there(all) {
        let waited = started.elapsed();
        assert!(waited < LONG, "in {waited:?} only {all:?} for {token:?}");
        events.clear();
        poller.wait(&mut events, Some(LONG)).expect("a wait");
        for event in &events {
            assert_eq!(event.token, token, "the only name that was given");
            all.read |= event.ready.read;
            all.write |= event.ready.write;
            all.read_closed |= event.ready.read_closed;
            all.write_closed |= event.ready.write_closed;
        }
    }
    all
}

pub fn blocks<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Whether a call comes back at once with `WouldBlock`. It is made by another
/// thread, so that one that waits is found and not waited for.
pub fn does_not_wait<T: Send + 'static>(
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> bool {
    let (send, result) = mpsc::channel();
    thread::spawn(move || send.send(call()));
    result
        .recv_timeout(LONG)
        .is_ok_and(|result| blocks(&result))
}

/// Reads until the source would block.
pub fn drain(mut from: impl Read) {
    let mut buf = [0; 4096];
    loop {
        let got = from.read(&mut buf);
        match got {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            got => assert_ne!(got.expect("no error"), 0, "no end"),
        }
    }
}

/// Writes until the source would block, and says how much it took.
pub fn fill(mut to: impl Write) -> usize {
    let mut taken = 0;
    loop {
        let got = to.write(&[b'x'; 4096]);
        match got {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return taken;
            }
            got => taken += got.expect("no error"),
        }
    }
}

pub fn armed_reports_what_was_ready(new: fn() -> Box<dyn Poller>) {
    for moment in ["before the add", "before the arm", "after the arm"] {
        let poller = &mut *new();
        let (a, mut b) = pair();
        let mut send_at = |now| {
            if moment == now {
                b.write_all(b"x").expect("room");
            }
        };
        send_at("before the add");
        poller.add(source(&a), token(7)).expect("an open socket");
        send_at("before the arm");
        poller.arm(source(&a), Interest::READ).expect("known");
        send_at("after the arm");
        let got = until(poller, token(7), |ready| ready.read);
        assert!(got.read && !got.read_closed, "a byte {moment}: {got:?}");
    }
}

pub fn directions_are_apart(new: fn() -> Box<dyn Poller>) {
    let orders = [
        [Interest::READ, Interest::WRITE],
        [Interest::WRITE, Interest::READ],
    ];
    for order in orders {
        let poller = &mut *new();
        let (a, mut b) = pair();
        poller.add(source(&a), token(1)).expect("an open socket");
        for interest in order {
            poller.arm(source(&a), interest).expect("known");
        }
        let got = until(poller, token(1), |ready| ready.write);
        assert!(!got.read, "nothing has come yet; {order:?}: {got:?}");

        // The read is armed still: only the write was reported.
        b.write_all(b"x").expect("room");
        until(poller, token(1), |ready| ready.read);
    }
}

pub fn reported_once(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    let (a, mut b) = pair();
    poller.add(source(&a), token(1)).expect("an open socket");
    for round in 0..3 {
        poller.arm(source(&a), Interest::BOTH).expect("known");
        b.write_all(b"xy").expect("room");
        until(poller, token(1), |ready| ready.read);
        until_quiet(poller, round);
        assert_eq!(now(poller), vec![], "not armed again, round {round}");
        drain(&a);
    }
}

/// A poller may have more to say once; not for ever.
pub fn until_quiet(poller: &mut dyn Poller, round: usize) {
    for _ in 0..3 {
        if now(poller).is_empty() {
            return;
        }
    }
    panic!("round {round}: reported again and again, and not armed");
}

pub fn room_after_a_full_buffer(new: fn() -> Box<dyn Poller>) {
    fn check<S: AsRawFd>(poller: &mut dyn Poller, a: &S, b: &S)
    where
        for<'a> &'a S: Read + Write,
    {
        poller.add(source(a), token(1)).expect("an open socket");
        poller.arm(source(a), Interest::WRITE).expect("known");
        until(poller, token(1), |ready| ready.write);
        assert!(fill(a) > 0, "an empty buffer takes something");
        poller.arm(source(a), Interest::WRITE).expect("known");
        let early = now(poller);
        assert!(early.iter().all(|e| !e.ready.write), "full: {early:?}");
        drain(b);
        until(poller, token(1), |ready| ready.write);
        poller.remove(source(a)).expect("known");
    }
    let poller = &mut *new();
    let (a, b) = pair();
    set_send_buffer(&a, 8192).expect("a socket");
    check(poller, &a, &b);
    let (a, b) = tcp_pair();
    check(poller, &a, &b);
}

pub fn the_end_is_readiness(new: fn() -> Box<dyn Poller>) {
    for bytes in [&b""[..], b"xy"] {
        let poller = &mut *new();
        let (mut a, mut b) = tcp_pair();
        poller.add(source(&a), token(1)).expect("an open socket");
        poller.arm(source(&a), Interest::READ).expect("known");
        b.write_all(bytes).expect("room");
        b.shutdown(Shutdown::Write).expect("connected");

        // By I7: a short read is as good as WouldBlock, unless the end of
        // the stream has been announced.
        let (mut got, mut ended) = (Vec::new(), false);
        let mut buf = [0; 16];
        while !ended {
            let ready = until(poller, token(1), |ready| ready.read);
            assert!(!ready.write_closed, "half is closed: {ready:?}");
            loop {
                let result = a.read(&mut buf);
                if blocks(&result) {
                    break;
                }
                let count = result.expect("no reset");
                got.extend_from_slice(&buf[..count]);
                ended |= count == 0;
                if ended || !ready.read_closed {
                    break;
                }
            }
            poller.arm(source(&a), Interest::READ).expect("known");
        }
        assert_eq!(got, bytes, "before the end");
        assert!(a.write(b"back").is_ok(), "the other half is open");
    }
}

pub fn a_reset_ends_both_directions(new: fn() -> Box<dyn Poller>) {
    for interest in [Interest::READ, Interest::WRITE] {
        let poller = &mut *new();
        let (mut a, b) = tcp_pair();
        poller.add(source(&a), token(1)).expect("an open socket");
        fill(&a);
        poller.arm(source(&a), interest).expect("known");
        until_quiet(poller, 0);
        set_linger(&b, Some(NOW)).expect("a socket");
        drop(b); // RST
        poller.arm(source(&a), interest).expect("known");
        let got = until(poller, token(1), |r| r.read_closed && r.write_closed);
        assert!(got.read && got.write, "{interest:?}: {got:?}");
        let read = a.read(&mut [0; 8]).map_err(|error| error.kind());
        assert_eq!(read, Err(ErrorKind::ConnectionReset), "{interest:?}");
    }
}

pub fn a_pipe_has_two_ends(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    let (read, write) = pipe().expect("two descriptors");
    poller.add(source(&read), token(1)).expect("a pipe");
    poller.arm(source(&read), Interest::READ).expect("known");
    assert_eq!(now(poller), vec![], "nothing was written");
    drop(write);
    let got = until(poller, token(1), |ready| ready.read_closed);
    assert!(got.read, "nobody can write any more: {got:?}");
    assert_eq!(now(poller), vec![], "reported, and not armed again");
    assert_eq!(read.read(&mut [0; 8]).ok(), Some(0), "the end");
    poller.remove(source(&read)).expect("known");

    let (read, write) = pipe().expect("two descriptors");
    set_nonblocking(&write, true).expect("a pipe");
    poller.add(source(&write), token(2)).expect("a pipe");
    fill(&write);
    poller.arm(source(&write), Interest::WRITE).expect("known");
    until_quiet(poller, 0);
    drop(read);
    poller.arm(source(&write), Interest::WRITE).expect("known");
    let got = until(poller, token(2), |ready| ready.write_closed);
    assert!(got.write, "nobody can read any more: {got:?}");
    let error = write.write(b"x").map_err(|error| error.kind());
    assert_eq!(error, Err(ErrorKind::BrokenPipe), "a write after that");
}

pub fn gone_and_not_armed_is_quiet(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    let (a, b) = pair();
    poller.add(source(&a), token(1)).expect("an open socket");
    until_quiet(poller, 0); // epoll may say once that there is room
    drop(b);
    until_quiet(poller, 1);
    assert_eq!(now(poller), vec![], "its peer is gone, and nobody asked");

    poller.arm(source(&a), Interest::READ).expect("known");
    poller.remove(source(&a)).expect("known");
    let (a, b) = pair();
    poller.add(source(&a), token(2)).expect("an open socket");
    poller.arm(source(&a), Interest::BOTH).expect("known");
    drop(b);
    let got = until(poller, token(2), |ready| ready.read && ready.write);
    assert!(got.read_closed && got.write_closed, "it is gone: {got:?}");
    until_quiet(poller, 2);
    assert_eq!(now(poller), vec![], "reported, and not armed again");
}

pub fn removed_is_forgotten(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    let pairs: Vec<_> = (0..5).map(|_| pair()).collect();
    for (number, (a, mut b)) in (0..).zip(pairs.iter().map(|(a, b)| (a, b))) {
        poller.add(source(a), token(number)).expect("open");
        poller.arm(source(a), Interest::READ).expect("known");
        b.write_all(b"x").expect("room");
    }
    // The last of a list, and one before it that others have moved into.
    for removed in [1, 4] {
        poller.remove(source(&pairs[removed].0)).expect("known");
    }
    let mut got: Vec<_> = now(poller).iter().map(|e| e.token).collect();
    got.sort();
    assert_eq!(got, [0, 2, 3].map(token), "all but the removed");

    let (a, mut b) = (&pairs[1].0, &pairs[1].1);
    poller.add(source(a), token(9)).expect("it was forgotten");
    poller.arm(source(a), Interest::READ).expect("known");
    b.write_all(b"y").expect("room");
    until(poller, token(9), |ready| ready.read);
    // Those that have moved are found under their own numbers.
    for kept in [0, 2, 3] {
        poller.remove(source(&pairs[kept].0)).expect("known");
    }
}

pub fn an_event_of_before_finds_nobody(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    let mut slab = Slab::default();
    for _ in 0..2 {
        let (a, mut b) = pair();
        b.write_all(b"x").expect("room");
        let fd = source(&a);
        let token = slab.insert((a, b));
        poller.add(fd, token).expect("an open socket");
        poller.arm(fd, Interest::READ).expect("known");
    }
    let batch = now(poller);
    let names: Vec<Token> = batch.iter().map(|event| event.token).collect();
    assert_eq!(names.len(), 2, "both in one batch: {batch:?}");

    // The first event's handler closes the second's connection, and accepts
    // another one, which gets its place (and, mostly, its descriptor).
    let (a, b) = slab.remove(names[1]).expect("a tenant");
    poller.remove(source(&a)).expect("known");
    drop((a, b));
    let (a, b) = pair();
    let fd = source(&a);
    let new_name = slab.insert((a, b));
    poller.add(fd, new_name).expect("an open socket");
    let stale = slab.get_mut(names[1]);
    assert!(stale.is_none(), "{:?} is now {new_name:?}", names[1]);
    assert!(slab.get_mut(names[0]).is_some(), "{:?} stays", names[0]);
}

pub fn errors(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    let (a, mut b) = pair();
    let kind = |result: io::Result<()>| result.map_err(|e| e.kind());
    let number = |result: io::Result<()>| result.map_err(|e| e.raw_os_error());
    let got = kind(poller.remove(source(&a)));
    assert_eq!(got, Err(ErrorKind::NotFound), "removed before it was added");
    poller.add(source(&a), token(1)).expect("an open socket");
    let got = kind(poller.add(source(&a), token(2)));
    assert_eq!(got, Err(ErrorKind::AlreadyExists), "added twice");
    for closed in [-1, -7, RawFd::MIN, RawFd::MAX] {
        let got = number(poller.add(Source(closed), token(3)));
        assert_eq!(got, Err(Some(9)), "EBADF for descriptor {closed}");
        let got = poller.remove(Source(closed));
        assert!(got.is_err(), "{closed} was never added");
    }
    // After all of these the set is as it was.
    poller.arm(source(&a), Interest::READ).expect("known");
    b.write_all(b"x").expect("room");
    until(poller, token(1), |ready| ready.read);
    poller.remove(source(&a)).expect("known");
    let got = kind(poller.remove(source(&a)));
    assert_eq!(got, Err(ErrorKind::NotFound), "removed twice");
}

pub fn waits_end(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    assert_eq!(now(poller), vec![], "an empty set, no time");
    let (a, mut b) = pair();
    poller.add(source(&a), token(1)).expect("an open socket");
    poller.arm(source(&a), Interest::READ).expect("known");
    until_quiet(poller, 0);
    for micros in [1, 700, 3_000] {
        let time = Duration::from_micros(micros);
        let started = Instant::now();
        let mut events = Vec::new();
        poller.wait(&mut events, Some(time)).expect("a wait");
        let waited = started.elapsed();
        assert_eq!(events, vec![], "nothing was sent; {time:?}");
        assert!(waited >= time, "{waited:?} of {time:?}");
    }
    thread::scope(|scope| {
        scope.spawn(move || b.write_all(b"x").expect("room"));
        let mut events = vec![];
        while events.is_empty() {
            poller.wait(&mut events, None).expect("a wait");
        }
        assert_eq!(events[0].token, token(1), "a wait without end");
    });
}

pub fn events_are_appended(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    let (a, mut b) = pair();
    b.write_all(b"x").expect("room");
    poller.add(source(&a), token(5)).expect("an open socket");
    poller.arm(source(&a), Interest::READ).expect("known");
    let mut events = vec![Event {
        token: token(4),
        ready: Ready::default(),
    }];
    poller.wait(&mut events, Some(LONG)).expect("a wait");
    let names: Vec<_> = events.iter().map(|event| event.token).collect();
    assert_eq!(names, [4, 5].map(token), "behind what was there");
}

pub fn more_than_a_batch(new: fn() -> Box<dyn Poller>) {
    let poller = &mut *new();
    const MANY: u64 = 1_100;
    let limit = ch00_toolbox::sys::nofile().expect("a limit");
    ch00_toolbox::sys::set_nofile(limit.hard.min(20_000)).expect("allowed");
    let (a, mut b) = pair();
    // Many descriptors of one socket: each is a source of its own.
    let copies: Vec<_> = (0..MANY)
        .map(|_| a.try_clone().expect("a descriptor is free"))
        .collect();
    for (number, copy) in (0..).zip(&copies) {
        poller.add(source(copy), token(number)).expect("open");
        poller.arm(source(copy), Interest::READ).expect("known");
    }
    // epoll says of each that there is room.
    let quiet = (0..9).any(|_| now(poller).is_empty());
    assert!(quiet, "nobody has sent anything");
    b.write_all(b"x").expect("room");
    let mut heard = BTreeMap::new();
    for event in (0..9).flat_map(|_| now(poller)) {
        *heard.entry(event.token).or_insert(0) += 1;
    }
    assert_eq!(heard.len() as u64, MANY, "sources that were reported");
    let twice: Vec<_> = heard.iter().filter(|(_, times)| **times > 1).collect();
    assert_eq!(twice, vec![], "reported more than once");
}

/// A number that is no open descriptor's.
pub const NOWHERE: Source = Source(RawFd::MAX);
