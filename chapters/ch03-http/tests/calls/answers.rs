//! Answers, good and bad.

use ch00_toolbox::prop;
use ch00_toolbox::prop::Gen;
use ch02_event_loop::sim::Faults;
use ch03_http::chunked::BodyLimits;
use ch03_http::client::Settings;
use ch03_http::head::Rules;

use super::super::script::{Act, World, say};
use super::parts::{A, get, short};

pub fn bad_answers_are_refused() {
    let settings = Settings {
        rules: Rules {
            head: 200,
            ..Rules::default()
        },
        body: BodyLimits {
            body: 10,
            ..BodyLimits::default()
        },
        interims: 3,
        ..Settings::default()
    };
    let hint = "HTTP/1.1 103 \r\n\r\n";
    let end = "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n";
    let long = format!("HTTP/1.1 200 \r\nA: {}\r\n\r\n", "x".repeat(300));
    let table: Vec<(String, &str)> = vec![
        (format!("{}{end}", hint.repeat(3)), "200 "),
        (
            format!("{}{end}", hint.repeat(4)),
            "a bad answer: more than 3 heads of 1xx before it",
        ),
        (long, "a bad answer: a head of more than 200 bytes"),
        (
            "HTTP/2.0 200 \r\n\r\n".into(),
            "a bad answer: HTTP/2.0 is not spoken here",
        ),
        (
            "220 smtp ready\r\n".into(),
            "a bad answer: no version at byte 0",
        ),
        (
            "HTTP/1.1 101 \r\n\r\n".into(),
            "a bad answer: 101 without being asked",
        ),
        (
            "HTTP/1.1 200 \r\nContent-Length: 11\r\n\r\n".into(),
            "a bad answer: a body of more than 10 bytes",
        ),
        (
            "HTTP/1.1 200 \r\n\r\n12345678901".into(),
            "a bad answer: a body of more than 10 bytes",
        ),
        (
            "HTTP/1.1 200 \r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
                .into(),
            "a bad answer: more than one Content-Length",
        ),
        (
            "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n".into(),
            "a bad answer: no chunk size",
        ),
        (
            "HTTP/1.1 200 \r\nContent-Length: 9\r\n\r\ncut".into(),
            "a bad answer: the stream ended inside the body",
        ),
        ("HTTP/1.1 200 OK".into(), "lost"),
        ("".into(), "lost"),
    ];
    for (answer, expected) in table {
        World::calm(settings.clone(), async |world| {
            world.serve(80, vec![vec![Act::Take, say(&answer)]]);
            let got = short(world.get(A).await);
            assert_eq!(got, expected, "input: {answer:?}");
            let places = world.client.places() + world.client.idle();
            assert_eq!(places, 256, "input: {answer:?}");
        });
    }
}

pub fn a_whole_body_has_a_limit() {
    World::calm(Settings::default(), async |world| {
        let begun = "HTTP/1.1 200 \r\nContent-Length: 99\r\n\r\n0123456789";
        world.serve(80, vec![vec![Act::Take, say(begun), Act::Hang]]);
        let mut reply = world.client.send(get(A)).await.expect("a head");
        let got = reply.whole(9).await.expect_err("more than 9 bytes");
        let expected = "a bad answer: a body of more than 9 bytes";
        assert_eq!(got.to_string(), expected, "input: 10 of 99 bytes");
        let more = reply.piece(&mut Vec::new()).await;
        assert!(more.is_err(), "input: a piece after the error");
        assert_eq!(world.client.places(), 256, "input: it is closed");
    });
}

pub fn an_upgrade_is_handed_out() {
    World::calm(Settings::default(), async |world| {
        let switch = "HTTP/1.1 101 \r\nUpgrade: echo\r\n\r\nfirst ";
        world.serve(80, vec![vec![Act::Take, say(switch), Act::Echo]]);
        let outgoing = get(A).with("Connection", "upgrade");
        let outgoing = outgoing.and_then(|it| it.with("Upgrade", "echo"));
        let outgoing = outgoing.expect("fields");
        let mut reply = world.client.send(outgoing).await.expect("an answer");
        let mut upgraded = reply.upgraded().expect("a connection");
        let sent = upgraded.writer.stream().write_all(b"and second").await;
        sent.expect("a write");
        while upgraded.reader.unread().len() < 16 {
            upgraded.reader.fill().await.expect("more");
        }
        let got = upgraded.reader.unread();
        assert_eq!(got, b"first and second", "input: both");
        assert_eq!(world.client.places(), 255, "input: still open");
        drop(upgraded);
        assert_eq!(world.client.places(), 256, "input: closed");
    });
}

pub fn trailers_are_kept_apart() {
    World::calm(Settings::default(), async |world| {
        let answer = "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\
                      A: 1\r\n\r\n2\r\nhi\r\n0\r\nA: 2\r\nSum: 3\r\n\
                      Content-Length: 9\r\n\r\n";
        world.serve(80, vec![vec![Act::Take, say(answer)]]);
        let mut reply = world.client.send(get(A)).await.expect("an answer");
        assert_eq!(reply.whole(9).await.expect("a body"), b"hi", "input: it");
        assert_eq!(reply.headers().get("a"), Some(&b"1"[..]), "input: head");
        let field = |n: &[u8], v: &[u8]| (n.to_vec(), v.to_vec());
        let expected = [field(b"A", b"2"), field(b"Sum", b"3")];
        assert_eq!(reply.trailers(), expected, "input: trailer");
    });
}

pub fn any_cut_gives_the_same_answer() {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nA: b\r\n\r\nhello world",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n\
        hello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n",
        "HTTP/1.1 103 \r\nLink: x\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\n\
        nothing here",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcSURPLUS",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
    ];
    let read = |answer: &str, cuts: &[u64], seed, faults| {
        World::run(seed, faults, Settings::default(), async |world| {
            let mut script = vec![Act::Take];
            let mut rest = answer.as_bytes();
            for cut in cuts {
                let at = rest.len().min(*cut as usize);
                script.push(Act::Say(rest[..at].to_vec()));
                script.push(Act::Wait(1));
                rest = &rest[at..];
            }
            script.push(Act::Say(rest.to_vec()));
            world.serve(80, vec![script]);
            let mut reply = match world.client.send(get(A)).await {
                Ok(reply) => reply,
                Err(error) => return format!("{error}"),
            };
            let body = match reply.whole(99).await {
                Ok(body) => format!("{:?}", body.escape_ascii().to_string()),
                Err(error) => format!("{error}"),
            };
            let head = reply.head().escape_ascii().to_string();
            format!("{head} {body} {:?}", reply.trailers())
        })
    };
    let cases = |g: &mut Gen| {
        let answer = *g.pick(&answers);
        let cuts = g.vec(6, |g| g.upto(30));
        (answer, cuts, g.upto(1 << 20), g.once_in(2))
    };
    prop::check("cuts", 1_500, cases, |(answer, cuts, seed, rough)| {
        let expected = read(answer, &[], 1, Faults::NONE);
        let faults = if *rough { Faults::ROUGH } else { Faults::NONE };
        let got = read(answer, cuts, *seed, faults);
        match got == expected {
            true => Ok(()),
            false => Err(format!("got {got}, expected {expected}")),
        }
    });
}
