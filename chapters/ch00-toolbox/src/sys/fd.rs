//! File descriptors with an owner.
//!
//! A descriptor is an index into the process's table of open files, and the
//! kernel hands out the lowest free one. So a number that was closed is soon
//! another file: closing it twice closes somebody else's.

use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::{
    AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd,
};

use ch00_toolbox::sys::errno::check;
use ch00_toolbox::sys::numbers::{F_GETFL, F_SETFL, O_CLOEXEC, O_NONBLOCK};
use ch00_toolbox::sys::raw;

// ANCHOR: fd
/// An open descriptor that is closed when it is dropped, and only then.
#[derive(Debug)]
pub struct Fd(RawFd);
// ANCHOR_END: fd

impl Fd {
    // ANCHOR: read
    /// One read(2): how many bytes came; 0 is the end of the file.
    ///
    /// # Errors
    /// Those of read(2), EINTR and EAGAIN among them.
    pub fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the buffer is valid for writes of its length, and the
        // kernel writes no more than that; the descriptor is open.
        check(unsafe { raw::read(self.0, buf.as_mut_ptr().cast(), buf.len()) })
            .map(|n| n as usize)
    }
    // ANCHOR_END: read

    /// One write(2): how many bytes went, which may be fewer than all.
    ///
    /// # Errors
    /// Those of write(2), EINTR and EAGAIN among them.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the bytes are valid for reads of their length; the
        // descriptor is open.
        check(unsafe { raw::write(self.0, bytes.as_ptr().cast(), bytes.len()) })
            .map(|n| n as usize)
    }

    // ANCHOR: close
    /// Closes the descriptor and says what the kernel said: on a network
    /// disk this is where a failed write of earlier may come out.
    ///
    /// # Errors
    /// Those of close(2). The descriptor is closed all the same.
    pub fn close(self) -> io::Result<()> {
        let fd = self.into_raw_fd();
        // SAFETY: we owned the descriptor and gave it up: nobody else will
        // close it. Not repeated on EINTR, since on Linux it is free already.
        check(unsafe { raw::close(fd) }).map(|_| ())
    }
    // ANCHOR_END: close
}

// ANCHOR: drop
impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: we own the descriptor and it is not used afterwards. There
        // is nobody to report an error to: who cares calls `close`.
        unsafe { raw::close(self.0) };
    }
}
// ANCHOR_END: drop

impl Read for &Fd {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Fd::read(self, buf)
    }
}

impl Write for &Fd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Fd::write(self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl AsFd for Fd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: open as long as `self` lives, and the borrow ends before.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl FromRawFd for Fd {
    unsafe fn from_raw_fd(fd: RawFd) -> Fd {
        Fd(fd)
    }
}

impl IntoRawFd for Fd {
    fn into_raw_fd(self) -> RawFd {
        let fd = self.0;
        mem::forget(self);
        fd
    }
}

impl From<OwnedFd> for Fd {
    fn from(fd: OwnedFd) -> Fd {
        Fd(fd.into_raw_fd())
    }
}

impl From<Fd> for OwnedFd {
    fn from(fd: Fd) -> OwnedFd {
        // SAFETY: the descriptor is open, and its owner gave it up.
        unsafe { OwnedFd::from_raw_fd(fd.into_raw_fd()) }
    }
}

// ANCHOR: pipe
/// A pipe: what is written to the second end comes out of the first. Both
/// are closed by execve, so that a child does not keep them open.
///
/// # Errors
/// EMFILE or ENFILE: no descriptor is left.
pub fn pipe() -> io::Result<(Fd, Fd)> {
    let mut ends = [-1; 2];
    // SAFETY: the kernel writes two ints, and there is room for two.
    #[cfg(target_os = "linux")]
    check(unsafe { raw::pipe2(ends.as_mut_ptr(), O_CLOEXEC) })?;
    // SAFETY: as above.
    #[cfg(not(target_os = "linux"))]
    check(unsafe { raw::pipe(ends.as_mut_ptr()) })?;
    let [read, write] = ends.map(Fd);
    // macOS has no pipe2: between the calls a thread may fork and exec, and
    // the child inherits the ends. `std` lives with that too.
    #[cfg(not(target_os = "linux"))]
    for end in [&read, &write] {
        use ch00_toolbox::sys::numbers::{F_SETFD, FD_CLOEXEC};
        // SAFETY: the descriptor is open; F_SETFD takes an int.
        check(unsafe { raw::fcntl(end.0, F_SETFD, FD_CLOEXEC) })?;
    }
    Ok((read, write))
}
// ANCHOR_END: pipe

// ANCHOR: nonblocking
/// Makes reads and writes fail with EAGAIN where they would wait.
///
/// The flag belongs to the open file, not to the descriptor: copies of it in
/// other processes (a terminal shared with the shell) change with it.
///
/// # Errors
/// Those of fcntl(2).
pub fn set_nonblocking(fd: impl AsFd, on: bool) -> io::Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: the descriptor is borrowed, so it is open; F_GETFL takes no
    // argument.
    let flags = check(unsafe { raw::fcntl(fd, F_GETFL) })?;
    let flags = if on {
        flags | O_NONBLOCK
    } else {
        flags & !O_NONBLOCK
    };
    // SAFETY: as above; F_SETFL takes an int.
    check(unsafe { raw::fcntl(fd, F_SETFL, flags) }).map(|_| ())
}
// ANCHOR_END: nonblocking
