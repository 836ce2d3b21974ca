//! Step 5: system calls.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ch00_toolbox::clock::VirtualClock;
use ch00_toolbox::sys::{
    Disposition, Fd, KeepAlive, Limit, POLLIN, POLLOUT, PollFd, Resource,
    Signal, Signals, check, errno, kill, limit, nofile, pipe, poll,
    recv_buffer, retry, retry_for, send_buffer, set_disposition, set_keepalive,
    set_limit, set_linger, set_nofile, set_nonblocking, set_recv_buffer,
    set_send_buffer,
};

/// Signals and limits belong to the whole process, and tests are threads. So
/// do descriptors: a child has a copy of each between its fork and its exec.
static PROCESS: Mutex<()> = Mutex::new(());

fn me() -> u32 {
    std::process::id()
}

/// I1: -1 becomes the error in errno, anything else goes through.
#[test]
fn results_and_errno() {
    assert_eq!(check(7).expect("not an error"), 7);
    assert_eq!(check(0isize).expect("not an error"), 0);
    let missing = std::fs::File::open("/nonexistent").expect_err("missing");
    assert_eq!(Some(errno()), missing.raw_os_error());
    assert_eq!(check(-1).expect_err("-1").kind(), ErrorKind::NotFound);
}

/// I1: a call that a signal interrupts is made again, another error is not.
#[test]
fn eintr_is_retried() {
    let mut calls = vec![
        Err(ErrorKind::WouldBlock.into()),
        Ok(3),
        Err(ErrorKind::Interrupted.into()),
        Err(ErrorKind::Interrupted.into()),
    ];
    let mut next = || calls.pop().expect("no call after the result");
    assert_eq!(retry(&mut next).expect("third time"), 3);
    let error: io::Error = retry(&mut next).expect_err("would block");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

/// I2: bytes go through a pipe; when the writer is closed, it ends.
#[test]
fn a_pipe() {
    let (read, write) = pipe().expect("a pipe");
    assert_eq!(write.write(b"hello").expect("room"), 5);
    let mut buf = [0; 3];
    assert_eq!(read.read(&mut buf).expect("bytes"), 3);
    assert_eq!(&buf, b"hel");
    write.close().expect("closes");
    let mut rest = String::new();
    (&read).read_to_string(&mut rest).expect("the end");
    assert_eq!(rest, "lo");
}

/// I2: a dropped end is closed: the other end notices.
#[test]
fn dropping_closes_once() {
    let (read, write) = pipe().expect("a pipe");
    let _alone = PROCESS.lock(); // or a child still reads
    drop(read);
    let error = (&write).write_all(b"x").expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    // Ownership moves through std's type and back without a close between.
    let (read, write) = pipe().expect("a pipe");
    let number = write.as_raw_fd();
    let write = Fd::from(OwnedFd::from(write));
    assert_eq!(write.as_raw_fd(), number);
    write.write(b"x").expect("still open");
    assert_eq!(read.read(&mut [0; 9]).expect("bytes"), 1);
}

/// I2: a child does not inherit the ends: it would keep the pipe open.
#[test]
fn children_do_not_inherit() {
    let (read, write) = pipe().expect("a pipe");
    let _alone = PROCESS.lock();
    let cat = Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .spawn();
    let mut cat = cat.expect("cat starts");
    drop(write);
    let end = read
        .read(&mut [0; 1])
        .expect("the end, while cat still runs");
    assert_eq!(end, 0);
    drop(cat.stdin.take());
    cat.wait().expect("cat ends");
}

/// I1: without bytes, a non-blocking read says so instead of waiting.
#[test]
fn nonblocking() {
    let (read, write) = pipe().expect("a pipe");
    set_nonblocking(&read, true).expect("set");
    let error = read.read(&mut [0; 1]).expect_err("nothing to read");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    set_nonblocking(&read, false).expect("unset");
    write.write(b"x").expect("room");
    assert_eq!(read.read(&mut [0; 1]).expect("a byte"), 1);
}

/// I1: poll says which descriptor has something, and ends at its time.
#[test]
fn polling() {
    let (read, write) = pipe().expect("a pipe");
    let (other, _keep) = pipe().expect("a pipe");
    let mut fds = [
        PollFd::new(&read, POLLIN),
        PollFd::new(&other, POLLIN),
        PollFd::new(&write, POLLOUT),
    ];
    assert_eq!(poll(&mut fds, None).expect("a wait"), 1);
    assert_eq!(fds.map(|fd| fd.readable()), [false, false, false]);
    assert!(fds[2].writable());

    let start = Instant::now();
    let quiet = Some(Duration::from_micros(1_500));
    let n = poll(&mut [PollFd::new(&read, POLLIN)], quiet).expect("a wait");
    assert_eq!(n, 0, "nothing came");
    assert!(start.elapsed() >= Duration::from_micros(1_500));

    write.write(b"x").expect("room");
    let n = poll(&mut fds[..2], Some(Duration::MAX)).expect("a wait");
    assert_eq!((n, fds[0].readable(), fds[1].readable()), (1, true, false));

    drop(write);
    read.read(&mut [0; 1]).expect("the byte");
    let mut end = [PollFd::new(&read, POLLIN)];
    assert_eq!(poll(&mut end, None).expect("a wait"), 1);
    assert!(end[0].readable(), "the end of a pipe is something to read");
}

/// I1: interrupted, a wait goes on for the rest of its time, and not anew.
#[test]
fn the_rest_of_the_time() {
    // How long each wait takes, and what it returns.
    let check =
        |all: Option<u64>, waits: &[(u64, Option<usize>)], ms: &[i32]| {
            let clock = VirtualClock::new();
            let (mut waits, mut asked) = (waits.iter(), Vec::new());
            let call = |ms| {
                asked.push(ms);
                let (takes, result) = waits.next().expect("no further wait");
                clock.advance(Duration::from_millis(*takes));
                result.ok_or_else(|| ErrorKind::Interrupted.into())
            };
            let all = all.map(Duration::from_millis);
            let n = retry_for(&clock, all, call).expect("no error");
            assert_eq!(asked, ms, "input: {all:?}");
            assert_eq!(waits.next(), None, "input: {all:?}");
            n
        };
    let (eintr, nothing, one) = (None, Some(0), Some(1));
    let waits = [(9_000, eintr), (999, eintr), (1, nothing)];
    assert_eq!(check(Some(10_000), &waits, &[10_000, 1_000, 1]), 0);
    let late = [(10_005, eintr), (0, nothing)];
    assert_eq!(check(Some(10_000), &late, &[10_000, 0]), 0);
    let came = [(9_000, eintr), (7, one)];
    assert_eq!(check(Some(10_000), &came, &[10_000, 1_000]), 1);
    assert_eq!(check(None, &[(5, eintr), (5, one)], &[-1, -1]), 1);
    // Longer than a c_int of milliseconds: in two waits.
    let longest = i32::MAX as u64;
    let waits = [(longest, nothing), (5, nothing)];
    assert_eq!(check(Some(longest + 5), &waits, &[i32::MAX, 5]), 0);

    let clock = VirtualClock::new();
    let fails = |_| Err(ErrorKind::InvalidInput.into());
    let error = retry_for(&clock, None, fails).expect_err("not EINTR");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// I4: a signal is an event: taken once, and readable for poll before.
#[test]
fn signals_are_events() {
    let _alone = PROCESS.lock();
    let signals = Signals::new(&[Signal::Usr1, Signal::Usr2]).expect("caught");
    assert_eq!(signals.try_wait(), None);
    kill(me(), Signal::Usr1).expect("sent");
    poll(&mut [PollFd::new(&signals, POLLIN)], None).expect("it comes");
    assert_eq!(signals.wait(), Signal::Usr1);
    assert_eq!(signals.try_wait(), None);

    kill(me(), Signal::Usr2).expect("sent");
    kill(me(), Signal::Usr1).expect("sent");
    let mut both = [signals.wait(), signals.wait()];
    both.sort();
    assert_eq!(both, [Signal::Usr1, Signal::Usr2]);
}

/// I4: as long as a signal was not taken, poll returns at once, even where
/// its byte was swallowed because it came just before the pipe was emptied.
#[test]
fn as_long_as_a_bit_is_set() {
    let _alone = PROCESS.lock();
    let signals = Signals::new(&[Signal::Usr1]).expect("caught");
    let readable = || {
        let mut fds = [PollFd::new(&signals, POLLIN)];
        poll(&mut fds, Some(Duration::ZERO)).expect("a look") == 1
    };
    assert_eq!(signals.try_wait(), None); // the bits were looked at
    kill(me(), Signal::Usr1).expect("sent");
    poll(&mut [PollFd::new(&signals, POLLIN)], None).expect("it comes");
    signals.empty_pipe(); // what try_wait does next
    assert!(readable(), "a signal came, and would wake nobody");
    assert_eq!(signals.try_wait(), Some(Signal::Usr1));
    assert_eq!(signals.try_wait(), None);
    assert!(
        !readable(),
        "all signals are taken, and poll would not wait"
    );
}

/// I4: what a signal did before is what it does afterwards. A program that
/// is started now inherits it.
#[test]
fn the_old_action_comes_back() {
    let _alone = PROCESS.lock();
    let ended_by = || {
        let mut sh = Command::new("sh");
        let ended = sh.args(["-c", "kill -s USR2 $$"]).status();
        ended.expect("sh starts").signal()
    };
    for (before, expected) in [
        (Disposition::Ignore, None),
        (Disposition::Default, Some(Signal::Usr2.number())),
    ] {
        set_disposition(Signal::Usr2, before).expect("not SIGKILL");
        drop(Signals::new(&[Signal::Usr2]).expect("caught"));
        assert_eq!(ended_by(), expected, "input: {before:?}");
    }
}

/// I4: a hundred thousand signals do not fill the pipe, stop the handler or
/// lose the last one.
#[test]
fn a_storm_of_signals() {
    let _alone = PROCESS.lock();
    let signals = Signals::new(&[Signal::Usr1, Signal::Usr2]).expect("caught");
    for _ in 0..100_000 {
        kill(me(), Signal::Usr1).expect("sent");
    }
    kill(me(), Signal::Usr2).expect("sent");
    while signals.wait() != Signal::Usr2 {}
}

/// I3: a read on another thread goes on after the handler.
#[test]
fn other_threads_do_not_notice() {
    let _alone = PROCESS.lock();
    let signals = Signals::new(&[Signal::Usr1]).expect("caught");
    let (read, write) = pipe().expect("a pipe");
    let (ready, started) = mpsc::channel();
    let reader = thread::spawn(move || {
        ready.send(()).expect("the test waits");
        read.read(&mut [0; 8])
    });
    started.recv().expect("the reader started");
    for _ in 0..100 {
        kill(me(), Signal::Usr1).expect("sent");
        assert_eq!(signals.wait(), Signal::Usr1);
    }
    write.write(b"late").expect("room");
    let got = reader.join().expect("no panic");
    assert_eq!(got.expect("not interrupted"), 4);
}

/// I4: there is one `Signals` at a time, and the next one starts clean.
#[test]
fn one_at_a_time() {
    let _alone = PROCESS.lock();
    let first = Signals::new(&[Signal::Usr1]).expect("caught");
    let second = Signals::new(&[Signal::Usr2]).expect_err("taken");
    assert_eq!(second.kind(), ErrorKind::ResourceBusy);
    kill(me(), Signal::Usr1).expect("sent");
    poll(&mut [PollFd::new(&first, POLLIN)], None).expect("it comes");
    drop(first);
    let third = Signals::new(&[Signal::Usr1]).expect("free again");
    assert_eq!(
        third.try_wait(),
        None,
        "the old signal is not the new one's"
    );
    drop(third);
    let refused = Signals::new(&[Signal::Kill]).expect_err("cannot be caught");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    drop(Signals::new(&[Signal::Usr1]).expect("free after a failure"));
}

/// I1: kill reaches one process, and refuses what means several.
#[test]
fn killing() {
    for pid in [0, u32::MAX, 1 << 31] {
        let error = kill(pid, Signal::Term).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "input: {pid}");
    }
    let _alone = PROCESS.lock();
    let cat = Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .spawn();
    let mut cat = cat.expect("cat starts");
    kill(cat.id(), Signal::Term).expect("ours");
    let status = cat.wait().expect("cat ends");
    assert_eq!(status.signal(), Some(Signal::Term.number()));
}

/// I1: a limit is what was set; beyond it the kernel refuses.
#[test]
fn limits() {
    let _alone = PROCESS.lock();
    let before = nofile().expect("a limit");
    set_nofile(before.soft - 1).expect("lower is allowed");
    let now = nofile().expect("a limit");
    let expected = Limit {
        soft: before.soft - 1,
        hard: before.hard,
    };
    assert_eq!(now, expected);
    set_limit(Resource::Nofile, before).expect("back to where it was");
    let core = limit(Resource::Core).expect("a limit");
    let odd = Limit { soft: 2, hard: 1 };
    let error = set_limit(Resource::Core, odd).expect_err("soft above hard");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(limit(Resource::Core).expect("a limit"), core);
}

fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let client = TcpStream::connect(addr).expect("connects");
    (client, listener.accept().expect("a client").0)
}

