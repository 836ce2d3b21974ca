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
        todo!("ex_lazy: what is needed for it to become idle at now + limit_ms")
    }

    /// A byte has come: it is idle at `now + limit_ms` at the earliest.
    pub fn touch(&mut self, connection: usize, now: Tick) {
        todo!("ex_lazy: next to nothing")
    }

    /// Appends the connections that are idle now, each once.
    pub fn expire(&mut self, now: Tick, idle: &mut Vec<usize>) {
        todo!("ex_lazy: of those whose timer fired, the ones that were silent")
    }
}
