//! Whose turn it is: a client that waits, a service that fails, another
//! protocol, and a server that ends.

use super::peer::{SEC, answers, calm, read_some, read_to_end, statuses};
use super::{FAILED, check, get, post, said};

/// I13: who waits for 100 gets it when the body is asked for, and only then.
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

/// I13: who has not waited needs no 100, even if the rest is still to come.
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

/// I15: what was answered before a failure arrives, even if the client goes
/// on sending: a close with bytes unread would be a reset.
#[test]
fn an_orderly_end_of_a_failure() {
    let text = get("/a") + &get("/gone") + &"x".repeat(60_000);
    let got = calm(async |world| {
        let got = world.talk(&[text.as_bytes()]).await;
        world.runtime.sleep(SEC).await; // it has waited for our end
        let ends = world.ends.borrow().clone();
        assert_eq!(ends, [Err(std::io::ErrorKind::BrokenPipe)], "the end");
        got
    });
    let (found, _) = answers(&got, &[]);
    assert_eq!(statuses(&found), [200], "input: /a, /gone, and much more");
}

/// A content that fails when a part of it has left ends the connection so
/// that the client can tell: the content is not whole.
#[test]
fn a_content_that_fails_late() {
    for path in ["/late", "/endless"] {
        let got = calm(async |world| {
            let got = world.talk(&[(get("/a") + &get(path)).as_bytes()]).await;
            world.runtime.sleep(SEC).await; // it has waited for our end
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

/// I14: what is behind the request that upgrades belongs to the new protocol.
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

/// I18: a connection that waits for a request has no buffer: all that were
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
        assert!(task < 256, "{task} bytes");
        Ok(())
    });
}
