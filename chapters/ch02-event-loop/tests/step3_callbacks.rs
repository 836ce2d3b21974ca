//! What step 3 must do. The poller is a script and the clock is virtual, so
//! that each order of events happens on every run.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use ch00_toolbox::clock::{Clock, RealClock, VirtualClock};
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::callbacks::{Loop, Timer};
use ch02_event_loop::connection::{
    ACCEPTS, CAP, Connection, Next, PAUSE, ROUNDS, accept, serve,
};
use ch02_event_loop::poll::Poll;
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source, system};
use ch02_event_loop::slab::Token;

const READ: Ready = Ready {
    read: true,
    write: false,
    read_closed: false,
    write_closed: false,
};

const SECOND: Duration = Duration::from_secs(1);

/// A poller whose waits are scripted, and what it was asked.
#[derive(Clone, Default)]
struct Script(Rc<RefCell<Scripted>>);

#[derive(Default)]
struct Scripted {
    waits: VecDeque<Vec<Event>>, // then nothing, for as long as may be
    limits: Vec<Option<Duration>>,
    known: BTreeMap<Source, Token>,
    armed: Vec<(Source, Interest)>,
    clock: VirtualClock,
    refuses: bool,
}

impl Script {
    /// What the next waits give.
    fn will(&self, tokens: &[&[Token]]) {
        for batch in tokens {
            let event = |&token| Event { token, ready: READ };
            let events = batch.iter().map(event).collect();
            self.0.borrow_mut().waits.push_back(events);
        }
    }

    fn known(&self) -> Vec<i32> {
        self.0
            .borrow()
            .known
            .keys()
            .map(|source| source.0)
            .collect()
    }

    fn new_loop(&self) -> Loop {
        let clock = self.0.borrow().clock.clone();
        Loop::new(Box::new(self.clone()), Box::new(clock))
    }
}

impl Poller for Script {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        let mut script = self.0.borrow_mut();
        if script.refuses || script.known.contains_key(&source) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        script.known.insert(source, token);
        Ok(())
    }

    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()> {
        self.0.borrow_mut().armed.push((source, interest));
        Ok(())
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        let known = self.0.borrow_mut().known.remove(&source);
        known.map(|_| ()).ok_or(ErrorKind::NotFound.into())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let mut script = self.0.borrow_mut();
        script.limits.push(timeout);
        match (script.waits.pop_front(), timeout) {
            (Some(batch), _) => events.extend(batch),
            (None, Some(time)) => script.clock.advance(time),
            (None, None) => return Err(ErrorKind::TimedOut.into()),
        }
        Ok(())
    }
}

/// What was called, in order.
#[derive(Clone, Default)]
struct Calls(Rc<RefCell<Vec<&'static str>>>);

impl Calls {
    fn add(&self, name: &'static str) {
        self.0.borrow_mut().push(name);
    }

    fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

fn quiet() -> Log {
    Log::new(Level::Error, || Duration::ZERO, io::sink())
}

/// A source that says when it is dropped.
struct Tells(Calls);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}

/// I30: each event calls the callback of its token, in the order of the
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

/// I30: an event of a token that an earlier event of the same turn removed
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

/// I31: a callback that removes itself runs to its end, is dropped then,
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

/// I31: what a callback adds is called from the next turn on.
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

/// I32: remove drops the callback, and the poller forgets the source first:
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

/// I32: what cannot be added is dropped, and leaves nothing behind.
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

/// I33: `again` is the next turn's, once, merged, and that turn does not
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

/// I33: a callback that asks again for ever lets others be called, and every
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

/// I34: a turn sleeps until the nearest timer, and calls those that are due
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
    assert_eq!((l.turn(None)?, calls.take()), (1, vec!["c"]), "turn 3");
    let limits = script.0.borrow().limits.clone();
    assert_eq!(limits, [Some(SECOND); 3], "1 s, then 1 s of 2, then 1 s");
    assert!(l.is_empty(), "the loop has nothing left to do");
    Ok(())
}

/// I34: a timer may set and cancel others, and one of no delay waits for the
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

/// I34: an answer that is there wins over its timeout.
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

/// I31: a turn within a turn is refused: its callback would be out.
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

/// One thing that a callback does when it is called.
#[derive(Debug, Clone, Copy)]
enum Act {
    Nothing,
    Add,
    Remove(usize), // of the sources ever added, this one, counted around
    RemoveItself,
    Again(usize),
}

/// The naive loop: names are never used twice, so nothing can be mistaken.
#[derive(Default)]
struct Naive {
    here: Vec<bool>, // by number of addition
    asked: Vec<usize>,
}

