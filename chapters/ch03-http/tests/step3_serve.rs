//! What this step must do: dates, contents, and a server on a simulated
//! network, so that every cut, delay and reset happens on every run.

mod peer;
#[allow(dead_code)] // the earlier steps use the rest
mod wire;

use std::time::Duration;

use ch00_toolbox::golden;
use ch00_toolbox::process::Server as Stage;
use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::sim::{Faults, Sim};
use ch03_http::chunked::BodyLimits;
use ch03_http::date;
use ch03_http::head::{Refused, Rules};
use ch03_http::response::{OURS, Payload, Response};
use ch03_http::serve::Settings;
use peer::{
    Answer, MS, SEC, answers, calm, read_some, read_to_end, simulated, statuses,
};

/// Cases of a property.
const CASES: u32 = 1000;

// ---- dates

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn written(seconds: u64) -> String {
    String::from_utf8(date::write(at(seconds)).to_vec()).expect("ASCII")
}

/// I20: dates of RFC 9110, the first and the last one, leap days, and the
/// centuries that have one or none.
#[test]
fn dates_are_written() {
    let check = |seconds: u64, expected: &str| {
        assert_eq!(written(seconds), expected, "input: {seconds}");
        let read = date::parse(expected.as_bytes());
        assert_eq!(read, Some(at(seconds)), "input: {expected}");
    };
    check(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    check(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT");
    check(951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT");
    check(951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT");
    check(1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT");
    check(4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT");
    check(4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT");
    check(253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT");
    let last = "Fri, 31 Dec 9999 23:59:59 GMT";
    assert_eq!(written(253_402_300_800), last, "input: a second later");
    assert_eq!(written(u64::MAX), last, "input: the end of time");
}

/// I20: three forms are read, and nothing else is.
#[test]
fn dates_are_read() {
    let check = |text: &str, expected: Option<u64>| {
        let got = date::parse(text.as_bytes()).map(|it| it.as_secs());
        assert_eq!(got, expected, "input: {text}");
    };
    let then = Some(784_111_777);
    check("Sun, 06 Nov 1994 08:49:37 GMT", then);
    check("Sunday, 06-Nov-94 08:49:37 GMT", then);
    check("Sun Nov  6 08:49:37 1994", then);
    check("Sun Nov 06 08:49:37 1994", then);
    check("Wed Nov 16 08:49:37 1994", Some(784_975_777));
    check("Thursday, 01-Jan-70 00:00:00 GMT", Some(0));
    check("Tuesday, 31-Dec-69 23:59:59 GMT", Some(3_155_759_999));
    // The name of the day is not compared: this was a Sunday.
    check("Mon, 06 Nov 1994 08:49:37 GMT", then);
    // A leap second is taken for the one before it.
    check("Sat, 31 Dec 2016 23:59:60 GMT", Some(1_483_228_799));
    for wrong in [
        "",
        "Sun",
        "0",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08-49-37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Day, 06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 G\u{4d}\u{308}T",
    ] {
        check(wrong, None);
    }
}

/// I20: each second from 1970 to 9999 comes back from all forms that have it.
#[test]
fn dates_come_back() {
    prop::check(
        "dates_come_back",
        CASES,
        |g: &mut Gen| g.upto(253_402_300_799),
        |&seconds| {
            let text = written(seconds);
            if date::parse(text.as_bytes()) != Some(at(seconds)) {
                return Err(text);
            }
            let (month, day) = (&text[8..11], &text[5..7]);
            let (year, time) = (&text[12..16], &text[17..25]);
            let day = day.strip_prefix('0').unwrap_or(day);
            let old = format!("{} {month} {day:>2} {time} {year}", &text[..3]);
            match date::parse(old.as_bytes()) == Some(at(seconds)) {
                true => Ok(()),
                false => Err(old),
            }
        },
    );
}

/// I20: no bytes panic, and a date that is read is written as itself.
#[test]
fn no_bytes_are_a_wrong_date() {
    prop::check(
        "no_bytes_are_a_wrong_date",
        CASES,
        |g: &mut Gen| {
            let mut text = date::write(at(g.upto(253_402_300_799))).to_vec();
            for _ in 0..g.range(1, 4) {
                let index = g.upto(28) as usize;
                text[index] = *g.pick(b"0123456789 :,-GMTJanSu\xff");
            }
            text
        },
        |text: &Vec<u8>| match date::parse(text) {
            Some(read) if read.as_secs() % 60 != 59 => {
                let again = date::write(read);
                match again[5..] == text[5..] {
                    true => Ok(()), // but for the name of the day
                    false => Err(again.escape_ascii().to_string()),
                }
            }
            _ => Ok(()),
        },
    );
}

/// I20: the date of now is that of the second, whatever was asked before.
#[test]
fn now_is_now() {
    let now = date::Now::default();
    for seconds in [5, 5, 6, 5, 784_111_777, 0] {
        let got = now.at(at(seconds) + 999 * MS);
        assert_eq!(got, date::write(at(seconds)), "input: {seconds}");
    }
}

// ---- responses

/// I21: what is not one field, or is the server's to say, is refused.
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

// ---- one request

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n\
         {body}"
    )
}

/// What one client gets for its bytes.
fn said(text: &str) -> Vec<Answer> {
    let methods: Vec<&str> = text
        .split("\r\n")
        .filter_map(|line| line.split_once(" /").map(|(method, _)| method))
        .collect();
    let got = calm(async |world| Ok(world.say(text).await));
    let (found, rest) = answers(got.as_bytes(), &methods);
    assert_eq!(rest.escape_ascii().to_string(), "", "input: {text}");
    found
}

fn check(text: &str, expected: &[(u16, &str)]) -> Vec<Answer> {
    let found = said(text);
    let got: Vec<(u16, String)> = (found.iter())
        .map(|it| (it.status, String::from_utf8_lossy(&it.content).into()))
        .collect();
    let expected: Vec<(u16, String)> =
        expected.iter().map(|it| (it.0, it.1.to_owned())).collect();
    assert_eq!(got, expected, "input: {text}");
    found
}

/// I26: one request, one answer, with a date and a length.
#[test]
fn an_answer() {
    let got = calm(async |world| Ok(world.say(&get("/x")).await));
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    let head = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\n");
    assert_eq!(got, format!("{head}Content-Length: 7\r\n\r\nGET /x "));
}

/// I22, I28: contents of each kind, to each kind of client.
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

/// I27: HTTP/1.0 ends unless both want it to go on, and knows no chunks.
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

const FAILED: &str = "the server failed\n";

/// I27: `Connection: close`, of either side, is the end.
#[test]
fn close() {
    let last = get("/a").replace("Host", "Connection: x, CLOSE\r\nHost");
    let found = check(&(last + &get("/b")), &[(200, "GET /a ")]);
    assert!(found[0].has("connection: close"), "{found:?}");
    let found = check(&(get("/last") + &get("/b")), &[(200, "last")]);
    assert!(found[0].has("connection: close"), "{found:?}");
}

/// I27: a connection brings as many requests as the settings say, and its
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

/// I25: a body that nobody reads is passed over, and no byte of it is taken
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

/// I26: an answer does not wait for a body that the service does not want.
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

/// I25, I27: what is behind a CONNECT is the tunnel's, and its answer has
/// neither a length nor options.
#[test]
fn a_tunnel() {
    let connect = "CONNECT shout.org:1 HTTP/1.1\r\nHost: a\r\n\r\nhello";
    let got = calm(async |world| Ok(world.say(connect).await));
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    let head = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\n\r\n");
    assert_eq!(got, head + "HELLO", "input: {connect}");
}

// ---- 100 Continue

/// I24: who waits for 100 gets it when the body is asked for, and only then.
#[test]
fn a_client_that_waits() {
    let waits = |path: &str| {
        let head = post(path, "hello").replace("hello", "");
        head.replace("Host", "Expect: 100-continue\r\nHost")
    };
    calm(async |world| {
        let client = world.connect().await?;
        client.write_all(waits("/x").as_bytes()).await?;
        let asked = read_some(&client, "\r\n\r\n").await?;
        assert_eq!(asked, "HTTP/1.1 100 Continue\r\n\r\n");
        client.write_all(b"hello").await?;
        let answer = read_some(&client, "hello").await?;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        Ok(())
    });
    // The service does not ask: a final answer, and an end.
    let found = check(&waits("/skip"), &[(200, "skipped")]);
    assert!(found[0].has("connection: close"), "{found:?}");
    // Too large: neither.
    let large = waits("/x").replace(": 5", ": 9999999");
    let limit = "a body of more than 1048576 bytes";
    let found = said(&large);
    assert_eq!(statuses(&found), [413], "input: {limit}");
    assert_eq!(found.len(), 1, "no 100: {found:?}");
}

/// I24: who has not waited needs no 100, even if the rest is still to come.
#[test]
fn a_client_that_did_not_wait() {
    let text =
        post("/x", "hello").replace("Host", "Expect: 100-continue\r\nHost");
    check(
        &(text.clone() + &get("/b")),
        &[(200, "POST /x hello"), (200, "GET /b ")],
    );
    let (first, rest) = text.split_at(text.len() - 2);
    let got = calm(async |world| {
        world.talk(&[first.as_bytes(), rest.as_bytes()]).await
    });
    let (found, _) = answers(&got, &["POST"]);
    let all: Vec<u16> = found.iter().map(|it| it.status).collect();
    assert_eq!(all, [200], "input: a body of two pieces");
}

// ---- failures of the service

/// A panic, an error, and a content of another length than promised: 500, and
/// not a word more. What was answered before comes first.
#[test]
fn a_service_that_fails() {
    for path in ["/panic", "/panics", "/io", "/short", "/long"] {
        let text = get("/a") + &get(path) + &get("/b");
        let found = check(&text, &[(200, "GET /a "), (500, FAILED)]);
        assert!(found[1].has("connection: close"), "{found:?}");
    }
    check(
        &(get("/a") + &get("/gone") + &get("/b")),
        &[(200, "GET /a ")],
    );
}

/// A content that fails when a part of it has left ends the connection so
/// that the client can tell: the content is not whole.
#[test]
fn a_content_that_fails_late() {
    for path in ["/late", "/endless"] {
        let got = calm(async |world| {
            let got = world.talk(&[(get("/a") + &get(path)).as_bytes()]).await;
            assert_eq!(world.ends.borrow().len(), 1, "input: {path}");
            assert!(world.ends.borrow()[0].is_err(), "input: {path}");
            got
        });
        let (found, rest) = answers(&got, &[]);
        assert_eq!(statuses(&found), [200], "input: {path}");
        assert!(rest.len() > 50_000, "input: {path}, {}", rest.len());
        let tail = &rest[rest.len() - 50..];
        assert!(
            tail.iter().all(|&byte| b"x\r\n".contains(&byte)),
            "{tail:?}"
        );
    }
    // To HTTP/1.0 the end of the content is the close: so there is a reset.
    let old = "GET /endless HTTP/1.0\r\n\r\n";
    let got = calm(async |world| {
        Ok(world.talk(&[old.as_bytes()]).await.map_err(|e| e.kind()))
    });
    assert_eq!(
        got,
        Err(std::io::ErrorKind::ConnectionReset),
        "input: {old}"
    );
}

// ---- upgrades

/// I25: what is behind the request that upgrades belongs to the new protocol.
#[test]
fn an_upgrade() {
    for head in [get("/shout"), post("/shout", "GET / body")] {
        let text = get("/a") + &head + "hello, ";
        let got =
            calm(async |world| world.talk(&[text.as_bytes(), b"world"]).await);
        let got = String::from_utf8_lossy(&got).into_owned();
        let (first, rest) = got.split_once("GET /a ").expect("an answer");
        assert!(first.starts_with("HTTP/1.1 200"), "{got}");
        let (head, shouted) = rest.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 101 Switching"), "{got}");
        assert!(head.ends_with("\r\nConnection: upgrade"), "{got}");
        assert!(!head.contains("Content-Length"), "{got}");
        assert_eq!(shouted, "HELLO, WORLD", "input: {text}");
    }
}

// ---- many requests

/// The scripts of the steps before, at every cut: the whole server gives the
/// statuses that they say, and the service is called for the whole ones.
fn golden_statuses(file: &str) {
    golden::run(format!("tests/golden/{file}"), |command| {
        let bytes = wire::unescape(command);
        let (rules, limits) = (Rules::default(), BodyLimits::default());
        let script = wire::requests(&[&bytes], rules, limits);
        let expected = expected(&script);
        for pieces in wire::cuts(&bytes) {
            let sim = Sim::new(7, Faults::NONE);
            let got = simulated(&sim, Settings::default(), async |world| {
                world.talk(&pieces).await
            });
            let methods: Vec<&str> = expected.0.iter().map(|m| &**m).collect();
            let got = got.unwrap_or_else(|error| panic!("{pieces:?}: {error}"));
            let (found, rest) = answers(&got, &methods);
            assert_eq!(rest, b"", "input: {pieces:?}");
            assert_eq!(statuses(&found), expected.1, "input: {pieces:?}");
        }
        script
    });
}

/// The methods and the statuses that a script of `wire::requests` stands for.
fn expected(script: &str) -> (Vec<String>, Vec<u16>) {
    let (mut methods, mut found) = (Vec::<String>::new(), Vec::new());
    for line in script.lines() {
        let is_body = ["no body", "length: ", "chunks: "];
        if line.starts_with(' ') || line.starts_with("trailer") {
            continue;
        } else if is_body.iter().any(|it| line.starts_with(it)) {
            let is_connect = methods.last().is_some_and(|it| it == "CONNECT");
            found.push(if is_connect { 405 } else { 200 });
        } else if line == "needs more" {
            found.push(400);
        } else if let Some(Ok(status)) = line.get(..3).map(str::parse) {
            found.push(status);
        } else if let Some((method, _)) = line.split_once(' ') {
            methods.push(method.to_owned());
        }
    }
    (methods, found)
}

/// I1, I26: request lines, at every cut.
#[test]
fn golden_lines() {
    golden_statuses("requests_line.txt");
}

/// I2, I26: fields, at every cut.
#[test]
fn golden_fields() {
    golden_statuses("requests_fields.txt");
}

/// I6, I25: framing, at every cut.
#[test]
fn golden_framing() {
    golden_statuses("requests_framing.txt");
}

/// I7, I25: chunks, at every cut.
#[test]
fn golden_chunks() {
    golden_statuses("requests_chunks.txt");
}

/// A row of requests, what they are answered with, and how they are cut.
#[derive(Debug)]
struct Row {
    seed: u64,
    requests: Vec<(String, String, &'static str)>, // bytes, content, method
    cuts: Vec<usize>,
}

fn row(g: &mut Gen) -> Row {
    let request = |g: &mut Gen| {
        let body = "b".repeat(g.upto(40) as usize);
        match g.upto(7) {
            0 => (get("/a"), "GET /a ".into(), "GET"),
            1 => (get("/x").replace("GET", "HEAD"), String::new(), "HEAD"),
            2 => (get("/count"), "12".into(), "GET"),
            3 => (get("/nothing"), String::new(), "GET"),
            4 => (post("/skip", &body), "skipped".into(), "POST"),
            5 => (post("/p", &body), format!("POST /p {body}"), "POST"),
            6 => {
                let text = String::from(
                    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \
                     chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
                );
                (text, "POST /c hi!".into(), "POST")
            }
            _ => {
                let text = post("/e", "hello");
                let text = text.replace("Host", "Expect: 100-continue\r\nHost");
                ("\r\n".to_owned() + &text, "POST /e hello".into(), "POST")
            }
        }
    };
    let requests = g.vec(8, request);
    Row {
        seed: g.upto(u64::MAX),
        cuts: g.vec(5, |g| g.upto(2000) as usize),
        requests,
    }
}

fn play(row: &Row, faults: Faults) -> (Result<Vec<u8>, String>, Sim) {
    let text: String = row.requests.iter().map(|it| it.0.as_str()).collect();
    let mut cuts: Vec<usize> =
        row.cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let pieces: Vec<&[u8]> = (cuts.windows(2))
        .map(|pair| &text.as_bytes()[pair[0]..pair[1]])
        .collect();
    let sim = Sim::new(row.seed, faults);
    let got = simulated(&sim, Settings::default(), async |world| {
        world.talk(&pieces).await
    });
    (got.map_err(|error| error.to_string()), sim)
}

/// I23, I25, I26: pipelined requests are answered in their order, however
/// they are cut and whatever the network does; the answers are the same.
#[test]
fn pipelines() {
    prop::check("pipelines", CASES, row, |row| {
        let (got, sim) = play(row, Faults::ROUGH);
        let got = got.map_err(|error| format!("{error}\n{}", sim.trace()))?;
        let methods: Vec<&str> = row.requests.iter().map(|it| it.2).collect();
        let (found, rest) = answers(&got, &methods);
        let found: Vec<String> = (found.into_iter())
            .filter(|it| it.status >= 200)
            .map(|it| String::from_utf8_lossy(&it.content).into_owned())
            .collect();
        let expected: Vec<String> =
            row.requests.iter().map(|it| it.1.clone()).collect();
        match found == expected && rest.is_empty() {
            true => Ok(()),
            false => Err(format!("{found:?}, then {rest:?}")),
        }
    });
}

/// I26: whenever the connection is reset, what has come until then is the
/// beginning of the right answers, and the server goes on.
#[test]
fn resets() {
    let faults = Faults {
        reset: 0.02,
        ..Faults::ROUGH
    };
    let without_date = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.split_inclusive("\r\n");
        // The last one may be the beginning of a date.
        let is_date = |line: &str| {
            line.starts_with("Date: ") || "Date: ".starts_with(line)
        };
        let lines = lines.filter(|line| !is_date(line));
        lines.collect::<String>()
    };
    let mut were_reset = 0;
    for seed in 0..1000 {
        let mut g = Gen::seeded(seed);
        let row = Row {
            cuts: vec![],
            ..row(&mut g)
        };
        let (whole, _) = play(&row, Faults::NONE);
        let (got, sim) = play(&row, faults);
        match got {
            Ok(got) => {
                let (whole, got) =
                    (without_date(&whole.expect("calm")), without_date(&got));
                // 100 Continue comes or not, by how the bytes were cut.
                let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
                let got = got.replace(go_on, "");
                let is_start = whole.starts_with(&got);
                assert!(is_start, "seed={seed}: {got}\n{whole}");
            }
            Err(error) => {
                let is_reset = ["reset", "broken pipe", "not connected"];
                let is_reset = is_reset.iter().any(|it| error.contains(it));
                assert!(is_reset, "seed={seed}: {error}\n{}", sim.trace());
                were_reset += 1;
            }
        }
    }
    assert!(
        were_reset > 100,
        "only {were_reset} of 1,000 runs were reset"
    );
}

/// I23: many answers leave in one write, and never gather without bound, not
/// even if they are heads alone.
#[test]
fn gathered() {
    let sim = Sim::new(
        1,
        Faults {
            room: 1 << 20,
            ..Faults::NONE
        },
    );
    let text = get("/a").repeat(100);
    let got = simulated(&sim, Settings::default(), async |world| {
        world.talk(&[text.as_bytes()]).await
    });
    assert_eq!(answers(&got.expect("a world"), &[]).0.len(), 100);
    let writes = |sim: &Sim| -> Vec<usize> {
        let trace = sim.trace();
        let lines = trace.lines().filter(|line| line.contains(" writes "));
        let count = |line: &str| line.rsplit(' ').next()?.parse().ok();
        lines.filter_map(count).collect()
    };
    let sizes = writes(&sim);
    assert_eq!(sizes.len(), 2, "the client's and the server's: {sizes:?}");
    // A thousand bytes of fields in each of 1,000 answers.
    let sim = Sim::new(
        1,
        Faults {
            room: 1 << 20,
            ..Faults::NONE
        },
    );
    let text = get("/wide").repeat(1000);
    let got = simulated(&sim, Settings::default(), async |world| {
        world.talk(&[text.as_bytes()]).await
    });
    assert_eq!(answers(&got.expect("a world"), &[]).0.len(), 1000);
    let sizes = writes(&sim);
    let largest = sizes[1..].iter().max().copied().unwrap_or(0);
    assert!((16_384..18_000).contains(&largest), "{sizes:?}");
}

// ---- the end of the server

/// A drain lets a request that has begun be answered, says that it was the
/// last, and takes no other; an idle connection ends at once.
#[test]
fn a_drain() {
    calm(async |world| {
        let idle = world.connect().await?;
        let empty = world.connect().await?; // between two requests
        empty.write_all((get("/a") + "\r\n").as_bytes()).await?;
        read_some(&empty, "GET /a ").await?;
        let busy = world.connect().await?;
        busy.write_all(&get("/c").as_bytes()[..9]).await?;
        let slow = world.connect().await?;
        slow.write_all((get("/slow") + &get("/b")).as_bytes())
            .await?;
        world.runtime.sleep(SEC).await;
        world.drain.begin();
        assert_eq!(read_to_end(&idle).await?, b"", "idle");
        assert_eq!(read_to_end(&empty).await?, b"", "between two");
        drop((idle, empty));
        busy.write_all(&get("/c").as_bytes()[9..]).await?;
        for (stream, content) in [(busy, "GET /c "), (slow, "slow")] {
            let got = read_to_end(&stream).await?;
            let (found, _) = answers(&got, &[]);
            assert_eq!(statuses(&found), [200], "input: {content}");
            assert_eq!(found[0].content, content.as_bytes());
            assert!(found[0].has("connection: close"), "{found:?}");
        }
        let limit = 5 * SEC;
        let end = world.drain.finish(world.runtime.timers(), limit).await;
        assert_eq!(end.late, 0, "were cut off");
        Ok(())
    });
}

/// I29: a connection that waits for a request has no buffer: all that were
/// taken are with the spare ones. And its task is small.
#[test]
fn idle_connections_hold_no_buffers() {
    calm(async |world| {
        let mut clients = Vec::new();
        for _ in 0..40 {
            let client = world.connect().await?;
            client.write_all(get("/a").as_bytes()).await?;
            read_some(&client, "GET /a ").await?;
            clients.push(client);
        }
        world.runtime.sleep(SEC).await;
        // One after the other: they have all used the same one.
        assert_eq!(world.server.spare(), 1, "work areas, of 40 clients");
        let one = world.connect().await?;
        let task = size_of_val(&world.server.connection(one));
        assert!(task < 4096, "{task} bytes");
        Ok(())
    });
}

/// The stage: two requests on one connection of the kernel's, and the end.
#[test]
fn the_stage() {
    use std::io::{Read, Write};
    assert!(date::parse(b"now").is_none());
    let mut stage = Stage::example("ch03-http", "step3_serve")
        .start()
        .expect("a stage");
    let mut client = stage.connect().expect("a connection");
    let close = get("/count/3").replace("Host", "Connection: close\r\nHost");
    let text = post("/echo", "hello") + &close;
    client.write_all(text.as_bytes()).expect("sent");
    let mut got = Vec::new();
    client.read_to_end(&mut got).expect("all of it");
    let (found, rest) = answers(&got, &["POST"]);
    assert_eq!(rest, b"");
    assert_eq!(statuses(&found), [200, 200]);
    assert_eq!(found[0].content, b"hello");
    assert!(found[1].has("transfer-encoding: chunked"), "{found:?}");
    assert!(stage.terminate().success());
}

/// A payload says how long it is, if it knows.
#[test]
fn lengths() {
    assert_eq!(Payload::Empty.length(), Some(0));
    assert_eq!(Payload::Bytes(b"abc".as_slice().into()).length(), Some(3));
}
