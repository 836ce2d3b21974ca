//! Redirects.

use ch03_http::client::error::RedirectFault;
use ch03_http::client::{ClientError, Outgoing, Payload, Settings};

use super::super::script::{Act, Seen, World, ok, say};
use super::parts::{A, Stream, get, redirect, short, with_body};

pub fn redirects_make_the_next_request() {
    let table = [
        ("GET", 301, "GET", false),
        ("GET", 302, "GET", false),
        ("GET", 303, "GET", false),
        ("GET", 307, "GET", false),
        ("GET", 308, "GET", false),
        ("HEAD", 301, "HEAD", false),
        ("HEAD", 303, "HEAD", false),
        ("POST", 301, "GET", false),
        ("POST", 302, "GET", false),
        ("POST", 303, "GET", false),
        ("POST", 307, "POST", true),
        ("POST", 308, "POST", true),
        ("PUT", 301, "PUT", true),
        ("PUT", 302, "PUT", true),
        ("PUT", 303, "GET", false),
        ("PUT", 307, "PUT", true),
    ];
    for (method, status, next, with) in table {
        World::calm(Settings::default(), async |world| {
            let moved = match method {
                "HEAD" => say(&format!(
                    "HTTP/1.1 {status} \r\nLocation: ../b?c#d\r\n\r\n"
                )),
                _ => redirect(status, "../b?c#d"),
            };
            let end = match method {
                "HEAD" => say("HTTP/1.1 200 \r\n\r\n"),
                _ => ok("end"),
            };
            let seen =
                world.serve(80, vec![vec![Act::Take, moved, Act::Take, end]]);
            let url = "http://127.0.0.1/x/y/a";
            let outgoing = match method {
                "GET" | "HEAD" => Outgoing::new(method, url).expect("one"),
                _ => with_body(method, url, "body"),
            };
            let outgoing = outgoing.with("Content-Type", "a/b").expect("ok");
            let mut reply = world.client.send(outgoing).await.expect("one");
            reply.whole(99).await.expect("a body");
            let at = reply.url().to_string();
            assert_eq!(
                at, "http://127.0.0.1/x/b?c",
                "input: {method} {status}"
            );
            let seen = seen.borrow();
            let line = format!("{next} /x/b?c HTTP/1.1");
            assert_eq!(seen[1].line(), line, "input: {method} {status}");
            let body: &[u8] = if with { b"body" } else { b"" };
            assert_eq!(seen[1].body, body, "input: {method} {status}");
            let typed = seen[1].head.contains("Content-Type");
            let same = method == next;
            assert_eq!(typed, same, "input: {method} {status}");
            assert_eq!(world.client.counts().opened, 1, "input: one server");
        });
    }
}

pub fn redirects_end() {
    let long: Vec<Act> = (0..12)
        .flat_map(|n| [Act::Take, redirect(302, &format!("/{n}"))])
        .collect();
    let so_many = |most: usize| -> Vec<Act> {
        [&long[..2 * most], &[Act::Take, ok("end")]].concat()
    };
    let around = vec![
        Act::Take,
        redirect(302, "/b"),
        Act::Take,
        redirect(302, "/a"),
    ];
    let table: Vec<(&str, Vec<Act>, usize, &str)> = vec![
        (
            "12 of them",
            long.clone(),
            10,
            "a redirect too many: 10 were followed",
        ),
        ("10 of them", so_many(10), 10, "200 end"),
        (
            "11 of them",
            so_many(11),
            10,
            "a redirect too many: 10 were followed",
        ),
        (
            "1 allowed",
            long.clone(),
            1,
            "a redirect too many: 1 were followed",
        ),
        ("none is followed", long, 0, "302 move"),
        (
            "around",
            around,
            10,
            "a redirect in a loop: to http://127.0.0.1/a again",
        ),
        (
            "itself",
            vec![Act::Take, redirect(301, "")],
            10,
            "a redirect in a loop: to http://127.0.0.1/a again",
        ),
        (
            "https",
            vec![Act::Take, redirect(301, "https://a/")],
            10,
            "a redirect to \"https://a/\": https is not spoken here: there \
            is no TLS",
        ),
        (
            "a space",
            vec![Act::Take, redirect(301, "/a b")],
            10,
            "a redirect to \"/a b\": the byte 0x20 in a URL must be \
            written %20",
        ),
        (
            "no Location",
            vec![Act::Take, say("HTTP/1.1 301 \r\nContent-Length: 0\r\n\r\n")],
            10,
            "301 ",
        ),
        ("300", vec![Act::Take, redirect(300, "/b")], 10, "300 move"),
        (
            "304",
            vec![Act::Take, say("HTTP/1.1 304 \r\nLocation: /b\r\n\r\n")],
            10,
            "304 ",
        ),
    ];
    for (name, script, redirects, expected) in table {
        let settings = Settings {
            redirects,
            ..Settings::default()
        };
        World::calm(settings, async |world| {
            world.serve(80, vec![script]);
            assert_eq!(short(world.get(A).await), expected, "input: {name}");
        });
    }
}

pub fn secrets_stay_with_their_server() {
    World::calm(Settings::default(), async |world| {
        let near = redirect(302, "/near");
        let far = redirect(302, "http://127.0.0.1:81/far");
        let back = redirect(302, "http://127.0.0.1/back");
        let script =
            vec![Act::Take, near, Act::Take, far, Act::Take, ok("end")];
        let one = world.serve(80, vec![script]);
        let two = world.serve(81, vec![vec![Act::Take, back]]);
        let outgoing = get(A).with("Authorization", "Basic eA==");
        let outgoing = outgoing.and_then(|it| it.with("cookie", "a=b"));
        let outgoing = outgoing.and_then(|it| it.with("Host", "site.test"));
        let outgoing = outgoing.and_then(|it| it.with("Accept", "*/*"));
        let got = world.send(outgoing.expect("fields")).await;
        assert_eq!(short(got), "200 end", "input: there and back");
        let has = |seen: &Seen| {
            ["Authorization", "cookie", "site.test", "Accept"]
                .map(|name| seen.head.contains(name))
        };
        let all: Vec<_> = one.borrow().iter().map(has).collect();
        let without = [false, false, false, true];
        assert_eq!(all, [[true; 4], [true; 4], without], "input: ours");
        assert_eq!(has(&two.borrow()[0]), without, "input: the other's");
    });
}

pub fn a_stream_is_sent_once() {
    World::calm(Settings::default(), async |world| {
        let script = vec![Act::Take, redirect(307, "/b"), Act::Take, ok("end")];
        let seen = world.serve(80, vec![script]);
        let outgoing = Outgoing::new("PUT", A).expect("a request");
        let content = Payload::Content(Box::new(Stream::of(9)));
        let got = world.send(outgoing.with_payload(content)).await;
        let expected = ClientError::from(RedirectFault::Body).to_string();
        assert_eq!(short(got), expected, "input: 307 to a stream");
        assert_eq!(seen.borrow().len(), 1, "input: 307 to a stream");
    });
}
