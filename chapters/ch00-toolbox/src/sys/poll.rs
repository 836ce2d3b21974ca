//! Waiting for several descriptors at once.

use std::ffi::{c_int, c_short};
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use ch00_toolbox::clock::{Clock, Deadline, RealClock};
use ch00_toolbox::sys::errno::check;
use ch00_toolbox::sys::raw::{self, Nfds, RawPollFd};

pub use ch00_toolbox::sys::numbers::{
    POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT,
};

/// A descriptor to wait for, and what came.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct PollFd<'fd> {
    raw: RawPollFd,
    /// The descriptor stays open as long as somebody waits for it.
    borrowed: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd> PollFd<'fd> {
    /// Waits for `events` ([`POLLIN`], [`POLLOUT`]) on `fd`.
    pub fn new(fd: &'fd impl AsFd, events: c_short) -> PollFd<'fd> {
        let fd = fd.as_fd().as_raw_fd();
        let raw = RawPollFd {
            fd,
            events,
            revents: 0,
        };
        PollFd {
            raw,
            borrowed: PhantomData,
        }
    }

    /// What came: a mask of POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL.
    pub fn revents(&self) -> c_short {
        self.raw.revents
    }

    /// Whether a read would not wait: bytes, the end, or an error are there.
    pub fn readable(&self) -> bool {
        self.raw.revents & (POLLIN | POLLHUP | POLLERR) != 0
    }

    /// Whether a write would not wait: there is room, or an error.
    pub fn writable(&self) -> bool {
        self.raw.revents & (POLLOUT | POLLHUP | POLLERR) != 0
    }
}

// ANCHOR: poll
/// Waits until something comes on one of the descriptors, or the time is up.
/// Returns on how many something came: 0 when the time is up.
///
/// Interrupted by a signal, it waits for the rest of the time.
///
/// # Errors
/// Those of poll(2) but EINTR.
pub fn poll(
    fds: &mut [PollFd<'_>],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    retry_for(&RealClock::new(), timeout, |ms| {
        // SAFETY: `PollFd` is transparent over `struct pollfd`; the kernel
        // reads and writes `fds.len()` of them, within the slice.
        let n = check(unsafe {
            let raw: *mut RawPollFd = fds.as_mut_ptr().cast();
            raw::poll(raw, fds.len() as Nfds, ms)
        });
        n.map(|n| n as usize)
    })
}
// ANCHOR_END: poll

// ANCHOR: retry_for
/// Waits by a call that takes milliseconds (-1: for ever) and returns 0 when
/// they are over. Interrupted by a signal, it is called again with the rest.
///
/// # Errors
/// Those of the call but EINTR.
pub fn retry_for(
    clock: &dyn Clock,
    timeout: Option<Duration>,
    mut call: impl FnMut(c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    let deadline = timeout.map(|all| Deadline::after(clock, all));
    loop {
        let left = deadline.map(|deadline| deadline.left(clock));
        match call(millis(left)) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            // The longest wait that a c_int can express ran out, not ours.
            Ok(0) if left.is_none_or(|left| !within(left)) => continue,
            result => return result,
        }
    }
}
// ANCHOR_END: retry_for

// ANCHOR: millis
/// The timeout as poll wants it: -1 for ever; otherwise rounded up, since
/// 0.4 ms rounded down is 0, and a loop that waits 0 ms burns a processor.
fn millis(left: Option<Duration>) -> c_int {
    match left {
        None => -1,
        Some(left) => {
            let ms = left.as_nanos().div_ceil(1_000_000);
            c_int::try_from(ms).unwrap_or(c_int::MAX)
        }
    }
}
// ANCHOR_END: millis

/// Whether poll can wait that long in one go: 24 days.
fn within(left: Duration) -> bool {
    left.as_millis() < c_int::MAX as u128
}
