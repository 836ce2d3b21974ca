//! The reactor: over a poller that a test scripts, and over the real ones.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use ch02_event_loop::alarm::{Alarm, Bell};
use ch02_event_loop::combine::join_all;
use ch02_event_loop::executor::{Driver, Executor, OPERATIONS};
use ch02_event_loop::poll;
use ch02_event_loop::poller::{Event, Interest, Poller, Ready, Source};
use ch02_event_loop::reactor::{Direction, Reactor, Registration};
use ch02_event_loop::slab::{Slab, Token};

use super::step5::reactors;

const READ: Ready = Ready {
    read: true,
    write: false,
    read_closed: false,
    write_closed: false,
};
const WRITE: Ready = Ready {
    read: false,
    write: true,
    ..READ
};
const END: Ready = Ready {
    read: false,
    read_closed: true,
    ..READ
};

/// What the scripted poller and its test share.
#[derive(Default)]
struct World {
    names: RefCell<BTreeMap<Source, Token>>,
    old: RefCell<Vec<Event>>, // to be reported under names of before
    batches: RefCell<VecDeque<Vec<(i32, Ready)>>>,
    armed: Cell<u32>,
    waits: Cell<u32>,
}

struct Scripted(Rc<World>);

impl Poller for Scripted {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        self.0.names.borrow_mut().insert(source, token);
        Ok(())
    }

    fn arm(&mut self, _: Source, _: Interest) -> io::Result<()> {
        self.0.armed.set(self.0.armed.get() + 1);
        Ok(())
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        self.0.names.borrow_mut().remove(&source);
        Ok(())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        self.0.waits.set(self.0.waits.get() + 1);
        events.append(&mut self.0.old.borrow_mut());
        let batch = self.0.batches.borrow_mut().pop_front();
        if batch.is_none() && timeout.is_none() {
            return Err(ErrorKind::TimedOut.into());
        }
        let names = self.0.names.borrow();
        events.extend(batch.into_iter().flatten().map(|(source, ready)| {
            let token = names[&Source(source)];
            Event { token, ready }
        }));
        Ok(())
    }
}

fn scripted(batches: &[&[(i32, Ready)]]) -> (Rc<World>, Rc<Reactor>) {
    let world = Rc::new(World::default());
    let batches = batches.iter().map(|batch| batch.to_vec()).collect();
    world.batches.replace(batches);
    let reactor = Reactor::alone(Box::new(Scripted(world.clone())));
    (world, reactor)
}

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A waker, and how often it was woken.
fn counted() -> (Waker, Arc<Count>) {
    let count = Arc::new(Count::default());
    (Waker::from(count.clone()), count)
}

/// Polls for readiness, with a new budget.
fn ask(reactor: &Reactor, io: &Registration, waker: &Waker) -> bool {
    reactor.budget().renew();
    io.poll_ready(&Context::from_waker(waker), Direction::Read)
        .is_ready()
}

/// I26: a source counts as ready until it is said to block; then its next
/// event makes it ready again, before or after a task asks.
#[test]
fn remembers_readiness() {
    let check = |batches: &[&[(i32, Ready)]], asks_first, expected| {
        let (_, reactor) = scripted(batches);
        let io = reactor.register(Source(1)).unwrap();
        let (waker, count) = counted();
        assert!(ask(&reactor, &io, &waker), "input: new");
        io.blocked(Direction::Read);
        if asks_first {
            assert!(!ask(&reactor, &io, &waker), "input: blocked");
        }
        batches.iter().for_each(|_| reactor.park(None).unwrap());
        let got = (count.0.load(SeqCst), ask(&reactor, &io, &waker));
        let input = format!("{batches:?}, asks first: {asks_first}");
        assert_eq!(got, expected, "input: {input}");
    };
    check(&[&[(1, READ)]], true, (1, true));
    check(&[&[(1, READ)]], false, (0, true));
    check(&[&[(1, WRITE)]], true, (0, false));
    check(&[&[(1, END)]], true, (1, true));
    check(&[&[(1, READ)], &[(1, READ)]], true, (1, true));
    check(&[&[]], true, (0, false));
}

/// I26: of two tasks that wait for one direction the last one is woken; a
/// reader and a writer each have a place.
#[test]
fn wakes_the_last_who_waits() {
    let (_, reactor) = scripted(&[&[(1, READ)], &[(1, WRITE)]]);
    let io = reactor.register(Source(1)).unwrap();
    let wakers = [counted(), counted(), counted()];
    io.blocked(Direction::Read);
    io.blocked(Direction::Write);
    assert!(!ask(&reactor, &io, &wakers[0].0));
    assert!(!ask(&reactor, &io, &wakers[1].0));
    let cx = Context::from_waker(&wakers[2].0);
    assert!(io.poll_ready(&cx, Direction::Write).is_pending());
    let counts = || [0, 1, 2].map(|n: usize| wakers[n].1.0.load(SeqCst));
    reactor.park(None).unwrap();
    assert_eq!(counts(), [0, 1, 0], "input: two readers, ready to read");
    reactor.park(None).unwrap();
    assert_eq!(counts(), [0, 1, 1], "input: a writer, ready to write");
}

