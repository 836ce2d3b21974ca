//! What a page that is alive must do, on a simulated network: a room, heard
//! over WebSockets and as a stream of events.

use std::io;
use std::pin::pin;

use ch02_event_loop::combine::{Either, join, select};
use ch02_event_loop::sim::Faults;
use ch03_http::events::parser::Parser;
use ch03_http::site::MAX_TEXT;
use ch03_http::websocket::message::Event;

#[allow(unused)] // more than this step needs
mod files;
mod live;
mod site;

use live::{LIMITS, Member, NO_TEXT, SEC, UPGRADE, ask, on_site};

/// I54: on any network, all hear one order, those who listen to events too.
#[test]
fn all_hear_one_order() {
    let faults = Faults {
        room: 300,
        ..Faults::ROUGH
    };
    for seed in 0..100 {
        on_site(faults, seed, async |runtime, _, _| {
            let mut one = Member::enter(runtime).await?;
            let mut two = Member::enter(runtime).await?;
            let request = "GET /-/events HTTP/1.1\nHost: a.org\n\n";
            let (head, mut events, _writer) = ask(runtime, request).await?;
            assert!(head.contains("text/event-stream"), "{head}");
            for number in 0..5 {
                one.say(&format!("one {number}")).await?;
                two.say(&format!("two {number}")).await?;
            }
            let (mut first, mut second) = (Vec::new(), Vec::new());
            for _ in 0..10 {
                first.push(one.hear_text(runtime).await?);
                second.push(two.hear_text(runtime).await?);
            }
            assert_eq!(first, second, "seed={seed}");
            let mut heard = Vec::new();
            while heard.len() < 10 {
                let line = events.line().await?.expect("no end").to_vec();
                events.consume(line.len());
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some(text) = line.strip_prefix("data: ") {
                    heard.push(text.trim_end().to_owned());
                }
            }
            assert_eq!(heard, first, "seed={seed}");
            Ok(())
        });
    }
}

/// I55: a member that does not read is cut off, and nobody waits for it.
#[test]
fn a_slow_member_is_cut_off() {
    let faults = Faults {
        room: 500,
        ..Faults::NONE
    };
    on_site(faults, 0, async |runtime, room, _| {
        let mut slow = Member::enter(runtime).await?;
        let mut quick = Member::enter(runtime).await?;
        let mut said = 0;
        while room.members() == 2 {
            quick
                .say("a text of some length, to fill the buffers")
                .await?;
            quick.hear_text(runtime).await?;
            said += 1;
            assert!(said < 200, "it is never cut off");
        }
        assert!(said > 20, "cut off after {said}");
        let ended = loop {
            match slow.hear(runtime).await {
                Ok(Some(Event::Text(_))) => {}
                other => break other.map_err(|e| e.kind()),
            }
        };
        assert_eq!(ended, Err(io::ErrorKind::ConnectionReset));
        Ok(())
    });
}

/// I56: a silent member is pinged; if it says nothing to that, it is ended.
#[test]
fn silence_is_asked_and_ended() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        let mut member = Member::enter(runtime).await?;
        // It answers the first ping, which `hear` does by itself.
        let ping = member.hear(runtime).await?;
        assert!(matches!(ping, Some(Event::Ping(_))), "{ping:?}");
        let asked = runtime.now().as_secs();
        assert!((30..32).contains(&asked), "asked after {asked} s");
        runtime.sleep(SEC * 5).await;
        assert_eq!(room.members(), 1);
        // And then it answers nothing more.
        runtime.sleep(SEC * 80).await;
        assert_eq!(room.members(), 0);
        Ok(())
    });
}

