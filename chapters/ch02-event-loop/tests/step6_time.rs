//! What step 6 must do. No test waits: the clock stands still until a driver
//! that does nothing else lets it pass. The queues have their tests in `time`.

#[path = "time/lives.rs"]
mod lives;
#[path = "time/queues.rs"]
mod queues;
#[path = "time/world.rs"]
mod world;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ch00_toolbox::prop;
use ch02_event_loop::combine::{join, join_all, select};
use ch02_event_loop::executor::Driver;
use ch02_event_loop::queue::Tick;
use ch02_event_loop::timers::{Elapsed, Sleep, Timers};
use world::{World, world};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

/// The limits of the parks so far, in ms.
fn parks(world: &World) -> Vec<Option<u128>> {
    let parks = world.script.parks.borrow();
    parks.iter().map(|p| p.map(|d| d.as_millis())).collect()
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll_once(sleep: &mut Sleep, count: &Arc<Count>) -> Poll<()> {
    let waker = Waker::from(count.clone());
    Pin::new(sleep).poll(&mut Context::from_waker(&waker))
}

/// I31: a clock's time is rounded down, a deadline's up, so none is early.
#[test]
fn times_are_rounded_to_ticks() {
    let check = |time: Duration, running: u64, not_before: u64| {
        let got = (Tick::running_at(time).0, Tick::not_before(time).0);
        assert_eq!(got, (running, not_before), "input: {time:?}");
    };
    check(Duration::ZERO, 0, 0);
    check(Duration::from_nanos(1), 0, 1);
    check(Duration::from_nanos(999_999), 0, 1);
    check(ms(1), 1, 1);
    check(us(1_001), 1, 2);
    check(Duration::from_secs(60), 60_000, 60_000);
    check(Duration::MAX, u64::MAX, u64::MAX);
}

/// I35: the loop sleeps from deadline to deadline, hours in no time; on the
/// way it looks in when the wheel does.
#[test]
fn hours_pass() {
    let world = world();
    let timers = &world.timers;
    world.run(timers.sleep(ms(50)));
    assert_eq!(parks(&world), [Some(50)], "parks of a sleep of 50 ms");
    world.run(timers.sleep(Duration::from_secs(3 * 3600)));
    let hours = Duration::from_secs(3 * 3600) + ms(50);
    assert_eq!(timers.now(), hours, "50 ms and three hours");
    let count = parks(&world).len();
    assert!(count <= 1 + 11, "a park for each level at most: {count}");
    assert_eq!(timers.pending(), 0, "sleeps left");
}

/// I35: without timers the limit of the park is the loop's own.
#[test]
fn nothing_to_wait_for_is_no_limit() {
    let world = world();
    assert_eq!(world.timers.pending(), 0);
    let got = world
        .executor
        .block_on(pending::<()>())
        .map_err(|e| e.kind());
    assert_eq!(got, Err(io::ErrorKind::Deadlock), "a wait without an end");
    assert_eq!(parks(&world), [None], "limits");
}

/// I35: the shorter of the loop's limit and the first deadline counts, and
/// a limit of zero stays zero.
#[test]
fn the_shorter_limit_counts() {
    let world = world();
    let count = Arc::new(Count::default());
    let mut sleep = world.timers.sleep(ms(40));
    assert!(poll_once(&mut sleep, &count).is_pending());
    for limit in [ms(5), ms(0), ms(60), ms(60)] {
        world.timers.park(Some(limit)).expect("time passes");
    }
    assert_eq!(parks(&world), [Some(5), Some(35), Some(60)], "limits");
    assert_eq!(count.0.load(SeqCst), 1, "wake-ups");
}

/// I31: a deadline that is not in the future is over at the first poll, and
/// never enters the wheel.
#[test]
fn past_deadlines_are_done_at_once() {
    let world = world();
    let count = Arc::new(Count::default());
    world.script.clock.advance(us(5_500));
    let check = |deadline: Duration, expected: Poll<()>| {
        let mut sleep = world.timers.sleep_until(deadline);
        let got = poll_once(&mut sleep, &count);
        assert_eq!(got, expected, "deadline {deadline:?} at 5.5 ms");
        let pending = world.timers.pending();
        assert_eq!(pending, usize::from(expected.is_pending()));
    };
    check(Duration::ZERO, Poll::Ready(()));
    check(ms(5), Poll::Ready(()));
    check(us(5_500), Poll::Ready(()));
    check(us(5_501), Poll::Pending);
    check(ms(6), Poll::Pending);
    check(Duration::MAX, Poll::Pending);
    assert_eq!(world.timers.pending(), 0, "all are dropped");
}

/// I31: never early and at most one tick late, for any sleeps at any times,
/// whether or not the driver oversleeps.
#[test]
fn sleeps_end_in_their_tick() {
    prop::check(
        "sleeps_end_in_their_tick",
        1_000,
        |random| {
            let oversleeps = *random.pick(&[0, 0, 1, 300, 5_000]);
            let sleeps = random.vec(20, |random| {
                let most = *random.pick(&[10, 2_000, 70_000, 5_000_000]);
                us(random.upto(most))
            });
            (oversleeps, sleeps)
        },
        |(oversleeps, sleeps)| {
            let world = world();
            world.script.clock.advance(us(777));
            world.script.oversleeps.set(us(*oversleeps));
            let timers = &world.timers;
            let one = |d: Duration| async move {
                let deadline = timers.now() + d;
                timers.sleep(d).await;
                (deadline, timers.now())
            };
            let all = join_all(sleeps.iter().map(|d| one(*d)));
            for (deadline, woken) in world.run(all) {
                let latest = Tick::not_before(deadline).start();
                if woken < deadline || woken > latest + us(*oversleeps) {
                    return Err(format!("{deadline:?} came at {woken:?}"));
                }
            }
            match timers.pending() {
                0 => Ok(()),
                left => Err(format!("{left} timers are left")),
            }
        },
    );
}

/// I32: of tasks that sleep, the one with the first deadline goes on first,
/// and of those with one tick the one that asked first.
#[test]
fn tasks_wake_in_order() {
    let world = world();
    let log = Rc::new(RefCell::new(Vec::new()));
    for (name, d) in [("d", 70), ("b", 7), ("c", 7), ("a", 3), ("e", 70)] {
        let (sleep, log) = (world.timers.sleep(ms(d)), log.clone());
        let task = async move {
            sleep.await;
            log.borrow_mut().push(name);
        };
        world.executor.spawn(task).detach();
    }
    world.run(world.timers.sleep(ms(100)));
    assert_eq!(log.borrow().concat(), "abcde", "order of wake-ups");
}

/// I35: a sleep that is dropped, at any time, wakes nobody and leaves no
/// timer.
#[test]
fn a_dropped_sleep_is_gone() {
    let world = world();
    let count = Arc::new(Count::default());
    let mut dropped = world.timers.sleep(ms(10));
    let never_polled = world.timers.sleep(ms(10));
    let mut fired = world.timers.sleep(ms(5));
    assert!(poll_once(&mut dropped, &count).is_pending());
    assert!(poll_once(&mut fired, &count).is_pending());
    assert_eq!(world.timers.pending(), 2, "two were polled");
    drop((dropped, never_polled));
    assert_eq!(world.timers.pending(), 1, "one is left");
    world.run(world.timers.sleep(ms(20)));
    assert_eq!(count.0.load(SeqCst), 1, "one wake-up, of the one left");
    // Its place has a new tenant, which the old sleep's end must not touch.
    let mut next = world.timers.sleep(ms(5));
    assert!(poll_once(&mut next, &count).is_pending());
    drop(fired);
    assert_eq!(world.timers.pending(), 1, "the new tenant");
    world.run(world.timers.sleep(ms(20)));
    assert_eq!(count.0.load(SeqCst), 2, "the new tenant's wake-up");
    assert_eq!(poll_once(&mut next, &count), Poll::Ready(()));
}

/// I35: the waker of the last poll is the one that is woken.
#[test]
fn the_last_waker_counts() {
    let world = world();
    let counts: [Arc<Count>; 2] = Default::default();
    let mut sleep = world.timers.sleep(ms(10));
    assert!(poll_once(&mut sleep, &counts[0]).is_pending());
    assert!(poll_once(&mut sleep, &counts[1]).is_pending());
    assert_eq!(world.timers.pending(), 1, "one timer for one sleep");
    world.run(world.timers.sleep(ms(10)));
    let got = counts.map(|count| count.0.load(SeqCst));
    assert_eq!(got, [0, 1], "wake-ups of the first and the second waker");
}

/// I35: a reset moves the deadline of a task that waits, both ways; a sleep
/// that was over begins again.
#[test]
fn a_reset_moves_the_deadline() {
    let check = |polled: bool, to: u64, expected: u64| {
        let world = world();
        world.run(world.timers.sleep(ms(10)));
        let mut sleep = world.timers.sleep(ms(100)); // until 110
        let count = Arc::new(Count::default());
        if polled {
            assert!(poll_once(&mut sleep, &count).is_pending());
        }
        sleep.reset(ms(to));
        assert_eq!(sleep.deadline(), ms(to));
        assert_eq!(world.timers.pending(), usize::from(polled));
        world.run(&mut sleep);
        let input = format!("polled: {polled}, at 10 reset to {to}");
        assert_eq!(world.timers.now(), ms(expected), "input: {input}");
        sleep.reset(ms(1_000));
        world.run(&mut sleep);
        assert_eq!(world.timers.now(), ms(1_000), "a second time, {input}");
    };
    for polled in [false, true] {
        check(polled, 50, 50);
        check(polled, 500, 500);
        check(polled, 110, 110);
        check(polled, 10, 10);
        check(polled, 3, 10);
    }
}

/// I35: who waits is woken for the new deadline, without a poll between.
#[test]
fn a_reset_keeps_the_waker() {
    let world = world();
    let count = Arc::new(Count::default());
    let mut sleep = world.timers.sleep(ms(100));
    assert!(poll_once(&mut sleep, &count).is_pending());
    sleep.reset(ms(200));
    world.run(world.timers.sleep(ms(150)));
    assert_eq!(count.0.load(SeqCst), 0, "at 150");
    world.run(world.timers.sleep(ms(50)));
    assert_eq!(count.0.load(SeqCst), 1, "at 200");
    assert_eq!(poll_once(&mut sleep, &count), Poll::Ready(()));
}

/// I35: a sleep that was reset has one timer, and its drop takes it off.
#[test]
fn a_reset_leaves_one_timer() {
    let world = world();
    let count = Arc::new(Count::default());
    let mut sleep = world.timers.sleep(ms(100));
    assert!(poll_once(&mut sleep, &count).is_pending());
    sleep.reset(ms(200));
    assert!(poll_once(&mut sleep, &count).is_pending());
    assert_eq!(world.timers.pending(), 1, "after a reset and a poll");
    sleep.reset(ms(300));
    drop(sleep);
    assert_eq!(world.timers.pending(), 0, "after the drop");
}

thread_local! {
    static TIMERS: RefCell<Option<Rc<Timers>>> = const { RefCell::new(None) };
    static SLEEPS: RefCell<Vec<Sleep>> = const { RefCell::new(Vec::new()) };
}

/// A waker that drops all sleeps, and starts a new one that wakes it again.
struct Meddler(Count);

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        self.0.0.fetch_add(1, SeqCst);
        SLEEPS.with(|sleeps| sleeps.take());
        TIMERS.with_borrow(|timers| {
            let Some(timers) = timers else { return };
            let mut sleep = timers.sleep(ms(1));
            let waker = Waker::from(self);
            let mut cx = Context::from_waker(&waker);
            assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
            SLEEPS.with_borrow_mut(|sleeps| sleeps.push(sleep));
        });
    }
}

