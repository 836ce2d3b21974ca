//! What the step must do: URLs, and a client on a simulated network.

mod script;

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ch00_toolbox::clock::Clock as _;
use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch03_http::chunked::BodyLimits;
use ch03_http::client::dial;
use ch03_http::client::error::{AnswerFault, RedirectFault, Step};
use ch03_http::client::pool::{Limits, Pool};
use ch03_http::client::proxy::Proxy;
use ch03_http::client::{
    Client, ClientError, Outgoing, Payload, Settings, Times,
};
use ch03_http::head::Rules;
use ch03_http::incoming::{Fault, Incoming};
use ch03_http::out::Out;
use ch03_http::response::{self, Content, Later, Response};
use ch03_http::serve::{self, Server, Service};
use ch03_http::url::{Url, UrlError, remove_dots, resolve, split};
use script::{Act, Seen, World, ok, say};

const A: &str = "http://127.0.0.1:80/a";

fn get(url: &str) -> Outgoing {
    Outgoing::new("GET", url).expect("a request")
}

fn with_body(method: &str, url: &str, body: &'static str) -> Outgoing {
    let outgoing = Outgoing::new(method, url).expect("a request");
    outgoing.with_payload(Payload::Bytes(body.as_bytes().into()))
}

/// How a request ended, in short.
fn short(result: Result<(u16, String), ClientError>) -> String {
    match result {
        Ok((status, body)) => format!("{status} {body}"),
        Err(ClientError::Lost(_)) => "lost".to_owned(),
        Err(ClientError::Connect(..)) => "refused".to_owned(),
        Err(error) => error.to_string(),
    }
}

// ── URLs ────────────────────────────────────────────────────────────────