/// I55: who comes back with the id that it saw last gets what it missed; who
/// was away for too long is told so.
#[test]
fn events_resume() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        for number in 1..=1500 {
            room.say(&format!("text {number}"));
        }
        for (id, first) in [
            ("7-1498", "id: 7-1499\ndata: text 1499"),
            ("7-3", "event: lost\ndata: some events are gone"),
            ("6-1400", "event: lost\ndata: some events are gone"),
        ] {
            let request = format!(
                "GET /-/events HTTP/1.1\nHost: a.org\nLast-Event-ID: {id}\n\n"
            );
            let (_, mut events, _writer) = ask(runtime, &request).await?;
            let mut text = String::new();
            while !text.contains(first) {
                assert!(text.len() < 200, "id {id}: {text}");
                let line = events.line().await?.expect("no end").to_vec();
                events.consume(line.len());
                text += &String::from_utf8_lossy(&line).replace('\r', "");
            }
        }
        Ok(())
    });
}

/// I56: a drain closes WebSockets with 1001 and ends streams.
#[test]
fn a_drain_ends_what_is_alive() {
    on_site(Faults::NONE, 0, async |runtime, room, drain| {
        let mut member = Member::enter(runtime).await?;
        let request = "GET /-/events HTTP/1.1\nHost: a.org\n\n";
        let (_, mut events, _writer) = ask(runtime, request).await?;
        drain.begin();
        match member.hear(runtime).await? {
            Some(Event::Close(closed)) => assert_eq!(closed.code, 1001),
            other => panic!("no close: {other:?}"),
        }
        let mut rest = Vec::new();
        while events.fill().await? > 0 {
            rest = events.unread().to_vec();
        }
        assert!(rest.ends_with(b"0\r\n\r\n"), "{}", rest.escape_ascii());
        runtime.sleep(SEC).await;
        assert_eq!(room.members(), 0);
        Ok(())
    });
}

/// I55: one who talks without a pause cuts off nobody who reads.
#[test]
fn a_flood_cuts_off_nobody_who_reads() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        let mut quick = Member::enter(runtime).await?;
        let flood = Member::enter(runtime).await?;
        let (sends, reads) = (flood.writer, flood.reader);
        let mut frame = vec![0x81, 0x80 | 4, 0, 0, 0, 0];
        frame.extend_from_slice(b"wave");
        let frames = frame.repeat(1000);
        let talks = async {
            for _ in 0..20 {
                sends.stream().write_all(&frames).await?;
            }
            Ok::<_, io::Error>(())
        };
        let mut reads = reads;
        let drops = async {
            loop {
                reads.consume(usize::MAX);
                if reads.fill().await? == 0 {
                    return Ok::<_, io::Error>(());
                }
            }
        };
        let hears = async {
            for heard in 0..20_000 {
                let text = quick.hear_text(runtime).await;
                assert_eq!(text.ok().as_deref(), Some("wave"), "{heard}");
            }
            assert_eq!(room.members(), 2);
            Ok::<_, io::Error>(())
        };
        let all = join(talks, hears);
        match select(all, pin!(drops)).await {
            Either::Left((talked, heard)) => talked.and(heard),
            Either::Right(dropped) => panic!("it is cut off: {dropped:?}"),
        }
    });
}

/// I54: nothing follows a close: who is told that it is over has left.
#[test]
fn nothing_follows_a_close() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        let mut odd = Member::enter(runtime).await?;
        let mut even = Member::enter(runtime).await?;
        odd.socket.binary(b"\0").expect("it is open");
        odd.flush().await?;
        for _ in 0..100 {
            runtime.sleep(SEC / 100).await;
        }
        assert_eq!(room.members(), 1);
        even.say("after").await?;
        assert_eq!(even.hear_text(runtime).await?, "after");
        let closed = odd.hear(runtime).await?;
        let code = match &closed {
            Some(Event::Close(closed)) => closed.code,
            other => panic!("no close: {other:?}"),
        };
        assert_eq!(code, 1003);
        // Its end follows at once, for it has answered the close.
        assert_eq!(odd.hear(runtime).await?, None);
        Ok(())
    });
}

