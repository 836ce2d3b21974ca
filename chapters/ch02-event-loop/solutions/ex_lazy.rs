//! A measure: idle timeouts that a byte pushes back for nothing.

use ch02_event_loop::queue::{Tick, TimerQueue};

/// Connections that are idle when no byte has come for a while.
pub struct Idle<Q> {
    queue: Q, // of connections' numbers
    limit_ms: u64,
    last_byte: Vec<Tick>, // of each connection
}

impl<Q: TimerQueue<usize>> Idle<Q> {
    /// Connections that may be silent for `limit_ms`.
    pub fn new(queue: Q, limit_ms: u64) -> Idle<Q> {
        Idle {
            queue,
            limit_ms,
            last_byte: Vec::new(),
        }
    }

    /// A new connection, and its number: 0, 1, 2 …
    pub fn open(&mut self, now: Tick) -> usize {
        // begin: what is needed for it to become idle at now + limit_ms
        let connection = self.last_byte.len();
        self.last_byte.push(now);
        self.queue.insert(Tick(now.0 + self.limit_ms), connection);
        connection
        // end
    }

    /// A byte has come: it is idle at `now + limit_ms` at the earliest.
    pub fn touch(&mut self, connection: usize, now: Tick) {
        // begin: next to nothing
        self.last_byte[connection] = now;
        // end
    }

    /// Appends the connections that are idle now, each once.
    pub fn expire(&mut self, now: Tick, idle: &mut Vec<usize>) {
        // begin: of those whose timer fired, the ones that were silent
        let mut fired = Vec::new();
        self.queue.expire(now, &mut fired);
        for connection in fired {
            // The timer asks only now whether it was pushed back.
            let at = Tick(self.last_byte[connection].0 + self.limit_ms);
            if at > now {
                self.queue.insert(at, connection);
            } else {
                idle.push(connection);
            }
        }
        // end
    }
}
