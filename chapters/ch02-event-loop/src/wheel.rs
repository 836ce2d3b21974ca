//! A hierarchical timer wheel.
//!
//! Write a tick as a number in base 64. Its last digit is its place on the
//! first wheel, the digit before it on the second, and so on. A timer waits
//! on the wheel of the first digit, from the left, in which its tick differs
//! from the present one, in the slot of that digit:
//!
//! ```text
//!   now                0 …  0   3  17   5
//!   due soon           0 …  0   3  17  40     level 0, slot 40
//!   due later          0 …  0   3  22   9     level 1, slot 22
//!                                   └──────── when now is …  3  22   0
//!                                             it moves to level 0, slot 9
//! ```
//!
//! So a wheel is an array of lists, and a timer's list is known from its tick
//! and the present one. When the time comes to a slot of a higher wheel, the
//! slot's timers move down (they *cascade*): each at most once per level.
//!
//! Eleven digits hold every 64-bit tick, so no timer is too far away.
//!
//! - **I34** Insert and cancel take a time that does not depend on how many
//!   timers there are; `next` looks at one word, and `expire` at the slots
//!   that hold something: never at the ticks that have passed.
//!
//! Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987,
//! scheme 7. Left out: shrinking; the memory of a peak stays.

use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::slab::{Slab, Token};

/// A digit has six bits: a wheel has 64 slots, and one word has a bit for
/// each of them.
const BITS: usize = 6;
const SLOTS: usize = 1 << BITS;
/// Eleven digits of six bits hold 64 bits.
const LEVELS: usize = 11;

// ANCHOR: wheel
/// One timer, and its neighbours in the list of its slot.
#[derive(Debug)]
struct Node<T> {
    value: T,
    at: Tick,
    before: Option<Token>,
    after: Option<Token>,
}

/// A list of timers, as in the order of their inserts.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    first: Option<Token>,
    last: Option<Token>,
}

/// Timers in wheels of wheels.
#[derive(Debug)]
pub struct Wheel<T> {
    now: Tick,
    nodes: Slab<Node<T>>,
    slots: Vec<Slot>,        // LEVELS times SLOTS
    occupied: [u64; LEVELS], // a bit for each slot that is not empty
    levels: u32,             // a bit for each level that is not empty
}
// ANCHOR_END: wheel

impl<T> Default for Wheel<T> {
    fn default() -> Wheel<T> {
        Wheel {
            now: Tick(0),
            nodes: Slab::default(),
            slots: vec![Slot::default(); LEVELS * SLOTS],
            occupied: [0; LEVELS],
            levels: 0,
        }
    }
}

// ANCHOR: place
/// A slot's level, and its digit there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    level: usize,
    digit: usize,
}

/// Where a timer for `at` waits while the time is `now`, at most `at`.
fn place(now: Tick, at: Tick) -> Place {
    // The highest bit that differs, or bit 0 if none does.
    let bit = ((now.0 ^ at.0) | 1).ilog2() as usize;
    let level = bit / BITS;
    let digit = (at.0 >> (level * BITS)) as usize % SLOTS;
    Place { level, digit }
}

impl Place {
    fn index(self) -> usize {
        self.level * SLOTS + self.digit
    }
}
// ANCHOR_END: place

impl<T> Wheel<T> {
    // ANCHOR: link
    /// Puts a timer at the end of the list where it belongs now.
    fn link(&mut self, token: Token) {
        let Some(node) = self.nodes.get_mut(token) else {
            return;
        };
        let place = place(self.now, node.at);
        let slot = &mut self.slots[place.index()];
        let before = slot.last.replace(token);
        (node.before, node.after) = (before, None);
        match before.and_then(|before| self.nodes.get_mut(before)) {
            Some(before) => before.after = Some(token),
            None => slot.first = Some(token),
        }
        self.occupied[place.level] |= 1 << place.digit;
        self.levels |= 1 << place.level;
    }

    /// Takes a timer out of its list.
    fn unlink(&mut self, node: &Node<T>) {
        let place = place(self.now, node.at);
        let slot = &mut self.slots[place.index()];
        match node.before.and_then(|before| self.nodes.get_mut(before)) {
            Some(before) => before.after = node.after,
            None => slot.first = node.after,
        }
        match node.after.and_then(|after| self.nodes.get_mut(after)) {
            Some(after) => after.before = node.before,
            None => slot.last = node.before,
        }
        if slot.first.is_none() {
            self.vacate(place);
        }
    }

    /// The slot's list is empty.
    fn vacate(&mut self, place: Place) {
        self.occupied[place.level] &= !(1 << place.digit);
        if self.occupied[place.level] == 0 {
            self.levels &= !(1 << place.level);
        }
    }
    // ANCHOR_END: link

