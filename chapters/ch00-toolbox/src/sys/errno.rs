//! How a system call says what went wrong.
//!
//! A call returns -1 and leaves a number in `errno`, a variable that each
//! thread has for itself. The number is worth something only at once: the
//! next call, even one made by `println!`, may overwrite it.

use std::io;

use ch00_toolbox::sys::raw::errno_location;

// ANCHOR: errno
/// This thread's errno: why its last failed call failed.
pub fn errno() -> i32 {
    // SAFETY: the C library gives each thread a valid, aligned int of its
    // own; nobody else can write to it.
    unsafe { *errno_location() }
}
// ANCHOR_END: errno

// ANCHOR: check
/// Turns what a call returned into a result: -1 into the error in errno.
///
/// # Errors
/// The error that errno names.
pub fn check<T: PartialOrd + Default>(returned: T) -> io::Result<T> {
    if returned < T::default() {
        return Err(io::Error::from_raw_os_error(errno()));
    }
    Ok(returned)
}
// ANCHOR_END: check

// ANCHOR: retry
/// Calls again as long as a signal interrupts the call.
///
/// For calls that did nothing when they fail with EINTR: read, write, accept,
/// waitpid. Not for close (the descriptor is gone already), and not for calls
/// with a timeout, which would start anew: see `poll`.
///
/// # Errors
/// Any other error of the call.
pub fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            result => return result,
        }
    }
}
// ANCHOR_END: retry
