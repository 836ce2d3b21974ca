//! One loop for each core.
//!
//! A loop is one thread. To use more cores, run more loops: each with its own
//! listener on the same address (SO_REUSEPORT), its own tasks and its own
//! memory, so that they share nothing and wait for nobody. The kernel deals
//! the connections out by a hash of their addresses; a connection stays where
//! it was accepted. nginx (`reuseport`) and Envoy work so.
//!
//! - **I47** When one loop ends, for whatever reason, all are asked to; the
//!   first error is told.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

// given: one call
/// How many cores this process may use: cgroup limits and the affinity mask
/// are counted in.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
// given end

// ANCHOR: find_free
/// An address at which nobody listens, with a port in place of 0. To be asked
/// before several listeners share it: with SO_REUSEPORT a second *server* at
/// the address would be no error, and would get half of the connections.
///
/// # Errors
/// EADDRINUSE, EACCES, EADDRNOTAVAIL.
pub fn find_free(addr: SocketAddr) -> io::Result<SocketAddr> {
    // Without the option, a listener with it is in the way as well.
    TcpListener::bind(addr)?.local_addr()
}
// ANCHOR_END: find_free

// ANCHOR: stop
/// Asks loops on several threads to end. Clones are the same request.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    times: u32,
    waiting: Vec<Waker>, // one for each loop, or few
}

impl Stop {
    /// Asks once more.
    pub fn ask(&self) {
        let mut asked = self.lock();
        asked.times = asked.times.saturating_add(1);
        let waiting = std::mem::take(&mut asked.waiting);
        drop(asked);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until it was asked so many times.
    pub async fn asked(&self, times: u32) {
        poll_fn(|cx| {
            let mut asked = self.lock();
            if asked.times >= times {
                return Poll::Ready(());
            }
            asked.waiting.retain(|other| !other.will_wake(cx.waker()));
            asked.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    // given: as in other files
    fn lock(&self) -> MutexGuard<'_, Asked> {
        // A number and a list: valid whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    // given end
}
// ANCHOR_END: stop

// ANCHOR: beside
/// Runs `first` on this thread, and `other` on `others` threads of their own
/// at the same time, and waits for all. When one of them returns, `stop` is
/// asked.
///
/// # Errors
/// The first error of any; or that a thread could not be started.
pub fn beside(
    others: usize,
    stop: &Stop,
    other: impl Fn() -> io::Result<()> + Sync,
    first: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    thread::scope(|scope| {
        let mut threads = Vec::new();
        let mut result = Ok(());
        for number in 1..=others {
            let thread = thread::Builder::new().name(format!("loop {number}"));
            let (other, stop) = (&other, AskOnDrop(stop));
            match thread.spawn_scoped(scope, move || {
                let _stop = stop; // asked also when it panics
                other()
            }) {
                Ok(thread) => threads.push(thread),
                Err(error) => result = Err(error),
            }
        }
        // A failed spawn has dropped its `AskOnDrop`, so `first` ends soon.
        let first = {
            let _stop = AskOnDrop(stop);
            first()
        };
        result = result.and(first);
        for thread in threads {
            let panicked = |_| Err(io::Error::other("a loop panicked"));
            result = result.and(thread.join().unwrap_or_else(panicked));
        }
        result
    })
}

// ANCHOR_END: beside

struct AskOnDrop<'a>(&'a Stop);

// given: a panic of a `todo!` in a drop would abort all tests.
impl Drop for AskOnDrop<'_> {
    fn drop(&mut self) {
        self.0.ask();
    }
}
// given end
