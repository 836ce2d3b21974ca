//! Bodies that go out.

use std::time::Duration;

use ch03_http::client::exchange::Exchange;
use ch03_http::client::keep::Keeper;
use ch03_http::client::{Outgoing, Payload, Settings};

use super::super::script::{Act, World, ok, say};
use super::parts::{A, Stream, get, short, upload, with_body};

pub fn a_large_body_waits_to_be_asked_for() {
    let settings = Settings {
        expect_over: 100,
        ..Settings::default()
    };
    let go_on = || say("HTTP/1.1 100 Continue\r\n\r\n");
    let no = || say("HTTP/1.1 413 \r\nContent-Length: 2\r\n\r\nno");
    let not_known = || say("HTTP/1.1 417 \r\nContent-Length: 0\r\n\r\n");
    use Act::{Take, TakeBody, TakeHead, Wait};
    type Row = (
        &'static str,
        Vec<Vec<Act>>,
        &'static str,
        u64,
        Vec<(bool, usize)>,
    );
    let hints = || say("HTTP/1.1 103 \r\n\r\n");
    let table: Vec<Row> = vec![
        (
            "asked",
            vec![vec![TakeHead, Wait(300), go_on(), TakeBody, ok("")]],
            "200 ",
            300,
            vec![(true, 200)],
        ),
        (
            "hints first",
            vec![vec![
                TakeHead,
                hints(),
                Wait(300),
                go_on(),
                TakeBody,
                ok(""),
            ]],
            "200 ",
            300,
            vec![(true, 200)],
        ),
        (
            "hints, and refused",
            vec![vec![TakeHead, hints(), Wait(300), no()]],
            "413 no",
            300,
            vec![(true, 0)],
        ),
        (
            "not asked",
            vec![vec![TakeHead, TakeBody, ok("")]],
            "200 ",
            1000,
            vec![(true, 200)],
        ),
        (
            "refused",
            vec![vec![TakeHead, no()]],
            "413 no",
            0,
            vec![(true, 0)],
        ),
        (
            "not known",
            vec![vec![TakeHead, not_known()], vec![Take, ok("")]],
            "200 ",
            0,
            vec![(true, 0), (false, 200)],
        ),
    ];
    for (name, scripts, expected, ms, requests) in table {
        World::calm(settings.clone(), async |world| {
            let seen = world.serve(80, scripts);
            let got = world.send(upload(200, true, 200)).await;
            assert_eq!(short(got), expected, "input: {name}");
            let now = world.runtime.now().as_millis() as u64;
            assert!((ms..ms + 5).contains(&now), "input: {name}: {now} ms");
            let got: Vec<_> = (seen.borrow().iter())
                .map(|s| (s.head.contains("100-continue"), s.body.len()))
                .collect();
            assert_eq!(got, requests, "input: {name}");
            let idle = usize::from(!expected.starts_with("413"));
            assert_eq!(world.client.idle(), idle, "input: {name}");
        });
    }
}

pub fn an_early_answer_is_heard() {
    let no = || say("HTTP/1.1 413 \r\nContent-Length: 2\r\n\r\nno");
    let yes = || say("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok");
    let ends = "Connection: close\r\nContent-Length: 2\r\n\r\nok";
    let last = || say(&format!("HTTP/1.1 200 \r\n{ends}"));
    use Act::{Hang, Take, TakeBody, TakeHead, Wait};
    let table: Vec<(&str, Vec<Act>, &str, usize)> = vec![
        ("refused, and open", vec![TakeHead, no(), Hang], "413 no", 0),
        (
            "done, and it ends",
            vec![TakeHead, last(), Hang],
            "200 ok",
            0,
        ),
        (
            "refused, closed later",
            vec![TakeHead, no(), Wait(99)],
            "413 no",
            0,
        ),
        (
            "taken before it is whole",
            vec![TakeHead, yes(), TakeBody, Hang],
            "200 ok",
            1,
        ),
        ("in order", vec![Take, yes(), Hang], "200 ok", 1),
    ];
    for (name, script, expected, idle) in table {
        World::calm(Settings::default(), async |world| {
            world.serve(80, vec![script]);
            let got = world.send(upload(900_000, true, 900_000)).await;
            assert_eq!(short(got), expected, "input: {name}");
            assert_eq!(world.client.idle(), idle, "input: {name}");
            let now = world.runtime.now(); // before a write's time is up
            assert!(now < Duration::from_secs(1), "input: {name}: {now:?}");
        });
    }
}

