//! What the kernel lets this process have.

use std::io;

use ch00_toolbox::sys::errno::check;
use ch00_toolbox::sys::numbers::{
    RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE,
    RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_STACK,
};
use ch00_toolbox::sys::raw::{self, RLimit};

pub use ch00_toolbox::sys::numbers::RLIM_INFINITY;

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Resource {
    /// Processor time, in seconds; then SIGXCPU.
    Cpu = RLIMIT_CPU,
    /// The size of a file that is written, in bytes; then SIGXFSZ.
    FileSize = RLIMIT_FSIZE,
    /// The heap, in bytes.
    Data = RLIMIT_DATA,
    /// The first thread's stack, in bytes.
    Stack = RLIMIT_STACK,
    /// A core dump, in bytes.
    Core = RLIMIT_CORE,
    /// Processes of this user.
    Processes = RLIMIT_NPROC,
    /// Open descriptors: accept, open, pipe beyond it fail with EMFILE.
    Nofile = RLIMIT_NOFILE,
    /// The address space, in bytes.
    AddressSpace = RLIMIT_AS,
}

/// A limit: the one that holds, and how far the process may raise it.
/// [`RLIM_INFINITY`] stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What holds now. May be moved up to `hard` and back.
    pub soft: u64,
    /// May be lowered by anyone, for good, and raised by root.
    pub hard: u64,
}

/// The limit of a resource.
///
/// # Errors
/// Those of getrlimit(2).
pub fn limit(resource: Resource) -> io::Result<Limit> {
    let mut raw = RLimit { soft: 0, hard: 0 };
    // SAFETY: the kernel writes one structure, and there is room for one.
    check(unsafe { raw::getrlimit(resource as i32, &mut raw) })?;
    Ok(Limit {
        soft: raw.soft,
        hard: raw.hard,
    })
}

/// Sets the limit of a resource, for this process and those it starts.
///
/// # Errors
/// EPERM when the hard limit would rise; EINVAL when soft is above hard.
pub fn set_limit(resource: Resource, limit: Limit) -> io::Result<()> {
    let raw = RLimit {
        soft: limit.soft,
        hard: limit.hard,
    };
    // SAFETY: the kernel reads one valid structure.
    check(unsafe { raw::setrlimit(resource as i32, &raw) }).map(|_| ())
}

/// How many descriptors this process may have.
///
/// # Errors
/// As [`limit`].
pub fn nofile() -> io::Result<Limit> {
    limit(Resource::Nofile)
}

/// Moves the soft limit of descriptors, the hard one staying where it is.
///
/// # Errors
/// As [`set_limit`].
pub fn set_nofile(soft: u64) -> io::Result<()> {
    let hard = nofile()?.hard;
    set_limit(Resource::Nofile, Limit { soft, hard })
}
