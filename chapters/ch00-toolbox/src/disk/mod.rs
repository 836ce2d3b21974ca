//! Step 8, a disk behind a seam: one real, and one that fails on purpose.
//!
//! ```text
//!   program      write_at, rename          sync, sync_dir
//!      │                │                         │
//!      ▼                ▼                         ▼
//!   page cache   visible to every reader   ──▶  platter: what is left
//!   (volatile)   at once                        when the power goes
//! ```
//!
//! What a write promises, and what only a sync does (POSIX `fsync`, and
//! Linux's `fsync(2)` on directories):
//!
//! | call | visible to readers | survives a power cut |
//! |---|---|---|
//! | `write_at` | at once | all, part or nothing, in any order |
//! | `create`, `rename`, `remove` | at once | or not, each as a whole |
//! | `File::sync` | | the file's bytes and length, not its name |
//! | `Disk::sync_dir` | | the names, not the bytes behind them |
//!
//! Invariants:
//!
//! - I1: the disks of this module behave alike until the power goes.
//! - I2: what was synced survives every crash, bytes and names apart.
//! - I3: a failed sync makes nothing durable, and neither does the next.
//!
//! Left out: folders within folders, links, permissions, memory maps,
//! `O_DIRECT`, and bits that rot after they were written.

pub mod seam;
pub mod loss;
pub mod mem;
pub mod lying;
pub mod sweep;
pub mod journal;

pub use seam::{Disk, File, RealDisk, read_all};
