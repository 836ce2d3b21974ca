//! The system calls of an event loop that neither `std` nor the toolbox has.
//!
//! | call | what it is for |
//! |---|---|
//! | `epoll_create1`, `epoll_ctl`, `epoll_wait` | readiness, on Linux |
//! | `poll` | readiness, on any Unix |
//! | `eventfd` | a wake-up that fits in one descriptor, on Linux |
//! | `socket`, `bind`, `listen`, `connect` | a connect that does not wait |
//! | `sendfile` | a file to a socket without a copy in between |
//! | `send` | bytes that leave with those that follow, on Linux |
//! | `openat2` | a file below a directory, and nowhere else |
//!
//! This is the one file of the chapter where `unsafe` is allowed. Each wrapper
//! takes and gives types that cannot be used wrongly; what a wrong number
//! could do is the kernel's to refuse, with EBADF or EINVAL.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use ch00_toolbox::clock::RealClock;
use ch00_toolbox::sys::raw::{self, Nfds, RawPollFd};
use ch00_toolbox::sys::{check, retry_for};

#[cfg(target_os = "linux")]
use ch00_toolbox::sys::Fd;

/// `struct epoll_event`. On x86-64, and only there, it is packed: 12 bytes,
/// with `data` at offset 4, so that 32-bit programs see the same bytes
/// (`EPOLL_PACKED` in the kernel's `eventpoll.h`).
// ANCHOR: event
#[cfg(target_os = "linux")]
#[cfg_attr(target_arch = "x86_64", repr(C, packed))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C))]
#[derive(Clone, Copy)]
pub struct EpollEvent {
    /// What to wait for, or what came.
    pub events: u32,
    /// Ours: the kernel hands it back as it got it.
    pub data: u64,
}
// ANCHOR_END: event

// given: the kernel's numbers and the C library's functions.
#[cfg(target_os = "linux")]
mod numbers {
    use std::ffi::c_int;
    /// A read would not wait.
    pub const EPOLLIN: u32 = 0x001;
    /// A write would not wait.
    pub const EPOLLOUT: u32 = 0x004;
    /// An error is waiting. Always reported.
    pub const EPOLLERR: u32 = 0x008;
    /// Both directions are closed. Always reported.
    pub const EPOLLHUP: u32 = 0x010;
    /// The peer has closed its sending half.
    pub const EPOLLRDHUP: u32 = 0x2000;
    /// Report what has become ready, not what is.
    pub const EPOLLET: u32 = 1 << 31;
    /// epoll_ctl: into the set.
    pub const EPOLL_CTL_ADD: c_int = 1;
    /// epoll_ctl: out of it.
    pub const EPOLL_CTL_DEL: c_int = 2;
    /// Closed by execve, from the start.
    pub const CLOEXEC: c_int = 0o2_000_000;
    /// Never wait, from the start.
    pub const NONBLOCK: c_int = 0o4_000;
    /// A terminal that is opened does not become ours.
    pub const NOCTTY: c_int = 0o400;
    /// An address of IPv6.
    pub const AF_INET6: u16 = 10;
    /// openat2(2): 437 on every architecture.
    pub const SYS_OPENAT2: std::ffi::c_long = 437;
    /// send(2): no signal where the peer is gone, and more will follow.
    pub const NOSIGNAL_MORE: c_int = 0x4000 | 0x8000;
    /// RESOLVE_NO_MAGICLINKS and RESOLVE_BENEATH.
    pub const RESOLVE: u64 = 0x02 | 0x08;
    /// Options of any socket.
    pub const SOL_SOCKET: c_int = 1;
    /// Bind although old connections are in TIME_WAIT.
    pub const SO_REUSEADDR: c_int = 2;
    /// Bind although others have, who say so as well.
    pub const SO_REUSEPORT: c_int = 15;
    /// The connect has begun.
    pub const EINPROGRESS: c_int = 115;
}

#[cfg(target_os = "macos")]
mod numbers {
    use std::ffi::c_int;
    /// An address of IPv6.
    pub const AF_INET6: u16 = 30;
    /// Options of any socket.
    pub const SOL_SOCKET: c_int = 0xffff;
    /// Bind although old connections are in TIME_WAIT.
    pub const SO_REUSEADDR: c_int = 0x0004;
    /// Bind although others have, who say so as well.
    pub const SO_REUSEPORT: c_int = 0x0200;
    /// The connect has begun.
    pub const EINPROGRESS: c_int = 36;
}

pub use numbers::*;

