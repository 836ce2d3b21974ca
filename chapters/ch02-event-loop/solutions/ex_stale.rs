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
    // begin: who is called, in each order in which one may remove another
    let calls: Rc<RefCell<Vec<&str>>> = Rc::default();
    let says = |name: &'static str| -> Callback {
        let calls = calls.clone();
        Box::new(move |_, _| calls.borrow_mut().push(name))
    };
    let check = |what: &str, expected: &[&str]| {
        assert_eq!(calls.take(), expected, "input: {what}");
    };

    let mut l = new();
    let (a, b) = (l.add(says("a")), l.add(says("b")));
    l.turn(&[b, a, b]);
    check("three events", &["b", "a", "b"]);
    assert!(l.remove(a) && !l.remove(a), "input: remove, twice");
    l.turn(&[a, b]);
    check("an event of one that was removed", &["b"]);
    let heir = l.add(says("heir"));
    l.again(a);
    l.turn(&[a]);
    l.turn(&[]);
    check("its place has an heir, and events are for it", &[]);
    l.again(heir);
    l.again(heir);
    l.turn(&[]);
    l.turn(&[]);
    check("again, twice", &["heir"]);
    l.again(heir);
    l.remove(heir);
    l.add(says("heir's heir"));
    l.turn(&[]);
    check("again, then removed", &[]);

    // One removes the other, before the other's event in the same turn.
    let mut l = new();
    let victim = l.add(says("victim"));
    let heir = RefCell::new(Some(says("heir")));
    let killer = l.add(Box::new(move |l, _| {
        l.remove(victim);
        heir.take().map(|heir| l.add(heir));
    }));
    l.turn(&[killer, victim]);
    check("removed by the event before", &[]);

    // One removes itself; its heir must stay, and it must be dropped.
    let mut l = new();
    let owned = Rc::new(());
    let held = owned.clone();
    let (heir, token) = (RefCell::new(Some(says("heir"))), Rc::default());
    let slot: Rc<Cell<Option<Token>>> = Rc::clone(&token);
    let own = says("itself");
    let (own, is_first) = (RefCell::new(own), Cell::new(true));
    let itself = l.add(Box::new(move |l, token| {
        let _socket = &held;
        own.borrow_mut()(l, token);
        if is_first.replace(false) {
            l.remove(token);
            slot.set(heir.take().map(|heir| l.add(heir)));
        }
    }));
    l.turn(&[itself]);
    check("removes itself", &["itself"]);
    assert_eq!(Rc::strong_count(&owned), 1, "input: it is dropped");
    let heir = token.take().expect("it was called once");
    l.turn(&[itself, heir]);
    check("events for it and for its heir", &["heir"]);

    // One that another removes is dropped as well.
    let held = owned.clone();
    let other = l.add(Box::new(move |_, _| drop(held.clone())));
    l.remove(other);
    assert_eq!(Rc::strong_count(&owned), 1, "input: another is dropped");

    // One that asks again must not be called twice in one turn.
    let mut l = new();
    let own = RefCell::new(says("again"));
    let greedy = l.add(Box::new(move |l, token| {
        own.borrow_mut()(l, token);
        l.again(token);
    }));
    l.turn(&[greedy]);
    check("asks again", &["again"]);
    l.turn(&[]);
    check("the turn after", &["again"]);
    // end
}
