//! A directory, below which files are opened, and nowhere else.
//!
//! ```text
//! docs/a.html ──▶ openat2(root, "docs/a.html", RESOLVE_BENEATH)
//!                   │ a file           │ EXDEV: a link leads out, or is
//!                   ▼                  ▼        absolute
//!                 served      realpath ─ below the root? ─▶ openat2 of that
//! ```
//!
//! Every name on the way may be a symbolic link. To look first and to open
//! then leaves a moment in which somebody can put one there; openat2(2) looks
//! while it opens.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How often a path is resolved again because something was renamed meanwhile.
const TRIES: usize = 8;

// ANCHOR: root
/// A directory that is served.
#[derive(Debug)]
pub struct Root {
    path: PathBuf, // without links
    directory: File,
    is_guarded: bool, // openat2(2) works here
}

impl Root {
    /// This directory.
    ///
    /// # Errors
    /// It is none, or cannot be read.
    pub fn new(path: &Path) -> io::Result<Root> {
        let path = path.canonicalize()?;
        if !path.metadata()?.is_dir() {
            return Err(ErrorKind::NotADirectory.into()); // a FIFO would wait
        }
        let directory = File::open(&path)?;
        // An old kernel does not know the call, nor does an old sandbox,
        // whose answer is EPERM: no file's fault.
        let is_guarded = beneath(&directory, Path::new(".")).is_ok();
        Ok(Root {
            path,
            directory,
            is_guarded,
        })
    }

    /// The same directory as a system without openat2(2) has it.
    pub fn unguarded(self) -> Root {
        Root {
            is_guarded: false,
            ..self
        }
    }
}
// ANCHOR_END: root

impl Root {
    // ANCHOR: open
    /// Opens what lies at a path below the root (empty: the root itself), if
    /// it lies there: I23. What it is says the metadata.
    ///
    /// # Errors
    /// `CrossesDevices`: a link leads out. Those of open(2).
    pub fn open(&self, path: &str) -> io::Result<(File, Metadata)> {
        if !self.is_guarded {
            return self.open_checked(path);
        }
        let file = match beneath(&self.directory, Path::new(path)) {
            // A link that is absolute may still lead back into the root.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let real = self.path.join(path).canonicalize()?;
                let inside = real.strip_prefix(&self.path);
                beneath(&self.directory, inside.map_err(|_| error)?)?
            }
            file => file?,
        };
        let data = file.metadata()?;
        Ok((file, data))
    }
    // ANCHOR_END: open

    // ANCHOR: checked
    /// Without openat2(2): looks first, then opens. Who can put a link in the
    /// place of a directory in between gets out of the root.
    fn open_checked(&self, path: &str) -> io::Result<(File, Metadata)> {
        let real = self.path.join(path).canonicalize()?;
        if !real.starts_with(&self.path) {
            return Err(ErrorKind::CrossesDevices.into());
        }
        let data = real.metadata()?;
        if !data.is_file() && !data.is_dir() {
            return Err(ErrorKind::NotFound.into()); // a FIFO would wait
        }
        let file = File::open(&real)?;
        let data = file.metadata()?;
        Ok((file, data))
    }
    // ANCHOR_END: checked

    // ANCHOR: place
    /// Where the names of a directory that was opened can be read.
    ///
    /// # Errors
    /// It is not there any more.
    pub fn place(&self, directory: &File, path: &str) -> io::Result<PathBuf> {
        use std::os::fd::AsRawFd;

        if cfg!(target_os = "linux") {
            // The very directory that was opened, wherever it is by now.
            let number = directory.as_raw_fd();
            return Ok(PathBuf::from(format!("/proc/self/fd/{number}")));
        }
        let real = self.path.join(path).canonicalize()?;
        match real.starts_with(&self.path) {
            true => Ok(real),
            false => Err(ErrorKind::CrossesDevices.into()),
        }
    }
    // ANCHOR_END: place
}

// ANCHOR: beneath
/// openat2(2) with RESOLVE_BENEATH, again while it asks for that: where a
/// link's `..` was resolved during a rename, nobody knows where it led.
#[cfg(target_os = "linux")]
fn beneath(directory: &File, path: &Path) -> io::Result<File> {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    use ch02_event_loop::sys::open_beneath;

    let bytes = path.as_os_str().as_bytes();
    let path = CString::new(if bytes.is_empty() { b"." } else { bytes })?;
    let mut tries = 1..TRIES;
    loop {
        match open_beneath(directory, &path) {
            Err(e) if is_passing(&e) && tries.next().is_some() => {}
            file => return file,
        }
    }
}

#[cfg(target_os = "linux")]
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
// ANCHOR_END: beneath

#[cfg(not(target_os = "linux"))]
fn beneath(_: &File, _: &Path) -> io::Result<File> {
    Err(ErrorKind::Unsupported.into())
}
