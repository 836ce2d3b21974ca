//! A loop that never uses a name twice, beside the real one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::callbacks::Loop;
use ch02_event_loop::poller::Source;
use ch02_event_loop::slab::Token;

use super::{READ, Script};

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

/// 2,000 loops whose callbacks add, remove and ask at random.
pub fn the_loop_calls_whom_the_naive_loop_calls() {
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
