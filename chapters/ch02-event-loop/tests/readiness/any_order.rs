//! Any order of adds, removes, bytes and reads, against a model.

use std::io::Write;

use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::poller::{Interest, Poller};
use ch02_event_loop::slab::{Slab, Token};

use super::{drain, now, pair, source};

/// What happens to the sources of the model.
#[derive(Debug, Clone, Copy)]
enum Step {
    Add(usize),
    Remove(usize),
    Send(usize),
    Drain(usize),
    Wait,
}

const SOURCES: usize = 4;

fn steps(random: &mut Gen) -> Vec<Step> {
    random.vec(24, |random| {
        let which = random.upto(SOURCES as u64 - 1) as usize;
        match random.upto(7) {
            0 | 1 => Step::Wait,
            2 | 3 => Step::Send(which),
            4 => Step::Drain(which),
            5 => Step::Remove(which),
            _ => Step::Add(which),
        }
    })
}

/// What the model knows of a source.
#[derive(Default)]
struct Known {
    token: Option<Token>,
    has_bytes: bool,
    is_armed: bool,
}

pub fn any_order_of_steps(new: fn() -> Box<dyn Poller>) {
    let holds = |steps: &Vec<Step>| {
        let poller = &mut *new();
        let pairs: Vec<_> = (0..SOURCES).map(|_| pair()).collect();
        let mut known: [Known; SOURCES] = Default::default();
        let mut names = Slab::default();
        for (at, &step) in steps.iter().enumerate() {
            match step {
                Step::Add(i) if known[i].token.is_none() => {
                    let name = names.insert(i);
                    let fd = source(&pairs[i].0);
                    poller.add(fd, name).map_err(|e| e.to_string())?;
                    poller
                        .arm(fd, Interest::READ)
                        .map_err(|e| e.to_string())?;
                    known[i].token = Some(name);
                    known[i].is_armed = true;
                }
                Step::Remove(i) if known[i].token.is_some() => {
                    let fd = source(&pairs[i].0);
                    poller.remove(fd).map_err(|e| e.to_string())?;
                    let name = known[i].token.take().expect("is_some");
                    names.remove(name);
                    known[i].is_armed = false;
                }
                Step::Send(i) => {
                    (&pairs[i].1).write_all(b"x").expect("room");
                    known[i].has_bytes = true;
                }
                Step::Drain(i) if known[i].token.is_some() => {
                    drain(&pairs[i].0);
                    known[i].has_bytes = false;
                    let fd = source(&pairs[i].0);
                    poller
                        .arm(fd, Interest::READ)
                        .map_err(|e| e.to_string())?;
                    known[i].is_armed = true;
                }
                Step::Wait => {
                    let mut heard = [false; SOURCES];
                    for event in now(poller) {
                        let of = names.get_mut(event.token);
                        let of = *of.ok_or(format!(
                            "step {at}: {:?} was removed",
                            event.token
                        ))?;
                        heard[of] |= event.ready.read;
                    }
                    for (i, known) in known.iter_mut().enumerate() {
                        if known.is_armed && known.has_bytes && !heard[i] {
                            return Err(format!("step {at}: {i} not heard of"));
                        }
                        known.is_armed &= !heard[i];
                    }
                }
                _ => {}
            }
        }
        Ok(())
    };
    drop(new()); // a poller that is not written yet fails here
    prop::check("any_order_of_steps", 1_000, steps, holds);
}
