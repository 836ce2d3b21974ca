//! What a program may ask of a disk, and the real disk that answers.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One folder of files. All that a program may ask of a disk.
pub trait Disk: Send + Sync {
    /// Makes a new, empty file. Its name is durable after
    /// [`Disk::sync_dir`], not before.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, and what the system reports.
    fn create(&self, name: &str) -> io::Result<Box<dyn File>>;

    /// Opens a file to read and write.
    ///
    /// # Errors
    ///
    /// `NotFound`, and what the system reports.
    fn open(&self, name: &str) -> io::Result<Box<dyn File>>;

    /// Gives a file another name, in place of the file that has it. At any
    /// moment, a reader finds the old file or the new one there.
    ///
    /// # Errors
    ///
    /// `NotFound`, and what the system reports.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file's name away.
    ///
    /// # Errors
    ///
    /// `NotFound`, and what the system reports.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names, in order.
    ///
    /// # Errors
    ///
    /// What the system reports.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Returns when every create, rename and remove so far is durable.
    ///
    /// # Errors
    ///
    /// What the system reports. After an error nothing is known.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file. It has no position: each read and write names its own.
pub trait File: Send + Sync {
    /// Reads into `buffer`, and says how much; less only at the file's end.
    ///
    /// # Errors
    ///
    /// What the system reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`, and zeros between the file's end and `offset`.
    ///
    /// # Errors
    ///
    /// What the system reports. A part may be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// The file's length in bytes.
    ///
    /// # Errors
    ///
    /// What the system reports.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file to `size` bytes, or fills it up with zeros.
    ///
    /// # Errors
    ///
    /// What the system reports.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Returns when every write and truncate so far is durable.
    ///
    /// # Errors
    ///
    /// What the system reports. After an error nothing is known, and a
    /// second sync that succeeds does not change that: see I3.
    fn sync(&self) -> io::Result<()>;
}

/// All bytes of a file.
///
/// # Errors
///
/// What the disk reports.
pub fn read_all(file: &dyn File) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(read as u64, &mut bytes[read..])? {
            0 => break, // it was cut while we read
            n => read += n,
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// A folder of the real disk.
pub struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// The disk that a folder is; it is made if it does not exist, and then
    /// its name is on the disk as well: a file's bytes are of no use in a
    /// folder that a power cut has taken away.
    ///
    /// # Errors
    ///
    /// What the system reports.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let folder = folder.into();
        create_dirs(&folder)?;
        Ok(RealDisk { folder })
    }

    /// A name is one part of a path: no `/`, no `..`.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        match Path::new(name).file_name() {
            Some(last) if last == name => Ok(self.folder.join(name)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

/// Makes a folder and those above it, from the top, and syncs each one's
/// parent, which holds its name. One that exists is left alone.
fn create_dirs(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    create_dirs(parent)?;
    match fs::create_dir(folder) {
        Err(_) if folder.is_dir() => {} // somebody else was quicker
        made => made?,
    }
    fs::File::open(parent)?.sync_all()
}

impl Disk for RealDisk {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create_new(true);
        Ok(Box::new(options.open(self.path(name)?)?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true);
        Ok(Box::new(options.open(self.path(name)?)?))
    }

    // ANCHOR: real
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from)?, self.path(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name)?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        // A directory is a file, and fsync takes it like one.
        fs::File::open(&self.folder)?.sync_all()
    }
    // ANCHOR_END: real
}

// ANCHOR: real_file
impl File for fs::File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while read < buffer.len() {
            let at = offset + read as u64;
            match FileExt::read_at(self, &mut buffer[read..], at) {
                Ok(0) => break,
                Ok(n) => read += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all() // F_FULLFSYNC on macOS, where fsync stops short
    }
}
// ANCHOR_END: real_file

#[cfg(test)]
mod tests {
    use super::*;

    /// The folders above are made, too; a file in the way is an error.
    #[test]
    fn a_folder_is_made_from_the_top() -> io::Result<()> {
        let name = format!("seam-from-the-top-{}", std::process::id());
        let top = std::env::temp_dir().join(name);
        let deep = top.join("a/b");
        RealDisk::new(&deep)?.create("file")?;
        assert_eq!(RealDisk::new(&deep)?.list()?, ["file"], "input: again");
        let below = RealDisk::new(deep.join("file/c")).err();
        let below = below.map(|e| e.kind());
        assert_eq!(below, Some(io::ErrorKind::AlreadyExists), "a file");
        fs::remove_dir_all(top)
    }
}
