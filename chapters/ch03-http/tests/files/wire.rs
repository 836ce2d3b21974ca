//! Files on their way: by the simulated network, and by the kernel's, where
//! sendfile has a descriptor to write to.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use ch00_toolbox::rng::Rng;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch03_http::files::Files;

use super::files::{
    Answer, Dir, NOW, connect, exchange, over, read_to_end, request,
};

const CLOSE: &str = "Connection: close";

/// A length, more than sockets hold.
const HUGE: u64 = 64 * 1024 * 1024;

fn files(dir: &Dir) -> Files {
    Files::new(dir.path(), true).expect("a root")
}

/// On the kernel's network, for at most 20 s.
fn really<T>(body: impl AsyncFnOnce(&Runtime) -> T) -> T {
    let runtime = Runtime::new().expect("descriptors");
    let limited = runtime.timeout(Duration::from_secs(20), body(&runtime));
    runtime
        .block_on(limited)
        .expect("a loop")
        .expect("within 20 s")
}

/// I23, I25: HEAD has the head of GET, of everything, and nothing behind it.
#[test]
fn head_of_everything() {
    let dir = Dir::new("head");
    dir.file("a.txt", b"hello");
    dir.file("empty.txt", b"");
    dir.file("sub/b.txt", b"b");
    dir.file("large.bin", &[7; 100_000]);
    for target in [
        "/a.txt",
        "/empty.txt",
        "/large.bin",
        "/sub",
        "/sub/",
        "/none",
        "/%2e%2e",
        "/",
        "/a.txt/",
    ] {
        let ask = |method: &str| {
            let sent = request(&format!("{method} {target}"), &[CLOSE]);
            exchange(files(&dir), &sent)
        };
        let (get, head) = (ask("GET").checked(), ask("HEAD"));
        assert_eq!(head.body, b"", "input: {target}");
        let got = (head.status, head.fields);
        assert_eq!(got, (get.status, get.fields), "input: {target}");
    }
}

/// I23: a file's fields.
#[test]
fn fields() {
    let dir = Dir::new("fields");
    dir.file("a.html", b"hello");
    let sent = request("GET /a.html", &[CLOSE]);
    let answer = exchange(files(&dir), &sent).checked();
    let fields: Vec<String> = answer
        .fields
        .iter()
        .map(|(k, v)| format!("{k}: {v}"))
        .collect();
    let expected = [
        "Date: Fri, 13 Feb 2009 23:31:30 GMT",
        "ETag: \"ae1b981da166f00-5\"",
        "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
        "Accept-Ranges: bytes",
        "X-Content-Type-Options: nosniff",
        "Content-Type: text/html; charset=utf-8",
        "Content-Length: 5",
        "Connection: close",
    ];
    assert_eq!(fields, expected);
}

/// I25: files of every size go whole, over a network that cuts and delays.
#[test]
fn every_size() {
    let dir = Dir::new("sizes");
    let bytes = Rng::seeded(3).bytes(200_000);
    let room = 4096;
    let faults = Faults {
        room,
        ..Faults::ROUGH
    };
    for length in [0, 1, 8191, 8192, 8193, 16_384, 16_385, 65_536, 200_000] {
        dir.file("a.bin", &bytes[..length]);
        let sent = request("GET /a.bin", &[CLOSE]);
        for seed in 0..20 {
            let sim = Sim::new(seed, faults);
            sim.clock().set_unix(NOW);
            let runtime = Runtime::simulated(&sim);
            let all = runtime.block_on(over(&runtime, files(&dir), &sent));
            let answer = Answer::read(&all.expect("a world that goes on"));
            let is_same = answer.checked().body == bytes[..length];
            assert!(is_same, "input: {length} bytes, seed {seed}");
        }
    }
}