/// I26: after a short call the end of the stream is still known, and after
/// one that would block it is not.
#[test]
fn the_end_outlives_a_short_read() {
    let check = |forget: fn(&Registration, Direction), expected: bool| {
        let both = Ready { read: true, ..END };
        let (_, reactor) = scripted(&[&[(1, both)]]);
        let io = reactor.register(Source(1)).unwrap();
        reactor.park(None).unwrap();
        forget(&io, Direction::Read);
        let got = ask(&reactor, &io, &counted().0);
        assert_eq!(got, expected, "input: bytes and the end, then forgotten");
    };
    check(Registration::drained, true);
    check(Registration::blocked, false);
}

/// I27: an event under the name of a former tenant reaches nobody.
#[test]
fn a_stale_event_reaches_nobody() {
    let (world, reactor) = scripted(&[&[]]);
    let old = reactor.register(Source(1)).unwrap();
    let token = world.names.borrow()[&Source(1)];
    drop(old);
    let new = reactor.register(Source(1)).unwrap();
    new.blocked(Direction::Read);
    let (waker, count) = counted();
    assert!(!ask(&reactor, &new, &waker), "input: the new one, blocked");
    world.old.borrow_mut().push(Event { token, ready: READ });
    reactor.park(None).unwrap();
    let got = (count.0.load(SeqCst), ask(&reactor, &new, &waker));
    assert_eq!(got, (0, false), "input: an event for the old one");
}

/// I26: a call is made when it is worth a try, again after a signal, not
/// again after it would block; its other errors come through.
#[test]
fn makes_the_call() {
    let check =
        |results: &[Result<u8, ErrorKind>], events: &[Ready], expected| {
            let batches: Vec<_> = events.iter().map(|e| [(1, *e)]).collect();
            let batches: Vec<&[_]> = batches.iter().map(|b| &b[..]).collect();
            let (_, reactor) = scripted(&batches);
            let io = reactor.register(Source(1)).unwrap();
            let mut left: VecDeque<_> = results.to_vec().into();
            let mut polls = 0;
            let executor = Executor::new(reactor);
            let got = executor.block_on(poll_fn(|cx| {
                polls += 1;
                io.poll_io(cx, Direction::Read, || {
                    let result = left.pop_front().expect("one call too many");
                    result.map_err(io::Error::from)
                })
            }));
            let got = got.map(|r| (r.map_err(|e| e.kind()), polls));
            let got = got.map_err(|e| e.kind());
            assert_eq!(got, expected, "input: {results:?}, {events:?}");
        };
    use ErrorKind::{ConnectionReset, Interrupted, TimedOut, WouldBlock};
    check(&[Ok(1)], &[], Ok((Ok(1), 1)));
    check(&[Err(Interrupted), Ok(1)], &[], Ok((Ok(1), 1)));
    let one = Err(WouldBlock);
    check(&[one, Ok(1)], &[READ], Ok((Ok(1), 2)));
    check(&[one, one, Ok(1)], &[READ, READ], Ok((Ok(1), 3)));
    // An end that was none after all: the call is not made for ever.
    check(&[one, one, Ok(1)], &[END, READ], Ok((Ok(1), 3)));
    check(&[one], &[], Err(TimedOut));
    check(&[Err(ConnectionReset)], &[], Ok((Err(ConnectionReset), 1)));
}

