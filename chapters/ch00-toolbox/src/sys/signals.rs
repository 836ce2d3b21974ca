//! Signals as events.
//!
//! ```text
//! kernel --SIGTERM--> on_signal (on any thread, between any two
//!                        |       instructions of it)
//!                        | 1. PENDING |= 1 << 15
//!                        | 2. write(pipe, 1 byte)
//!                        v
//!   poll(pipe, sockets...) wakes --> try_wait: takes the bit
//! ```
//!
//! A handler may interrupt malloc or a held lock, so it must not allocate or
//! lock: POSIX lists what it may call (signal-safety(7)), and write(2) is on
//! the list. The pipe carries the news to where everything is allowed.

use std::ffi::c_int;
use std::fmt;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::SeqCst};

use ch00_toolbox::sys::errno::check;
use ch00_toolbox::sys::fd::{Fd, pipe, set_nonblocking};
use ch00_toolbox::sys::numbers::*;
use ch00_toolbox::sys::poll::{PollFd, poll};
use ch00_toolbox::sys::raw::{self, Handler, SIG_DFL, SIG_IGN, SigAction};

/// The signals that the book uses. Their numbers are the system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Signal {
    /// The terminal went away; to a server: read your configuration again.
    Hup = SIGHUP,
    /// Ctrl-C.
    Int = SIGINT,
    /// Ctrl-\: end with a core dump.
    Quit = SIGQUIT,
    /// End at once; cannot be caught.
    Kill = SIGKILL,
    /// The program's own.
    Usr1 = SIGUSR1,
    /// The program's own.
    Usr2 = SIGUSR2,
    /// Written to a pipe or socket that nobody reads.
    Pipe = SIGPIPE,
    /// A timer ran out.
    Alrm = SIGALRM,
    /// Please end: what `kill` and a container's stop send.
    Term = SIGTERM,
    /// A child ended, stopped or went on.
    Chld = SIGCHLD,
    /// Go on after a stop.
    Cont = SIGCONT,
    /// Stop; cannot be caught.
    Stop = SIGSTOP,
    /// The terminal has a new size.
    Winch = SIGWINCH,
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 13] = [
        Signal::Hup,
        Signal::Int,
        Signal::Quit,
        Signal::Kill,
        Signal::Usr1,
        Signal::Usr2,
        Signal::Pipe,
        Signal::Alrm,
        Signal::Term,
        Signal::Chld,
        Signal::Cont,
        Signal::Stop,
        Signal::Winch,
    ];

    /// The system's number for it.
    pub fn number(self) -> i32 {
        self as i32
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{self:?}");
        write!(f, "SIG{}", name.to_uppercase())
    }
}

/// A bit for each signal that came and was not taken yet.
static PENDING: AtomicU64 = AtomicU64::new(0);
/// The end of the pipe that the handler writes to.
static WAKE: AtomicI32 = AtomicI32::new(-1);
/// Whether there is a `Signals`: a signal's action is the whole process's.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Both ends. Never closed: a handler that still runs on another thread while
/// a `Signals` is dropped would write to whatever got the number next.
static PIPE: OnceLock<(Fd, Fd)> = OnceLock::new();

// ANCHOR: handler
/// The handler. It runs on any thread, between any two instructions.
extern "C" fn on_signal(signal: c_int) {
    // The interrupted code may be about to read its errno.
    let errno = raw::errno_location();
    // SAFETY: this thread's own errno, always valid.
    let saved = unsafe { *errno };
    PENDING.fetch_or(1 << signal, SeqCst);
    wake();
    // SAFETY: as above.
    unsafe { *errno = saved };
}

/// Makes the pipe readable. When it is full it is readable already.
fn wake() {
    // SAFETY: one byte, valid for reads; the descriptor is never closed.
    unsafe { raw::write(WAKE.load(SeqCst), [1u8].as_ptr().cast(), 1) };
}
// ANCHOR_END: handler

/// Signals that arrive as events, as long as it lives.
#[derive(Debug)]
pub struct Signals {
    pipe: &'static Fd,
    /// What the signals did before.
    before: Vec<(Signal, SigAction)>,
}

impl Signals {
    // ANCHOR: new
    /// Catches these signals from now on.
    ///
    /// # Errors
    /// `ResourceBusy` when there is a `Signals` already; EINVAL for SIGKILL
    /// and SIGSTOP; EMFILE when no descriptor is left for the pipe.
    pub fn new(which: &[Signal]) -> io::Result<Signals> {
        if TAKEN.swap(true, SeqCst) {
            let why = "this process has a Signals already";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
        }
        let made = self_pipe();
        if made.is_err() {
            TAKEN.store(false, SeqCst);
        }
        // From here on, Drop gives back what was taken.
        let mut signals = Signals {
            pipe: made?,
            before: Vec::new(),
        };
        PENDING.store(0, SeqCst);
        let handler = on_signal as extern "C" fn(c_int) as Handler;
        for &signal in which {
            let before = act(signal, handler)?;
            signals.before.push((signal, before));
        }
        Ok(signals)
    }
    // ANCHOR_END: new

