//! The finished stage's site, over a simulated connection.

use std::time::Duration;

use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch03_http::compress::gzipped;
use ch03_http::files::Files;
use ch03_http::live::Room;
use ch03_http::site::Site;
use ch03_http::websocket::connection::Limits;
use ch03_http::websocket::pulse;

use super::files::{Answer, Dir, NOW, over};

/// The answer to bytes that end their connection.
fn exchange(dir: &Dir, sent: &[u8]) -> Answer {
    let sim = Sim::new(1, Faults::NONE);
    sim.clock().set_unix(NOW);
    let runtime = Runtime::simulated(&sim);
    let second = Duration::from_secs(1);
    let limits = Limits {
        message: 1024,
        output: 1024,
        times: pulse::Times {
            ping_after: second,
            pong_within: second,
            close_within: second,
        },
    };
    let room = Room::new(&runtime, &Drain::default(), "1", limits, 1024);
    let files = Files::new(dir.path(), false).expect("a root");
    let site = Site::new(files, room);
    let done = runtime.block_on(over(&runtime, site, sent));
    Answer::read(&done.expect("a world that goes on"))
}

fn ask(dir: &Dir, line: &str, fields: &str, body: &str) -> Answer {
    let length = body.len();
    let sent = format!(
        "{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{fields}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    exchange(dir, sent.as_bytes())
}

/// I23: the site's own pages, by their methods; all else are files.
#[test]
fn pages_and_files() {
    let dir = Dir::new("site");
    dir.file("a.txt", b"hello");
    dir.file("-/ping", b"never seen");
    dir.file("-.txt", b"seen");
    let check = |line: &str, expected: u16, body: Option<&[u8]>| {
        let got = ask(&dir, line, "", "");
        assert_eq!(got.status, expected, "input: {line}");
        if let Some(body) = body {
            assert_eq!(got.body, body, "input: {line}");
        }
    };
    let dots = &[b'.'; 100][..];
    check("GET /-/ping", 200, Some(dots));
    check("GET /-/ping?x", 200, Some(dots));
    check("GET http://h/-/ping", 200, Some(dots));
    check("HEAD /-/ping", 200, Some(b""));
    check("POST /-/ping", 405, None);
    check("DELETE /-/chat", 405, None);
    check("PUT /-/events", 405, None);
    check("GET /-/say", 405, None);
    check("GET /-/ws", 426, None);
    check("GET /-/", 404, None);
    check("GET /-/none", 404, None);
    check("GET /-", 301, None); // a directory of that name
    check("GET /-.txt", 200, Some(b"seen"));
    check("GET /a.txt", 200, Some(b"hello"));
    check("POST /a.txt", 405, None);
    check("GET /-/../a.txt", 404, None); // own pages have no `..`
    let chat = ask(&dir, "GET /-/chat", "", "");
    assert_eq!(chat.get("content-type"), Some("text/html; charset=utf-8"));
    let only = ask(&dir, "POST /-/ping", "", "");
    assert_eq!(only.get("allow"), Some("GET, HEAD"));
}

/// I32: files are compressed for who takes that, HEAD of them as well, and
/// parts of them for nobody (I33).
#[test]
fn compressed_files() {
    let dir = Dir::new("compressed");
    let text = b"hello, ".repeat(1000);
    dir.file("a.txt", &text);
    let gzip = "Accept-Encoding: gzip\r\n";
    let plain = ask(&dir, "GET /a.txt", "", "").checked();
    assert_eq!(plain.body, text);
    assert_eq!(plain.get("vary"), Some("Accept-Encoding"));
    let packed = ask(&dir, "GET /a.txt", gzip, "").checked();
    assert_eq!(packed.get("content-encoding"), Some("gzip"));
    assert_eq!(packed.body, gzipped(&text));
    let weak = packed.get("etag").expect("a tag");
    let strong = plain.get("etag").expect("a tag");
    assert_eq!(weak, format!("W/{strong}"));
    let head = ask(&dir, "HEAD /a.txt", gzip, "");
    assert_eq!(head.fields, packed.fields, "input: HEAD");
    let fields = format!("{gzip}Range: bytes=0-4\r\n");
    let part = ask(&dir, "GET /a.txt", &fields, "").checked();
    let got = (part.status, part.get("content-encoding"), &part.body[..]);
    assert_eq!(got, (206, None, &b"hello"[..]));
    assert_eq!(part.get("vary"), Some("Accept-Encoding"));
    // The tag of what is compressed: it confirms, and makes no part.
    let fields = format!("{gzip}If-None-Match: {weak}\r\n");
    let got = ask(&dir, "GET /a.txt", &fields, "");
    assert_eq!((got.status, got.get("etag")), (304, Some(weak)));
    let fields = format!("{gzip}Range: bytes=0-4\r\nIf-Range: {weak}\r\n");
    let got = ask(&dir, "GET /a.txt", &fields, "").checked();
    assert_eq!((got.status, got.body), (200, packed.body.clone()));
}

/// I25: what is echoed is the body, of whatever method, with its type.
#[test]
fn echoes() {
    let dir = Dir::new("echo");
    let kind = "Content-Type: text/x-mine\r\n";
    for method in ["POST", "PUT", "GET", "OTHER"] {
        let line = format!("{method} /-/echo");
        let got = ask(&dir, &line, kind, "hello").checked();
        assert_eq!(got.body, b"hello", "input: {line}");
        assert_eq!(got.get("content-type"), Some("text/x-mine"));
        assert_eq!(got.get("x-content-type-options"), Some("nosniff"));
    }
    let sent = b"POST /-/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
                 Transfer-Encoding: chunked\r\n\r\n\
                 3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    assert_eq!(exchange(&dir, sent).checked().body, b"hello");
    let long = "x".repeat(1024 * 1024 + 1);
    let got = ask(&dir, "POST /-/echo", "", &long);
    assert_eq!(got.status, 413, "input: more than a body may have");
}

/// I54: who may say something, and what.
#[test]
fn said_by_post() {
    let dir = Dir::new("say");
    let check = |fields: &str, body: &str, expected: u16| {
        let got = ask(&dir, "POST /-/say", fields, body);
        assert_eq!(got.status, expected, "input: {fields} {}", body.len());
    };
    check("", "hello", 204);
    check("Origin: http://h\r\n", "hello", 204);
    check("Origin: https://h\r\n", "hello", 204); // behind a proxy
    check("Origin: http://evil.com\r\n", "hello", 403);
    check("Origin: http://h.evil.com\r\n", "hello", 403);
    check("Origin: http://evil.com/http://h\r\n", "hello", 403);
    check("Origin: null\r\n", "hello", 403);
    check("Origin: h\r\n", "hello", 403);
    check("Origin:\r\n", "hello", 403);
    check("", &"x".repeat(4096), 204);
    check("", &"x".repeat(4097), 413);
    let sent = b"POST /-/say HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
                 Content-Length: 1\r\n\r\n\xff";
    assert_eq!(exchange(&dir, sent).status, 400, "input: no UTF-8");
    let got = ask(&dir, "GET /-/say", "", "");
    assert_eq!((got.status, got.get("allow")), (405, Some("POST")));
}
