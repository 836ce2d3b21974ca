//! What step 3 must do. The poller is a script and the clock is virtual, so
//! that each order of events happens on every run (`callbacks` has both).

mod callbacks;

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use ch00_toolbox::clock::RealClock;
use ch02_event_loop::callbacks::{Loop, Timer};
use ch02_event_loop::connection::{accept, serve};
use ch02_event_loop::poll::Poll;
use ch02_event_loop::poller::{Interest, Poller, Ready, Source, system};
use ch02_event_loop::slab::Token;

use callbacks::{Calls, READ, SECOND, Script, Tells, connection, naive, quiet};

/// I10: each event calls the callback of its token, in the order of the
/// events, with what became ready; no event calls nobody.
#[test]
fn events_call_their_callbacks() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let mut tokens = Vec::new();
    for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
        let calls = calls.clone();
        tokens.push(l.add(Source(at as i32), move |_, _, ready| {
            assert_eq!(ready, READ, "what {name} became ready for");
            calls.add(name);
        })?);
    }
    let [a, b, c] = tokens[..] else {
        unreachable!()
    };
    script.will(&[&[c, a], &[], &[b, b]]);
    let counts = [l.turn(None)?, l.turn(None)?, l.turn(None)?];
    assert_eq!(counts, [2, 0, 2], "input: c a, then nothing, then b b");
    assert_eq!(calls.take(), ["c", "a", "b", "b"], "what was called");
    Ok(())
}

/// I10: an event of a token that an earlier event of the same turn removed
/// calls nobody, not even who has its place and its source now.
#[test]
fn a_stale_event_reaches_nobody() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let old = calls.clone();
    let b = l.add(Source(2), move |_, _, _| old.add("b, stale"))?;
    let new = calls.clone();
    let a = l.add(Source(1), move |l, _, _| {
        let new = new.clone();
        assert!(l.remove(b), "b is there");
        let callback = move |_: &mut Loop, _, _| new.add("a stranger");
        // The same descriptor's number, and the same place.
        let c = l.add(Source(2), callback).expect("2 is free");
        assert_ne!(c, b, "the token of a new tenant");
    })?;
    script.will(&[&[a, b, b]]);
    let count = l.turn(None)?;
    assert_eq!(calls.take(), [""; 0], "events of b, which a removed");
    assert_eq!(count, 1, "calls");
    assert_eq!(l.len(), 2, "a, and b's successor");
    Ok(())
}

/// I11: a callback that removes itself runs to its end, is dropped then,
/// and does not come back over the new tenant of its place.
#[test]
fn a_callback_may_remove_itself() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let (mine, owned) = (calls.clone(), Tells(calls.clone()));
    let heir = calls.clone();
    let a = l.add(Source(1), move |l, token, _| {
        let _socket = &owned;
        assert!(l.remove(token), "it is there");
        assert!(!l.remove(token), "and then it is not");
        let heir = heir.clone();
        let callback = move |_: &mut Loop, _, _| heir.add("the heir");
        l.add(Source(1), callback).expect("1 is free");
        mine.add("to the end");
    })?;
    script.will(&[&[a]]);
    l.turn(None)?;
    assert_eq!(calls.take(), ["to the end", "dropped"], "in this order");
    let b = *script.0.borrow().known.values().next().expect("the heir");
    script.will(&[&[a, b]]);
    l.turn(None)?;
    assert_eq!(calls.take(), ["the heir"], "events of both");
    Ok(())
}

/// I11: what a callback adds is called from the next turn on.
#[test]
fn a_callback_may_add() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let inner = calls.clone();
    let a = l.add(Source(1), move |l, _, _| {
        let inner = inner.clone();
        let callback = move |_: &mut Loop, _, _| inner.add("added");
        let b = l.add(Source(2), callback).expect("2 is free");
        l.arm(b, Interest::READ).expect("it is there");
        l.again(b, READ);
    })?;
    script.will(&[&[a], &[]]);
    assert_eq!((l.turn(None)?, calls.take()), (1, vec![]), "turn 1");
    assert_eq!((l.turn(None)?, calls.take()), (1, vec!["added"]), "turn 2");
    let armed = script.0.borrow().armed.clone();
    assert_eq!(armed, [(Source(2), Interest::READ)], "what was armed");
    Ok(())
}

