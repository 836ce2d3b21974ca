//! A bug hunt: a test that no wrong pool survives.

use std::time::Duration;

use ch03_http::client::pool::{Key, Limits};

/// What a pool does; a number stands for a connection.
pub trait Keeps {
    /// The one that was given last for this server and is not too old.
    fn take(&mut self, key: &Key, now: Duration) -> Option<u32>;
    /// One more is idle. If it is one too many for its server, the oldest of
    /// that server's goes.
    fn give(&mut self, key: Key, connection: u32, now: Duration);
    /// The one that has been idle for longest goes, whosever it is: false if
    /// none is idle.
    fn evict(&mut self) -> bool;
    /// How many are idle. Those that are too old go at the next call of
    /// `take` or `give`, and count until then.
    fn len(&self) -> usize;
}

/// Panics when what `new` makes is not a pool as the page defines it.
/// `idle_per_host` is at least 1, and time never goes back. Gets the right
/// one, and mutants of it with one bug each.
pub fn hunt(new: fn(Limits) -> Box<dyn Keeps>) {
    // begin: call all four, and compare with the page
    let limits = Limits {
        connections: 9,
        idle_per_host: 2,
        idle: Duration::from_secs(10),
    };
    let second = Duration::from_secs;
    let a = || ("a".to_owned(), 80);
    let b = || ("b".to_owned(), 80);
    let a81 = || ("a".to_owned(), 81);

    // The last one first, each once, and to its own server only.
    let mut pool = new(limits);
    pool.give(a(), 1, second(0));
    pool.give(a(), 2, second(1));
    pool.give(b(), 3, second(1));
    assert_eq!(pool.len(), 3, "input: three are given");
    assert_eq!(pool.take(&a81(), second(2)), None, "input: another port");
    assert_eq!(pool.take(&a(), second(2)), Some(2), "input: the last");
    assert_eq!(pool.take(&a(), second(2)), Some(1), "input: the one before");
    assert_eq!(pool.take(&a(), second(2)), None, "input: no more of a's");
    assert_eq!(pool.len(), 1, "input: b's is left");

    // One too many: the oldest of this server's goes, and no other one.
    let mut pool = new(limits);
    pool.give(b(), 9, second(0));
    (1..=3).for_each(|n| pool.give(a(), n, second(n.into())));
    assert_eq!(pool.len(), 3, "input: two of a's, and b's");
    assert_eq!(pool.take(&a(), second(4)), Some(3), "input: the last");
    assert_eq!(pool.take(&a(), second(4)), Some(2), "input: the first went");
    assert_eq!(pool.take(&b(), second(4)), Some(9), "input: b's stayed");

    // Too old at the limit, counted from when it was given last.
    for (after, expected) in [(9, Some(1)), (10, None), (11, None)] {
        let mut pool = new(limits);
        pool.give(a(), 1, second(3));
        let got = pool.take(&a(), second(3 + after));
        assert_eq!(got, expected, "input: after {after} s");
        assert_eq!(pool.len(), 0, "input: after {after} s");
    }
    // A younger one behind it stays; and those of others go as well.
    let mut pool = new(limits);
    pool.give(b(), 8, second(0));
    pool.give(a(), 1, second(0));
    pool.give(a(), 2, second(5));
    pool.give(b(), 9, second(12));
    assert_eq!(pool.len(), 2, "input: two were too old");
    assert_eq!(pool.take(&a(), second(12)), Some(2), "input: the younger");

    // The longest idle goes, among all servers.
    let mut pool = new(limits);
    assert!(!pool.evict(), "input: an empty pool");
    pool.give(b(), 2, second(0));
    pool.give(a(), 1, second(1));
    pool.give(b(), 3, second(2));
    assert!(pool.evict(), "input: three");
    assert_eq!(pool.len(), 2, "input: one was evicted");
    assert_eq!(pool.take(&b(), second(3)), Some(3), "input: b's younger");
    assert_eq!(pool.take(&b(), second(3)), None, "input: b's older went");
    assert_eq!(pool.take(&a(), second(3)), Some(1), "input: a's stayed");
    // end
}