    // ANCHOR: first
    /// The first slot that holds something, and when its time comes. All on
    /// a level are due before any on the next one: they differ from now in a
    /// later digit.
    fn first(&self) -> Option<(Place, Tick)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let digit = self.occupied[level].trailing_zeros() as usize;
        // Now's digits left of this one, this one, and zeros.
        let above = self.now.0 >> (level * BITS) >> BITS << BITS;
        let start = (above | digit as u64) << (level * BITS);
        Some((Place { level, digit }, Tick(start)))
    }
    // ANCHOR_END: first

    // ANCHOR: empty
    /// Empties a slot whose time has come: what is due fires, and the rest
    /// moves to lower levels.
    fn empty(&mut self, place: Place, fired: &mut Vec<T>) {
        let slot = std::mem::take(&mut self.slots[place.index()]);
        self.vacate(place);
        let mut next = slot.first;
        while let Some(token) = next
            && let Some(node) = self.nodes.get_mut(token)
        {
            next = node.after;
            if node.at > self.now {
                self.link(token);
            } else if let Some(node) = self.nodes.remove(token) {
                fired.push(node.value);
            }
        }
    }
    // ANCHOR_END: empty
}

impl<T> TimerQueue<T> for Wheel<T> {
    // ANCHOR: insert
    fn insert(&mut self, at: Tick, value: T) -> TimerKey {
        let token = self.nodes.insert(Node {
            value,
            at: at.max(self.now),
            before: None,
            after: None,
        });
        self.link(token);
        TimerKey(token)
    }

    fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let node = self.nodes.remove(key.0)?;
        self.unlink(&node);
        Some(node.value)
    }
    // ANCHOR_END: insert

    fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.nodes.get_mut(key.0).map(|node| &mut node.value)
    }

    // ANCHOR: expire
    fn expire(&mut self, now: Tick, fired: &mut Vec<T>) {
        let now = now.max(self.now);
        while let Some((place, start)) = self.first()
            && start <= now
        {
            self.now = start;
            self.empty(place, fired);
        }
        self.now = now;
    }

    fn next(&self) -> Option<Tick> {
        self.first().map(|(_, start)| start)
    }
    // ANCHOR_END: expire

    fn len(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ch00_toolbox::prop;

    /// I34: each list can be walked both ways, its timers are where `place`
    /// says, the bits say which lists are not empty, and no time has come
    /// for any of them.
    fn whole<T>(wheel: &mut Wheel<T>) -> Result<(), String> {
        let mut seen = 0;
        for level in 0..LEVELS {
            for digit in 0..SLOTS {
                let here = Place { level, digit };
                let slot = wheel.slots[here.index()];
                let (mut before, mut at) = (None, slot.first);
                while let Some(token) = at {
                    let node = wheel.nodes.get_mut(token).ok_or("a gap")?;
                    let there = place(wheel.now, node.at);
                    if node.before != before || there != here {
                        return Err(format!("{here:?}, but {there:?}"));
                    }
                    (before, at) = (Some(token), node.after);
                    seen += 1;
                }
                let bit = wheel.occupied[level] >> digit & 1 == 1;
                if slot.last != before || slot.first.is_some() != bit {
                    return Err(format!("the end or the bit of {here:?}"));
                }
            }
            let bit = wheel.levels >> level & 1 == 1;
            if (wheel.occupied[level] != 0) != bit {
                return Err(format!("the bit of level {level}"));
            }
        }
        match seen == wheel.len() {
            true => Ok(()),
            false => Err(format!("{seen} of {}", wheel.len())),
        }
    }

    #[test]
    fn stays_whole() {
        prop::check(
            "stays_whole",
            1_000,
            |random| {
                random.vec(40, |random| {
                    let bits = *random.pick(&[0, 6, 7, 12, 18, 36, 63]);
                    (random.upto(3), random.upto(1 << bits))
                })
            },
            |ops| {
                let (mut wheel, mut keys) = (Wheel::default(), Vec::new());
                for (what, number) in ops {
                    let at = Tick(wheel.now.0.saturating_add(*number));
                    match what {
                        0 | 1 => keys.push(wheel.insert(at, ())),
                        2 if !keys.is_empty() => {
                            let which = *number as usize % keys.len();
                            wheel.cancel(keys[which]);
                        }
                        _ => wheel.expire(at, &mut Vec::new()),
                    }
                    whole(&mut wheel)?;
                }
                Ok(())
            },
        );
    }

    /// I34: a timer's digit counts only if those before it are now's.
    #[test]
    fn places() {
        let check = |now, at, level, digit| {
            let got = place(Tick(now), Tick(at));
            assert_eq!(got, Place { level, digit }, "input: {at} at {now}");
        };
        check(0, 0, 0, 0);
        check(0, 63, 0, 63);
        check(0, 64, 1, 1);
        check(63, 64, 1, 1);
        check(64, 127, 0, 63);
        check(64, 128, 1, 2);
        check(4_095, 4_096, 2, 1);
        check((1 << 36) - 1, 1 << 36, 6, 1);
        check(0, u64::MAX, 10, 15);
        check(u64::MAX - 1, u64::MAX, 0, 63);
    }
}
