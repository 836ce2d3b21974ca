//! Exercise: what one slow reader costs a room, with a queue for each member
//! and without.
//!
//! One thread tells everybody, as in Redis. It must not wait for anybody, so
//! its writes are non-blocking: a socket takes what fits into its buffer
//! and no more. `in_turns` is what happens where it waits all the same.

use std::collections::VecDeque;

/// The sockets of a room, and time.
pub trait Room {
    /// How many members there are: they are numbered from 0.
    fn members(&self) -> usize;
    /// A write that does not wait: how many of the bytes, from the first
    /// on, the member's socket took. 0: its buffer is full.
    fn offer(&mut self, member: usize, bytes: &[u8]) -> usize;
    /// Resets the member's connection.
    fn cut(&mut self, member: usize);
    /// Waits for a tick, in which the members read.
    fn tick(&mut self);
}

/// Wrong, and kept to be measured: tells one after the other, and waits for
/// each.
pub fn in_turns<R: Room>(room: &mut R, line: &[u8]) {
    for member in 0..room.members() {
        let mut rest = line;
        while !rest.is_empty() {
            match room.offer(member, rest) {
                0 => room.tick(), // and nobody behind this one is told
                count => rest = &rest[count..],
            }
        }
    }
}

/// What each member is owed and its socket has not taken.
#[derive(Debug)]
pub struct Queues {
    limit: usize,
    /// `None`: the member was cut off.
    queues: Vec<Option<VecDeque<u8>>>,
}

impl Queues {
    /// A queue for each member, of at most `limit` bytes.
    pub fn new(members: usize, limit: usize) -> Queues {
        Queues {
            limit,
            queues: vec![Some(VecDeque::new()); members],
        }
    }

    /// Tells everybody, and waits for nobody. Who is owed more than the
    /// limit, after its socket took what it takes now, is cut off.
    pub fn say<R: Room>(&mut self, room: &mut R, line: &[u8]) {
        // begin: owe it to all, offer, cut off who is owed too much
        for queue in self.queues.iter_mut().flatten() {
            queue.extend(line);
        }
        self.flush(room);
        for (member, queue) in self.queues.iter_mut().enumerate() {
            if queue.as_ref().is_some_and(|q| q.len() > self.limit) {
                *queue = None;
                room.cut(member);
            }
        }
        // end
    }

    /// Offers what is owed, as much of it as is taken. Called after each
    /// tick.
    pub fn flush<R: Room>(&mut self, room: &mut R) {
        // begin: offer each queue's front until a socket is full
        for (member, queue) in self.queues.iter_mut().enumerate() {
            let Some(queue) = queue else { continue };
            while !queue.is_empty() {
                let count = room.offer(member, queue.as_slices().0);
                if count == 0 {
                    break;
                }
                queue.drain(..count);
            }
        }
        // end
    }
}
