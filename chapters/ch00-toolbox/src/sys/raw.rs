//! The C library's side of step 5: functions, structures, numbers.
//!
//! Nothing checks these lines against the headers that they are copied from:
//! a wrong type here is not a compile error but a wrong register. The names
//! and the order of the fields are those of the man pages.

use std::ffi::{c_int, c_short, c_ulong, c_void};

/// A signal handler's address, as C passes it.
pub type Handler = usize;

// `unsafe` on the block: we vouch for the signatures. Functions without
// `safe` before them are unsafe to call as well.
unsafe extern "C" {
    /// read(2).
    pub fn read(fd: c_int, buf: *mut c_void, n: usize) -> isize;
    /// write(2).
    pub fn write(fd: c_int, buf: *const c_void, n: usize) -> isize;
    /// close(2).
    pub fn close(fd: c_int) -> c_int;
    /// fcntl(2). The dots matter: on some machines (Apple's arm64) arguments
    /// in their place travel in other registers than named ones.
    pub fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    /// pipe(2).
    #[cfg(not(target_os = "linux"))]
    pub fn pipe(fds: *mut c_int) -> c_int;
    /// pipe2(2): a pipe with its flags set from the first moment.
    #[cfg(target_os = "linux")]
    pub fn pipe2(fds: *mut c_int, flags: c_int) -> c_int;
    /// poll(2).
    pub fn poll(fds: *mut RawPollFd, n: Nfds, timeout_ms: c_int) -> c_int;
    /// kill(2).
    pub safe fn kill(pid: c_int, signal: c_int) -> c_int;
    /// waitid(2). `info` is a `siginfo_t`: 128 bytes on Linux, 104 on macOS.
    pub fn waitid(
        kind: c_int,
        id: u32,
        info: *mut [u64; 16],
        options: c_int,
    ) -> c_int;
    /// sigaction(2).
    pub fn sigaction(
        signal: c_int,
        new: *const SigAction,
        old: *mut SigAction,
    ) -> c_int;
    /// getrlimit(2).
    pub fn getrlimit(resource: c_int, limit: *mut RLimit) -> c_int;
    /// setrlimit(2).
    pub fn setrlimit(resource: c_int, limit: *const RLimit) -> c_int;
    /// getsockopt(2).
    pub fn getsockopt(
        fd: c_int,
        level: c_int,
        name: c_int,
        value: *mut c_void,
        size: *mut u32,
    ) -> c_int;
    /// setsockopt(2).
    pub fn setsockopt(
        fd: c_int,
        level: c_int,
        name: c_int,
        value: *const c_void,
        size: u32,
    ) -> c_int;
    /// Where this thread's errno is: `errno` is a macro in C.
    #[cfg(target_os = "linux")]
    #[link_name = "__errno_location"]
    pub safe fn errno_location() -> *mut c_int;
    /// Where this thread's errno is: `errno` is a macro in C.
    #[cfg(target_os = "macos")]
    #[link_name = "__error"]
    pub safe fn errno_location() -> *mut c_int;
}

/// `struct sigaction` of glibc and musl on 64-bit Linux. The kernel's own has
/// another order: the C library translates.
#[cfg(target_os = "linux")]
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SigAction {
    /// SIG_DFL, SIG_IGN, or a function's address.
    pub handler: Handler,
    /// Signals that are blocked while the handler runs: 1024 bits.
    pub mask: [c_ulong; 16],
    /// SA_RESTART and others.
    pub flags: c_int,
    /// The C library's own business.
    pub restorer: usize,
}

/// `struct sigaction` of macOS.
#[cfg(target_os = "macos")]
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SigAction {
    /// SIG_DFL, SIG_IGN, or a function's address.
    pub handler: Handler,
    /// Signals that are blocked while the handler runs: 32 bits.
    pub mask: u32,
    /// SA_RESTART and others.
    pub flags: c_int,
}

/// `struct rlimit`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct RLimit {
    /// What holds now.
    pub soft: u64,
    /// How far the process may raise it.
    pub hard: u64,
}

/// `struct pollfd`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct RawPollFd {
    /// The descriptor; a negative one is passed over.
    pub fd: c_int,
    /// What to wait for.
    pub events: c_short,
    /// What came: written by the kernel.
    pub revents: c_short,
}

/// `struct linger`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Linger {
    /// 0 or 1.
    pub on: c_int,
    /// How long close may wait, in seconds.
    pub secs: c_int,
}

/// `nfds_t`.
#[cfg(target_os = "linux")]
pub type Nfds = c_ulong;
/// `nfds_t`.
#[cfg(target_os = "macos")]
pub type Nfds = std::ffi::c_uint;

/// The default action.
pub const SIG_DFL: Handler = 0;
/// Ignore the signal.
pub const SIG_IGN: Handler = 1;