impl Naive {
    fn act(&mut self, own: usize, act: Act) {
        let all = self.here.len();
        match act {
            Act::Nothing => {}
            Act::Add => self.here.push(true),
            Act::Remove(which) => self.here[which % all] = false,
            Act::RemoveItself => self.here[own] = false,
            Act::Again(which) => {
                let which = which % all;
                if self.here[which] && !self.asked.contains(&which) {
                    self.asked.push(which);
                }
            }
        }
    }
}

/// What the callbacks of both loops share.
#[derive(Clone)]
struct Shared {
    tokens: Rc<RefCell<Vec<Token>>>, // by number of addition
    calls: Rc<RefCell<Vec<usize>>>,
    acts: Rc<RefCell<VecDeque<Act>>>,
}

fn add_one(l: &mut Loop, shared: &Shared) {
    let own = shared.tokens.borrow().len();
    let inner = shared.clone();
    let callback = move |l: &mut Loop, token, _| {
        inner.calls.borrow_mut().push(own);
        let act = inner.acts.borrow_mut().pop_front();
        let named = |which: usize| {
            let tokens = inner.tokens.borrow();
            tokens[which % tokens.len()]
        };
        match act.unwrap_or(Act::Nothing) {
            Act::Nothing => {}
            Act::Add => add_one(l, &inner),
            Act::Remove(which) => drop(l.remove(named(which))),
            Act::RemoveItself => drop(l.remove(token)),
            Act::Again(which) => l.again(named(which), READ),
        }
    };
    let token = l.add(Source(own as i32), callback).expect("a new source");
    shared.tokens.borrow_mut().push(token);
}

/// I30, I31, I32, I33: whatever the callbacks do to each other, those are
/// called whom a loop that never uses a name twice would call.
#[test]
fn the_loop_calls_whom_the_naive_loop_calls() {
    let act = |random: &mut Gen| match random.upto(5) {
        0 => Act::Nothing,
        1 => Act::Add,
        2 => Act::Remove(random.upto(9) as usize),
        3 => Act::RemoveItself,
        _ => Act::Again(random.upto(9) as usize),
    };
    prop::check(
        "the_loop_calls_whom_the_naive_loop_calls",
        2_000,
        |random| {
            let acts = random.vec(20, act);
            let batch = |random: &mut Gen| {
                random.vec(5, |random| random.upto(9) as usize)
            };
            (acts, random.vec(6, batch))
        },
        |(acts, batches)| {
            let script = Script::default();
            let mut l = script.new_loop();
            let shared = Shared {
                tokens: Rc::default(),
                calls: Rc::default(),
                acts: Rc::new(RefCell::new(acts.clone().into())),
            };
            let mut naive = Naive::default();
            let mut acts = acts.iter().copied();
            let mut expected = Vec::new();
            for _ in 0..3 {
                add_one(&mut l, &shared);
                naive.here.push(true);
            }
            for batch in batches {
                let all = naive.here.len();
                let mut called: Vec<usize> =
                    batch.iter().map(|which| which % all).collect();
                let tokens: Vec<Token> = called
                    .iter()
                    .map(|&which| shared.tokens.borrow()[which])
                    .collect();
                script.will(&[&tokens]);
                called.append(&mut naive.asked);
                for which in called {
                    if naive.here[which] {
                        expected.push(which);
                        let act = acts.next().unwrap_or(Act::Nothing);
                        naive.act(which, act);
                    }
                }
                let count = l.turn(None).map_err(|e| e.to_string())?;
                let got = shared.calls.borrow().clone();
                if got != expected {
                    return Err(format!("called {got:?}, not {expected:?}"));
                }
                let here = naive.here.iter().filter(|here| **here).count();
                if l.len() != here {
                    return Err(format!("{} here, not {here}", l.len()));
                }
                if count > got.len() {
                    return Err(format!("{count} calls counted"));
                }
            }
            Ok(())
        },
    );
}

/// A stream whose calls do what a script says, and then refuse for now; it
/// remembers in which direction.
#[derive(Default)]
struct Stream {
    reads: VecDeque<Result<Vec<u8>, ErrorKind>>, // then the end
    writes: VecDeque<Result<usize, ErrorKind>>,  // then all
    written: Vec<u8>,
    refused: Rc<Cell<Interest>>, // by the last call of each direction
    calls: Rc<Cell<usize>>,
}