/// I23: a source that is always ready does not keep its task in one poll.
#[test]
fn an_endless_source_comes_to_its_end() {
    let (world, reactor) = scripted(&[]);
    let executor = Executor::new(reactor.clone());
    let io = reactor.register(Source(1)).unwrap();
    let calls = Rc::new(Cell::new(0));
    let count = calls.clone();
    let greedy = executor.spawn(async move {
        loop {
            let call = || {
                count.set(count.get() + 1);
                Ok(())
            };
            poll_fn(|cx| io.poll_io(cx, Direction::Read, call))
                .await
                .unwrap();
        }
    });
    let mut seen = vec![0];
    let other = poll_fn(|cx| {
        seen.push(calls.get());
        cx.waker().wake_by_ref();
        match seen.len() {
            5 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    });
    executor.block_on(other).unwrap();
    let one = OPERATIONS;
    let expected = [0, 0, one, 2 * one, 3 * one];
    assert_eq!(seen, expected, "input: calls before each poll of another");
    assert_eq!(world.waits.get(), 3, "input: looks outside meanwhile");
    drop(greedy);
}

/// I25: a task that waits for more sources than its budget waits for all of
/// them: each is armed, and the loop sleeps.
#[test]
fn waiting_costs_no_budget() {
    let count = OPERATIONS as i32 + 72;
    let (world, reactor) = scripted(&[&[(count - 1, READ)]]);
    let executor = Executor::new(reactor.clone());
    let sources: Vec<_> = (0..count)
        .map(|n| reactor.register(Source(n)).unwrap())
        .collect();
    sources.iter().for_each(|io| io.blocked(Direction::Read));
    let reads = sources.iter().map(|io| io.ready(Direction::Read));
    let end = executor.block_on(join_all(reads)).unwrap_err();
    assert_eq!(end.kind(), ErrorKind::TimedOut, "input: one event for 200");
    // Two sleeps: the event's, and the one in which the script is over.
    let got = (world.waits.get(), world.armed.get());
    assert_eq!(got, (2, 2 * count as u32 - 1), "input: waits, and armings");
}

thread_local! {
    static HELD: RefCell<Option<Registration>> = const { RefCell::new(None) };
}

/// A waker whose drop, on this thread, enters the reactor.
struct Enters;

impl Wake for Enters {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Enters {
    fn drop(&mut self) {
        drop(HELD.take());
    }
}

/// I27: a waker's drop may drop another registration, when its place is
/// taken and when its own registration ends.
#[test]
fn a_wakers_drop_may_enter_the_reactor() {
    for is_replaced in [true, false] {
        let (world, reactor) = scripted(&[]);
        let io = reactor.register(Source(1)).unwrap();
        io.blocked(Direction::Read);
        HELD.set(Some(reactor.register(Source(2)).unwrap()));
        let waker = Waker::from(Arc::new(Enters));
        assert!(!ask(&reactor, &io, &waker), "input: a blocked source");
        drop(waker);
        if is_replaced {
            assert!(!ask(&reactor, &io, &counted().0), "input: the same");
        } else {
            drop(io);
        }
        let left = world.names.borrow().contains_key(&Source(2));
        assert!(!left, "input: replaced: {is_replaced}");
    }
}

/// A waker that rings, as a task's does.
struct Rings(Arc<dyn Bell>);

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.ring();
    }
}

/// I25: what the loop itself wakes does not ring: it is awake by then.
#[test]
fn its_own_wake_ups_do_not_ring() {
    for alarm in [Alarm::new().unwrap(), Alarm::pipe().unwrap()] {
        let bell = alarm.source();
        let poller = Box::new(poll::Poll::new());
        let reactor = Reactor::with_alarm(poller, alarm).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let io = reactor.register(Source(ours.as_raw_fd())).unwrap();
        io.blocked(Direction::Read);
        let waker = Waker::from(Arc::new(Rings(reactor.bell())));
        assert!(!ask(&reactor, &io, &waker), "input: a blocked source");
        drop(theirs); // the event
        reactor.bell().doze();
        reactor.park(None).unwrap();
        let mut events = Vec::new();
        let mut poller = poll::Poll::new();
        poller.add(bell, Slab::default().insert(())).unwrap();
        poller.arm(bell, Interest::READ).unwrap();
        poller.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events, [], "input: a waker that rings");
    }
}

/// I25, I26: over both pollers and both alarms, bytes go to and fro, and the
/// loop wakes for them and for nothing else.
#[test]
fn over_the_real_pollers() {
    const ROUNDS: u64 = 200;
    for (name, reactor) in reactors() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let executor = Executor::new(reactor.clone());
        let io = reactor.register(Source(ours.as_raw_fd())).unwrap();
        let peer = thread::spawn(move || {
            let mut back = [0; 1];
            for n in 0..ROUNDS {
                theirs.write_all(&[n as u8]).unwrap();
                theirs.read_exact(&mut back).unwrap();
                assert_eq!(back, [n as u8], "input: round {n}");
            }
        });
        let echo = executor.spawn(async move {
            let mut buf = [0; 8];
            let mut total = 0;
            loop {
                let read = poll_fn(|cx| {
                    io.poll_io(cx, Direction::Read, || (&ours).read(&mut buf))
                });
                let count = read.await?;
                if count == 0 {
                    return Ok::<_, io::Error>(total);
                }
                total += count as u64;
                let bytes = &buf[..count];
                let write = || (&ours).write(bytes);
                poll_fn(|cx| io.poll_io(cx, Direction::Write, write)).await?;
            }
        });
        let got = executor.block_on(echo).unwrap().unwrap().unwrap();
        assert_eq!(got, ROUNDS, "input: {name}, {ROUNDS} bytes");
        peer.join().unwrap();
        // A byte, room after the peer has read ours, and the end.
        let (got, most) = (reactor.wakeups(), 2 * ROUNDS + 8);
        assert!(got <= most, "input: {name}, woken {got} times, not {most}");
    }
}
