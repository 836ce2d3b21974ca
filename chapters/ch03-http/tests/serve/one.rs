//! One client, whose requests are in order or are not.

use ch02_event_loop::sim::{Faults, Sim};
use ch03_http::head::Refused;
use ch03_http::response::{OURS, Payload, Response};
use ch03_http::serve::Settings;

use super::peer::{Answer, answers, calm, read_some, simulated, statuses};
use super::{FAILED, check, get, post, said};

/// I10: what is not one field, or is the server's to say, is refused.
#[test]
fn fields_that_are_refused() {
    let check = |name: &str, value: &str, expected| {
        let got = Response::new(200)
            .with(name, value)
            .map(|it| String::from_utf8_lossy(it.fields()).into_owned());
        assert_eq!(got, expected, "input: {name}: {value}");
    };
    check("X-A", "b", Ok("X-A: b\r\n".to_owned()));
    check("X-A", "b\r\nSet-Cookie: c", Err(Refused::Value));
    check("X A", "b", Err(Refused::Name));
    for name in OURS {
        check(name, "1", Err(Refused::Name));
        check(&name.to_ascii_lowercase(), "1", Err(Refused::Name));
    }
}

/// A payload says how long it is, if it knows.
#[test]
fn lengths() {
    assert_eq!(Payload::Empty.length(), Some(0));
    assert_eq!(Payload::Bytes(b"abc".as_slice().into()).length(), Some(3));
}
/// I15: one request, one answer, with a date and a length.
#[test]
fn an_answer() {
    let got = calm(async |world| Ok(world.say(&get("/x")).await));
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    let head = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\n");
    assert_eq!(got, format!("{head}Content-Length: 7\r\n\r\nGET /x "));
}

/// I11, I17: contents of each kind, to each kind of client.
#[test]
fn contents() {
    let length = |it: &Answer, n: u64| it.has(&format!("content-length: {n}"));
    let found = check(&get("/count"), &[(200, "12")]);
    assert!(found[0].has("transfer-encoding: chunked"), "{found:?}");
    let found = check(&get("/nothing"), &[(204, "")]);
    assert_eq!(found[0].fields.len(), 0, "{found:?}");
    let found = check(&get("/same"), &[(304, "")]);
    assert_eq!(found[0].fields.len(), 0, "{found:?}");
    let found = check(&get("/again"), &[(205, "")]);
    assert!(length(&found[0], 0), "{found:?}");
    // HEAD: the same head, and no content.
    let head = |path: &str| get(path).replace("GET", "HEAD");
    let found = check(&head("/x"), &[(200, "")]);
    assert!(length(&found[0], 8), "{found:?}");
    let found = check(&head("/count"), &[(200, "")]);
    assert!(found[0].has("transfer-encoding: chunked"), "{found:?}");
    let both = head("/big") + &get("/x");
    let found = check(&both, &[(200, ""), (200, "GET /x ")]);
    assert!(length(&found[0], 100_000), "{found:?}");
    // A fault is a head alone, too.
    let faulty = head("/x").replace("Host", "Expect: it\r\nHost");
    check(&faulty, &[(417, "")]);
}

/// I16: HTTP/1.0 ends unless both want it to go on, and knows no chunks.
#[test]
fn http_1_0() {
    let old =
        |path: &str, field: &str| format!("GET {path} HTTP/1.0\r\n{field}\r\n");
    let found = check(&(old("/a", "") + &get("/b")), &[(200, "GET /a ")]);
    assert!(found[0].has("connection: close"), "{found:?}");
    let keep = "Connection: Keep-Alive\r\n";
    let two = old("/a", keep) + &old("/b", "");
    let found = check(&two, &[(200, "GET /a "), (200, "GET /b ")]);
    assert!(found[0].has("connection: keep-alive"), "{found:?}");
    assert!(found[1].has("connection: close"), "{found:?}");
    let found = check(&(old("/count", keep) + &get("/b")), &[(200, "12")]);
    assert_eq!(found[0].fields, ["connection: close"], "{found:?}");
    // What HTTP/1.0 cannot have.
    let expects = "Expect: 100-continue\r\nContent-Length: 2\r\n";
    check(&(old("/a", expects) + "hi"), &[(200, "GET /a hi")]);
    check(&old("/shout", "Upgrade: shout\r\n"), &[(500, FAILED)]);
}

/// I16: `Connection: close`, of either side, is the end.
#[test]
fn close() {
    let last = get("/a").replace("Host", "Connection: x, CLOSE\r\nHost");
    let found = check(&(last + &get("/b")), &[(200, "GET /a ")]);
    assert!(found[0].has("connection: close"), "{found:?}");
    let found = check(&(get("/last") + &get("/b")), &[(200, "last")]);
    assert!(found[0].has("connection: close"), "{found:?}");
}

