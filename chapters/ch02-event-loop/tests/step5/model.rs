//! Tasks that wake and cancel one another at random, beside a model.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::executor::{Executor, Task};

use super::step5::{Script, run_out};

const TASKS: usize = 5;

/// What a task does in one of its polls.
#[derive(Debug, Clone, Copy)]
enum Act {
    Wake(usize),
    Cancel(usize),
}

/// What each task does in each of its polls (after the last it is done), and
/// who is woken in each sleep of the loop.
#[derive(Debug)]
struct World {
    tasks: Vec<Vec<Vec<Act>>>,
    sleeps: Vec<Vec<usize>>,
}

fn world(g: &mut Gen) -> World {
    let who = |g: &mut Gen| g.upto(TASKS as u64 - 1) as usize;
    let act = |g: &mut Gen| match g.once_in(8) {
        true => Act::Cancel(who(g)),
        false => Act::Wake(who(g)),
    };
    World {
        tasks: (0..TASKS).map(|_| g.vec(6, |g| g.vec(4, act))).collect(),
        sleeps: g.vec(5, |g| g.vec(4, who)),
    }
}

/// Who is polled, in order: a queue in which everybody stands at most once.
fn expected(world: &World) -> Vec<usize> {
    let mut queue: VecDeque<usize> = (0..TASKS).collect();
    let mut polls = [0; TASKS];
    let mut is_gone = [false; TASKS];
    let mut log = Vec::new();
    let mut sleeps = world.sleeps.iter();
    loop {
        let Some(task) = queue.pop_front() else {
            let Some(woken) = sleeps.next() else {
                return log;
            };
            for &other in woken {
                if !is_gone[other] && !queue.contains(&other) {
                    queue.push_back(other);
                }
            }
            continue;
        };
        if is_gone[task] {
            continue;
        }
        log.push(task);
        let acts = world.tasks[task].get(polls[task]);
        polls[task] += 1;
        is_gone[task] |= acts.is_none();
        for act in acts.into_iter().flatten() {
            match *act {
                Act::Cancel(other) => is_gone[other] = true,
                Act::Wake(other) => {
                    // One that has not run yet has given nobody a waker.
                    let known = polls[other] > 0 && !is_gone[other];
                    if known && !queue.contains(&other) {
                        queue.push_back(other);
                    }
                }
            }
        }
    }
}

/// What the tasks share.
#[derive(Default)]
struct Shared {
    log: Vec<usize>,
    wakers: Vec<Option<Waker>>,
    handles: Vec<Option<Task<()>>>,
}

/// Who is polled by the executor, in order.
fn got(world: &World) -> Vec<usize> {
    let script = Script::empty();
    let executor = Executor::new(script.clone());
    let shared = Rc::new(RefCell::new(Shared::default()));
    for (task, polls) in world.tasks.iter().enumerate() {
        let mut polls = polls.clone().into_iter();
        let mine = shared.clone();
        let future = poll_fn(move |cx| {
            let waker = Some(cx.waker().clone());
            mine.borrow_mut().log.push(task);
            mine.borrow_mut().wakers[task] = waker;
            let Some(acts) = polls.next() else {
                return Poll::Ready(());
            };
            for act in acts {
                match act {
                    Act::Wake(other) => {
                        let waker = mine.borrow().wakers[other].clone();
                        waker.into_iter().for_each(Waker::wake);
                    }
                    Act::Cancel(other) => {
                        let task = mine.borrow_mut().handles[other].take();
                        drop(task);
                    }
                }
            }
            Poll::Pending
        });
        let handle = executor.spawn(future);
        shared.borrow_mut().handles.push(Some(handle));
        shared.borrow_mut().wakers.push(None);
    }
    for woken in &world.sleeps {
        let (woken, shared) = (woken.clone(), shared.clone());
        script.sleep(move || {
            for other in woken {
                let waker = shared.borrow().wakers[other].clone();
                waker.into_iter().for_each(Waker::wake);
            }
        });
    }
    run_out(&executor);
    let handles = std::mem::take(&mut shared.borrow_mut().handles);
    drop(handles);
    shared.borrow().log.clone()
}

/// I21, I22: every task that was woken is polled, none that was not is, and
/// none twice for one place in the queue, whoever wakes and cancels whom.
#[test]
fn polls_as_the_model_says() {
    prop::check("executor beside a model", 3000, world, |world| {
        let (got, expected) = (got(world), expected(world));
        match got == expected {
            true => Ok(()),
            false => Err(format!("polled {got:?}, expected {expected:?}")),
        }
    });
}
