//! A bug hunt: a test that no wrong loop of callbacks survives.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ch02_event_loop::slab::Token;

/// What a loop calls when its token is ready.
pub type Callback = Box<dyn FnMut(&mut dyn Table, Token)>;

/// What a callback may do with its loop.
pub trait Table {
    /// Adds a callback, and gives its token.
    fn add(&mut self, callback: Callback) -> Token;
    /// Removes and drops it; false: it was removed before.
    fn remove(&mut self, token: Token) -> bool;
    /// Has it called in the next turn.
    fn again(&mut self, token: Token);
}

/// A loop, from outside.
pub trait Turns: Table {
    /// One turn, for which the kernel has these events, in this order.
    fn turn(&mut self, events: &[Token]);
}

/// Panics when what `new` makes breaks one of I10 to I13. Gets the finished
/// loop, another right one, and mutants with one bug each.
pub fn hunt(new: fn() -> Box<dyn Turns>) {
    todo!(
        "ex_stale: who is called, in each order in which one may remove another"
    )
}