/// I12: remove drops the callback, and the poller forgets the source first:
/// after the drop, which closes it, its number may be anybody's.
#[test]
fn remove_forgets_then_drops() -> io::Result<()> {
    struct Socket(Script, Calls);
    impl Drop for Socket {
        fn drop(&mut self) {
            let is_known = self.0.known().contains(&1);
            self.1.add(if is_known { "known" } else { "forgotten" });
        }
    }
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let socket = Socket(script.clone(), calls.clone());
    let token = l.add(Source(1), move |_, _, _| {
        let _own = &socket;
    })?;
    assert!(l.remove(token), "it is there");
    assert_eq!(calls.take(), ["forgotten"], "when the socket is dropped");
    assert!(!l.remove(token), "it is not there any more");
    let armed = l.arm(token, Interest::READ).map_err(|e| e.kind());
    assert_eq!(armed, Err(ErrorKind::NotFound), "arm after remove");
    l.again(token, READ); // nobody's
    script.will(&[&[token]]);
    assert_eq!(l.turn(None)?, 0, "an event after remove");
    Ok(())
}

/// I12: what cannot be added is dropped, and leaves nothing behind.
#[test]
fn a_refused_source_leaves_nothing() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    script.0.borrow_mut().refuses = true;
    let socket = Tells(calls.clone());
    let added = l.add(Source(1), move |_, _, _| {
        let _own = &socket;
    });
    let added = added.map_err(|e| e.kind());
    assert_eq!(added, Err(ErrorKind::AlreadyExists), "the poller's error");
    assert_eq!(calls.take(), ["dropped"], "what the callback owned");
    assert!(l.is_empty(), "the loop");
    Ok(())
}

/// I13: `again` is the next turn's, once, merged, and that turn does not
/// sleep.
#[test]
fn again_is_the_next_turns() -> io::Result<()> {
    let (script, seen) = (Script::default(), Rc::new(RefCell::new(vec![])));
    let mut l = script.new_loop();
    let log = seen.clone();
    let a = l.add(Source(1), move |l, token, ready| {
        log.borrow_mut().push(ready);
        if log.borrow().len() < 3 {
            l.again(token, READ);
            l.again(token, READ);
        }
    })?;
    l.again(a, READ);
    l.again(
        a,
        Ready {
            write: true,
            ..Ready::default()
        },
    );
    let counts = [l.turn(None)?, l.turn(None)?, l.turn(None)?];
    assert_eq!(counts, [1, 1, 1], "a callback that asks again, twice");
    let first = Ready {
        write: true,
        ..READ
    };
    assert_eq!(*seen.borrow(), [first, READ, READ], "what it was told");
    let limits = script.0.borrow().limits.clone();
    assert_eq!(limits, [Some(Duration::ZERO); 3], "how long it may sleep");
    Ok(())
}

/// I13: a callback that asks again for ever lets others be called, and every
/// turn end.
#[test]
fn again_starves_nobody() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let (greedy, modest) = (calls.clone(), calls.clone());
    let a = l.add(Source(1), move |l, token, _| {
        greedy.add("a");
        l.again(token, READ);
    })?;
    let b = l.add(Source(2), move |_, _, _| modest.add("b"))?;
    l.again(a, READ);
    script.will(&[&[], &[b], &[]]);
    for _ in 0..3 {
        l.turn(None)?;
    }
    let mut got = calls.take();
    got.sort();
    assert_eq!(got, ["a", "a", "a", "b"], "three turns");
    Ok(())
}

/// I14: a turn sleeps until the nearest timer, and calls those that are due
/// in their order; a cancelled one never.
#[test]
fn timers_are_called_in_order() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let set = |l: &mut Loop, seconds, name| -> Timer {
        let calls = calls.clone();
        l.after(seconds * SECOND, move |_| calls.add(name))
    };
    set(&mut l, 3, "c");
    set(&mut l, 1, "a");
    set(&mut l, 1, "b");
    let gone = set(&mut l, 2, "cancelled");
    assert!(l.cancel(gone), "it is there");
    assert!(!l.cancel(gone), "it was cancelled before");
    assert_eq!((l.turn(None)?, calls.take()), (2, vec!["a", "b"]), "turn 1");
    assert_eq!((l.turn(Some(SECOND))?, calls.take()), (0, vec![]), "turn 2");
    let limit = Some(9 * SECOND);
    assert_eq!((l.turn(limit)?, calls.take()), (1, vec!["c"]), "turn 3");
    let limits = script.0.borrow().limits.clone();
    assert_eq!(limits, [Some(SECOND); 3], "1 s, then 1 s of 2, then 1 s");
    assert!(l.is_empty(), "the loop has nothing left to do");
    Ok(())
}

