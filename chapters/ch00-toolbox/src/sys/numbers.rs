//! The kernels' numbers, copied from their headers: Linux for x86-64, ARM64
//! and RISC-V (`asm-generic`), macOS for all its machines.

use std::ffi::{c_int, c_short};

// given: what this table expands to is a constant per line and system.
macro_rules! numbers {
    ($type:ty: $($name:ident = $linux:literal | $macos:literal, $doc:literal;)*)
    => {
        $(
            #[doc = $doc]
            #[cfg(target_os = "linux")]
            pub const $name: $type = $linux;
            #[doc = $doc]
            #[cfg(target_os = "macos")]
            pub const $name: $type = $macos;
        )*
    };
}
// given end

//                      Linux | macOS
numbers! { c_int:
    F_GETFD      =          1 | 1, "fcntl: the descriptor's flags.";
    F_SETFD      =          2 | 2, "fcntl: set them.";
    F_GETFL      =          3 | 3, "fcntl: the open file's flags.";
    F_SETFL      =          4 | 4, "fcntl: set them.";
    FD_CLOEXEC   =          1 | 1, "Closed by execve.";
    O_NONBLOCK   =    0o4_000 | 0x4, "Never wait: fail with EAGAIN.";
    O_CLOEXEC    =0o2_000_000 | 0x100_0000, "FD_CLOEXEC from the start.";
    SA_RESTART   = 0x1000_0000 | 0x2, "Restart interrupted reads and such.";
    SIGHUP       =          1 | 1, "The terminal went away.";
    SIGINT       =          2 | 2, "Ctrl-C.";
    SIGQUIT      =          3 | 3, "Ctrl-\\\\.";
    SIGKILL      =          9 | 9, "Ends a process, cannot be caught.";
    SIGUSR1      =         10 | 30, "For the program's own use.";
    SIGUSR2      =         12 | 31, "For the program's own use.";
    SIGPIPE      =         13 | 13, "Written to a pipe that nobody reads.";
    SIGALRM      =         14 | 14, "A timer ran out.";
    SIGTERM      =         15 | 15, "Please end.";
    SIGCHLD      =         17 | 20, "A child ended.";
    SIGCONT      =         18 | 19, "Go on after a stop.";
    SIGSTOP      =         19 | 17, "Stops a process, cannot be caught.";
    P_PID        =          1 | 1, "waitid: one process.";
    WNOHANG      =          1 | 1, "waitid: do not wait.";
    WEXITED      =          4 | 4, "waitid: children that ended.";
    WNOWAIT      = 0x100_0000 | 0x20, "waitid: leave them to be reaped.";
    SIGWINCH     =         28 | 28, "The terminal has a new size.";
    RLIMIT_CPU   =          0 | 0, "Processor time, in seconds.";
    RLIMIT_FSIZE =          1 | 1, "The size of a file, in bytes.";
    RLIMIT_DATA  =          2 | 2, "The heap, in bytes.";
    RLIMIT_STACK =          3 | 3, "The first thread's stack, in bytes.";
    RLIMIT_CORE  =          4 | 4, "A core dump, in bytes.";
    RLIMIT_NPROC =          6 | 7, "Processes of this user.";
    RLIMIT_NOFILE =         7 | 8, "Descriptors: one more than the highest.";
    RLIMIT_AS    =          9 | 5, "The address space, in bytes.";
    SOL_SOCKET   =          1 | 0xffff, "Options of any socket.";
    SO_SNDBUF    =          7 | 0x1001, "The send buffer, in bytes.";
    SO_RCVBUF    =          8 | 0x1002, "The receive buffer, in bytes.";
    SO_KEEPALIVE =          9 | 0x8, "Probe a silent peer.";
    SO_LINGER    =         13 | 0x1080, "What close does with unsent bytes.";
    IPPROTO_TCP  =          6 | 6, "Options of a TCP socket.";
    TCP_KEEPIDLE =          4 | 0x10, "Seconds of silence before a probe.";
    TCP_KEEPINTVL =         5 | 0x101, "Seconds between probes.";
    TCP_KEEPCNT  =          6 | 0x102, "Probes without answer to give up.";
}

numbers! { c_short:
    POLLIN       =        0x1 | 0x1, "There are bytes, or the end, to read.";
    POLLOUT      =        0x4 | 0x4, "There is room to write.";
    POLLERR      =        0x8 | 0x8, "An error is waiting. Always reported.";
    POLLHUP      =       0x10 | 0x10, "The other end is gone. Always reported.";
    POLLNVAL     =       0x20 | 0x20, "Not an open descriptor.";
}

numbers! { u64:
    RLIM_INFINITY = 0xffff_ffff_ffff_ffff | 0x7fff_ffff_ffff_ffff, "No limit.";
}
