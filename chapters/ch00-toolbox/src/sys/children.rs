//! A look at a child that has perhaps ended.

use std::io;

use ch00_toolbox::sys::errno::{check, retry};
use ch00_toolbox::sys::numbers::*;
use ch00_toolbox::sys::raw;

/// Whether our child `pid` has ended. It is not reaped by the question: until
/// a wait(2) takes its status, its number stays its own, and the number of
/// its process group too. `std`'s `try_wait` looks and reaps in one.
///
/// # Errors
/// ECHILD when it is no child of ours, or reaped already.
pub fn has_ended(pid: u32) -> io::Result<bool> {
    let options = WEXITED | WNOHANG | WNOWAIT;
    // The first int of a siginfo_t is its signal: SIGCHLD, or still zero.
    let mut info = [0_u64; 16];
    // SAFETY: `info` is as large and as aligned as a siginfo_t.
    retry(|| check(unsafe { raw::waitid(P_PID, pid, &mut info, options) }))?;
    Ok(info[0] != 0)
}
