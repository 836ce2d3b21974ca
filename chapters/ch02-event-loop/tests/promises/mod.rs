//! Wakers that count, parts that are counted, and the properties of step 4.

use std::cell::Cell;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::combine::join_all;
use ch02_event_loop::promise::{Broken, Promise, Promised, promise};

/// Longer than anything here takes: who waits for it has found a bug.
const LONG: Duration = Duration::from_secs(20);

/// Counts how often it is woken.
#[derive(Debug)]
pub struct Counter(pub AtomicUsize);

impl Counter {
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A waker, and how often it was woken.
pub fn counter() -> (Waker, Arc<Counter>) {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    (Waker::from(counter.clone()), counter)
}

/// One poll.
pub fn ask<F: Future + Unpin>(
    future: &mut F,
    waker: &Waker,
) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// A future that gives its value at its n-th poll, and panics at any later
/// one; and how often it was polled.
pub fn part<T: Copy + Debug + Unpin>(
    value: T,
    needs: u32,
) -> (impl Future<Output = T> + Unpin, Rc<Cell<u32>>) {
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let part = poll_fn(move |_| {
        counted.set(counted.get() + 1);
        assert!(counted.get() <= needs, "{value:?} was polled when done");
        match counted.get() == needs {
            true => Poll::Ready(value),
            false => Poll::Pending,
        }
    });
    (part, polls)
}

/// Runs this on a thread of its own, and fails instead of waiting for ever.
#[track_caller]
pub fn hangs_unless(what: &str, run: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        run();
        let _ = done.send(());
    });
    match ended.recv_timeout(LONG) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs: {what}"),
        _ => thread.join().unwrap_or_else(|panic| {
            std::panic::resume_unwind(panic);
        }),
    }
}

/// What happens to some promises.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(usize), // with the waker of this number
    Keep(usize),
    Drop(usize),
}

fn steps(random: &mut Gen, promises: u64) -> Vec<Step> {
    random.vec(20, |random| {
        let which = random.upto(promises - 1) as usize;
        match random.upto(3) {
            0 | 1 => Step::Ask(random.upto(2) as usize),
            2 => Step::Keep(which),
            _ => Step::Drop(which),
        }
    })
}

const PROMISES: usize = 4;

/// join_all of four promises, asked only by hand.
pub fn any_order() {
    let holds = |steps: &Vec<Step>| {
        let wakers: Vec<_> = (0..3).map(|_| counter()).collect();
        let (promises, parts): (Vec<_>, Vec<_>) =
            (0..PROMISES).map(|_| promise()).unzip();
        let mut promises: Vec<_> = promises.into_iter().map(Some).collect();
        let mut all = pin!(join_all(parts));
        let mut values = [None; PROMISES];
        // Who asked last, and which promises it has been woken for.
        let mut waits: Option<(usize, usize)> = None;
        let mut asked_parts = [false; PROMISES];
        for (at, &step) in steps.iter().enumerate() {
            let wrong =
                |what: &str| Err(format!("step {at}, {step:?}: {what}"));
            let before: Vec<_> = wakers.iter().map(|w| w.1.count()).collect();
            let mut woken = None;
            match step {
                Step::Ask(who) => {
                    let mut cx = Context::from_waker(&wakers[who].0);
                    let got = all.as_mut().poll(&mut cx);
                    let whole: Option<Vec<_>> =
                        values.iter().copied().collect();
                    let expected = whole.map_or(Poll::Pending, Poll::Ready);
                    if got != expected {
                        return wrong(&format!("{got:?}, not {expected:?}"));
                    }
                    if got.is_ready() {
                        return Ok(());
                    }
                    asked_parts = values.map(|value| value.is_none());
                    waits = Some((who, at));
                }
                Step::Keep(i) | Step::Drop(i) => {
                    let Some(promise) = promises[i].take() else {
                        continue;
                    };
                    match step {
                        Step::Keep(_) => promise.keep(i),
                        _ => drop(promise),
                    }
                    let kept = matches!(step, Step::Keep(_));
                    values[i] = Some(kept.then_some(i).ok_or(Broken));
                    // A part that was asked while it waited wakes its asker.
                    woken =
                        waits.filter(|_| asked_parts[i]).map(|(who, _)| who);
                }
            }
            for (who, (_, wakes)) in wakers.iter().enumerate() {
                let expected = before[who] + usize::from(woken == Some(who));
                if wakes.count() != expected {
                    let got = wakes.count();
                    return wrong(&format!("{who}: {got} of {expected} wakes"));
                }
            }
        }
        Ok(())
    };
    prop::check("any_order", 2_000, |r| steps(r, PROMISES as u64), holds);
}

/// One promise, asked by three tasks in turn.
pub fn one_against_a_model() {
    let holds = |steps: &Vec<Step>| {
        let wakers: Vec<_> = (0..3).map(|_| counter()).collect();
        let (kept, promised) = promise::<usize>();
        let (mut kept, mut promised): (
            Option<Promise<_>>,
            Option<Promised<_>>,
        ) = (Some(kept), Some(promised));
        let (mut waits, mut value, mut wakes) = (None, None, [0; 3]);
        for (at, &step) in steps.iter().enumerate() {
            match step {
                Step::Ask(who) => {
                    let Some(promised) = &mut promised else {
                        continue;
                    };
                    let got = ask(promised, &wakers[who].0);
                    let expected = match value.take() {
                        Some(answer) => {
                            value = Some(Err(Broken)); // from now on
                            Poll::Ready(answer)
                        }
                        None => Poll::Pending,
                    };
                    if got != expected {
                        return Err(format!("step {at}: {got:?}"));
                    }
                    waits = got.is_pending().then_some(who);
                }
                Step::Keep(0) | Step::Drop(0) => {
                    let Some(kept) = kept.take() else { continue };
                    match step {
                        Step::Keep(_) => {
                            value = Some(Ok(at));
                            kept.keep(at);
                        }
                        _ => {
                            value = Some(Err(Broken));
                            drop(kept);
                        }
                    }
                    if let Some(who) = waits.take() {
                        wakes[who] += 1;
                    }
                }
                Step::Keep(_) => {} // of promises that are not there
                Step::Drop(_) => {
                    promised = None;
                    if kept.as_ref().is_some_and(|k| !k.is_abandoned()) {
                        return Err(format!("step {at}: not abandoned"));
                    }
                }
            }
            let got: Vec<_> = wakers.iter().map(|w| w.1.count()).collect();
            // Who no longer listens may be woken in vain.
            let is_listening = promised.is_some();
            if got != wakes && is_listening {
                return Err(format!("step {at}: woken {got:?}, not {wakes:?}"));
            }
        }
        Ok(())
    };
    prop::check("one_against_a_model", 2_000, |r| steps(r, 2), holds);
}