/// I54: a text arrives as it was said, through a stream as well; of its line
/// ends only the kind is lost.
#[test]
fn texts_keep_their_lines() {
    for (text, data) in [
        ("a\nb", "data: a\ndata: b\n\n"),
        ("a\r\nid: 9\rb", "data: a\ndata: id: 9\ndata: b\n\n"),
        ("\n\nevent: lost", "data: \ndata: \ndata: event: lost\n\n"),
        (" a\0", "data:  a\0\n\n"),
        ("", "data: \n\n"),
        ("\u{feff}\u{1f600}", "data: \u{feff}\u{1f600}\n\n"),
    ] {
        on_site(Faults::NONE, 0, async |runtime, _, _| {
            let mut member = Member::enter(runtime).await?;
            let request = "GET /-/events HTTP/1.0\n\n";
            let (_, mut events, _writer) = ask(runtime, request).await?;
            member.say(text).await?;
            assert_eq!(member.hear_text(runtime).await?, text);
            let expected = format!("retry: 1000\n\nid: 7-1\n{data}");
            let expected = format!("id: 7-0\n{expected}");
            let mut got = String::new();
            while got.len() < expected.len() {
                let line = events.line().await?.expect("no end").to_vec();
                events.consume(line.len());
                got += &String::from_utf8_lossy(&line);
            }
            assert_eq!(got, expected, "input: {text:?}");
            // At once, and not with the next heartbeat.
            assert!(runtime.now() < SEC, "heard at {:?}", runtime.now());
            Ok(())
        });
    }
}

/// I54: a text that is too long is refused with 1009, and nobody hears it.
#[test]
fn long_texts_are_refused() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        let mut long = Member::enter(runtime).await?;
        let mut other = Member::enter(runtime).await?;
        long.say(&"x".repeat(LIMITS.message)).await?;
        assert_eq!(other.hear_text(runtime).await?.len(), LIMITS.message);
        long.hear_text(runtime).await?;
        // Ten of them, so that much of it is unread when the server closes.
        let text = "x".repeat(LIMITS.message + 1);
        for _ in 0..10 {
            long.socket.text(&text).expect("it is open");
            long.flush().await?;
        }
        match long.hear(runtime).await {
            Ok(Some(Event::Close(closed))) => assert_eq!(closed.code, 1009),
            other => panic!("no close: {other:?}"),
        }
        runtime.sleep(SEC * 6).await;
        assert_eq!(room.members(), 1);
        other.say("still here").await?;
        assert_eq!(other.hear_text(runtime).await?, "still here");
        Ok(())
    });
}

/// I55: who was cut off before its first event knows where it was.
#[test]
fn a_stream_says_where_it_begins() {
    on_site(Faults::NONE, 0, async |runtime, room, _| {
        room.say("before");
        let request = "GET /-/events HTTP/1.0\n\n";
        let (_, mut events, _writer) = ask(runtime, request).await?;
        let mut parser = Parser::new(1000, "");
        while parser.last_id().is_empty() {
            events.fill().await?;
            let mut input = events.unread();
            assert_eq!(parser.next(&mut input), Ok(None));
            events.consume(usize::MAX);
        }
        assert_eq!(parser.last_id(), "7-1");
        assert_eq!(parser.retry(), Some(SEC));
        Ok(())
    });
}

/// I56: a stream says now and then that it is there.
#[test]
fn a_stream_has_a_heartbeat() {
    on_site(Faults::NONE, 0, async |runtime, _, _| {
        let request = "GET /-/events HTTP/1.0\n\n";
        let (_, mut events, _writer) = ask(runtime, request).await?;
        let mut beats = Vec::new();
        while beats.len() < 3 {
            let line = events.line().await?.expect("no end").to_vec();
            events.consume(line.len());
            if line.starts_with(b":") {
                beats.push(runtime.now().as_secs());
            }
        }
        assert_eq!(beats, [15, 30, 45]);
        Ok(())
    });
}

/// I56: a client that has only ended its sending is still told; one that has
/// left altogether takes no place after the next heartbeat.
#[test]
fn ends_of_streams() {
    on_site(Faults::NONE, 0, async |runtime, room, drain| {
        let request = "GET /-/events HTTP/1.1\nHost: a.org\n\n";
        let (_, mut events, writer) = ask(runtime, request).await?;
        drop(writer);
        room.say("hi");
        let mut text = String::new();
        while !text.contains("data: hi\n") {
            let line = events.line().await?.expect("no end").to_vec();
            events.consume(line.len());
            text += &String::from_utf8_lossy(&line);
        }
        assert_eq!(drain.here(), 1);
        drop(events);
        runtime.sleep(SEC * 40).await;
        assert_eq!(drain.here(), 0);
        Ok(())
    });
}

