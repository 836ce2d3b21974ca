//! The last events, for who was away.
//!
//! ```text
//!   forgotten   │ 39  40  41 │   next: 42          run "7"
//!               oldest
//!   Last-Event-ID: 7-40   → goes on with 41
//!   Last-Event-ID: 7-12   → lost 13 to 38: is told so, goes on with 39
//!   Last-Event-ID: 6-40   → of another run of the server: lost
//! ```
//!
//! I53: who resumes gets every event after the one that it saw last, in
//! order and once, or is told that some are lost. Never does an event go
//! missing in silence.
//!
//! An id names the run of the server as well as the event: a counter that
//! starts over at 1 would give events of a new run the ids of an old one.
//!
//! Left out: a history that survives the process. That is a log on a disk.

use std::collections::VecDeque;

use ch03_http::events::writer::{Event, Unwritable, write};

// ANCHOR: history
/// Bounds of a history. The newest event is kept even if it is over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most events.
    pub events: usize,
    /// The most bytes, as they are sent.
    pub bytes: usize,
}

/// The last events as bytes to send, written once for all who listen.
#[derive(Debug)]
pub struct History {
    run: String,
    bounds: Bounds,
    kept: VecDeque<Vec<u8>>,
    bytes: usize, // in all of `kept`
    next: u64,    // the number of the event that comes next
}

/// Where a listener stands in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'a> {
    /// The event, and the number to ask for after it.
    Event(&'a [u8], u64),
    /// It has seen all: wait.
    Wait,
    /// Events that it has not seen are forgotten: it can go on from here.
    Lost(u64),
}
// ANCHOR_END: history

impl History {
    // given: the fields' first values
    /// An empty history. `run` differs from that of every earlier run of the
    /// server: the time of its start will do.
    pub fn new(run: &str, bounds: Bounds) -> History {
        History {
            run: run.to_owned(),
            bounds,
            kept: VecDeque::new(),
            bytes: 0,
            next: 1,
        }
    }
    // given end

    // ANCHOR: push
    /// Adds an event and forgets the oldest past the bounds; gives its id.
    ///
    /// # Errors
    /// The kind, or the run, cannot be written; then nothing is added.
    pub fn push(
        &mut self,
        kind: Option<&str>,
        data: &str,
    ) -> Result<String, Unwritable> {
        let id = format!("{}-{}", self.run, self.next);
        let mut bytes = Vec::new();
        let (id_field, data) = (Some(id.as_str()), Some(data));
        let event = Event {
            id: id_field,
            kind,
            data,
            retry: None,
        };
        write(&event, &mut bytes)?;
        self.bytes += bytes.len();
        self.kept.push_back(bytes);
        self.next += 1;
        while self.kept.len() > 1
            && (self.kept.len() > self.bounds.events
                || self.bytes > self.bounds.bytes)
        {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |bytes| bytes.len());
        }
        Ok(id)
    }
    // ANCHOR_END: push

    // ANCHOR: resume
    /// The number to begin with for who sends this `Last-Event-ID`: the one
    /// after it, or 0, which is lost, where it is none of ours. Who sends
    /// none has lost nothing and begins with what comes next.
    pub fn resume(&self, last_id: Option<&str>) -> u64 {
        let Some(last_id) = last_id.filter(|id| !id.is_empty()) else {
            return self.next;
        };
        let ours = last_id.strip_prefix(&self.run);
        let number = ours.and_then(|rest| rest.strip_prefix('-'));
        let digits = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
        match number.filter(digits).map(str::parse::<u64>) {
            // Not from a future that this run has not seen.
            Some(Ok(number)) if number < self.next => number + 1,
            _ => 0,
        }
    }

    /// What is there for a listener that wants this number next.
    pub fn get(&self, number: u64) -> Next<'_> {
        let oldest = self.next - self.kept.len() as u64;
        if number >= self.next {
            return Next::Wait;
        }
        match number.checked_sub(oldest) {
            Some(at) => Next::Event(&self.kept[at as usize], number + 1),
            None => Next::Lost(oldest),
        }
    }
    // ANCHOR_END: resume
}