const AF_INET: u16 = 2;
const SOCK_STREAM: c_int = 1;

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn epoll_create1(flags: c_int) -> c_int;
    fn epoll_ctl(
        epoll: c_int,
        op: c_int,
        fd: c_int,
        event: *mut EpollEvent,
    ) -> c_int;
    fn epoll_wait(
        epoll: c_int,
        events: *mut EpollEvent,
        max: c_int,
        timeout_ms: c_int,
    ) -> c_int;
    fn eventfd(count: u32, flags: c_int) -> c_int;
    fn syscall(number: std::ffi::c_long, ...) -> std::ffi::c_long;
    fn send(
        fd: c_int,
        bytes: *const c_void,
        count: usize,
        flags: c_int,
    ) -> isize;
    fn sendfile(
        to: c_int,
        from: c_int,
        offset: *mut i64,
        count: usize,
    ) -> isize;
}

unsafe extern "C" {
    fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn bind(fd: c_int, addr: *const c_void, len: u32) -> c_int;
    fn listen(fd: c_int, backlog: c_int) -> c_int;
    fn connect(fd: c_int, addr: *const c_void, len: u32) -> c_int;
}
// given end

// ANCHOR: create
/// A new epoll instance: an object in the kernel that holds a set of
/// descriptors, and a list of those of them that are ready.
///
/// # Errors
/// EMFILE or ENFILE: no descriptor is left.
#[cfg(target_os = "linux")]
pub fn epoll_new() -> io::Result<Fd> {
    // SAFETY: takes a number, gives a descriptor that nobody else owns.
    let fd = check(unsafe { epoll_create1(CLOEXEC) })?;
    // SAFETY: new, open, and ours.
    Ok(unsafe { Fd::from_raw_fd(fd) })
}

/// Adds `fd` to the set, with the events and the data to hand back.
///
/// # Errors
/// EEXIST: it is in the set already; EBADF: not open; EPERM: a file, which is
/// always ready; ENOSPC: `fs.epoll.max_user_watches` is reached.
#[cfg(target_os = "linux")]
pub fn epoll_add(
    epoll: &Fd,
    fd: RawFd,
    events: u32,
    data: u64,
) -> io::Result<()> {
    let mut event = EpollEvent { events, data };
    // SAFETY: the kernel reads one valid structure.
    check(unsafe {
        epoll_ctl(epoll.as_raw_fd(), EPOLL_CTL_ADD, fd, &mut event)
    })
    .map(|_| ())
}

// ANCHOR_END: create

// ANCHOR: remove
/// Takes `fd` out of the set.
///
/// # Errors
/// ENOENT: it is not in the set; EBADF: not open.
#[cfg(target_os = "linux")]
pub fn epoll_remove(epoll: &Fd, fd: RawFd) -> io::Result<()> {
    let mut unused = EpollEvent { events: 0, data: 0 };
    // SAFETY: as above; kernels before 2.6.9 wanted a pointer here, too.
    check(unsafe {
        epoll_ctl(epoll.as_raw_fd(), EPOLL_CTL_DEL, fd, &mut unused)
    })
    .map(|_| ())
}
// ANCHOR_END: remove

// ANCHOR: wait
/// Waits until one of the set is ready, or the time is up, and returns how
/// many events were written to the front of `events`.
///
/// # Errors
/// Those of epoll_wait(2) but EINTR.
#[cfg(target_os = "linux")]
pub fn epoll_await(
    epoll: &Fd,
    events: &mut [EpollEvent],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    let room = c_int::try_from(events.len()).unwrap_or(c_int::MAX);
    wait_for(timeout, |ms| {
        // SAFETY: the kernel writes at most `room` events, and there is room.
        let count = check(unsafe {
            epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), room, ms)
        });
        count.map(|count| count as usize)
    })
}

/// A wait of no time needs no clock to be repeated by.
fn wait_for(
    timeout: Option<Duration>,
    mut call: impl FnMut(c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    if timeout != Some(Duration::ZERO) {
        return retry_for(&RealClock::new(), timeout, call);
    }
    match call(0) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        result => result,
    }
}
// ANCHOR_END: wait

// ANCHOR: connect
/// Begins to connect, and does not wait for the peer's answer: the socket
/// becomes writable when there is one, and `take_error` then says which.
///
/// # Errors
/// What is known at once: ENETUNREACH; EADDRNOTAVAIL: no local port is left;
/// EMFILE: no descriptor is. On BSD also ECONNREFUSED from this machine.
pub fn start_connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let fd = stream_socket(addr)?;
    let (bytes, len) = sockaddr(addr);
    // SAFETY: `bytes` is a whole address of `len` bytes.
    let begun =
        check(unsafe { connect(fd.as_raw_fd(), bytes.as_ptr().cast(), len) });
    match begun {
        // Interrupted: the kernel goes on by itself, as after EINPROGRESS.
        Err(e) if e.raw_os_error() == Some(EINPROGRESS) => {}
        Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
        other => drop(other?),
    }
    Ok(TcpStream::from(fd))
}
// ANCHOR_END: connect