/// I54: HEAD gets a stream's head, and then its connection goes on.
#[test]
fn head_of_a_stream() {
    on_site(Faults::NONE, 0, async |runtime, _, _| {
        let request = "HEAD /-/events HTTP/1.1\nHost: a.org\n\n\
                       GET /-/ping HTTP/1.1\nHost: a.org\n\n";
        let (head, mut reader, _writer) = ask(runtime, request).await?;
        assert!(head.contains("text/event-stream"), "{head}");
        let next = reader.line().await?.map(<[u8]>::to_vec);
        assert_eq!(next.as_deref(), Some(&b"HTTP/1.1 200 OK\r\n"[..]));
        Ok(())
    });
}

/// What is asked in a wrong way gets its status, and no page of elsewhere
/// gets in.
#[test]
fn refusals() {
    let check = |request: &str, status: &str| {
        let head = on_site(Faults::NONE, 0, async |runtime, _, _| {
            Ok(ask(runtime, request).await?.0)
        });
        let expected = format!("HTTP/1.1 {status} ");
        assert!(head.starts_with(&expected), "input: {request}\n{head}");
    };
    check(&format!("{UPGRADE}Origin: http://a.org\n\n"), "101");
    check(&format!("{UPGRADE}Origin: http://b.org\n\n"), "403");
    check(&UPGRADE.replace(": 13\n", ": 8\n").add("\n"), "426");
    check("GET /-/ws HTTP/1.1\nHost: a.org\n\n", "426");
    let say = "POST /-/say HTTP/1.1\nHost: a.org\nContent-Length: 2\n";
    check(&format!("{say}\nhi"), "204");
    check(&format!("{say}Origin: http://b.org\n\nhi"), "403");
    check(&say.replace("POST", "GET").add("\nhi"), "405");
    // Bytes of a body would be taken for frames.
    check(&format!("{UPGRADE}Content-Length: 2\n\nhi"), "400");
    check(&format!("{UPGRADE}Content-Length: 0\n\n"), "101");
    for (origin, status) in [
        ("Origin: http://A.ORG\n", "204"),
        ("Origin: https://a.org\n", "204"),
        ("Origin: http://a.org:81\n", "403"),
        ("Origin: http://a.org.b.org\n", "403"),
        ("Origin: ftp://a.org\n", "403"),
        ("Origin: a.org\n", "403"),
        ("Origin: null\n", "403"),
        ("Origin: \u{e9}\n", "403"),
        (&format!("Origin: {NO_TEXT}\n"), "403"),
        ("Origin: http://a.org\nOrigin: http://a.org\n", "403"),
    ] {
        check(&format!("{say}{origin}\nhi"), status);
        let status = status.replace("204", "101");
        check(&format!("{UPGRADE}{origin}\n"), &status);
    }
    let long = say.replace(": 2", &format!(": {}", MAX_TEXT + 1));
    check(&format!("{long}\n{}", "x".repeat(MAX_TEXT + 1)), "413");
    check(&format!("{say}\n\u{e9}"), "204");
    let broken = say.replace(": 2", ": 1"); // the first byte of two
    check(&format!("{broken}\n\u{e9}"), "400");
    for path in ["chat", "events", "ping"] {
        let post = format!("POST /-/{path} HTTP/1.1\nHost: a.org\n\n");
        check(&post, "405");
    }
    check("GET /-/../Cargo.toml HTTP/1.1\nHost: a.org\n\n", "404");
    check("GET /-/nothing HTTP/1.1\nHost: a.org\n\n", "404");
    check("GET /Cargo.toml HTTP/1.1\nHost: a.org\n\n", "200");
}

/// `+` for strings, in the middle of a call.
trait Add {
    fn add(self, more: &str) -> String;
}

impl Add for String {
    fn add(mut self, more: &str) -> String {
        self.push_str(more);
        self
    }
}