/// I16: a connection brings as many requests as the settings say, and its
/// last answer says so.
#[test]
fn a_limit_on_requests() {
    let settings = Settings {
        requests: 2,
        ..Settings::default()
    };
    let text = get("/a") + &get("/b") + &get("/c");
    let sim = Sim::new(1, Faults::NONE);
    let got =
        simulated(&sim, settings, async |world| Ok(world.say(&text).await));
    let (found, _) = answers(got.expect("a world").as_bytes(), &[]);
    assert_eq!(statuses(&found), [200, 200], "input: three requests");
    let closes: Vec<bool> =
        found.iter().map(|it| it.has("connection: close")).collect();
    assert_eq!(closes, [false, true], "input: three requests");
}

/// I14: a body that nobody reads is passed over, and no byte of it is taken
/// for a request; one that is too long to be worth it ends the connection.
#[test]
fn a_body_that_nobody_wants() {
    let two = post("/skip", "GET /forged HTTP/1.1\r\n\r\n") + &get("/b");
    check(&two, &[(200, "skipped"), (200, "GET /b ")]);
    let long = "x".repeat(64 * 1024 + 1);
    let found =
        check(&(post("/skip", &long) + &get("/b")), &[(200, "skipped")]);
    assert!(found[0].has("connection: close"), "{found:?}");
    let long = "x".repeat(64 * 1024);
    let two = post("/skip", &long) + &get("/b");
    check(&two, &[(200, "skipped"), (200, "GET /b ")]);
    // A broken one: the answer was right, but nothing can come after it.
    let coded = "POST /skip HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\
                 \r\n\r\nzz\r\n";
    check(&(coded.to_owned() + &get("/b")), &[(200, "skipped")]);
}

/// I15: an answer does not wait for a body that the service does not want.
#[test]
fn an_answer_before_the_body() {
    calm(async |world| {
        let client = world.connect().await?;
        let head = post("/skip", "hello").replace("hello", "");
        client.write_all(head.as_bytes()).await?;
        let first = read_some(&client, "skipped").await?;
        assert!(first.ends_with("skipped"), "{first}");
        client.write_all(b"hello").await?;
        client.write_all(get("/b").as_bytes()).await?;
        let second = read_some(&client, "GET /b ").await?;
        assert!(second.ends_with("GET /b "), "{second}");
        Ok(())
    });
}

/// The statuses are those that say what is wrong, and are the last.
#[test]
fn refusals() {
    let head = "Host: a\r\n";
    let check = |text: &str, status: u16| {
        let found = said(&(text.to_owned() + &get("/b")));
        let got = statuses(&found);
        assert_eq!(got, [status], "input: {text:?}");
        assert!(found[0].has("connection: close"), "{found:?}");
    };
    check("GET / HTTP/1.1\r\n\r\n", 400);
    check("GET / HTTP/2.0\r\n", 505);
    check("GET /\r\n", 400);
    check(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(9000)), 414);
    let wide = "X: y\r\n".repeat(101);
    check(&format!("GET / HTTP/1.1\r\n{head}{wide}"), 431);
    let post = |fields: &str| format!("POST / HTTP/1.1\r\n{head}{fields}\r\n");
    check(&post("Transfer-Encoding: gzip\r\n"), 501);
    check(&post("Content-Length: 1048577\r\n"), 413);
    check(&post("Content-Length: 1\r\nContent-Length: 1\r\n"), 400);
    check(&post("Expect: the unexpected\r\n"), 417);
    check(&(post("Transfer-Encoding: chunked\r\n") + "x\r\n"), 400);
    let chunk = "fffff\r\n".to_owned() + &"x".repeat(0xf_ffff) + "\r\n2\r\nxx";
    check(&(post("Transfer-Encoding: chunked\r\n") + &chunk), 413);
}

/// The end in the middle of a request is told as such; between two requests
/// it is no mistake.
#[test]
fn the_end_within_a_request() {
    check("", &[]);
    check("\r\n\r\n", &[]);
    check("GET / HT", &[(400, "the end within a head\n")]);
    let found = said(&post("/x", "hello").replace("hello", "hel"));
    assert_eq!(statuses(&found), [400], "input: a body of 3 of 5 bytes");
    check(&(get("/a") + "\r\n"), &[(200, "GET /a ")]);
}

/// Only an upgrade may be answered with 101, and CONNECT not with 200.
#[test]
fn answers_that_cannot_be() {
    check(&(get("/status") + &get("/b")), &[(500, FAILED)]);
    check(&(get("/tunnel") + &get("/b")), &[(500, FAILED)]);
    let connect = "CONNECT plain.org:1 HTTP/1.1\r\nHost: a\r\n\r\n";
    check(&(connect.to_owned() + &get("/b")), &[(500, FAILED)]);
}

/// I14, I16: what is behind a CONNECT is the tunnel's, and its answer has
/// neither a length nor options.
#[test]
fn a_tunnel() {
    let connect = "CONNECT shout.org:1 HTTP/1.1\r\nHost: a\r\n\r\nhello";
    let got = calm(async |world| Ok(world.say(connect).await));
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    let head = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\n\r\n");
    assert_eq!(got, head + "HELLO", "input: {connect}");
}