/// I35: a waker may cancel timers of its own batch and start new ones, which
/// wait for a batch to come.
#[test]
fn a_waker_may_do_anything() {
    let world = world();
    TIMERS.set(Some(world.timers.clone()));
    let meddler = Arc::new(Meddler(Count::default()));
    let waker = Waker::from(meddler.clone());
    for _ in 0..3 {
        let mut sleep = world.timers.sleep(ms(5));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
        SLEEPS.with_borrow_mut(|sleeps| sleeps.push(sleep));
    }
    // All three have left the wheel before the first was woken; each drops
    // the sleep of the one before.
    world.run(world.timers.sleep(ms(5)));
    assert_eq!(meddler.0.0.load(SeqCst), 3, "wake-ups of the first batch");
    assert_eq!(world.timers.pending(), 1, "the third's new sleep");
    world.run(world.timers.sleep(ms(1)));
    assert_eq!(meddler.0.0.load(SeqCst), 4, "wake-ups, 1 ms later");
    TIMERS.set(None);
    SLEEPS.take();
    assert_eq!(world.timers.pending(), 0, "timers left");
}

/// I23: a task whose sleeps are always over does not keep the others out.
#[test]
fn sleeps_that_are_over_spend_the_budget() {
    let world = world();
    let timers = world.timers.clone();
    let slept = Rc::new(Cell::new(0));
    let count = slept.clone();
    let busy = world.executor.spawn(async move {
        for n in 1..100_000 {
            timers.sleep(Duration::ZERO).await;
            count.set(n);
        }
    });
    let other = world.executor.spawn(async { 7 });
    assert_eq!(world.run(other), Ok(7), "the other task's value");
    let slept = slept.get();
    assert!(slept < 1_000, "{slept} sleeps before the other's turn");
    drop(busy);
    assert_eq!(world.executor.tasks(), 0);
}

