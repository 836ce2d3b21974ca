//! One loop for each core.
//!
//! A loop is one thread. To use more cores, run more loops: each with its own
//! listener on the same address (SO_REUSEPORT), its own tasks and its own
//! memory, so that they share nothing and wait for nobody. The kernel deals
//! the connections out by a hash of their addresses; a connection stays where
//! it was accepted. nginx (`reuseport`) and Envoy work so.
//!
//! - **I55** A loop that fails ends the others, too; the first error is told.

use std::io;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

/// How many cores this process may use: cgroup limits and the affinity mask
/// are counted in.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

// ANCHOR: on_each
/// Runs `work` on `count` threads at once, with their numbers from 0 on, and
/// waits for all. The last one runs on the calling thread.
///
/// When one fails, `stop` is called: it is to make the others end.
///
/// # Errors
/// The first error of `work`; or that a thread could not be started.
pub fn on_each(
    count: usize,
    work: impl Fn(usize) -> io::Result<()> + Sync,
    stop: impl Fn() + Sync,
) -> io::Result<()> {
    let first = Mutex::new(None);
    let run = |number| {
        if let Err(error) = work(number) {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error);
            drop(first);
            stop();
        }
    };
    let run = &run;
    let last = count.saturating_sub(1);
    thread::scope(|scope| {
        for number in 0..last {
            let name = format!("loop {number}");
            let thread = thread::Builder::new().name(name);
            thread.spawn_scoped(scope, move || run(number)).inspect_err(
                |_| stop(),
            )?;
        }
        run(last);
        Ok::<(), io::Error>(())
    })?;
    let first = first.into_inner().unwrap_or_else(PoisonError::into_inner);
    first.map_or(Ok(()), Err)
}
// ANCHOR_END: on_each
