//! Reads what a reader keeps in `my/`, where anything may stand in a file's place.
//!
//! A pipe would be waited for without end, and `/dev/zero` fill the memory. So all of it is read here: regular files (and links
//! to such) up to a size. What is something else is told from what is not there, since only the latter may be overwritten.

use std::fmt;
use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// The most that a source of the reader's may have; the longest of the book's has some 60 KiB.
pub const MAX_BYTES: u64 = 16 << 20;

/// What stands where a file should, or keeps it from being read. It reads as the end of a sentence: `is a folder`.
#[derive(Debug)]
pub enum Odd {
    /// A folder.
    Folder,
    /// A link to what is not there.
    Nowhere,
    /// A pipe, a socket or a device: which.
    NoFile(&'static str),
    /// It has more than so many bytes.
    Long(u64),
    /// The system refuses it.
    Refused(io::Error),
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Odd::Folder => f.write_str("is a folder"),
            Odd::Nowhere => f.write_str("is a link to nowhere"),
            Odd::NoFile(what) => write!(f, "is {what}"),
            Odd::Long(most) => write!(f, "has more than {} KiB", most / 1024),
            Odd::Refused(error) => write!(f, "cannot be read ({error})"),
        }
    }
}

/// The file's bytes; `None` if nothing is there.
///
/// # Errors
/// When something else is there than a file of up to `most` bytes that can be read.
pub fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Odd> {
    // A pipe that nobody writes to would be waited for.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32;
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return if fs::symlink_metadata(path).is_ok() { Err(Odd::Nowhere) } else { Ok(None) };
        }
        // A socket cannot be opened, nor a device without a driver.
        Err(error) => {
            let odd = fs::metadata(path).ok().and_then(|found| odd(found.file_type()));
            return Err(odd.unwrap_or(Odd::Refused(error)));
        }
    };
    let found = file.metadata().map_err(Odd::Refused)?;
    if let Some(odd) = odd(found.file_type()) {
        return Err(odd);
    }
    let mut bytes = Vec::new();
    if found.len() <= most {
        file.take(most + 1).read_to_end(&mut bytes).map_err(Odd::Refused)?;
    }
    if found.len().max(bytes.len() as u64) > most {
        return Err(Odd::Long(most));
    }
    Ok(Some(bytes))
}

fn odd(kind: FileType) -> Option<Odd> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some(Odd::Folder),
        kind if kind.is_fifo() => Some(Odd::NoFile("a pipe")),
        kind if kind.is_socket() => Some(Odd::NoFile("a socket")),
        _ => Some(Odd::NoFile("a device")),
    }
}
