//! Connections that are used again.

use std::time::Duration;

use ch03_http::client::{Outgoing, Settings};

use super::super::script::{Act, World, ok, say};
use super::parts::{A, get, short};

/// Two requests by one client: how both ended, how many connections were
/// idle between them, and how many there were in all.
fn twice(answer: Vec<Act>, first: Outgoing) -> (String, usize, String, u64) {
    World::calm(Settings::default(), async |world| {
        let mut script = vec![Act::Take];
        script.extend(answer);
        script.extend([Act::Take, ok("again")]);
        let scripts = vec![script, vec![Act::Take, ok("new")]];
        world.serve(80, scripts);
        let one = short(world.send(first).await);
        let idle = world.client.idle();
        world.runtime.sleep(Duration::from_millis(5)).await;
        let two = short(world.get(A).await);
        (one, idle, two, world.client.counts().opened)
    })
}

pub fn connections_are_used_again_when_they_can_be() {
    let two = "Content-Length: 2";
    let nine = "Content-Length: 9";
    let close = "Connection: close\r\nContent-Length: 2";
    let keep = "Connection: keep-alive\r\nContent-Length: 2";
    let chunked = "Transfer-Encoding: chunked";
    let none = "A: b";
    // Method, status line, fields, body; what comes of it, and whether the
    // connection is used again.
    let table = [
        ("GET", "1.1 200", two, "hi", "200 hi", true),
        (
            "GET",
            "1.1 200",
            chunked,
            "2\r\nhi\r\n0\r\n\r\n",
            "200 hi",
            true,
        ),
        ("GET", "1.1 204", none, "", "204 ", true),
        ("GET", "1.1 304", nine, "", "304 ", true),
        ("HEAD", "1.1 200", nine, "", "200 ", true),
        ("GET", "1.0 200", keep, "hi", "200 hi", true),
        ("GET", "1.0 200", two, "hi", "200 hi", false),
        ("GET", "1.1 200", close, "hi", "200 hi", false),
        ("close", "1.1 200", two, "hi", "200 hi", false),
        // Surplus: whose is it?
        ("GET", "1.1 200", two, "hi!", "200 hi", false),
        ("GET", "1.1 204", none, "!", "204 ", false),
        ("HEAD", "1.1 200", nine, "012345678", "200 ", false),
    ];
    for (method, line, fields, body, expected, again) in table {
        let outgoing = match method {
            "close" => get(A).with("Connection", "close").expect("a field"),
            _ => Outgoing::new(method, A).expect("a request"),
        };
        let answer = format!("HTTP/{line} \r\n{fields}\r\n\r\n{body}");
        let got = twice(vec![say(&answer)], outgoing);
        let expected = match again {
            true => (expected.to_owned(), 1, "200 again".to_owned(), 1),
            false => (expected.to_owned(), 0, "200 new".to_owned(), 2),
        };
        assert_eq!(got, expected, "input: {method}, {answer:?}");
    }
    // Surplus that comes after the answer was read, before the next request.
    let late = vec![ok("hi"), Act::Wait(2), say("HTTP/1.1 408 \r\n\r\n")];
    let expected = ("200 hi".to_owned(), 1, "200 new".to_owned(), 2);
    assert_eq!(twice(late, get(A)), expected, "input: a 408 for nobody");
}

pub fn a_body_may_end_with_the_connection() {
    World::calm(Settings::default(), async |world| {
        let open = say("HTTP/1.1 200 OK\r\n\r\nall of it");
        let scripts = vec![vec![Act::Take, open], vec![Act::Take, ok("new")]];
        world.serve(80, scripts);
        assert_eq!(short(world.get(A).await), "200 all of it", "input: close");
        assert_eq!(short(world.get(A).await), "200 new", "input: after it");
        assert_eq!(world.client.counts().opened, 2, "input: both");
    });
}

pub fn a_dropped_reply_closes() {
    World::calm(Settings::default(), async |world| {
        let scripts = vec![
            vec![Act::Take, ok("unread"), Act::Take, ok("never")],
            vec![Act::Take, ok("new")],
        ];
        world.serve(80, scripts);
        let before = world.client.places();
        drop(world.client.send(get(A)).await.expect("an answer"));
        assert_eq!(world.client.idle(), 0, "input: dropped");
        assert_eq!(world.client.places(), before, "input: dropped");
        assert_eq!(short(world.get(A).await), "200 new", "input: next");
    });
}

pub fn idle_connections_end() {
    let mut settings = Settings::default();
    settings.limits.idle = Duration::from_secs(5);
    World::calm(settings, async |world| {
        let script = vec![Act::Take, ok("1"), Act::Take, ok("2")];
        world.serve(80, vec![script.clone(), script]);
        assert_eq!(short(world.get(A).await), "200 1", "input: first");
        world.runtime.sleep(Duration::from_secs(4)).await;
        assert_eq!(world.client.idle(), 1, "input: after 4 s");
        world.runtime.sleep(Duration::from_secs(7)).await;
        assert_eq!(world.client.idle(), 0, "input: 7 s later, unasked");
        assert_eq!(short(world.get(A).await), "200 1", "input: a new one");
        let counts = world.client.counts();
        assert_eq!((counts.opened, counts.reused), (2, 0), "input: counts");
    });
}

pub fn places_are_a_limit() {
    let mut settings = Settings::default();
    settings.limits.connections = 2;
    World::calm(settings, async |world| {
        let slow = || vec![Act::Take, Act::Wait(10), ok("slow")];
        let script: Vec<Act> = (0..6).flat_map(|_| slow()).collect();
        world.serve(80, vec![script.clone(), script.clone()]);
        world.serve(81, vec![script]);
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let client = world.client.clone();
                world.runtime.spawn(async move {
                    let mut reply = client.send(get(A)).await?;
                    assert!(client.counts().opened <= 2, "input: six at once");
                    reply.whole(99).await
                })
            })
            .collect();
        for task in tasks {
            let body = task.await.expect("no panic").expect("an answer");
            assert_eq!(body, b"slow", "input: six at once");
        }
        let counts = world.client.counts();
        assert_eq!((counts.opened, counts.reused), (2, 4), "input: six");
        assert_eq!(world.client.places(), 0, "input: two are idle");
        let other = world.get("http://127.0.0.1:81/").await;
        assert_eq!(short(other), "200 slow", "input: another server");
        assert_eq!(world.client.idle(), 2, "input: one made room");
    });
}

pub fn a_body_of_nothing_is_over_at_once() {
    let nothing = ["204 \r\n", "304 \r\n", "200 \r\nContent-Length: 0\r\n"];
    for head in nothing {
        World::calm(Settings::default(), async |world| {
            let answer = say(&format!("HTTP/1.1 {head}\r\n"));
            world.serve(80, vec![vec![Act::Take, answer, Act::Hang]]);
            drop(world.client.send(get(A)).await.expect("an answer"));
            assert_eq!(world.client.idle(), 1, "input: {head:?}");
        });
    }
}
