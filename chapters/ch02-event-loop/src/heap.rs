//! Timers in a binary heap, each of which knows its place in it.
//!
//! ```text
//!              5            heap[0]       a timer is due no earlier
//!          ┌───┴───┐                      than its parent,
//!          9       7        heap[1..3]    heap[(i - 1) / 2]
//!        ┌─┴─┐   ┌─┘
//!       12   9   8          heap[3..6]
//! ```
//!
//! The first is at the root. Insert and cancel put one timer at the wrong
//! place, and move it up or down until it is right again: at most one step
//! for each doubling of their number. The steps are short, but each is to a
//! place somewhere else in memory, twice: the heap's, and the timer's, where
//! its new position is noted.
//!
//! libevent, libuv and Go's runtime keep their timers so (Go with four
//! children for each parent). Here the heap is the wheel's twin: it is
//! simpler, and tests hold the wheel against it.

use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::slab::{Slab, Token};

// ANCHOR: heap
/// One timer's place. Compared in this order: I32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Tick,
    order: u64, // of the inserts, which it is
    token: Token,
}

#[derive(Debug)]
struct Timer<T> {
    value: T,
    position: usize, // heap[position].token is this timer's
}

/// Timers in a heap.
#[derive(Debug)]
pub struct Heap<T> {
    now: Tick,
    heap: Vec<Entry>,
    timers: Slab<Timer<T>>,
    inserts: u64,
    moves: u64,
}
// ANCHOR_END: heap

impl<T> Default for Heap<T> {
    fn default() -> Heap<T> {
        Heap {
            now: Tick(0),
            heap: Vec::new(),
            timers: Slab::default(),
            inserts: 0,
            moves: 0,
        }
    }
}

impl<T> Heap<T> {
    /// How many steps up and down there were.
    pub fn moves(&self) -> u64 {
        self.moves
    }

    // ANCHOR: sift
    /// Moves the entry towards the root until its parent is before it.
    fn up(&mut self, mut at: usize) {
        while at > 0 && self.heap[at] < self.heap[(at - 1) / 2] {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    /// Moves the entry towards the leaves until both children are after it.
    fn down(&mut self, mut at: usize) {
        while let Some(children) = self.heap.get(2 * at + 1..)
            && let Some(left) = children.first()
        {
            let is_right = children.get(1).is_some_and(|right| right < left);
            let child = 2 * at + 1 + usize::from(is_right);
            if self.heap[at] < self.heap[child] {
                return;
            }
            self.swap(at, child);
            at = child;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.moves += 1;
        self.heap.swap(a, b);
        self.note_position(a);
        self.note_position(b);
    }

    /// Tells the timer at this place where it is.
    fn note_position(&mut self, at: usize) {
        if let Some(timer) = self.timers.get_mut(self.heap[at].token) {
            timer.position = at;
        }
    }
    // ANCHOR_END: sift

    // ANCHOR: remove
    /// Takes a timer out of the table, and its entry out of the heap.
    fn remove(&mut self, token: Token) -> Option<T> {
        let Timer { value, position } = self.timers.remove(token)?;
        self.heap.swap_remove(position);
        if position < self.heap.len() {
            // What was last is here now, and may belong above or below.
            self.note_position(position);
            self.up(position);
            self.down(position);
        }
        Some(value)
    }
    // ANCHOR_END: remove
}

impl<T> TimerQueue<T> for Heap<T> {
    // ANCHOR: queue
    fn insert(&mut self, at: Tick, value: T) -> TimerKey {
        let position = self.heap.len();
        let token = self.timers.insert(Timer { value, position });
        self.inserts += 1;
        self.heap.push(Entry {
            at: at.max(self.now),
            order: self.inserts,
            token,
        });
        self.up(position);
        TimerKey(token)
    }

    fn cancel(&mut self, key: TimerKey) -> Option<T> {
        self.remove(key.0)
    }

    fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.timers.get_mut(key.0).map(|timer| &mut timer.value)
    }

    fn expire(&mut self, now: Tick, fired: &mut Vec<T>) {
        self.now = self.now.max(now);
        while let Some(first) = self.heap.first()
            && first.at <= self.now
        {
            fired.extend(self.remove(first.token));
        }
    }

    fn next(&self) -> Option<Tick> {
        self.heap.first().map(|first| first.at)
    }
    // ANCHOR_END: queue

    fn len(&self) -> usize {
        self.heap.len()
    }
}