impl Stream {
    fn note(&mut self, is_read: bool, refused: bool) {
        self.calls.set(self.calls.get() + 1);
        let mut now = self.refused.get();
        match is_read {
            true => now.read = refused,
            false => now.write = refused,
        }
        self.refused.set(now);
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let step = self.reads.pop_front().unwrap_or(Ok(Vec::new()));
        self.note(true, step == Err(ErrorKind::WouldBlock));
        let mut bytes = step?;
        let count = bytes.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        if count < bytes.len() {
            self.reads.push_front(Ok(bytes.split_off(count)));
        }
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.writes.pop_front().unwrap_or(Ok(usize::MAX));
        self.note(false, most == Err(ErrorKind::WouldBlock));
        let count = bytes.len().min(most?);
        self.written.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// I35: what comes back is what was sent, however both ways are cut, refused
/// and interrupted; no step waits for what did not refuse.
#[test]
fn a_connection_is_the_identity() {
    prop::check(
        "a_connection_is_the_identity",
        2_000,
        |random| {
            let refusal = |random: &mut Gen| {
                *random.pick(&[ErrorKind::WouldBlock, ErrorKind::Interrupted])
            };
            let reads = random.vec(12, |random| match random.once_in(3) {
                true => Err(refusal(random)),
                false => Ok(random.bytes(40)),
            });
            let writes = random.vec(40, |random| match random.once_in(2) {
                true => Err(refusal(random)),
                false => Ok(random.range(1, 9) as usize),
            });
            (reads, writes)
        },
        |(reads, writes)| {
            let sent: Vec<u8> =
                reads.iter().flatten().flatten().copied().collect();
            let stream = Stream {
                // A read of nothing would be the end.
                reads: reads
                    .iter()
                    .filter(|read| **read != Ok(Vec::new()))
                    .cloned()
                    .collect(),
                writes: writes.iter().copied().collect(),
                ..Stream::default()
            };
            let refused = stream.refused.clone();
            let written: Rc<RefCell<Vec<u8>>> = Rc::default();
            let stream = Shown(stream, written.clone());
            let mut connection = Connection::new(stream);
            for _ in 0..reads.len() + writes.len() + 1 {
                match connection.step().map_err(|e| e.to_string())? {
                    Next::Wait(interest) => {
                        let refused = refused.get();
                        if interest.read && !refused.read
                            || interest.write && !refused.write
                            || interest == Interest::default()
                        {
                            return Err(format!(
                                "waits for {interest:?}; {refused:?} refused"
                            ));
                        }
                    }
                    Next::Again => {}
                    Next::Over => {
                        let got = &*written.borrow();
                        let count = connection.echoed();
                        return match *got == sent && count == sent.len() as u64
                        {
                            true => Ok(()),
                            false => Err(format!("{got:?}, counted {count}")),
                        };
                    }
                }
            }
            Err("never over".to_string())
        },
    );
}

/// A stream whose writes can be seen while the connection has it.
struct Shown(Stream, Rc<RefCell<Vec<u8>>>);

impl Read for Shown {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        self.1.borrow_mut().extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// I35: one that does not read is not read from once it is owed CAP, and
/// gets all of it when it reads again; its end does not cut it short.
#[test]
fn a_full_connection_is_not_read() -> io::Result<()> {
    use ErrorKind::WouldBlock;
    let much = vec![b'x'; 3 * CAP];
    let mut stream = Stream {
        reads: [Ok(much)].into(),
        ..Stream::default()
    };
    stream.writes.extend([Err(WouldBlock); ROUNDS + 1]);
    let (written, refused) = (Rc::default(), stream.refused.clone());
    let mut connection = Connection::new(Shown(stream, Rc::clone(&written)));
    let next = connection.step()?;
    assert_eq!(next, Next::Wait(Interest::WRITE), "a peer that reads not");
    assert!(refused.get().write, "the write was tried");
    let mut steps = 1;
    while connection.step()? != Next::Over {
        steps += 1;
        assert!(steps < 100, "{} bytes are back", written.borrow().len());
    }
    assert_eq!(written.borrow().len(), 3 * CAP, "bytes that came back");
    Ok(())
}

/// I35: a client that always has more gives way after ROUNDS reads.
#[test]
fn a_turn_has_an_end() -> io::Result<()> {
    let reads = (0..1000).map(|_| Ok(b"x".to_vec())).collect();
    let stream = Stream {
        reads,
        ..Stream::default()
    };
    let calls = stream.calls.clone();
    let mut connection = Connection::new(stream);
    assert_eq!(connection.step()?, Next::Again, "1,000 reads in a row");
    assert!(calls.get() <= 2 * ROUNDS, "{} calls in a step", calls.get());
    Ok(())
}

/// I35: a reset and a stream that takes nothing are errors, not ends.
#[test]
fn a_connections_error_is_told() {
    let check = |reads: Vec<Result<Vec<u8>, _>>, writes: Vec<_>, expected| {
        let input = format!("reads {reads:?}, writes {writes:?}");
        let stream = Stream {
            reads: reads.into(),
            writes: writes.into(),
            ..Stream::default()
        };
        let got = Connection::new(stream).step().map_err(|e| e.kind());
        assert_eq!(got, expected, "input: {input}");
    };
    use ErrorKind::{BrokenPipe, ConnectionReset, WriteZero};
    let hi = || Ok(b"hi".to_vec());
    check(vec![], vec![], Ok(Next::Over));
    check(vec![hi()], vec![], Ok(Next::Over));
    check(vec![Err(ConnectionReset)], vec![], Err(ConnectionReset));
    let reset = vec![hi(), Err(ConnectionReset)];
    check(reset, vec![], Err(ConnectionReset));
    check(vec![hi()], vec![Err(BrokenPipe)], Err(BrokenPipe));
    check(vec![hi()], vec![Ok(1), Ok(0)], Err(WriteZero));
}

type Accepts = VecDeque<Result<Stream, i32>>; // then nobody is there

/// A listener that gives these, on the sources 100, 101, …
fn serve_script(
    script: &Script,
    accepts: Accepts,
) -> io::Result<(Loop, Token, Rc<RefCell<Accepts>>)> {
    let mut l = script.new_loop();
    let accepts = Rc::new(RefCell::new(accepts));
    let (queue, mut next) = (accepts.clone(), 100);
    let accept = move || match queue.borrow_mut().pop_front() {
        None => Err(ErrorKind::WouldBlock.into()),
        Some(Err(number)) => Err(io::Error::from_raw_os_error(number)),
        Some(Ok(stream)) => {
            next += 1;
            Ok((stream, Source(next)))
        }
    };
    let token = serve(&mut l, Source(1), accept, quiet())?;
    Ok((l, token, accepts))
}

fn waiting() -> Stream {
    Stream {
        reads: [Err(ErrorKind::WouldBlock)].into(),
        ..Stream::default()
    }
}

/// I35: accept goes on after a client's bad luck, pauses after a shortage,
/// for as long as it lasts, and loses nobody.
#[test]
fn accept_survives() -> io::Result<()> {
    const EMFILE: i32 = 24;
    const ECONNABORTED: i32 = if cfg!(target_os = "macos") { 53 } else { 103 };
    let script = Script::default();
    let accepts = VecDeque::from([
        Ok(waiting()),
        Err(ECONNABORTED),
        Ok(waiting()),
        Err(EMFILE),
        Err(EMFILE),
        Err(EMFILE),
        Ok(waiting()),
    ]);
    let (mut l, token, accepts) = serve_script(&script, accepts)?;
    script.will(&[&[token]]);
    l.turn(None)?;
    assert_eq!(l.len(), 3, "the listener, and two clients");
    // A new client's event within the pause tries once more, and waits.
    script.will(&[&[token], &[token]]);
    l.turn(None)?;
    l.turn(None)?;
    assert_eq!(accepts.borrow().len(), 1, "three EMFILEs, no busy loop");
    let before = script.0.borrow().clock.now();
    for _ in 0..4 {
        l.turn(Some(PAUSE))?;
    }
    assert_eq!(l.len(), 4, "the third client, after the pause");
    assert_eq!(accepts.borrow().len(), 0, "nobody is left waiting");
    let waited = script.0.borrow().clock.now() - before;
    assert!(waited >= PAUSE, "waited {waited:?}");
    Ok(())
}

/// I35: many new clients are accepted in batches; a listener that is
/// unusable is removed, and the clients stay.
#[test]
fn accept_takes_turns_and_ends() -> io::Result<()> {
    const EBADF: i32 = 9;
    let script = Script::default();
    let many = 2 * ACCEPTS + 1;
    let mut accepts: Accepts = (0..many).map(|_| Ok(waiting())).collect();
    accepts.push_back(Err(EBADF));
    let (mut l, token, accepts) = serve_script(&script, accepts)?;
    script.will(&[&[token], &[]]);
    l.turn(None)?;
    let left = accepts.borrow().len();
    assert_eq!(left, many + 1 - ACCEPTS, "left after one turn");
    l.turn(None)?;
    l.turn(None)?;
    assert_eq!(l.len(), many, "the clients, without the listener");
    assert!(!script.known().contains(&1), "the listener is forgotten");
    Ok(())
}

/// I35: a client's end and a client's reset end that client only.
#[test]
fn one_clients_end_is_its_own() -> io::Result<()> {
    let script = Script::default();
    let reset = Stream {
        reads: [Err(ErrorKind::ConnectionReset)].into(),
        ..Stream::default()
    };
    let ends = Stream::default();
    let accepts = VecDeque::from([Ok(reset), Ok(waiting()), Ok(ends)]);
    let (mut l, token, _) = serve_script(&script, accepts)?;
    script.will(&[&[token]]);
    l.turn(None)?;
    assert_eq!(l.len(), 4, "accepted");
    l.turn(Some(Duration::ZERO))?;
    assert_eq!(script.known(), [1, 102], "the listener and who waits");
    Ok(())
}

/// I30, I35: on both pollers, twenty clients over TCP get their own bytes
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
        while !clients.iter().all(|client| client.is_finished()) {
            l.turn(Some(Duration::from_millis(20)))?;
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

/// I30: on both pollers, two sources are ready at once, and the callback of
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