pub fn a_content_is_as_long_as_it_says() {
    for (really, expected) in
        [(10, "200 "), (9, "the content"), (11, "the content")]
    {
        World::calm(Settings::default(), async |world| {
            world.serve(80, vec![vec![Act::Take, ok(""), Act::Hang]]);
            let got = short(world.send(upload(10, true, really)).await);
            assert!(got.starts_with(expected), "input: {really} of 10: {got}");
            let idle = usize::from(really == 10);
            assert_eq!(world.client.idle(), idle, "input: {really} of 10");
        });
    }
}

pub fn requests_are_checked() {
    let table = [
        ("CONNECT", "A", "b", false),
        ("G T", "A", "b", false),
        ("GET", "A", "b\r\nX: y", false),
        ("GET", "A b", "c", false),
        ("GET", "Content-Length", "1", false),
        ("GET", "transfer-encoding", "chunked", false),
        ("GET", "Expect", "100-continue", false),
        ("GET", "A", " b ", true),
        ("BREW", "Connection", "close", true),
    ];
    for (method, name, value, good) in table {
        let got = Outgoing::new(method, A).and_then(|it| it.with(name, value));
        assert_eq!(got.is_ok(), good, "input: {method} {name}: {value:?}");
    }
}

pub fn heads_are_as_they_should_be() {
    let post = |body| with_body("POST", "http://127.0.0.1:8/p?q", body);
    let empty = Outgoing::new("POST", "http://127.0.0.1:8/p").expect("one");
    let unknown = Stream {
        length: 0,
        told: false,
        really: 3,
    };
    let stream = Outgoing::new("PUT", "http://127.0.0.1:8/p").expect("one");
    let stream = stream.with_payload(Payload::Content(Box::new(unknown)));
    let table = [
        (
            get("http://127.0.0.1:8"),
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:8\r\n\r\n",
        ),
        (
            post("x"),
            "POST /p?q HTTP/1.1\r\nHost: 127.0.0.1:8\r\n\
            Content-Length: 1\r\n\r\n",
        ),
        (
            empty,
            "POST /p HTTP/1.1\r\nHost: 127.0.0.1:8\r\nContent-Length: 0\r\n\
            \r\n",
        ),
        (
            stream,
            "PUT /p HTTP/1.1\r\nHost: 127.0.0.1:8\r\n\
            Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        ),
    ];
    for (outgoing, expected) in table {
        World::calm(Settings::default(), async |world| {
            let seen = world.serve(8, vec![vec![Act::Take, ok("")]]);
            world.send(outgoing).await.expect("an answer");
            assert_eq!(seen.borrow()[0].head, expected, "input: {expected}");
        });
    }
}

/// A try on a connection whose server has said this and closed before: the
/// status, or whether a POST may be made again.
fn late(says: Vec<Act>) -> Result<u16, bool> {
    World::calm(Settings::default(), async |world| {
        let settings = Settings::default();
        let keeper = Keeper::new(&world.runtime, settings.clone());
        world.serve(80, vec![says]);
        let key = ("127.0.0.1".to_owned(), 80);
        let mut line = keeper.line(&key, false).await.expect("a connection");
        world.runtime.sleep(Duration::from_millis(5)).await;
        let mut post = with_body("POST", A, "x");
        let (runtime, settings) = (&world.runtime, keeper.settings());
        let mut exchange = Exchange::new(runtime, settings, false, false);
        let done = exchange.run(&mut line, &mut post).await;
        assert!(!exchange.is_whole(), "input: nobody took it");
        match done {
            Ok(()) => Ok(exchange.heads.response().status),
            Err(error) => Err(exchange.may_retry(&error, &post)),
        }
    })
}

pub fn a_last_word_is_heard() {
    let full = "HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n";
    assert_eq!(late(vec![say(full)]), Ok(503), "input: full");
    assert_eq!(late(vec![]), Err(true), "input: silence: nothing was sent");
    assert_eq!(late(vec![say("HTT")]), Err(false), "input: half a word");
}
