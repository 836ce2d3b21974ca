//! What step 9 must do.
use ch00_toolbox::process::{Launch, Server};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

#[test]
fn starts() {
    let mut s = Server::example("ch00-toolbox", "step9_process")
        .start()
        .unwrap();
    let mut line = String::new();
    BufReader::new(s.connect().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, format!("pid {}\n", s.pid()));
    println!("{:?}", s.terminate());
}
#[test]
fn dies_with_parent() {
    let mut s = Server::example("ch00-toolbox", "step9_process")
        .args(["--child"])
        .start()
        .unwrap();
    let line = s.process().wait_for("child listening").unwrap();
    let addr = line.rsplit(' ').next().unwrap();
    let mut c = TcpStream::connect(addr).unwrap();
    std::process::Command::new("kill")
        .args(["-KILL", &s.pid().to_string()])
        .status()
        .unwrap();
    let mut t = String::new();
    let _ = c.read_to_string(&mut t);
    assert!(TcpStream::connect(addr).is_err());
}
#[test]
fn runs() {
    let f = Launch::program("cat").run(b"a\nb").unwrap();
    assert_eq!(f.stdout, "a\nb");
    assert!(f.status.success());
    println!("{:?}", Launch::program("nono").run(b""));
    println!(
        "{:?}",
        Server::example("ch00-toolbox", "nono").start().err()
    );
    println!("{:?}", Server::bin("sh").args(["-c"]).start().err());
    println!(
        "{}",
        Launch::program("sh")
            .args(["-c", "echo hi; echo oh >&2"])
            .start()
            .err()
            .unwrap()
    );
    let big = Launch::program("seq").args(["100000"]).run(b"").unwrap();
    assert!(big.stdout.ends_with("\n99999\n100000\n"));
}