/// I25: large files, parts of them, and several parts, by sendfile.
#[test]
fn by_sendfile() {
    let dir = Dir::new("sendfile");
    let bytes = Rng::seeded(4).bytes(3_000_000);
    dir.file("a.bin", &bytes);
    let ask = |range: &str| {
        let fields = [range, CLOSE];
        let sent = request("GET /a.bin", &fields);
        let all = really(async |it| over(it, files(&dir), &sent).await);
        Answer::read(&all).checked()
    };
    let same = |got: &[u8], expected: &[u8], input: &str| {
        assert!(got == expected, "other bytes; input: {input}");
    };
    same(&ask("X: y").body, &bytes, "all");
    let range = "Range: bytes=1000000-2500000";
    same(&ask(range).body, &bytes[1_000_000..=2_500_000], range);
    let range = "Range: bytes=-100";
    same(&ask(range).body, &bytes[2_999_900..], range);
    let range = "Range: bytes=0-99999,2000000-2100000,5-5";
    assert_eq!(ask(range).status, 200, "input: {range}, which overlaps");
    let range = "Range: bytes=0-99999,2000000-2100000,-3";
    let answer = ask(range);
    assert_eq!(answer.status, 206);
    let mut rest = &answer.body[..];
    for part in [&bytes[..100_000], &bytes[2_000_000..=2_100_000]] {
        let at = rest.windows(4).position(|it| it == b"\r\n\r\n");
        rest = &rest[at.expect("a part's head") + 4..];
        same(&rest[..part.len()], part, range);
        rest = &rest[part.len()..];
    }
}

/// I25: a file that shrinks while it is sent ends the connection: what has
/// come is less than was promised, and nothing is behind it.
#[test]
fn a_file_that_shrinks() {
    let dir = Dir::new("shrinks");
    let path = dir.file("a.bin", b"");
    let file = File::options().write(true).open(&path).expect("opened");
    file.set_len(HUGE).expect("a sparse file");
    let sent = request("GET /a.bin", &[]); // which would go on
    let all = really(async |runtime| {
        let stream = connect(runtime, files(&dir)).await;
        let twice = [&sent[..], &sent].concat();
        stream.write_all(&twice).await.expect("sent");
        let mut first = vec![0; 1000];
        let count = stream.read(&mut first).await.expect("a first piece");
        first.truncate(count);
        file.set_len(5000).expect("cut");
        read_to_end(&stream, first).await
    });
    let answer = Answer::read(&all);
    let length = HUGE.to_string();
    assert_eq!(answer.get("content-length"), Some(&*length));
    assert!((answer.body.len() as u64) < HUGE, "{}", answer.body.len());
    assert!(answer.body.iter().all(|byte| *byte == 0), "a second answer");
}

/// I25: a file that grows while it is sent has the length that it had; one
/// that is replaced is the one that was opened.
#[test]
fn a_file_that_grows_or_is_replaced() {
    let dir = Dir::new("grows");
    let path = dir.file("a.bin", b"");
    let mut file = File::options().append(true).open(&path).expect("opened");
    file.set_len(HUGE).expect("a sparse file");
    dir.file("b.bin", b"another");
    let sent = request("GET /a.bin", &[CLOSE]);
    let all = really(async |runtime| {
        let stream = connect(runtime, files(&dir)).await;
        stream.write_all(&sent).await.expect("sent");
        let mut first = vec![0; 1000];
        let count = stream.read(&mut first).await.expect("a first piece");
        first.truncate(count);
        file.write_all(b"more").expect("appended");
        std::fs::rename(dir.path().join("b.bin"), &path).expect("replaced");
        read_to_end(&stream, first).await
    });
    let answer = Answer::read(&all).checked();
    assert_eq!(answer.body.len() as u64, HUGE);
    assert!(answer.body.iter().all(|byte| *byte == 0), "other bytes");
}

/// I25: while a large file goes to a client that reads on and on, another
/// client is served.
#[test]
fn a_large_file_keeps_nobody_waiting() {
    let dir = Dir::new("fair");
    let path = dir.file("a.bin", b"");
    let file = File::options().write(true).open(&path).expect("opened");
    file.set_len(HUGE).expect("a sparse file");
    dir.file("b.txt", b"hello");
    really(async |runtime| {
        let large = connect(runtime, files(&dir)).await;
        let sent = request("GET /a.bin", &[CLOSE]);
        large.write_all(&sent).await.expect("sent");
        let small = request("GET /b.txt", &[CLOSE]);
        let all = over(runtime, files(&dir), &small).await;
        assert_eq!(Answer::read(&all).body, b"hello");
        let all = read_to_end(&large, Vec::new()).await;
        assert_eq!(Answer::read(&all).body.len() as u64, HUGE);
    });
}
