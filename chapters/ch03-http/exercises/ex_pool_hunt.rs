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
    todo!("ex_pool_hunt: call all four, and compare with the page")
}
