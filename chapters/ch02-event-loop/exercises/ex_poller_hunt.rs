//! A bug hunt: a test that no wrong poller survives.

use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ch00_toolbox::sys::pipe;
use ch02_event_loop::poller::{Event, Interest, Poller, Source};
use ch02_event_loop::slab::Token;

/// Panics when what `new` makes does not keep I6 to I9 of `poller`. Gets the
/// right ones, and mutants of one of them with one bug each.
pub fn hunt(new: fn() -> Box<dyn Poller>) {
    todo!("ex_poller_hunt: a scene for each promise that may be broken")
}
