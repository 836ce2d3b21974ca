//! Exercise: how a shell says how a program ended.
//!
//! wait(2) tells a parent two things: a status from 0 to 255, or the signal
//! that ended the child. And where exec fails there never was a child. A
//! shell has one number for all three, `$?`, in 8 bits:
//!
//! ```text
//! $ sh -c 'exit 3'; echo $?
//! 3
//! $ sh -c 'kill -s TERM $$'; echo $?
//! 143
//! $ no-such-program; echo $?
//! 127
//! $ /etc/passwd; echo $?
//! 126
//! ```

use std::io;
use std::process::ExitStatus;

/// What `$?` is, for what `std::process::Command::status` returned.
pub fn shell_status(ran: &io::Result<ExitStatus>) -> u8 {
    todo!("ex_shell_status: the status, 128 + the signal, 126, or 127")
}