/// I1: the kernel has taken the buffer sizes, in its own way.
#[test]
fn buffers() {
    set_nonblocking(pipe().expect("a pipe").0, true).expect("a first call");
    let (client, server) = connection();
    set_send_buffer(&client, 16 * 1024).expect("set");
    set_recv_buffer(&server, 16 * 1024).expect("set");
    let given = [
        send_buffer(&client).expect("a size"),
        recv_buffer(&server).expect("a size"),
    ];
    for given in given {
        assert!((16 * 1024..=32 * 1024).contains(&given), "got {given}");
    }
    let (pipe, _) = pipe().expect("a pipe");
    assert!(send_buffer(&pipe).is_err(), "a pipe is no socket");
}

/// I1: a connection that lingers for no time ends with a reset.
#[test]
fn lingering() {
    set_nonblocking(pipe().expect("a pipe").0, true).expect("a first call");
    let (client, mut server) = connection();
    set_linger(&client, Some(Duration::ZERO)).expect("set");
    drop(client);
    let error = server.read(&mut [0; 1]).expect_err("a reset, not the end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let (client, mut server) = connection();
    set_linger(&client, Some(Duration::ZERO)).expect("set");
    set_linger(&client, None).expect("unset");
    drop(client);
    assert_eq!(server.read(&mut [0; 1]).expect("the end"), 0);
}

/// I1: the kernel takes keep-alive times, rounded up to seconds.
#[test]
fn keepalive() {
    set_nonblocking(pipe().expect("a pipe").0, true).expect("a first call");
    let (client, _server) = connection();
    let half = Duration::from_millis(500);
    let probes = KeepAlive {
        idle: half,
        interval: half,
        count: 3,
    };
    set_keepalive(&client, Some(probes)).expect("half a second is one");
    set_keepalive(&client, None).expect("off");
    let never = KeepAlive {
        count: 100_000,
        ..probes
    };
    assert!(
        set_keepalive(&client, Some(never)).is_err(),
        "count 100,000"
    );
    let borrowed: std::os::fd::BorrowedFd<'_> = client.as_fd();
    set_keepalive(&borrowed, None).expect("a borrowed descriptor will do");
}
