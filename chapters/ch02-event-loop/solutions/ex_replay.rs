//! A recorder for pollers, and a poller that plays the record.
//!
//! An event loop does what its events say, in their order. So who writes the
//! events down can run the loop again, with the same events in the same
//! order, and without a kernel: a bug that came once in a night comes back
//! at once.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::poller::{Event, Interest, Poller, Source};
use ch02_event_loop::slab::Token;

/// What the loop asked. A wait's timeout is no part of it: it comes from a
/// clock, and another run has another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// `add`.
    Add(Source, Token),
    /// `arm`.
    Arm(Source, Interest),
    /// `remove`.
    Remove(Source),
    /// `wait`.
    Wait,
}

/// One call: what was asked, and the events (of a `wait`; none for the other
/// calls) or the kind of the error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was asked.
    pub asked: Asked,
    /// What came of it.
    pub came: Result<Vec<Event>, ErrorKind>,
}

/// All calls so far. Clones are the same tape.
pub type Tape = Rc<RefCell<Vec<Call>>>;

/// A poller that does what another does, and writes every call down.
pub struct Recorder {
    inner: Box<dyn Poller>,
    tape: Tape,
}

impl Recorder {
    /// Writes the calls of this poller on this tape.
    pub fn new(inner: Box<dyn Poller>, tape: Tape) -> Recorder {
        Recorder { inner, tape }
    }
}

/// A poller that knows no source, and answers what the tape says.
pub struct Replay {
    calls: VecDeque<Call>,
}

impl Replay {
    /// Plays these calls.
    pub fn new(calls: Vec<Call>) -> Replay {
        Replay {
            calls: calls.into(),
        }
    }
}

impl Recorder {
    fn note(&self, asked: Asked, came: &io::Result<Vec<Event>>) {
        // begin: put the call on the tape, its error as a kind
        let came = match came {
            Ok(events) => Ok(events.clone()),
            Err(error) => Err(error.kind()),
        };
        self.tape.borrow_mut().push(Call { asked, came });
        // end
    }

    fn noted(&self, asked: Asked, came: io::Result<()>) -> io::Result<()> {
        // begin: note a call without events, give what came of it
        let came = came.map(|()| Vec::new());
        self.note(asked, &came);
        came.map(drop)
        // end
    }
}

impl Poller for Recorder {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        let came = self.inner.add(source, token);
        self.noted(Asked::Add(source, token), came)
    }

    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()> {
        let came = self.inner.arm(source, interest);
        self.noted(Asked::Arm(source, interest), came)
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        let came = self.inner.remove(source);
        self.noted(Asked::Remove(source), came)
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        // begin: note the new events only; `events` may hold others
        let before = events.len();
        let came = self.inner.wait(events, timeout);
        let came = came.map(|()| events[before..].to_vec());
        self.note(Asked::Wait, &came);
        came.map(drop)
        // end
    }
}

impl Replay {
    /// The next call's outcome.
    ///
    /// # Errors
    /// The one on the tape. `InvalidData`, with both in its text, when the
    /// tape has another call here: the loop has taken another way. Then the
    /// tape is left as it is. `UnexpectedEof` when the tape is over.
    fn next(&mut self, asked: &Asked) -> io::Result<Vec<Event>> {
        // begin: compare with the tape, and take one call off
        let Some(call) = self.calls.front() else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        if call.asked != *asked {
            let text = format!("{asked:?}, and the tape has {:?}", call.asked);
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        let came = call.came.clone();
        self.calls.pop_front();
        Ok(came?)
        // end
    }
}

impl Poller for Replay {
    fn add(&mut self, source: Source, token: Token) -> io::Result<()> {
        self.next(&Asked::Add(source, token)).map(drop)
    }

    fn arm(&mut self, source: Source, interest: Interest) -> io::Result<()> {
        self.next(&Asked::Arm(source, interest)).map(drop)
    }

    fn remove(&mut self, source: Source) -> io::Result<()> {
        self.next(&Asked::Remove(source)).map(drop)
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        _: Option<Duration>,
    ) -> io::Result<()> {
        // begin: append what the tape has, and never wait
        events.extend(self.next(&Asked::Wait)?);
        Ok(())
        // end
    }
}
