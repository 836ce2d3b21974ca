//! What step 9 must do: start, wait, and leave nothing behind.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::panic;
use std::time::Duration;

use ch00_toolbox::process::{Launch, Server};
use ch00_toolbox::sys::Signal;

/// A read that takes longer is a failure, not a reason to hang.
const PATIENCE: Duration = Duration::from_secs(20);

fn stage() -> Launch {
    Server::example("ch00-toolbox", "step9_process")
}

/// The stage's first line to a client: its process id.
fn hello(stream: &TcpStream) -> u32 {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim().strip_prefix("pid ").unwrap().parse().unwrap()
}

/// Returns when the other end is gone, which its process's end makes it.
fn wait_for_end(mut stream: TcpStream) {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::ConnectionReset => {}
        Err(e) => panic!("still there: {e}"),
    }
}

/// Whether nobody listens there any more.
fn is_gone(addr: SocketAddr) -> bool {
    TcpStream::connect(addr).is_err()
}

/// Returns when nobody listens there any more. A process that was killed
/// closes its sockets one by one: the listening one may be the last.
fn wait_until_gone(addr: SocketAddr) {
    while let Ok(stream) = TcpStream::connect(addr) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        wait_for_end(stream); // in the queue of a listener that closes
    }
}

/// A stage is started on a free port, and answers there.
#[test]
fn starts_a_stage_and_finds_its_port() {
    let one = stage().start().unwrap();
    let two = stage().start().unwrap();
    assert_ne!(one.addr(), two.addr());
    assert_eq!(hello(&one.connect().unwrap()), one.pid());
    assert_eq!(hello(&two.connect().unwrap()), two.pid());
    assert!(one.lines()[0].starts_with("step9_process listening on "));
}

/// A stage that is asked to end does, and its status tells how.
#[test]
fn terminates_a_stage() {
    let mut server = stage().start().unwrap();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(is_gone(server.addr()));
    assert_eq!(server.terminate().code(), Some(0), "a second time");
}

/// A stage that is busy printing ends as soon as it is asked to.
#[test]
fn terminates_a_chatty_stage() {
    for signal in [Signal::Term, Signal::Int] {
        let endless = stage().args(["--chatter", &u64::MAX.to_string()]);
        let mut server = endless.start().unwrap();
        server.process().wait_for("line ").unwrap();
        server.process().signal(signal);
        let status = server.process().wait().unwrap();
        assert_eq!(status.code(), Some(0), "input: {signal}");
    }
}

/// I1: a dropped server is a dead one.
#[test]
fn a_dropped_server_is_gone() {
    let server = stage().args(["--stubborn"]).start().unwrap();
    let (addr, stream) = (server.addr(), server.connect().unwrap());
    hello(&stream);
    drop(server);
    wait_for_end(stream);
    assert!(is_gone(addr));
}

/// I1: so is one whose test panics.
#[test]
fn a_server_does_not_survive_a_panic() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = stage().start().unwrap();
    let failed = panic::catch_unwind(panic::AssertUnwindSafe(move || {
        sender.send(server.addr()).unwrap();
        hello(&server.connect().unwrap());
        // Unwinds as a failed assertion does, and prints nothing.
        panic::resume_unwind(Box::new("the test fails here"));
    }));
    assert!(failed.is_err());
    assert!(is_gone(receiver.recv().unwrap()));
}

/// I1: so is one whose parent is killed, where no code of ours runs.
#[test]
fn a_server_does_not_survive_its_parent() {
    let mut parent = stage().args(["--child"]).start().unwrap();
    let line = parent.process().wait_for("child ").unwrap();
    let addr: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    let stream = TcpStream::connect(addr).unwrap();
    assert_ne!(hello(&stream), parent.pid());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    parent.process().signal(Signal::Kill);
    wait_for_end(stream);
    wait_until_gone(addr);
}

/// I1: what a stage starts ends with it.
#[test]
fn the_whole_group_ends() {
    let script = "sleep 1000 & echo sh listening on 127.0.0.1:1; wait";
    let sh = Launch::program("sh").args(["-c", script]);
    let mut server = sh.start().unwrap();
    assert_eq!(server.terminate().signal(), Some(15));
    // `sleep` has the same stdout: it ends when both are gone.
    let e = server.process().wait_for("more").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::UnexpectedEof, "{e}");
}

/// I2: a process that was reaped gets no more signals.
#[test]
fn a_reaped_process_gets_no_signal() {
    let mut done = Launch::program("true").spawn().unwrap();
    assert_eq!(done.wait().unwrap().code(), Some(0));
    let ours = std::process::id();
    assert_ne!(done.pid(), ours);
    done.signal(Signal::Kill); // to nobody; a stranger may have the number
    assert_eq!(done.wait().unwrap().code(), Some(0));
}

/// I3: a program that ends without listening is an error that shows what it
/// printed.
#[test]
fn an_early_end_shows_the_output() {
    let script = "echo on stdout; echo on stderr >&2; exit 3";
    let sh = Launch::program("sh").args(["-c", script]);
    let e = sh.start().err().unwrap();
    assert_eq!(e.kind(), ErrorKind::UnexpectedEof);
    for part in ["stdout: on stdout", "stderr: on stderr"] {
        assert!(e.to_string().contains(part), "no {part:?} in: {e}");
    }
}

/// I3: a stage that was not built is named with the command that builds it.
#[test]
fn a_missing_stage_says_how_to_build_it() {
    let e = Server::example("ch00-toolbox", "step99_none").start().err();
    let e = e.unwrap();
    assert_eq!(e.kind(), ErrorKind::NotFound);
    let hint = "cargo build -p ch00-toolbox --example step99_none";
    assert!(e.to_string().contains(hint), "got: {e}");
}

/// I4: what a stage prints never holds it up, and the last lines are kept.
#[test]
fn a_chatty_stage_is_not_held_up() {
    let chatty = stage().args(["--chatter", "100000"]);
    let mut server = chatty.start().unwrap();
    server.process().wait_for("line 99999 of").unwrap();
    assert_eq!(server.lines().len(), 1_000);
    assert_eq!(hello(&server.connect().unwrap()), server.pid());
}

/// I3: what is sent to a process that does not read has a deadline, too.
#[test]
fn a_process_that_does_not_read() {
    let mut deaf = Launch::program("sleep").args(["1000"]).spawn().unwrap();
    let more_than_a_pipe = vec![b'x'; 4 << 20];
    let patience = Duration::from_millis(20);
    let e = deaf.send_within(&more_than_a_pipe, patience).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::TimedOut, "{e}");
    deaf.close_stdin();
    let e = deaf.send(b"x").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::BrokenPipe, "{e}");
    assert_eq!(deaf.kill().signal(), Some(9));

    let counts = Launch::program("wc").args(["-c"]);
    let done = counts.run(&more_than_a_pipe).unwrap();
    assert_eq!(done.stdout.trim(), "4194304");
}

/// A program runs to its end with an input, and gives back all it printed.
#[test]
fn runs_a_program_to_its_end() {
    let done = Launch::program("cat").run(b"one\ntwo").unwrap();
    assert_eq!(
        (done.stdout.as_str(), done.status.code()),
        ("one\ntwo", Some(0))
    );
    let sh = Launch::program("sh").args(["-c", "echo $WHO >&2; exit 3"]);
    let done = sh.env("WHO", "me").run(b"not read").unwrap();
    assert_eq!(
        (done.stderr.as_str(), done.status.code()),
        ("me\n", Some(3))
    );
}
