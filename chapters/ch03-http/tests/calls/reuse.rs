//! Connections that are used again.

use std::time::Duration;

use ch03_http::client::{Outgoing, Settings};

use crate::calls::parts::{A, get, short};
use crate::script::{Act, World, ok, say};
/// Two requests by one client: how both ended, and on how many connections.
fn twice(answer: Vec<Act>, first: Outgoing) -> (String, String, u64) {
    World::calm(Settings::default(), async |world| {
        let mut script = vec![Act::Take];
        script.extend(answer);
        script.extend([Act::Take, ok("again")]);
        let scripts = vec![script, vec![Act::Take, ok("new")]];
        world.serve(80, scripts);
        let one = short(world.send(first).await);
        world.runtime.sleep(Duration::from_millis(5)).await;
        let two = short(world.get(A).await);
        (one, two, world.client.counts().opened)
    })
}

pub fn connections_are_used_again_when_they_can_be() {
    let head = || Outgoing::new("HEAD", A).expect("a request");
    let close = || get(A).with("Connection", "close").expect("a field");
    let v10 = "HTTP/1.0 200 OK\r\n";
    let table: Vec<(Outgoing, String, &str, bool)> = vec![
        (
            get(A),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\
        hi"
            .into(),
            "200 hi",
            true,
        ),
        (
            get(A),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\
        hi\r\n0\r\n\r\n"
                .into(),
            "200 hi",
            true,
        ),
        (
            get(A),
            "HTTP/1.1 204 No Content\r\n\r\n".into(),
            "204 ",
            true,
        ),
        (
            get(A),
            "HTTP/1.1 304 Not Modified\r\n\
        Content-Length: 9\r\n\r\n"
                .into(),
            "304 ",
            true,
        ),
        (
            head(),
            "HTTP/1.1 200 OK\r\n\
        Content-Length: 9\r\n\r\n"
                .into(),
            "200 ",
            true,
        ),
        (
            get(A),
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\
        Content-Length: 0\r\n\r\n"
                .into(),
            "200 ",
            true,
        ),
        (
            get(A),
            format!(
                "{v10}Connection: keep-alive\r\n\
        Content-Length: 2\r\n\r\nhi"
            ),
            "200 hi",
            true,
        ),
        (
            get(A),
            format!("{v10}Content-Length: 2\r\n\r\nhi"),
            "200 hi",
            false,
        ),
        (
            get(A),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\
        Content-Length: 2\r\n\r\nhi"
                .into(),
            "200 hi",
            false,
        ),
        (
            close(),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\
        hi"
            .into(),
            "200 hi",
            false,
        ),
        // Surplus: whose is it?
        (
            get(A),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\
        hi!"
            .into(),
            "200 hi",
            false,
        ),
        (
            get(A),
            "HTTP/1.1 204 No Content\r\n\r\n!".into(),
            "204 ",
            false,
        ),
    ];
    for (outgoing, answer, expected, again) in table {
        let got = twice(vec![say(&answer)], outgoing);
        let (two, opened) = if again {
            ("200 again", 1)
        } else {
            ("200 new", 2)
        };
        let expected = (expected.to_owned(), two.to_owned(), opened);
        assert_eq!(got, expected, "input: {answer:?}");
    }
    // Surplus that comes after the answer was read, before the next request.
    let late = vec![ok("hi"), Act::Wait(2), say("HTTP/1.1 408 \r\n\r\n")];
    let expected = ("200 hi".to_owned(), "200 new".to_owned(), 2);
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
