//! A bell that another thread can ring.
//!
//! A loop that sleeps in epoll_wait hears only descriptors. So another thread
//! that has something for it writes to one: an eventfd, which is a counter in
//! the kernel, or, where there is none, a pipe to oneself.
//!
//! Most wake-ups come from the loop's own thread, which is awake. So a loop
//! says when it is about to sleep, and a ring at any other time costs one
//! atomic exchange and no system call:
//!
//! ```text
//!   the loop                          another thread
//!   dozing = true                     queue.push(task)
//!   is the queue empty?               was dozing? (swap false)
//!   yes: sleep    ◀──── write ─────── yes: ring
//!   dozing = false
//! ```
//!
//! (An eventfd that is cleared becomes writable once more. An edge-triggered
//! poller that watches both directions reports that: one return in vain for
//! each ring. A pipe's reading end has no such edge.)
//!
//! - **I20** What is queued before its ring is seen: either the loop finds it
//!   before it sleeps, or the ring ends the sleep. Many rings may end one
//!   sleep.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use ch00_toolbox::sys::{Fd, pipe, set_nonblocking};
use ch02_event_loop::poller::Source;

// ANCHOR: bell
/// What wakes a loop that sleeps, from any thread.
pub trait Bell: Send + Sync {
    /// The loop is about to sleep, and looks once more whether it may.
    fn doze(&self);
    /// The loop is awake: a ring would be in vain.
    fn awake(&self);
    /// Ends a sleep that `doze` has announced.
    fn ring(&self);
}
// ANCHOR_END: bell

// ANCHOR: alarm
/// A bell made of descriptors.
#[derive(Debug)]
pub struct Alarm {
    read: Fd,
    write: Option<Fd>, // None: an eventfd has one descriptor for both
    is_dozing: AtomicBool,
}

impl Alarm {
    /// An eventfd where there is one, else a pipe.
    ///
    /// # Errors
    /// EMFILE or ENFILE: no descriptor is left.
    pub fn new() -> io::Result<Alarm> {
        #[cfg(target_os = "linux")]
        return Ok(Alarm {
            read: ch02_event_loop::sys::eventfd_new()?,
            write: None,
            is_dozing: AtomicBool::new(false),
        });
        #[cfg(not(target_os = "linux"))]
        Alarm::pipe()
    }

    /// A pipe.
    ///
    /// # Errors
    /// EMFILE or ENFILE: no descriptor is left.
    pub fn pipe() -> io::Result<Alarm> {
        let (read, write) = pipe()?;
        set_nonblocking(&read, true)?;
        set_nonblocking(&write, true)?;
        let is_dozing = AtomicBool::new(false);
        Ok(Alarm {
            read,
            write: Some(write),
            is_dozing,
        })
    }

    // ANCHOR_END: alarm

    // ANCHOR: clear
    /// What the loop watches for reading.
    pub fn source(&self) -> Source {
        Source(self.read.as_raw_fd())
    }

    /// Takes all rings so far.
    pub fn clear(&self) {
        let mut rings = [0; 64];
        while self.read.read(&mut rings).is_ok_and(|n| n == rings.len()) {}
    }
    // ANCHOR_END: clear
}

// ANCHOR: ring
impl Bell for Alarm {
    fn doze(&self) {
        self.is_dozing.store(true, SeqCst);
    }

    fn awake(&self) {
        self.is_dozing.store(false, SeqCst);
    }

    fn ring(&self) {
        if !self.is_dozing.swap(false, SeqCst) {
            return;
        }
        // An eventfd takes eight bytes, a number to add; a pipe takes any.
        // If it takes no more, it is full, and so readable already.
        let one = 1_u64.to_ne_bytes();
        let _ = self.write.as_ref().unwrap_or(&self.read).write(&one);
    }
}
// ANCHOR_END: ring
