//! Connections that are closed when a request comes.

use std::time::Duration;

use ch02_event_loop::combine::join;
use ch03_http::client::{Outgoing, Payload, Settings};

use super::super::script::{Act, World, ok, say};
use super::parts::{A, Stream, get, short, with_body};

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

pub fn a_stale_connection_is_noticed_or_tried_again() {
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

pub fn twice_at_most() {
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

pub fn a_second_try_is_on_a_new_connection() {
    World::calm(Settings::default(), async |world| {
        // Two that are idle, and close when the next request comes.
        let script = || vec![Act::Take, Act::Wait(1), ok("1"), Act::Take];
        let last = vec![Act::Take, ok("2")];
        let seen = world.serve(80, vec![script(), script(), last]);
        let one = world.get(A);
        let two = world.get(A);
        let (one, two) = join(one, two).await;
        assert_eq!((short(one), short(two)), both("200 1"), "input: two");
        assert_eq!(world.client.idle(), 2, "input: two");
        assert_eq!(short(world.get(A).await), "200 2", "input: a third");
        assert_eq!(seen.borrow().len(), 4, "input: one of them, and a new one");
        assert_eq!(world.client.counts().retried, 1, "input: a third");
    });
}

fn both(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}
