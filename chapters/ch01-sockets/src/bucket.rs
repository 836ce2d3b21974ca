//! How fast one client may talk: a token bucket.
//!
//! A client saves up to `burst` lines and earns `per_second` more. One that
//! talks faster is not cut off and loses nothing: its reader thread stops
//! reading for a while, its socket's receive buffer fills, TCP closes the
//! window, and the sender's own `write` waits.
//!
//! RFC 2813 §5.8 describes the same for IRC (ten messages at once, then one
//! in two seconds); its servers also cut off who has too much waiting.

use std::time::Duration;

// ANCHOR: bucket
/// The lines that a client may say at once, and how they grow back.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Lines at once.
    pub burst: u32,
    /// Lines a second after that. 0: no limit at all.
    pub per_second: u32,
}

/// Counts in time: `until` is when the bucket will be full again.
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    until: Duration,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate) -> Bucket {
        Bucket {
            rate,
            until: Duration::ZERO,
        }
    }

    /// Takes a line's worth out and says how long to wait before the next
    /// one. `now` is a clock's that never goes back.
    pub fn take(&mut self, now: Duration) -> Duration {
        if self.rate.per_second == 0 {
            return Duration::ZERO;
        }
        let cost = Duration::from_secs(1) / self.rate.per_second;
        self.until = self.until.max(now) + cost;
        let depth = cost * self.rate.burst;
        self.until.saturating_sub(now + depth)
    }
}
// ANCHOR_END: bucket

#[cfg(test)]
mod tests {
    use super::*;

    /// I11: a burst is free, then the rate holds, however long it goes on
    #[test]
    fn burst_then_rate() {
        let rate = Rate {
            burst: 3,
            per_second: 10,
        };
        let mut bucket = Bucket::new(rate);
        let mut now = Duration::from_secs(7);
        let mut waits = Vec::new();
        for _ in 0..6 {
            let wait = bucket.take(now);
            waits.push(wait.as_millis());
            now += wait;
        }
        assert_eq!(waits, [0, 0, 0, 100, 100, 100], "input: six at once");
        now += Duration::from_secs(60);
        let waits: Vec<_> =
            (0..4).map(|_| bucket.take(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100], "a minute saves up one burst");
    }

    /// I11: a rate of 0 is none
    #[test]
    fn zero_is_no_limit() {
        let mut bucket = Bucket::new(Rate {
            burst: 0,
            per_second: 0,
        });
        for _ in 0..1000 {
            assert_eq!(bucket.take(Duration::ZERO), Duration::ZERO);
        }
    }
}
