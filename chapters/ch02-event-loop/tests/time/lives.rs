//! What may happen to sleeps, in any order, beside what must come of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ch00_toolbox::clock::Clock;
use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::executor::Driver;
use ch02_event_loop::queue::Tick;
use ch02_event_loop::timers::Sleep;

use super::Count;
use super::world::{World, world};

/// What happens. Times are in µs from now, a sleep is counted round.
#[derive(Debug, Clone, Copy)]
enum Op {
    Start(u64),
    Reset(usize, u64),
    Poll(usize),
    Drop(usize),
    Pass(u64),
}

fn ops(random: &mut Gen) -> Vec<Op> {
    random.vec(40, |random| {
        let most = *random.pick(&[0, 3_000, 200_000, 90_000_000]);
        let (which, us) = (random.upto(9) as usize, random.upto(most));
        match random.upto(5) {
            0 | 1 => Op::Start(us),
            2 => Op::Reset(which, us),
            3 => Op::Poll(which),
            4 => Op::Drop(which),
            _ => Op::Pass(us),
        }
    })
}

/// What a sleep must be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// In no wheel; the next poll decides.
    New,
    /// In the wheel, until this tick.
    Waiting(Tick),
    /// Fired, and so over at any poll.
    Fired,
}

struct Life {
    sleep: Sleep,
    state: State,
    wakes: u32, // expected
    count: Arc<Count>,
}

impl Life {
    /// Polls, and says whether the answer is the right one.
    fn poll(&mut self, now: Duration) -> Result<(), String> {
        let waker = Waker::from(self.count.clone());
        let mut cx = Context::from_waker(&waker);
        let got = Pin::new(&mut self.sleep).poll(&mut cx);
        let deadline = self.sleep.deadline();
        if self.state == State::New && deadline > now {
            self.state = State::Waiting(Tick::not_before(deadline));
        }
        let expected = match self.state {
            State::Waiting(_) => Poll::Pending,
            State::New | State::Fired => Poll::Ready(()),
        };
        match got == expected {
            true => Ok(()),
            false => Err(format!("{got:?} at {now:?}, {:?}", self.state)),
        }
    }
}

/// Lets time pass, as a loop does: in parks that deadlines cut short.
fn pass(world: &World, lives: &mut [Life], us: u64) {
    let until = world.timers.now() + Duration::from_micros(us);
    loop {
        let left = until - world.timers.now();
        world.timers.park(Some(left)).expect("time passes");
        let now = Tick::running_at(world.timers.now());
        for life in lives.iter_mut() {
            if matches!(life.state, State::Waiting(at) if at <= now) {
                life.state = State::Fired;
                life.wakes += 1;
            }
        }
        if world.script.clock.now() >= until {
            return;
        }
    }
}

/// I31, I35: whatever happens to sleeps, those that wait are in the wheel
/// and no others, and each is woken once, when its tick has come.
#[test]
fn any_life_of_a_sleep() {
    prop::check("any_life_of_a_sleep", 1_500, ops, |ops| {
        let world = world();
        let mut lives: Vec<Life> = Vec::new();
        for op in ops {
            world.timers.budget().renew();
            let now = world.timers.now();
            let which = |which: usize| which % lives.len().max(1);
            match *op {
                Op::Start(us) => lives.push(Life {
                    sleep: world.timers.sleep(Duration::from_micros(us)),
                    state: State::New,
                    wakes: 0,
                    count: Arc::default(),
                }),
                Op::Pass(us) => pass(&world, &mut lives, us),
                _ if lives.is_empty() => {}
                Op::Reset(n, us) => {
                    let at = which(n);
                    let life = &mut lives[at];
                    let deadline = now + Duration::from_micros(us);
                    life.sleep.reset(deadline);
                    life.state = match life.state {
                        State::Waiting(_) => {
                            State::Waiting(Tick::not_before(deadline))
                        }
                        _ => State::New,
                    };
                }
                Op::Poll(n) => {
                    let at = which(n);
                    lives[at].poll(now)?;
                }
                Op::Drop(n) => {
                    let at = which(n);
                    lives.remove(at);
                }
            }
            let waits = |life: &&Life| matches!(life.state, State::Waiting(_));
            let waiting = lives.iter().filter(waits).count();
            let pending = world.timers.pending();
            if pending != waiting {
                return Err(format!("{pending} pending, {waiting} wait"));
            }
            for life in &lives {
                let (got, expected) = (life.count.0.load(SeqCst), life.wakes);
                if got != expected {
                    return Err(format!("{got} wake-ups, not {expected}"));
                }
            }
        }
        Ok(())
    });
}