// given: more calls of the same kind, and C's address structures.
/// poll(2) over descriptors that the caller keeps from call to call.
///
/// # Errors
/// Those of poll(2) but EINTR.
pub fn poll_await(
    fds: &mut [RawPollFd],
    timeout: Option<Duration>,
) -> io::Result<usize> {
    wait_for(timeout, |ms| {
        // SAFETY: the kernel reads and writes `fds.len()` structures.
        let count = check(unsafe {
            raw::poll(fds.as_mut_ptr(), fds.len() as Nfds, ms)
        });
        count.map(|count| count as usize)
    })
}

/// An eventfd: a counter in the kernel. A write adds to it, a read takes all
/// of it, and it is readable while it is not zero.
///
/// # Errors
/// EMFILE or ENFILE: no descriptor is left.
#[cfg(target_os = "linux")]
pub fn eventfd_new() -> io::Result<Fd> {
    // SAFETY: takes numbers, gives a descriptor that nobody else owns.
    let fd = check(unsafe { eventfd(0, CLOEXEC | NONBLOCK) })?;
    // SAFETY: new, open, and ours.
    Ok(unsafe { Fd::from_raw_fd(fd) })
}

/// How a listener is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOptions {
    /// How many connections may wait to be accepted. Linux takes at most
    /// `net.core.somaxconn`, 4096 by default.
    pub backlog: u32,
    /// Several listeners on one address (SO_REUSEPORT): Linux deals new
    /// connections out among them by a hash of their addresses.
    pub reuse_port: bool,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions {
            backlog: 4096,
            reuse_port: false,
        }
    }
}

/// A listener that does not wait.
///
/// # Errors
/// EADDRINUSE, EACCES, EADDRNOTAVAIL; EMFILE: no descriptor is left.
pub fn listen_on(
    addr: SocketAddr,
    options: ListenOptions,
) -> io::Result<TcpListener> {
    let fd = stream_socket(addr)?;
    // A server that restarts may bind while old connections are in TIME_WAIT.
    set_flag(&fd, SO_REUSEADDR)?;
    if options.reuse_port {
        set_flag(&fd, SO_REUSEPORT)?;
    }
    let (bytes, len) = sockaddr(addr);
    // SAFETY: `bytes` is a whole address of `len` bytes.
    check(unsafe { bind(fd.as_raw_fd(), bytes.as_ptr().cast(), len) })?;
    let backlog = c_int::try_from(options.backlog).unwrap_or(c_int::MAX);
    // SAFETY: takes numbers only.
    check(unsafe { listen(fd.as_raw_fd(), backlog) })?;
    Ok(TcpListener::from(fd))
}

/// Sends up to `count` bytes of a file, from `offset` on, and moves `offset`
/// past what went. No byte of it passes through this process.
///
/// # Errors
/// EAGAIN: the socket takes no more now; EINVAL: not a file that can be
/// mapped; those of write(2).
#[cfg(target_os = "linux")]
pub fn send_file(
    to: &impl AsRawFd,
    from: &impl AsRawFd,
    offset: &mut u64,
    count: usize,
) -> io::Result<usize> {
    let mut at = i64::try_from(*offset).map_err(|_| invalid("offset"))?;
    // SAFETY: the kernel reads and writes one number.
    let sent = check(unsafe {
        sendfile(to.as_raw_fd(), from.as_raw_fd(), &mut at, count)
    })?;
    *offset = at.unsigned_abs();
    Ok(sent as usize)
}

/// Sends bytes that are to leave in one segment with what is sent next
/// (MSG_MORE); without that, in 200 ms.
///
/// # Errors
/// As [`send_file`].
#[cfg(target_os = "linux")]
pub fn send_more(to: &impl AsRawFd, bytes: &[u8]) -> io::Result<usize> {
    let (start, count) = (bytes.as_ptr().cast(), bytes.len());
    // SAFETY: the kernel reads `count` bytes, and they are there.
    let sent =
        check(unsafe { send(to.as_raw_fd(), start, count, NOSIGNAL_MORE) })?;
    Ok(sent as usize)
}

