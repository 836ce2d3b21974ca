//! A network in memory, under a virtual clock, with faults by a seed.
//!
//! ```text
//!   tasks ── Runtime ──┬── reactor ── SimPoller ──┐
//!                      ├── timers ── VirtualClock ─┤── World ── one Rng
//!                      └── sockets ── SimStream ───┘
//! ```
//!
//! The world is one thread and one generator of random numbers, and nothing
//! else decides anything: the same seed gives the same run, to the byte.
//! When nothing is ready, time moves to the next deadline at once, so that
//! an hour of silence takes no time. When nothing is ready and nothing is
//! due, nothing can ever happen again: that is an error, with the names of
//! those who wait, where a real loop would hang.
//!
//! - **I43** The same seed and the same tasks give the same trace.
//! - **I44** Bytes arrive in order, whole and once, or the connection is
//!   reset: no fault changes what a stream carries.
//!
//! Left out: loss and order of packets (TCP hides them; what is seen of them
//! is delay), partitions between hosts, and a peer's machine that vanishes.

pub mod poller;
pub mod simulation;
pub mod sockets;
pub mod trace;
pub mod world;

pub use poller::SimPoller;
pub use simulation::Sim;
pub use trace::Trace;
pub use world::{Faults, World};