/// I14: a timer may set and cancel others, and one of no delay waits for the
/// next turn.
#[test]
fn timers_within_timers() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let victim: Rc<Cell<Option<Timer>>> = Rc::default();
    let (first, second) = (calls.clone(), calls.clone());
    let whom = victim.clone();
    l.after(SECOND, move |l| {
        first.add("first");
        let inner = first.clone();
        l.after(Duration::ZERO, move |_| inner.add("no delay"));
        assert!(whom.take().is_some_and(|timer| l.cancel(timer)));
    });
    let timer = l.after(SECOND, move |_| second.add("cancelled"));
    victim.set(Some(timer));
    assert_eq!((l.turn(None)?, calls.take()), (1, vec!["first"]), "turn 1");
    let expected = (1, vec!["no delay"]);
    assert_eq!((l.turn(None)?, calls.take()), expected, "turn 2");
    assert_eq!(script.0.borrow().limits[1], Some(Duration::ZERO), "turn 2");
    Ok(())
}

/// I14: an answer that is there wins over its timeout.
#[test]
fn events_come_before_timers() -> io::Result<()> {
    let (script, calls) = (Script::default(), Calls::default());
    let mut l = script.new_loop();
    let late = calls.clone();
    let timer = l.after(SECOND, move |_| late.add("timeout"));
    let answer = calls.clone();
    let a = l.add(Source(1), move |l, _, _| {
        answer.add("answer");
        l.cancel(timer);
    })?;
    script.0.borrow().clock.advance(SECOND);
    script.will(&[&[a]]);
    assert_eq!((l.turn(None)?, calls.take()), (1, vec!["answer"]), "both");
    Ok(())
}

/// I11: a turn within a turn is refused: its callback would be out.
#[test]
fn a_callback_must_not_turn_the_loop() -> io::Result<()> {
    let (script, got) = (Script::default(), Rc::new(Cell::new(None)));
    let mut l = script.new_loop();
    let seen = got.clone();
    let a = l.add(Source(1), move |l, _, _| {
        seen.set(Some(l.turn(None).map_err(|e| e.kind())));
    })?;
    script.will(&[&[a], &[a]]);
    l.turn(None)?;
    let expected = Some(Err(ErrorKind::Deadlock));
    assert_eq!(got.take(), expected, "a turn within a turn");
    assert_eq!(l.turn(None)?, 1, "the next turn");
    Ok(())
}

/// I11: a callback's panic is the program's, and the loop is of no use then.
#[test]
fn a_panic_comes_through() -> io::Result<()> {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let script = Script::default();
    let mut l = script.new_loop();
    let a = l.add(Source(1), |_, _, _| panic!("meant to be"))?;
    script.will(&[&[a], &[a]]);
    let turn = AssertUnwindSafe(|| l.turn(None));
    assert!(
        catch_unwind(turn).is_err(),
        "the panic comes out of the turn"
    );
    let got = l.turn(None).map_err(|e| e.kind());
    assert_eq!(got, Err(ErrorKind::Deadlock), "the next turn");
    Ok(())
}

/// I10, I11, I12, I13: whatever the callbacks do to each other, those are
/// called whom a loop that never uses a name twice would call.
#[test]
fn the_loop_calls_whom_the_naive_loop_calls() {
    naive::the_loop_calls_whom_the_naive_loop_calls();
}

/// I15: what comes back is what was sent, however both ways are cut, refused
/// and interrupted; no step waits for what did not refuse.
#[test]
fn a_connection_is_the_identity() {
    connection::a_connection_is_the_identity();
}

/// I15: one that does not read is not read from once it is owed CAP, and
/// gets all of it when it reads again; its end does not cut it short.
#[test]
fn a_full_connection_is_not_read() -> io::Result<()> {
    connection::a_full_connection_is_not_read()
}

