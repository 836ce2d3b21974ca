//! Step 5: system calls by hand.
//!
//! `std` calls the same C library; this module makes the calls that it does
//! not offer, and shows what it does for you when it does.
//!
//! | file | what |
//! |---|---|
//! | `raw` | the C library's functions and structures, declared |
//! | `numbers` | the kernels' numbers |
//! | `children` | whether a child has ended, without reaping it |
//! | `errno` | how a failed call says why; what EINTR asks for |
//! | `fd` | owned file descriptors; pipes; non-blocking mode |
//! | `poll` | waiting for several descriptors at once |
//! | `signals` | signals as events, by a pipe to oneself; `kill` |
//! | `limits` | what the kernel lets this process have |
//! | `sockopt` | socket options that `std` lacks |
//!
//! - **I1** A failed call becomes an `io::Error` with its errno, at once.
//! - **I2** Each descriptor has one owner and is closed once.
//! - **I3** A signal handler does nothing but an atomic store and a write(2).
//! - **I4** Signals may merge, as the kernel's own do, but none gets lost.
//!
//! This is the one place in the book where `unsafe` is allowed for system
//! calls. The numbers are those of Linux and macOS on 64-bit machines.

#![allow(unsafe_code)]

pub mod children;
pub mod errno;
pub mod fd;
pub mod limits;
pub mod numbers;
pub mod poll;
pub mod raw;
pub mod signals;
pub mod sockopt;

pub use children::has_ended;
pub use errno::{check, errno, retry};
pub use fd::{Fd, pipe, set_nonblocking};
pub use limits::{Limit, Resource, limit, nofile, set_limit, set_nofile};
pub use poll::{
    POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, PollFd, poll, retry_for,
};
pub use signals::{Disposition, Signal, Signals, kill, set_disposition};
pub use sockopt::{
    KeepAlive, recv_buffer, send_buffer, set_keepalive, set_linger,
    set_recv_buffer, set_send_buffer,
};
