//! Exercise: the idle rule of a protocol whose clients are programs.
//!
//! IRC's server sends `PING token` to who has been silent for `after`, and
//! closes the connection of who has not answered `PONG token` within `grace`.
//! Any line counts as a sign of life, but while a ping is out only its own
//! answer does: a program that talks and does not answer has gone wrong.

use std::time::Duration;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beat {
    /// Nothing for so long.
    Wait(Duration),
    /// Send `PING` with this token.
    Ping(u32),
    /// Close: no answer.
    Dead,
}

/// One connection's heartbeat.
#[derive(Debug)]
pub struct Heartbeat {
    after: Duration,
    grace: Duration,
    heard: Duration,
    /// The ping that is out, and since when.
    asked: Option<(u32, Duration)>,
    last_token: u32,
}

impl Heartbeat {
    /// Starts at `now`.
    pub fn new(after: Duration, grace: Duration, now: Duration) -> Heartbeat {
        Heartbeat {
            after,
            grace,
            heard: now,
            asked: None,
            last_token: 0,
        }
    }

    /// A line came.
    pub fn line(&mut self, line: &str, now: Duration) {
        // begin: its PONG clears a ping; without one, any line counts
        match self.asked {
            Some((token, _)) if line != format!("PONG {token}") => {}
            _ => {
                self.asked = None;
                self.heard = now;
            }
        }
        // end
    }

    /// What to do at `now`. Tokens count up from 1.
    pub fn next(&mut self, now: Duration) -> Beat {
        // begin: dead after the grace, a ping after the silence
        let end = match self.asked {
            Some((_, since)) => since + self.grace,
            None => self.heard + self.after,
        };
        if now < end {
            return Beat::Wait(end - now);
        }
        if self.asked.is_some() {
            return Beat::Dead;
        }
        self.last_token += 1;
        self.asked = Some((self.last_token, now));
        Beat::Ping(self.last_token)
        // end
    }
}