/// I31: a timeout is the future's value or `Elapsed`; the future wins a tie,
/// and the loser is dropped.
#[test]
fn timeouts() {
    let check = |work: u64, limit: u64, expected, at: u64| {
        let world = world();
        let timers = &world.timers;
        let work = async {
            timers.sleep(ms(work)).await;
            work
        };
        let got = world.run(timers.timeout(ms(limit), work));
        let input = format!("{limit} ms for it, at {:?}", timers.now());
        assert_eq!(got, expected, "input: {input}");
        assert_eq!(timers.now(), ms(at), "input: {input}");
        assert_eq!(timers.pending(), 0, "timers left, {input}");
    };
    check(5, 10, Ok(5), 5);
    check(10, 10, Ok(10), 10);
    check(11, 10, Err(Elapsed), 10);
    check(0, 0, Ok(0), 0);
    check(1, 0, Err(Elapsed), 0);
    let world = world();
    let got = world.run(world.timers.timeout(Duration::MAX, ready(1)));
    assert_eq!(got, Ok(1), "input: all the time of the world");
    let error = io::Error::from(Elapsed);
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

/// I31: far deadlines are timers like others, and nobody waits for them.
#[test]
fn far_deadlines() {
    let world = world();
    let timers = &world.timers;
    let far = join(timers.sleep(Duration::MAX), timers.sleep(ms(u64::MAX)));
    world.run(select(far, timers.sleep(ms(10))));
    assert_eq!(timers.now(), ms(10), "the near one");
    assert_eq!(timers.pending(), 0, "the far ones are dropped");
    let years = Duration::from_secs(500 * 365 * 24 * 3600);
    world.run(timers.sleep(years));
    assert_eq!(timers.now(), years + ms(10), "500 years later");
}

/// I35: an interval ticks in its row; late, it skips and keeps the row.
#[test]
fn intervals_skip_what_was_missed() {
    let check = |every: Duration, work: &[u64], expected: &[u64]| {
        let world = world();
        world.run(world.timers.sleep(ms(3)));
        let mut interval = world.timers.interval(every);
        let got = world.run(async {
            let mut got = Vec::new();
            for busy in work {
                interval.tick().await;
                got.push(world.timers.now().as_millis() as u64);
                world.script.clock.advance(ms(*busy));
            }
            got
        });
        assert_eq!(got, expected, "every {every:?}, then busy {work:?}");
    };
    check(ms(10), &[0, 0, 0], &[13, 23, 33]);
    check(ms(10), &[9, 1, 0], &[13, 23, 33]);
    check(ms(10), &[10, 0, 0], &[13, 23, 33]); // just in time
    check(ms(10), &[15, 0, 0], &[13, 28, 33]); // late, and back in the row
    check(ms(10), &[20, 0, 0], &[13, 33, 43]);
    check(ms(10), &[95, 0, 0], &[13, 108, 113]); // no burst of nine
    check(Duration::ZERO, &[0, 0, 0], &[4, 5, 6]); // at least 1 ms
    let far = Duration::MAX;
    let world = world();
    let mut interval = world.timers.interval(far);
    let mut tick = pin!(interval.tick());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(tick.as_mut().poll(&mut cx).is_pending(), "every {far:?}");
}

/// I35: a tick that is dropped half-way is not lost.
#[test]
fn a_dropped_tick_comes_again() {
    let world = world();
    let timers = &world.timers;
    let mut interval = timers.interval(ms(10));
    world
        .run(timers.timeout(ms(7), interval.tick()))
        .expect_err("at 7");
    world.run(interval.tick());
    assert_eq!(timers.now(), ms(10), "the same tick");
}
