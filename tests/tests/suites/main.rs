//! What verifies the whole workbook: one program, in which the suites run at the same time.
//!
//!     cargo test -p workbook-tests                    # all of them
//!     cargo test -p workbook-tests console::          # one suite
//!     cargo test -p workbook-tests ch01_sockets_1_echo

mod book;
mod browser;
mod console;
mod judges;
mod outside;
mod policy;
mod runner;
mod serve;
mod starters;
mod turns;

use std::process::ExitCode;

use workbook::processes;
use workbook_tests::suite;

fn main() -> ExitCode {
    if let Some(code) = processes::main_if_asked() {
        return code;
    }
    // Of what works, the longest comes first.
    let ended = suite::main(vec![
        starters::suite(),
        policy::suite(),
        book::suite(),
        browser::suite(),
        runner::suite(),
        serve::suite(),
        console::suite(),
        outside::suite(),
        judges::suite(),
        turns::suite(),
    ]);
    processes::end();
    ended
}