/// I15: a client that always has more gives way after ROUNDS reads.
#[test]
fn a_turn_has_an_end() -> io::Result<()> {
    connection::a_turn_has_an_end()
}

/// I15: a reset and a stream that takes nothing are errors, not ends.
#[test]
fn a_connections_error_is_told() {
    connection::a_connections_error_is_told();
}

/// I15: accept goes on after a client's bad luck, pauses after a shortage,
/// for as long as it lasts, and loses nobody.
#[test]
fn accept_survives() -> io::Result<()> {
    connection::accept_survives()
}

/// I15: many new clients are accepted in batches; a listener that is
/// unusable is removed, and the clients stay.
#[test]
fn accept_takes_turns_and_ends() -> io::Result<()> {
    connection::accept_takes_turns_and_ends()
}

/// I15: a client's end and a client's reset end that client only.
#[test]
fn one_clients_end_is_its_own() -> io::Result<()> {
    connection::one_clients_end_is_its_own()
}

/// I10, I15: on both pollers, twenty clients over TCP get their own bytes
/// back, more than the buffers on the way hold, and then the end.
#[test]
fn over_tcp_on_both_pollers() -> io::Result<()> {
    let pollers: [Box<dyn Poller>; 2] = [system()?, Box::new(Poll::new())];
    for poller in pollers {
        let mut l = Loop::new(poller, Box::new(RealClock::new()));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let source = Source(listener.as_raw_fd());
        serve(&mut l, source, move || accept(&listener), quiet())?;
        let clients: Vec<_> = (0..20u8)
            .map(|at| {
                std::thread::spawn(move || -> io::Result<bool> {
                    let mut stream = TcpStream::connect(addr)?;
                    let sent = vec![at; 300_000];
                    let mut up = stream.try_clone()?;
                    let bytes = sent.clone();
                    let sender = std::thread::spawn(move || {
                        up.write_all(&bytes)?;
                        up.shutdown(Shutdown::Write)
                    });
                    let mut back = Vec::new();
                    stream.read_to_end(&mut back)?;
                    let sent_all = sender.join().is_ok_and(|r| r.is_ok());
                    Ok(sent_all && back == sent)
                })
            })
            .collect();
        let mut idle = 0;
        while !clients.iter().all(|client| client.is_finished()) {
            idle += u32::from(l.turn(Some(Duration::from_millis(20)))? == 0);
            assert!(idle < 1_000, "the clients wait, and nobody is called");
        }
        for client in clients {
            let is_same = client.join().expect("it does not panic")?;
            assert!(is_same, "a client got other bytes than it sent");
        }
        l.turn(Some(Duration::ZERO))?;
        l.turn(Some(Duration::ZERO))?;
        assert_eq!(l.len(), 1, "only the listener is left");
    }
    Ok(())
}

/// I10: on both pollers, two sources are ready at once, and the callback of
/// the first removes the second, which closes it.
#[test]
fn a_removed_source_is_silent_on_both_pollers() -> io::Result<()> {
    let pollers: [Box<dyn Poller>; 2] = [system()?, Box::new(Poll::new())];
    for poller in pollers {
        let mut l = Loop::new(poller, Box::new(RealClock::new()));
        let calls = Calls::default();
        let tokens: Rc<RefCell<Vec<Token>>> = Rc::default();
        let mut far = Vec::new();
        for name in ["a", "b"] {
            let (one, near) = UnixStream::pair()?;
            far.push(one);
            let source = Source(near.as_raw_fd());
            let (calls, others) = (calls.clone(), tokens.clone());
            let token = l.add(source, move |l, token, _| {
                let _own = &near;
                calls.add(name);
                for &other in others.borrow().iter() {
                    if other != token {
                        l.remove(other);
                    }
                }
            })?;
            l.arm(token, Interest::READ)?;
            tokens.borrow_mut().push(token);
        }
        for one in &mut far {
            one.write_all(b"x")?;
        }
        l.turn(Some(SECOND))?;
        let got = calls.take();
        assert_eq!(got.len(), 1, "only the first is called: {got:?}");
        assert_eq!(l.len(), 1, "who called");
    }
    Ok(())
}
