//! What can be tested of the calls without a kernel.

use std::collections::VecDeque;
use std::io::ErrorKind::Interrupted;
use std::time::Duration;

use ch02_event_loop::sys::{AF_INET, AF_INET6, sockaddr, wait_for};

/// I8: a signal ends no wait early. One of no time is not repeated, and
/// one without end is repeated without end.
#[test]
fn a_signal_does_not_end_a_wait() {
    let check = |timeout, script: &[Option<usize>], expected, calls| {
        let mut script: VecDeque<_> = script.iter().copied().collect();
        let mut asked = Vec::new();
        let got = wait_for(timeout, |ms| {
            asked.push(ms);
            let next = script.pop_front().expect("a call too many");
            next.ok_or(Interrupted.into())
        });
        let input = format!("timeout: {timeout:?}");
        assert_eq!(got.ok(), Some(expected), "{input}");
        assert_eq!(asked, calls, "milliseconds asked for; {input}");
    };
    let zero = Some(Duration::ZERO);
    check(zero, &[Some(3)], 3, vec![0]);
    check(zero, &[None], 0, vec![0]);
    check(None, &[None, None, Some(1)], 1, vec![-1, -1, -1]);
    let ages = Some(Duration::from_secs(1 << 40));
    check(ages, &[None, Some(0), Some(2)], 2, vec![i32::MAX; 3]);
}

/// I6: an address is laid out as ip(7) and ipv6(7) have it.
#[test]
#[cfg(target_os = "linux")]
fn addresses() {
    let check = |addr: &str, expected: &[u8]| {
        let (bytes, len) = sockaddr(addr.parse().expect("an address"));
        assert_eq!(&bytes[..len as usize], expected, "input: {addr}");
    };
    let [low, high] = AF_INET.to_ne_bytes();
    let v4 = [low, high, 0x1b, 0x5a, 127, 0, 0, 1];
    check("127.0.0.1:7002", &[&v4[..], &[0; 8]].concat());
    let [low, high] = AF_INET6.to_ne_bytes();
    let v6 = [low, high, 0x1b, 0x5a, 0, 0, 0, 0];
    check("[::1]:7002", &[&v6[..], &[0; 15], &[1], &[0; 4]].concat());
}
