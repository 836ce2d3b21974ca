//! How long a silence may last: deadlines without a clock or a socket.
//!
//! ```text
//!   connected ──────────── login ──▶ End     a stranger, whatever it sends
//!   heard ─── idle/2 ─▶ Warn ─ idle ──▶ End  a member, since its last byte
//! ```
//!
//! I12: every wait has an end: for a name, for a member's next byte, for a
//! socket that takes no more, for the peer's FIN after ours.
//!
//! The two deadlines differ in what resets them. A member may type one byte
//! a second for an hour: that is a person. A stranger may not: one byte a
//! second from a thousand strangers is how slowloris holds a server's every
//! thread, so nothing that it sends moves its deadline.
//!
//! IRC servers do the same with PING and PONG (RFC 1459 §4.6.2), where the
//! client's program answers; people behind `nc` have only their hands.

use std::time::Duration;

// ANCHOR: terms
/// How long a client may keep quiet.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// From the connection until the name is said.
    pub login: Duration,
    /// From a member's last byte until it is cut off; half of it until it
    /// is warned.
    pub idle: Duration,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Wait for bytes, at most this long, and ask again.
    Wait(Duration),
    /// Say that this much is left, and ask again.
    Warn(Duration),
    /// End the connection, for this reason.
    End(&'static str),
}

/// The deadlines of one connection.
#[derive(Debug)]
pub struct Watch {
    terms: Terms,
    connected: Duration,
    heard: Duration,
    warned: bool,
}
// ANCHOR_END: terms

// ANCHOR: watch
impl Watch {
    /// Starts now.
    pub fn new(terms: Terms, now: Duration) -> Watch {
        Watch {
            terms,
            connected: now,
            heard: now,
            warned: false,
        }
    }

    /// Bytes have come, however few.
    pub fn heard(&mut self, now: Duration) {
        self.heard = now;
        self.warned = false;
    }

    /// What to do at `now`; `named` says whether the client has said who it
    /// is. After `Warn` and `heard` the answer changes, otherwise it only
    /// gets closer.
    pub fn next(&mut self, now: Duration, named: bool) -> Next {
        if !named {
            let end = self.connected.saturating_add(self.terms.login);
            return match end.saturating_sub(now) {
                Duration::ZERO => Next::End("no name in time"),
                left => Next::Wait(left),
            };
        }
        let end = self.heard.saturating_add(self.terms.idle);
        let left = end.saturating_sub(now);
        if left.is_zero() {
            return Next::End("idle for too long");
        }
        let half = self.terms.idle / 2;
        if self.warned || left > half {
            let until = if self.warned { left } else { left - half };
            return Next::Wait(until);
        }
        self.warned = true;
        Next::Warn(left)
    }
}
// ANCHOR_END: watch

#[cfg(test)]
mod tests {
    use super::*;
    use Next::{End, Wait, Warn};

    const S: Duration = Duration::from_secs(1);
    const TERMS: Terms = Terms {
        login: Duration::from_secs(30),
        idle: Duration::from_secs(60),
    };

    /// I12: a stranger's deadline does not move, whatever it sends
    #[test]
    fn one_byte_a_second_does_not_buy_a_stranger_time() {
        let mut watch = Watch::new(TERMS, S);
        for second in 1..31 {
            let now = S * second;
            let left = S * (31 - second);
            let got = watch.next(now, false);
            assert_eq!(got, Wait(left), "input: byte {second}");
            watch.heard(now);
        }
        let got = watch.next(S * 31, false);
        assert_eq!(got, End("no name in time"), "input: second 31");
    }

    /// I12: a member is warned at half time, once, and ended at the end
    #[test]
    fn a_member_is_warned_and_then_ended() {
        let mut watch = Watch::new(TERMS, Duration::ZERO);
        let mut check = |second: u32, expected: Next| {
            let got = watch.next(S * second, true);
            assert_eq!(got, expected, "input: silent for {second} s");
        };
        check(0, Wait(S * 30));
        check(29, Wait(S));
        check(30, Warn(S * 30));
        check(30, Wait(S * 30));
        check(59, Wait(S));
        check(60, End("idle for too long"));
    }

    /// I12: a deadline that no clock reaches is one
    #[test]
    fn deadlines_do_not_overflow() {
        let terms = Terms {
            login: Duration::MAX,
            idle: Duration::MAX,
        };
        let mut watch = Watch::new(terms, S);
        for named in [false, true] {
            let got = watch.next(S, named);
            assert!(matches!(got, Wait(_)), "input: named {named}: {got:?}");
        }
    }

    /// I12: a member's every byte counts, and clears the warning
    #[test]
    fn a_byte_resets_a_members_deadline() {
        let mut watch = Watch::new(TERMS, Duration::ZERO);
        assert_eq!(watch.next(S * 45, true), Warn(S * 15), "input: late ask");
        watch.heard(S * 50);
        assert_eq!(watch.next(S * 50, true), Wait(S * 30), "input: a byte");
        assert_eq!(watch.next(S * 80, true), Warn(S * 30), "input: silence");
    }
}
