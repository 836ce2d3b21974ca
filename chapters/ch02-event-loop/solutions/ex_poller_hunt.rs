//! A bug hunt: a test that no wrong poller survives.

use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ch00_toolbox::sys::pipe;
use ch02_event_loop::poller::{Event, Interest, Poller, Source};
use ch02_event_loop::slab::Token;

/// Panics when what `new` makes does not keep I6 to I9 of `poller`. Gets the
/// right ones, and mutants of one of them with one bug each.
pub fn hunt(new: fn() -> Box<dyn Poller>) {
    // begin: a scene for each promise that may be broken
    let pair = || UnixStream::pair().expect("two sockets");
    let source = |of: &UnixStream| Source(of.as_raw_fd());
    let name = Token::from_bits;
    let now = |poller: &mut dyn Poller| -> Vec<Event> {
        let mut events = Vec::new();
        let waited = poller.wait(&mut events, Some(Duration::ZERO));
        waited.expect("a wait of no time");
        events
    };
    let said = |events: &[Event], of: Token| {
        let of_it = events.iter().filter(|event| event.token == of);
        of_it.fold([false; 2], |[read, write], event| {
            [read | event.ready.read, write | event.ready.write]
        })
    };

    // Armed one after the other, both directions are armed.
    let poller = &mut *new();
    let (a, mut b) = pair();
    poller.add(source(&a), name(1)).expect("open");
    poller.arm(source(&a), Interest::WRITE).expect("known");
    poller.arm(source(&a), Interest::READ).expect("known");
    b.write_all(b"x").expect("room");
    assert_eq!(said(&now(poller), name(1)), [true, true], "armed for both");
    // Reported, and not armed again: quiet. Nor is it when the peer goes.
    assert_eq!(now(poller), [], "reported already");
    let (c, d) = pair();
    poller.add(source(&c), name(2)).expect("open");
    let _ = now(poller);
    drop(d);
    let _ = now(poller);
    assert_eq!(now(poller), [], "gone, and nobody has armed it");
    // A name is not replaced.
    let again = poller.add(source(&a), name(3)).map_err(|e| e.kind());
    assert_eq!(again, Err(ErrorKind::AlreadyExists), "added twice");

    // The end of a pipe is readiness to read, though nothing can be read.
    let poller = &mut *new();
    let (read, write) = pipe().expect("two descriptors");
    poller.add(Source(read.as_raw_fd()), name(1)).expect("open");
    poller
        .arm(Source(read.as_raw_fd()), Interest::READ)
        .expect("known");
    drop(write);
    assert!(said(&now(poller), name(1))[0], "the end of a pipe");

    // After a remove, everybody else has the name that they were given.
    let poller = &mut *new();
    let pairs: Vec<_> = (0..4).map(|_| pair()).collect();
    for (number, (a, mut b)) in (0..).zip(pairs.iter().map(|(a, b)| (a, b))) {
        poller.add(source(a), name(number)).expect("open");
        poller.arm(source(a), Interest::READ).expect("known");
        if number % 2 == 1 {
            b.write_all(b"x").expect("room");
        }
    }
    poller.remove(source(&pairs[0].0)).expect("known");
    let mut events = vec![Event {
        token: name(9),
        ready: Default::default(),
    }];
    let waited = poller.wait(&mut events, Some(Duration::ZERO));
    waited.expect("a wait of no time");
    assert_eq!(events[0].token, name(9), "what was there stays there");
    let has_bytes = [1, 2, 3].map(|number| said(&events, name(number))[0]);
    assert_eq!(has_bytes, [true, false, true], "who has bytes");
    assert_eq!(said(&events, name(0)), [false; 2], "removed");
    // end
}
