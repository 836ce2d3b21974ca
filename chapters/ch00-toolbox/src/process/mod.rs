//! Step 9, the process harness: start a chapter's stage, wait until it listens,
//! talk to it, and leave no process behind, whatever happens.
//!
//! ```text
//! the test ──spawn──▶ stage (its own process group)
//!    │  ▲                │ stdout: "NAME listening on HOST:PORT"
//!    │  └── lines ◀──────┘
//!    └── pipe ──▶ guard: waits for the pipe's end, then kills the group
//! ```
//!
//! Invariants:
//!
//! - I1: a started stage ends with its [`Server`]: when it is dropped, when
//!   the test panics, and when the test's whole process is killed.
//! - I2: a signal is sent to a process only before it is reaped, while its
//!   number cannot belong to anybody else.
//! - I3: no wait is without a deadline, and the error says what the stage
//!   printed instead.
//! - I4: a stage is never held up by what it prints, however much.
//!
//! Left out: `cargo run` (it would wait for the lock that `cargo test`
//! holds, and it puts a process in between that does not pass signals on).

pub mod output;
pub mod child;
pub mod launch;

pub use child::Process;
pub use launch::{Finished, Launch, Server};