/// `struct open_how` of openat2(2).
#[cfg(target_os = "linux")]
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// Opens a file for reading by a path below a directory. The kernel refuses
/// whatever would lead out of it, by `..`, an absolute path or a symbolic
/// link, at the moment of opening: nobody can put a link there in between. An
/// absolute link is refused wherever it leads.
///
/// # Errors
/// EXDEV: it would lead out; EAGAIN: a link's `..` was resolved while something
/// was renamed, so try again; ENXIO: a socket; those of open(2); ENOSYS before
/// Linux 5.6, and EPERM from a sandbox that does not know the call.
#[cfg(target_os = "linux")]
pub fn open_beneath(
    directory: &impl AsRawFd,
    path: &std::ffi::CStr,
) -> io::Result<std::fs::File> {
    // Not to wait for the writer of a FIFO that lies there.
    let flags = (CLOEXEC | NONBLOCK | NOCTTY) as u64;
    let how = OpenHow {
        flags,
        mode: 0,
        resolve: RESOLVE,
    };
    let how: *const OpenHow = &how;
    // SAFETY: a NUL-terminated path and one valid structure, with its size.
    let fd = check(unsafe {
        syscall(
            SYS_OPENAT2,
            directory.as_raw_fd(),
            path.as_ptr(),
            how,
            size_of::<OpenHow>(),
        )
    })?;
    // SAFETY: new, open, and ours.
    Ok(unsafe { std::fs::File::from_raw_fd(fd as RawFd) })
}

#[cfg(target_os = "linux")]
fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{what} too large"))
}

/// A stream socket for addresses of this kind that does not wait.
fn stream_socket(addr: SocketAddr) -> io::Result<OwnedFd> {
    let domain = match addr {
        SocketAddr::V4(_) => AF_INET,
        SocketAddr::V6(_) => AF_INET6,
    };
    #[cfg(target_os = "linux")]
    let kind = SOCK_STREAM | CLOEXEC | NONBLOCK;
    #[cfg(not(target_os = "linux"))]
    let kind = SOCK_STREAM;
    // SAFETY: takes numbers, gives a descriptor that nobody else owns.
    let fd = check(unsafe { socket(c_int::from(domain), kind, 0) })?;
    // SAFETY: new, open, and ours.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    #[cfg(not(target_os = "linux"))]
    set_alone(&fd)?;
    Ok(fd)
}

/// What Linux's `socket` sets at once, by two calls: not to wait, and to be
/// closed by execve.
#[cfg(not(target_os = "linux"))]
fn set_alone(fd: &OwnedFd) -> io::Result<()> {
    use ch00_toolbox::sys::numbers::{F_SETFD, FD_CLOEXEC};
    ch00_toolbox::sys::set_nonblocking(fd, true)?;
    // SAFETY: the descriptor is open; F_SETFD takes an int.
    check(unsafe { raw::fcntl(fd.as_raw_fd(), F_SETFD, FD_CLOEXEC) })?;
    Ok(())
}

/// Sets a boolean socket option.
fn set_flag(fd: &OwnedFd, name: c_int) -> io::Result<()> {
    let on: c_int = 1;
    let value: *const c_int = &on;
    // SAFETY: the kernel reads one int.
    check(unsafe {
        raw::setsockopt(fd.as_raw_fd(), SOL_SOCKET, name, value.cast(), 4)
    })
    .map(|_| ())
}

/// `struct sockaddr_in` (16 bytes) or `sockaddr_in6` (28), and its length.
fn sockaddr(addr: SocketAddr) -> ([u8; 28], u32) {
    let mut bytes = [0; 28];
    let (family, len) = match addr {
        SocketAddr::V4(_) => (AF_INET, 16),
        SocketAddr::V6(_) => (AF_INET6, 28),
    };
    // BSD's first byte is the length, and the family is the second.
    #[cfg(target_os = "macos")]
    bytes[..2].copy_from_slice(&[len as u8, family as u8]);
    #[cfg(not(target_os = "macos"))]
    bytes[..2].copy_from_slice(&family.to_ne_bytes());
    bytes[2..4].copy_from_slice(&addr.port().to_be_bytes());
    match addr {
        SocketAddr::V4(addr) => {
            bytes[4..8].copy_from_slice(&addr.ip().octets());
        }
        SocketAddr::V6(addr) => {
            bytes[4..8].copy_from_slice(&addr.flowinfo().to_be_bytes());
            bytes[8..24].copy_from_slice(&addr.ip().octets());
            bytes[24..].copy_from_slice(&addr.scope_id().to_ne_bytes());
        }
    }
    (bytes, len)
}
// given end

#[cfg(test)]
mod tests;
