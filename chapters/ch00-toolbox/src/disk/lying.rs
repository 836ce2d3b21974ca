//! A disk that says that it did what it did not do.
//!
//! Not a far-fetched one: drives with a volatile cache have answered a flush
//! before it was done, and hypervisors drop flushes where they are told to
//! (`cache=unsafe`). Here it stands for the programmer who left the call out,
//! which looks the same from below: a test that passes on a lying disk does
//! not test the call.

use std::io;

use ch00_toolbox::disk::{Disk, File};

/// The call that is answered and not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// [`File::sync`].
    Sync,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`File::truncate`].
    Truncate,
}

/// A disk that lies about one call, over one that does not.
pub struct Lying<D> {
    disk: D,
    lie: Option<Lie>,
}

impl<D: Disk> Lying<D> {
    /// `disk`, but for one call. `None` is the honest disk.
    pub fn new(disk: D, lie: Option<Lie>) -> Lying<D> {
        Lying { disk, lie }
    }

    /// The file, behind the same lie.
    fn wrap(&self, file: Box<dyn File>) -> Box<dyn File> {
        Box::new(LyingFile {
            file,
            lie: self.lie,
        })
    }
}

impl<D: Disk> Disk for Lying<D> {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.disk.create(name).map(|file| self.wrap(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.disk.open(name).map(|file| self.wrap(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        match self.lie {
            Some(Lie::SyncDir) => Ok(()),
            _ => self.disk.sync_dir(),
        }
    }
}

struct LyingFile {
    file: Box<dyn File>,
    lie: Option<Lie>,
}

impl File for LyingFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        match self.lie {
            Some(Lie::Truncate) => Ok(()),
            _ => self.file.truncate(size),
        }
    }

    fn sync(&self) -> io::Result<()> {
        match self.lie {
            Some(Lie::Sync) => Ok(()),
            _ => self.file.sync(),
        }
    }
}