    // ANCHOR: wait
    /// Waits for the next signal.
    pub fn wait(&self) -> Signal {
        loop {
            if let Some(signal) = self.try_wait() {
                return signal;
            }
            // An error here would be a bad descriptor or no memory in the
            // kernel: then this loop asks again until a signal comes.
            let _ = poll(&mut [PollFd::new(&self, POLLIN)], None);
        }
    }

    /// The next signal, if one came. Several of one kind may come as one.
    pub fn try_wait(&self) -> Option<Signal> {
        if PENDING.load(SeqCst) == 0 {
            self.empty_pipe(); // and of what came just now, the bytes
        }
        let came = |signal: &Signal| {
            let bit = 1 << signal.number();
            PENDING.fetch_and(!bit, SeqCst) & bit != 0
        };
        Signal::ALL.into_iter().find(came)
    }

    /// Takes the bytes out of the pipe; where a signal has not been taken
    /// yet, the pipe is readable afterwards all the same.
    pub fn empty_pipe(&self) {
        let mut bytes = [0; 64];
        while self.pipe.read(&mut bytes).is_ok_and(|n| n == bytes.len()) {}
        // They may have been those of signals that came just now: as long
        // as a bit is set, the pipe must be readable.
        if PENDING.load(SeqCst) != 0 {
            wake();
        }
    }
    // ANCHOR_END: wait
}

// ANCHOR: end
impl Drop for Signals {
    fn drop(&mut self) {
        for (signal, before) in self.before.drain(..).rev() {
            // One that was sent and not delivered yet would meet the old
            // action, which for most ends the process. Ignoring a signal
            // makes the kernel forget it; an error here cannot be, since
            // catching it went well. No test waits in that gap: a signal
            // stays undelivered for long only where a mask blocks it, and
            // this module has no call that would change a mask.
            let _ = act(signal, SIG_IGN);
            // SAFETY: `before` is what the kernel gave us for this signal.
            unsafe {
                raw::sigaction(signal.number(), &before, ptr::null_mut())
            };
        }
        TAKEN.store(false, SeqCst);
    }
}
// ANCHOR_END: end

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }
}

/// For poll: readable when a signal has come.
impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// The pipe to oneself, made once. Neither end ever waits: a handler that
/// waited for room in a full pipe would stop the thread that empties it.
fn self_pipe() -> io::Result<&'static Fd> {
    if let Some((read, _)) = PIPE.get() {
        return Ok(read);
    }
    let (read, write) = pipe()?;
    set_nonblocking(&read, true)?;
    set_nonblocking(&write, true)?;
    let (read, write) = PIPE.get_or_init(|| (read, write));
    WAKE.store(write.as_raw_fd(), SeqCst);
    Ok(read)
}

/// What a signal does when nobody catches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The kernel's default: for most, the end of the process.
    Default,
    /// Nothing.
    Ignore,
}

/// Sets what a signal does.
///
/// Rust's runtime ignores SIGPIPE before `main`, so that a write to a closed
/// pipe is an error; a filter that is to end quietly in `filter | head` sets
/// it back to the default.
///
/// # Errors
/// EINVAL for SIGKILL and SIGSTOP.
pub fn set_disposition(signal: Signal, to: Disposition) -> io::Result<()> {
    let handler = match to {
        Disposition::Default => SIG_DFL,
        Disposition::Ignore => SIG_IGN,
    };
    act(signal, handler).map(|_| ())
}

// ANCHOR: act
/// Sets a signal's action and returns the one before.
fn act(signal: Signal, handler: Handler) -> io::Result<SigAction> {
    // SAFETY: plain numbers, for which all zeros are valid.
    let (mut new, mut old): (SigAction, SigAction) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    new.handler = handler;
    // Other threads' reads go on after the handler instead of failing.
    new.flags = SA_RESTART;
    // SAFETY: both structures are laid out as the C library's and valid; the
    // handler does only what a handler may do.
    check(unsafe { raw::sigaction(signal.number(), &new, &mut old) })?;
    Ok(old)
}
// ANCHOR_END: act

/// Sends a signal to one process.
///
/// # Errors
/// `InvalidInput` for 0 and numbers above i32::MAX, which to kill(2) mean
/// "my group", "another group" and "everybody"; ESRCH when there is no such
/// process; EPERM when it is not ours.
pub fn kill(pid: u32, signal: Signal) -> io::Result<()> {
    match i32::try_from(pid) {
        Ok(pid) if pid > 0 => {
            check(raw::kill(pid, signal.number())).map(|_| ())
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{pid} is not the number of one process"),
        )),
    }
}