/// I40: the examples of RFC 3986, section 5.4.
#[test]
fn references_mean_what_the_rfc_says() {
    let base = "http://a/b/c/d;p?q";
    let table = [
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q#s"),
        ("g#s", "http://a/b/c/g#s"),
        ("g?y#s", "http://a/b/c/g?y#s"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y#s"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        // Section 5.4.2: abnormal ones.
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g#s/./x"),
        ("g#s/../x", "http://a/b/c/g#s/../x"),
        ("http:g", "http:g"), // strictly
    ];
    for (reference, expected) in table {
        let got = resolve(&split(base), &split(reference));
        assert_eq!(got, expected, "input: {reference}");
    }
    let got = resolve(&split("http://a"), &split("g"));
    assert_eq!(got, "http://a/g", "input: g, on a page without a path");
}

/// Section 5.2.4, letter by letter: the naive version.
fn remove_dots_slowly(path: &str) -> String {
    let (mut input, mut output) = (path.to_owned(), String::new());
    let up = |output: &mut String| {
        output.truncate(output.rfind('/').unwrap_or(0));
    };
    while !input.is_empty() {
        if let Some(rest) = input.strip_prefix("/./") {
            input = format!("/{rest}"); // B
        } else if input == "/." {
            input = "/".to_owned();
        } else if let Some(rest) = input.strip_prefix("/../") {
            input = format!("/{rest}"); // C
            up(&mut output);
        } else if input == "/.." {
            input = "/".to_owned();
            up(&mut output);
        } else {
            let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
            output += &input[..end]; // E
            input = input[end..].to_owned();
        }
    }
    output
}

/// I40: dots go as section 5.2.4 takes them away, and none is left.
#[test]
fn dots_go_as_in_the_rfc() {
    let paths = |g: &mut Gen| {
        let parts = ["", ".", "..", "a", ".b", "c.", "..."];
        let parts = g.vec(8, |g| *g.pick(&parts));
        format!("/{}", parts.join("/"))
    };
    prop::check("dots", 2_000, paths, |path| {
        let (got, expected) = (remove_dots(path), remove_dots_slowly(path));
        match got == expected && remove_dots(&got) == got {
            true => Ok(()),
            false => Err(format!("got {got}, expected {expected}")),
        }
    });
}

/// I41: what can be asked for, and what is refused.
#[test]
fn urls_are_checked() {
    let scheme = |s: &str| Err(UrlError::Scheme(s.to_owned()));
    let host = |s: &str| Err(UrlError::Host(s.to_owned()));
    type Row<'a> = (&'a str, Result<&'a str, UrlError>);
    let table: [Row; 24] = [
        ("http://a", Ok("http://a/")),
        ("HTTP://A.Org/B", Ok("http://a.org/B")),
        ("http://a:80/", Ok("http://a/")),
        ("http://a:/", Ok("http://a/")),
        ("http://a:8080?q", Ok("http://a:8080/?q")),
        ("http://a/?", Ok("http://a/?")),
        ("http://a#f", Ok("http://a/")),
        ("http://a/x/../y?a=/../b", Ok("http://a/y?a=/../b")),
        ("http://[::1]:7003/", Ok("http://[::1]:7003/")),
        ("http://a/%41", Ok("http://a/%41")),
        ("http://a//b", Ok("http://a//b")),
        ("https://a/", scheme("https")),
        ("ftp://a/", scheme("ftp")),
        ("a.org/", scheme("")),
        ("//a.org/", scheme("")),
        ("http:a", host("")),
        ("http:///a", host("")),
        ("http://a:x/", host("a:x")),
        ("http://a:65536/", host("a:65536")),
        ("http://[::1/", host("[::1")),
        ("http://me:secret@a/", Err(UrlError::User)),
        ("http://a/b c", Err(UrlError::Byte(b' '))),
        ("http://a/\r\nX: y", Err(UrlError::Byte(b'\r'))),
        ("http://a/ü", Err(UrlError::Byte(0xc3))),
    ];
    for (text, expected) in table {
        let got = Url::parse(text).map(|url| url.to_string());
        assert_eq!(got, expected.map(str::to_owned), "input: {text:?}");
    }
    let long = format!("http://a/{}", "x".repeat(20_000));
    assert_eq!(Url::parse(&long), Err(UrlError::Long), "input: 20 kB");
    let url = Url::parse("http://[::1]:7003/").expect("a URL");
    assert_eq!((url.host(), url.port()), ("::1", 7003), "input: {url}");
}

/// I41: no text makes it panic, and what is taken is taken again, the same.
#[test]
fn any_text_is_a_url_or_is_refused() {
    let texts = |g: &mut Gen| {
        let pieces =
            ["http:", "//", "a", "[::1]", ":", "9", "@", "/", "?", "#"];
        let parts = g.vec(9, |g| match g.once_in(9) {
            true => g.text(3),
            false => (*g.pick(&pieces)).to_owned(),
        });
        parts.concat()
    };
    let base = Url::parse("http://base/x/y?z").expect("a URL");
    prop::check("urls", 3_000, texts, |text| {
        for url in [Url::parse(text), base.join(text)].into_iter().flatten() {
            let again = Url::parse(&url.to_string());
            if again.as_ref() != Ok(&url) {
                return Err(format!("{url} became {again:?}"));
            }
        }
        Ok(())
    });
}

// ── The pool, by itself ─────────────────────────────────────────────────

/// I42: the pool does what a list of all connections does that is searched.
#[test]
fn the_pool_is_a_list() {
    let limits = Limits {
        connections: 9,
        idle_per_host: 2,
        idle: Duration::from_secs(10),
    };
    let steps = |g: &mut Gen| {
        g.vec(30, |g| {
            (g.upto(3), g.upto(2), Duration::from_secs(g.upto(6)))
        })
    };
    prop::check("pool", 1_000, steps, |steps| {
        let mut pool = Pool::new(limits);
        let mut list: Vec<(u64, Duration, usize)> = Vec::new(); // in order
        let mut now = Duration::ZERO;
        for (id, &(what, host, after)) in steps.iter().enumerate() {
            now += after;
            let key = (host.to_string(), 80);
            if what != 3 {
                list.retain(|(_, since, _)| now - *since < limits.idle);
            }
            match what {
                0 | 1 => {
                    pool.give(key, id, now);
                    list.push((host, now, id));
                    let of_host = list.iter().filter(|it| it.0 == host);
                    if of_host.count() > limits.idle_per_host {
                        let at = list.iter().position(|it| it.0 == host);
                        list.remove(at.expect("one of three"));
                    }
                }
                2 => {
                    let at = list.iter().rposition(|it| it.0 == host);
                    let expected = at.map(|at| list.remove(at).2);
                    let got = pool.take(&key, now);
                    if got != expected {
                        return Err(format!("took {got:?}, not {expected:?}"));
                    }
                }
                _ => {
                    let oldest = list.iter().map(|it| it.1).min();
                    if pool.evict() != oldest.is_some() {
                        return Err("evicts what is not there".to_owned());
                    }
                    // Of two that are as old, either may go: see below.
                    let all = pool.len();
                    list.sort_by_key(|it| it.1);
                    if !list.is_empty() {
                        let same = list.iter().filter(|i| Some(i.1) == oldest);
                        if same.count() > 1 {
                            return Ok(());
                        }
                        list.remove(0);
                    }
                    if all != list.len() {
                        return Err(format!("{all} are left"));
                    }
                }
            }
            if pool.len() != list.len() {
                return Err(format!("{} wait, not {}", pool.len(), list.len()));
            }
        }
        Ok(())
    });
}

// ── Connections used again ──────────────────────────────────────────────

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

/// I42: after which answers the connection is used again.
#[test]
fn connections_are_used_again_when_they_can_be() {
    let head = || Outgoing::new("HEAD", A).expect("a request");
    let close = || get(A).with("Connection", "close").expect("a field");
    let v10 = "HTTP/1.0 200 OK\r\n";
    let table: Vec<(Outgoing, String, &str, bool)> = vec![
        (get(A), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".into(), "200 hi", true),
        (get(A), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n".into(), "200 hi", true),
        (get(A), "HTTP/1.1 204 No Content\r\n\r\n".into(), "204 ", true),
        (get(A), "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".into(), "304 ", true),
        (head(), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".into(), "200 ", true),
        (get(A), "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into(), "200 ", true),
        (get(A), format!("{v10}Connection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"), "200 hi", true),
        (get(A), format!("{v10}Content-Length: 2\r\n\r\nhi"), "200 hi", false),
        (get(A), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi".into(), "200 hi", false),
        (close(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".into(), "200 hi", false),
        // Surplus: whose is it?
        (get(A), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!".into(), "200 hi", false),
        (get(A), "HTTP/1.1 204 No Content\r\n\r\n!".into(), "204 ", false),
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

/// I42: all up to the close is the body, and its connection is over.
#[test]
fn a_body_may_end_with_the_connection() {
    World::calm(Settings::default(), async |world| {
        let open = say("HTTP/1.1 200 OK\r\n\r\nall of it");
        let scripts = vec![vec![Act::Take, open], vec![Act::Take, ok("new")]];
        world.serve(80, scripts);
        assert_eq!(short(world.get(A).await), "200 all of it", "input: close");
        assert_eq!(short(world.get(A).await), "200 new", "input: after it");
        assert_eq!(world.client.counts().opened, 2, "input: both");
    });
}

/// I42, I44: a reply that is dropped closes its connection.
#[test]
fn a_dropped_reply_closes() {
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

/// I42: the connection used last is taken first, and idle ones end.
#[test]
fn idle_connections_end() {
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

/// I44: never more connections than places, and everybody gets one in turn;
/// an idle connection to another server makes room.
#[test]
fn places_are_a_limit() {
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

// ── The race ────────────────────────────────────────────────────────────

/// A request on a connection that its server has just closed, or closes when
/// it comes: how it ended, how many connections there were, how often the
/// server has seen it.
fn stale(last: Vec<Act>, second: Outgoing) -> (String, u64, u64, usize) {
    World::calm(Settings::default(), async |world| {
        let mut script = vec![Act::Take, ok("1")];
        script.extend(last);
        let seen = world.serve(80, vec![script, vec![Act::Take, ok("2")]]);
        assert_eq!(short(world.get(A).await), "200 1", "input: first");
        world.runtime.sleep(Duration::from_millis(5)).await;
        let got = short(world.send(second).await);
        let counts = world.client.counts();
        let times = seen.borrow().len() - 1;
        (got, counts.opened, counts.retried, times)
    })
}

/// I43: what is made a second time, and what is not.
#[test]
fn a_stale_connection_is_noticed_or_tried_again() {
    let post = || with_body("POST", A, "x");
    let put = || with_body("PUT", A, "x");
    let streamed = || {
        let outgoing = Outgoing::new("PUT", A).expect("a request");
        outgoing.with_payload(Payload::Content(Box::new(Stream::of(9))))
    };
    let closes = || vec![Act::Take]; // takes it, and closes
    let resets = || vec![Act::Take, Act::Reset];
    let begins = || vec![Act::Take, say("H")];
    type Row = (
        &'static str,
        Vec<Act>,
        Outgoing,
        &'static str,
        u64,
        u64,
        usize,
    );
    let table: Vec<Row> = vec![
        ("closed before: seen", vec![], get(A), "200 2", 2, 0, 1),
        ("closed before: POST", vec![], post(), "200 2", 2, 0, 1),
        (
            "reset before",
            vec![Act::Wait(2), Act::Reset],
            post(),
            "200 2",
            2,
            0,
            1,
        ),
        ("closes: GET", closes(), get(A), "200 2", 2, 1, 2),
        ("closes: PUT", closes(), put(), "200 2", 2, 1, 2),
        ("resets: GET", resets(), get(A), "200 2", 2, 1, 2),
        ("closes: POST", closes(), post(), "lost", 1, 0, 1),
        ("resets: POST", resets(), post(), "lost", 1, 0, 1),
        ("closes: a stream", closes(), streamed(), "lost", 1, 0, 1),
        ("an answer has begun", begins(), get(A), "lost", 1, 0, 1),
    ];
    for (name, last, second, expected, opened, retried, times) in table {
        let got = stale(last, second);
        let expected = (expected.to_owned(), opened, retried, times);
        assert_eq!(got, expected, "input: {name}");
    }
}

/// I43: twice at most, and a new connection is not tried again.
#[test]
fn twice_at_most() {
    World::calm(Settings::default(), async |world| {
        let scripts = vec![vec![Act::Take], vec![Act::Take, ok("2")]];
        let seen = world.serve(80, scripts);
        assert_eq!(short(world.get(A).await), "lost", "input: a new one");
        assert_eq!(seen.borrow().len(), 1, "input: a new one");
    });
    World::calm(Settings::default(), async |world| {
        let first = vec![Act::Take, ok("1"), Act::Take];
        let scripts = vec![first, vec![Act::Take], vec![Act::Take, ok("3")]];
        let seen = world.serve(80, scripts);
        assert_eq!(short(world.get(A).await), "200 1", "input: first");
        assert_eq!(short(world.get(A).await), "lost", "input: lost twice");
        assert_eq!(seen.borrow().len(), 3, "input: lost twice");
    });
}

// ── Waits ───────────────────────────────────────────────────────────────

fn short_times() -> Settings {
    let seconds = Duration::from_secs;
    Settings {
        times: Times {
            place: seconds(1),
            connect: seconds(2),
            send: seconds(3),
            head: seconds(4),
            idle: seconds(5),
            go_on: seconds(1),
            total: Some(seconds(60)),
        },
        ..Settings::default()
    }
}

/// I45: every wait ends after its own time, and is named.
#[test]
fn each_wait_has_an_end() {
    let hang = |before: Vec<Act>| [before, vec![Act::Hang]].concat();
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi";
    let drips = |text: &str, ms| -> Vec<Act> {
        let drip = |byte: u8| [Act::Wait(ms), Act::Say(vec![byte])];
        text.bytes().flat_map(drip).collect()
    };
    let drip_head =
        [vec![Act::Take], drips(&"HTTP/1.1 200 OK ".repeat(9), 900)];
    let many = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n";
    let drip_body = [vec![Act::Take, say(many)], drips(&"x".repeat(99), 4_000)];
    let large = with_body("POST", A, "x".repeat(300_000).leak());
    type Row = (&'static str, Vec<Act>, Outgoing, Step, u64);
    let table: Vec<Row> = vec![
        ("silence", hang(vec![Act::Take]), get(A), Step::Head, 4),
        ("a slow head", drip_head.concat(), get(A), Step::Head, 4),
        (
            "half a body",
            hang(vec![Act::Take, say(begun)]),
            get(A),
            Step::Body,
            5,
        ),
        ("a slow body", drip_body.concat(), get(A), Step::Total, 60),
        ("takes nothing", hang(vec![]), large, Step::Send, 3),
    ];
    for (name, script, outgoing, step, after) in table {
        World::calm(short_times(), async |world| {
            world.serve(80, vec![script]);
            let got = world.send(outgoing).await;
            match got {
                Err(ClientError::TimedOut(at)) => {
                    assert_eq!(at, step, "input: {name}");
                }
                other => panic!("input: {name}: {}", short(other)),
            }
            let now = world.runtime.now().as_secs();
            assert_eq!(now, after, "input: {name}");
            let places = world.client.places();
            assert_eq!(places, 256, "input: {name}: its place is free");
        });
    }
}

/// I45: the wait for a place ends, and is named.
#[test]
fn the_wait_for_a_place_has_an_end() {
    let mut settings = short_times();
    settings.limits.connections = 1;
    World::calm(settings, async |world| {
        world.serve(80, vec![vec![Act::Take, ok("held")]]);
        let held = world.client.send(get(A)).await.expect("an answer");
        let got = short(world.get(A).await);
        let expected = ClientError::TimedOut(Step::Place).to_string();
        assert_eq!(got, expected, "input: one place, and it is held");
        drop(held);
    });
}

/// I45: addresses are tried in turn, each for so long.
#[test]
fn addresses_are_tried_in_turn() {
    let sim = Sim::new(1, Faults::NONE);
    let runtime = Runtime::simulated(&sim);
    let addr = |n: u8| SocketAddr::from(([10, 0, 0, n], 80));
    let limit = Duration::from_secs(2);
    let connect = |addr: SocketAddr| async move {
        match addr.ip().to_string().as_str() {
            "10.0.0.1" => pending().await,
            "10.0.0.2" => Err(io::ErrorKind::ConnectionRefused.into()),
            _ => Ok(addr),
        }
    };
    let table: [(&[u8], &str, u64); 5] = [
        (&[3], "10.0.0.3:80", 0),
        (&[1, 2, 3], "10.0.0.3:80", 2),
        (
            &[2, 1, 1],
            "timed out: the server did not take the connection",
            4,
        ),
        (
            &[1, 2],
            "cannot connect to 10.0.0.2:80: connection refused",
            2,
        ),
        (&[], "timed out: the server did not take the connection", 0),
    ];
    for (those, expected, seconds) in table {
        let all: Vec<SocketAddr> = those.iter().map(|n| addr(*n)).collect();
        let before = runtime.now();
        let first = dial::first(&runtime, &all, limit, connect);
        let got = runtime.block_on(first).expect("a loop");
        let got = got.map_or_else(|e| e.to_string(), |a| a.to_string());
        assert_eq!(got, expected, "input: {those:?}");
        let took = (runtime.now() - before).as_secs();
        assert_eq!(took, seconds, "input: {those:?}");
    }
}

/// I45: names go to the lookup, addresses in digits do not, and a name that
/// nobody knows is an error of its own.
#[test]
fn names_are_looked_up() {
    let lookup: dial::Lookup = Arc::new(|host: &str, port| match host {
        "a.test" => Ok(vec![
            SocketAddr::from(([127, 0, 0, 9], port)), // nobody is there
            SocketAddr::from(([127, 0, 0, 1], port)),
        ]),
        "empty.test" => Ok(vec![]),
        _ => Err(io::Error::other("no such name")),
    });
    let settings = Settings {
        lookup,
        ..Settings::default()
    };
    World::calm(settings, async |world| {
        let seen = world.serve(80, vec![vec![Act::Take, ok("1")]]);
        let got = short(world.get("http://A.test/x").await);
        assert_eq!(got, "200 1", "input: the second address");
        assert!(seen.borrow()[0].head.contains("\r\nHost: a.test\r\n"));
        for (host, expected) in [
            ("empty.test", "empty.test: no address"),
            ("b.test", "b.test: no such name"),
            ("127.0.0.1:99", "refused"),
        ] {
            let got = short(world.get(&format!("http://{host}/")).await);
            assert_eq!(got, expected, "input: {host}");
        }
        assert_eq!(world.client.places(), 255, "input: one is idle");
    });
}

// ── Redirects ───────────────────────────────────────────────────────────

fn redirect(status: u16, to: &str) -> Act {
    let head = format!("HTTP/1.1 {status} \r\nLocation: {to}\r\n");
    say(&format!("{head}Content-Length: 4\r\n\r\nmove"))
}

/// I46: which request follows.
#[test]
fn redirects_make_the_next_request() {
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

/// I46: where redirects end.
#[test]
fn redirects_end() {
    let long: Vec<Act> = (0..12)
        .flat_map(|n| [Act::Take, redirect(302, &format!("/{n}"))])
        .collect();
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
            "a redirect to \"https://a/\": https is not spoken here: there is no TLS",
        ),
        (
            "a space",
            vec![Act::Take, redirect(301, "/a b")],
            10,
            "a redirect to \"/a b\": the byte 0x20 in a URL must be written %20",
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

/// I46: another server gets no secrets, not even when it sends us back.
#[test]
fn secrets_stay_with_their_server() {
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

/// I43, I46: a body that is gone is not sent again.
#[test]
fn a_stream_is_sent_once() {
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

// ── Bodies that go out ──────────────────────────────────────────────────

/// A content of so many bytes, whose length is told or not.
struct Stream {
    length: u64,
    told: bool,
    really: u64,
}

impl Stream {
    fn of(length: u64) -> Stream {
        Stream {
            length,
            told: true,
            really: length,
        }
    }
}

fn byte_at(at: u64) -> u8 {
    (at % 251) as u8
}

impl Content for Stream {
    fn length(&self) -> Option<u64> {
        self.told.then_some(self.length)
    }

    fn send<'a>(&'a mut self, out: &'a mut Out<'_>) -> Later<'a> {
        Box::pin(async move {
            let mut at = 0;
            while at < self.really {
                let end = (at + 10_007).min(self.really);
                let piece: Vec<u8> = (at..end).map(byte_at).collect();
                out.write(&piece).await?;
                at = end;
            }
            Ok(())
        })
    }
}

fn upload(length: u64, told: bool, really: u64) -> Outgoing {
    let content = Stream {
        length,
        told,
        really,
    };
    let outgoing = Outgoing::new("POST", A).expect("a request");
    outgoing.with_payload(Payload::Content(Box::new(content)))
}

/// I45: a large body waits to be asked for, a second at most.
#[test]
fn a_large_body_waits_to_be_asked_for() {
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
            let idle = usize::from(name != "refused");
            assert_eq!(world.client.idle(), idle, "input: {name}");
        });
    }
}

/// I42: a server that refuses a body while it is sent is heard, and its
/// connection is not used again.
#[test]
fn an_early_answer_is_heard() {
    let no = || say("HTTP/1.1 413 \r\nContent-Length: 2\r\n\r\nno");
    let yes = || say("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok");
    use Act::{Hang, Take, TakeBody, TakeHead, Wait};
    let table: Vec<(&str, Vec<Act>, &str, usize)> = vec![
        ("refused, and open", vec![TakeHead, no(), Hang], "413 no", 0),
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
        });
    }
}

/// I42: a content that is not what it said ends the request and its
/// connection.
#[test]
fn a_content_is_as_long_as_it_says() {
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

/// I48: what cannot be sent is refused before there is a connection.
#[test]
fn requests_are_checked() {
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

/// I47: what a request looks like on the wire.
#[test]
fn heads_are_as_they_should_be() {
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
            "POST /p?q HTTP/1.1\r\nHost: 127.0.0.1:8\r\nContent-Length: 1\r\n\r\n",
        ),
        (
            empty,
            "POST /p HTTP/1.1\r\nHost: 127.0.0.1:8\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            stream,
            "PUT /p HTTP/1.1\r\nHost: 127.0.0.1:8\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
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

// ── Answers ─────────────────────────────────────────────────────────────

/// I48: answers that are refused, and those with a limit.
#[test]
fn bad_answers_are_refused() {
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

/// I48: a caller who wants all of it says how much that may be.
#[test]
fn a_whole_body_has_a_limit() {
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

/// I42: after 101 the connection is the caller's, with what came behind it.
#[test]
fn an_upgrade_is_handed_out() {
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

/// I47: fields behind the body are apart from those of the head.
#[test]
fn trailers_are_kept_apart() {
    World::calm(Settings::default(), async |world| {
        let answer = "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n\
                      2\r\nhi\r\n0\r\nA: 2\r\nSum: 3\r\nContent-Length: 9\r\n\r\n";
        world.serve(80, vec![vec![Act::Take, say(answer)]]);
        let mut reply = world.client.send(get(A)).await.expect("an answer");
        assert_eq!(reply.whole(9).await.expect("a body"), b"hi", "input: it");
        assert_eq!(reply.headers().get("a"), Some(&b"1"[..]), "input: head");
        let field = |n: &[u8], v: &[u8]| (n.to_vec(), v.to_vec());
        let expected = [field(b"A", b"2"), field(b"Sum", b"3")];
        assert_eq!(reply.trailers(), expected, "input: trailer");
    });
}

/// I47: however the answer is cut, it is the same.
#[test]
fn any_cut_gives_the_same_answer() {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nA: b\r\n\r\nhello world",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n",
        "HTTP/1.1 103 \r\nLink: x\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\nnothing here",
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

// ── Proxies ─────────────────────────────────────────────────────────────

/// I47: a proxy gets the whole URL, and those that are exempt go past it.
#[test]
fn a_proxy_gets_the_whole_url() {
    let url = Url::parse("http://127.0.0.1:3128").expect("a URL");
    let except = vec!["127.0.0.1:80".to_owned()];
    let proxy = Some(Proxy { url, except });
    let settings = Settings {
        proxy,
        ..Settings::default()
    };
    World::calm(settings, async |world| {
        let direct = world.serve(80, vec![vec![Act::Take, ok("direct")]]);
        let script = vec![Act::Take, ok("1"), Act::Take, ok("2")];
        let proxied = world.serve(3128, vec![script]);
        for (url, expected) in [
            ("http://a.test/x?y", "200 1"),
            ("http://b.test:81/", "200 2"), // on the same connection
            ("http://127.0.0.1/z", "200 direct"),
        ] {
            assert_eq!(short(world.get(url).await), expected, "input: {url}");
        }
        let heads: Vec<String> =
            proxied.borrow().iter().map(|s| s.head.clone()).collect();
        let expected = [
            "GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://b.test:81/ HTTP/1.1\r\nHost: b.test:81\r\n\r\n",
        ];
        assert_eq!(heads, expected, "input: by proxy");
        assert_eq!(direct.borrow()[0].line(), "GET /z HTTP/1.1", "input: z");
    });
}

/// I46: who goes past the proxy.
#[test]
fn exceptions_name_hosts() {
    let table = [
        ("*", "http://a.org/", false),
        ("a.org", "http://a.org/", false),
        ("A.ORG", "http://a.org/", false),
        ("a.org", "http://b.a.org/", false),
        (".a.org", "http://b.a.org/", false),
        (".a.org", "http://a.org/", false),
        ("a.org", "http://ba.org/", true),
        ("b.a.org", "http://a.org/", true),
        ("a.org:80", "http://a.org/", false),
        ("a.org:81", "http://a.org/", true),
        ("0.0.1", "http://127.0.0.1/", true),
        ("127.0.0.1", "http://127.0.0.1:7/", false),
        ("::1", "http://[::1]/", false),
        ("[::1]", "http://[::1]:7/", false),
        ("", "http://a.org/", true),
    ];
    for (entry, url, expected) in table {
        let proxy = Proxy {
            url: Url::parse("http://proxy/").expect("a URL"),
            except: vec!["other".to_owned(), entry.to_owned()],
        };
        let got = proxy.is_for(&Url::parse(url).expect("a URL"));
        assert_eq!(got, expected, "input: {entry:?} for {url}");
    }
}

// ── Against our own server ──────────────────────────────────────────────

/// Sends the body back, or as many bytes as the path says.
struct Mirror;

impl Service for Mirror {
    async fn call(
        &self,
        incoming: &mut Incoming<'_, '_>,
    ) -> Result<Response, Fault> {
        let path = incoming.request().target.path().unwrap_or_default();
        if let Ok(length) = path[1..].parse() {
            let told = incoming.request().headers.get("told").is_some();
            let stream = Stream {
                length,
                told,
                really: length,
            };
            let payload = response::Payload::Content(Box::new(stream));
            return Ok(Response::new(200).with_payload(payload));
        }
        let body = incoming.whole().await?;
        let payload = response::Payload::Bytes(body.into());
        Ok(Response::new(200).with_payload(payload))
    }
}

fn start_mirror(world: &World) {
    let settings = serve::Settings {
        body: BodyLimits {
            body: 1 << 30,
            ..BodyLimits::default()
        },
        ..serve::Settings::default()
    };
    let (runtime, drain) = (world.runtime.clone(), Drain::default());
    let server = Server::new(Mirror, &runtime, &drain, settings);
    let addr = SocketAddr::from(([127, 0, 0, 1], 80));
    let options = ListenOptions::default();
    let listener = runtime.listen(addr, options).expect("a port");
    let accepts = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server: Rc<Server<Mirror>> = server.clone();
            let serves = async move { drop(server.connection(stream).await) };
            runtime.spawn(serves).detach();
        }
    };
    world.runtime.spawn(accepts).detach();
}

/// I47: several megabytes go both ways, in chunks and with a length, through
/// a network that cuts and loses readiness; a few bytes at a time suffice.
#[test]
fn megabytes_go_both_ways() {
    let faults = Faults {
        room: 20_000,
        ..Faults::ROUGH
    };
    for seed in 0..2 {
        let told = seed % 2 == 0;
        World::run(seed, faults, Settings::default(), async |world| {
            start_mirror(world);
            let length = 2_000_000;
            let outgoing = upload(length, told, length);
            let mut reply = world.client.send(outgoing).await.expect("one");
            let body = reply.whole(1 << 24).await.expect("a body");
            let expected: Vec<u8> = (0..length).map(byte_at).collect();
            assert!(body == expected, "input: up, seed={seed}");
            let mut outgoing = get(&format!("http://127.0.0.1/{length}"));
            if told {
                outgoing = outgoing.with("Told", "1").expect("a field");
            }
            let mut reply = world.client.send(outgoing).await.expect("one");
            let (mut piece, mut at) = (Vec::new(), 0);
            while reply.piece(&mut piece).await.expect("a piece") {
                assert!(piece.len() <= 64 * 1024, "input: one piece");
                let right = (at..).map(byte_at).take(piece.len());
                assert!(right.eq(piece.iter().copied()), "input: at {at}");
                at += piece.len() as u64;
                piece.clear();
            }
            assert_eq!(at, length, "input: down, seed={seed}");
            let counts = world.client.counts();
            assert_eq!((counts.opened, counts.reused), (1, 1), "seed={seed}");
        });
    }
}

/// I43, I44: on a network that resets, a request ends with its answer or an
/// error, is seen twice at most, and no place is lost.
#[test]
fn resets_lose_nothing_but_requests() {
    let faults = Faults {
        reset: 0.03,
        ..Faults::ROUGH
    };
    let (mut good, mut lost, mut retried) = (0, 0, 0);
    for seed in 0..300 {
        let counts =
            World::run(seed, faults, Settings::default(), async |world| {
                let script: Vec<Act> =
                    (0..9).flat_map(|_| [Act::Take, ok("right")]).collect();
                let seen = world.serve(80, vec![script; 99]);
                for n in 0..8 {
                    let url = format!("http://127.0.0.1/{n}");
                    match world.get(&url).await {
                        Ok(answer) => {
                            let expected = (200, "right".to_owned());
                            assert_eq!(answer, expected, "input: seed={seed}");
                            good += 1;
                        }
                        Err(
                            ClientError::Lost(_) | ClientError::Connect(..),
                        ) => {
                            lost += 1;
                        }
                        Err(error) => panic!("seed={seed}: {error}"),
                    }
                    let line = format!("GET /{n} HTTP/1.1");
                    let seen = seen.borrow();
                    let times =
                        seen.iter().filter(|s| s.line() == line).count();
                    assert!(times <= 2, "input: seed={seed}: {times} times");
                }
                let all = world.client.places() + world.client.idle();
                assert_eq!(all, 256, "input: places, seed={seed}");
                world.client.counts()
            });
        retried += counts.retried;
    }
    assert!(
        good > 500 && lost > 50 && retried > 20,
        "{good} {lost} {retried}"
    );
}

/// I47: the same seed gives the same run.
#[test]
fn runs_can_be_repeated() {
    let run = |seed| {
        let sim = Sim::new(
            seed,
            Faults {
                reset: 0.01,
                ..Faults::ROUGH
            },
        );
        let runtime = Runtime::simulated(&sim);
        let client = Client::new(&runtime, Settings::default());
        let world = World { runtime, client };
        let body = async {
            start_mirror(&world);
            let mut ends = Vec::new();
            for _ in 0..5 {
                ends.push(short(world.send(with_body("PUT", A, "x")).await));
            }
            ends
        };
        let ends = world.runtime.block_on(body).expect("a loop");
        (ends, sim.trace().hash(), sim.clock().now())
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "input: seed={seed}");
    }
}
