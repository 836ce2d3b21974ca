//! Socket options that `std` lacks.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use ch00_toolbox::sys::errno::check;
use ch00_toolbox::sys::numbers::*;
use ch00_toolbox::sys::raw::{self, Linger};

/// How the kernel finds out that a silent peer is gone. Linux's defaults are
/// 2 h, 75 s and 9 probes: a dead peer is noticed after 2 h 11 min.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe. Whole seconds, at least one.
    pub idle: Duration,
    /// Time between probes. Whole seconds, at least one.
    pub interval: Duration,
    /// Probes without an answer after which the connection fails with
    /// ETIMEDOUT.
    pub count: u32,
}

/// Switches probes of a silent TCP peer on or off.
///
/// # Errors
/// EINVAL for numbers that the kernel does not take; ENOTSOCK.
pub fn set_keepalive(
    socket: &impl AsFd,
    keepalive: Option<KeepAlive>,
) -> io::Result<()> {
    if let Some(KeepAlive {
        idle,
        interval,
        count,
    }) = keepalive
    {
        set(socket, IPPROTO_TCP, TCP_KEEPIDLE, secs(idle))?;
        set(socket, IPPROTO_TCP, TCP_KEEPINTVL, secs(interval))?;
        let count = c_int::try_from(count).unwrap_or(c_int::MAX);
        set(socket, IPPROTO_TCP, TCP_KEEPCNT, count)?;
    }
    set(
        socket,
        SOL_SOCKET,
        SO_KEEPALIVE,
        c_int::from(keepalive.is_some()),
    )
}

/// What closing the socket does with bytes that were not sent yet. `None`:
/// close returns at once and the kernel goes on sending (the default). Zero:
/// they are thrown away and the peer gets a reset. Else: close waits.
///
/// # Errors
/// ENOTSOCK.
pub fn set_linger(
    socket: &impl AsFd,
    linger: Option<Duration>,
) -> io::Result<()> {
    let on = c_int::from(linger.is_some());
    let secs = linger.map_or(0, |d| if d.is_zero() { 0 } else { secs(d) });
    set(socket, SOL_SOCKET, SO_LINGER, Linger { on, secs })
}

/// Asks for a send buffer. Linux doubles the number, for its own bookkeeping,
/// and keeps it within net.core.wmem_max.
///
/// # Errors
/// ENOTSOCK.
pub fn set_send_buffer(socket: &impl AsFd, bytes: usize) -> io::Result<()> {
    set(socket, SOL_SOCKET, SO_SNDBUF, size(bytes))
}

/// Asks for a receive buffer, as [`set_send_buffer`]. To shape the window
/// that TCP announces, set it before `listen` or `connect`.
///
/// # Errors
/// ENOTSOCK.
pub fn set_recv_buffer(socket: &impl AsFd, bytes: usize) -> io::Result<()> {
    set(socket, SOL_SOCKET, SO_RCVBUF, size(bytes))
}

/// The send buffer that the kernel gave.
///
/// # Errors
/// ENOTSOCK.
pub fn send_buffer(socket: &impl AsFd) -> io::Result<usize> {
    get(socket, SOL_SOCKET, SO_SNDBUF).map(|n| n as usize)
}

/// The receive buffer that the kernel gave.
///
/// # Errors
/// ENOTSOCK.
pub fn recv_buffer(socket: &impl AsFd) -> io::Result<usize> {
    get(socket, SOL_SOCKET, SO_RCVBUF).map(|n| n as usize)
}

/// Whole seconds, rounded up: half a second must not become "never" or 0,
/// which the kernel refuses.
fn secs(d: Duration) -> c_int {
    let secs = d.as_secs() + u64::from(d.subsec_nanos() > 0);
    c_int::try_from(secs.max(1)).unwrap_or(c_int::MAX)
}

fn size(bytes: usize) -> c_int {
    c_int::try_from(bytes).unwrap_or(c_int::MAX)
}

/// Types that options have: plain C structures without padding.
trait Value: Copy {}
impl Value for c_int {}
impl Value for Linger {}

/// setsockopt(2).
fn set<T: Value>(
    socket: &impl AsFd,
    level: c_int,
    name: c_int,
    value: T,
) -> io::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    let value: *const T = &value;
    // SAFETY: the kernel reads `size_of::<T>()` bytes of a valid T.
    check(unsafe {
        raw::setsockopt(fd, level, name, value.cast(), size_of::<T>() as u32)
    })
    .map(|_| ())
}

/// getsockopt(2), for an option that is an int.
fn get(socket: &impl AsFd, level: c_int, name: c_int) -> io::Result<c_int> {
    let fd = socket.as_fd().as_raw_fd();
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>() as u32;
    let room: *mut c_int = &mut value;
    // SAFETY: the kernel writes at most `size` bytes, and there is room for
    // them; it writes the size that it used to `size`.
    check(unsafe { raw::getsockopt(fd, level, name, room.cast(), &mut size) })?;
    Ok(value)
}
