//! An append-only journal of records, as the demonstration of a disk.
//!
//! ```text
//! journal   "WBJ1" ┃ size u32 │ sum u32 │ bytes… ┃ size │ sum │ bytes… ┃ …
//!           header ┃ record                      ┃ record
//! ```
//!
//! `size` and `sum` are little-endian; `sum` is the CRC-32 of the four bytes
//! of `size` and of the record's bytes. It covers the size on purpose: eight
//! zeros would otherwise be a whole record without bytes, and zeros are just
//! what a crash leaves at the end of a file.
//!
//! Invariants:
//!
//! - I4: a record whose append returned is in every later recovery.
//! - I5: recovery gives a prefix of what was appended: whole records, in
//!   order, none made up.
//! - I6: after recovery the file ends with its last whole record, so that
//!   the next append is found again.
//! - I7: after a failed write or sync, a journal takes nothing more.
//!
//! Left out: telling a torn tail from rot in the middle. Both end the
//! recovery here. RocksDB lets the caller choose (`WALRecoveryMode`), etcd
//! refuses to start where a later record is whole.

use std::io::{self, ErrorKind};

use ch00_toolbox::cursor::Cursor;
use ch00_toolbox::disk::{Disk, File, read_all};

const NAME: &str = "journal";
const BESIDE: &str = "journal.new";
const MAGIC: &[u8; 4] = b"WBJ1";

/// The largest record. A size beyond it is damage, not a reason to allocate.
pub const MAX_RECORD: usize = 1 << 20;

/// CRC-32 as in Ethernet, gzip and PNG (polynomial 0x04c11db7, bits
/// reversed), bit by bit: 8 steps per byte. `crc32(b"123456789")` is
/// 0xcbf43926.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1 != 0;
            crc = (crc >> 1) ^ if carry { 0xedb8_8320 } else { 0 };
        }
    }
    !crc
}

/// The checksum is an argument, so that a test can see what one without it
/// would recover.
pub type Checksum = fn(&[u8]) -> u32;

// ANCHOR: format
/// A record as it stands in the file.
pub fn encode(record: &[u8], checksum: Checksum) -> Vec<u8> {
    let size = (record.len() as u32).to_le_bytes();
    let sum = checksum(&[&size, record].concat()).to_le_bytes();
    [&size, &sum, record].concat()
}

/// The whole records at the start of `bytes`, and where they end.
pub fn decode(bytes: &[u8], checksum: Checksum) -> (Vec<Vec<u8>>, usize) {
    let mut cursor = Cursor::new(bytes);
    let (mut records, mut end) = (Vec::new(), 0);
    while let Some(record) = decode_one(&mut cursor, checksum) {
        records.push(record.to_vec());
        end = cursor.position();
    }
    (records, end)
}

/// The next record, if it is whole: all there, and with the right sum.
fn decode_one<'a>(c: &mut Cursor<'a>, checksum: Checksum) -> Option<&'a [u8]> {
    let size = c.bytes(4).ok()?;
    let sum = c.u32_le().ok()?;
    let length = Cursor::new(size).u32_le().ok()? as usize;
    if length > MAX_RECORD {
        return None;
    }
    let record = c.bytes(length).ok()?;
    (checksum(&[size, record].concat()) == sum).then_some(record)
}
// ANCHOR_END: format

/// An open journal.
pub struct Journal<'d> {
    disk: &'d dyn Disk,
    file: Box<dyn File>,
    checksum: Checksum,
    /// Where the next record goes.
    end: u64,
    /// Whether a write or a sync failed: I7.
    failed: bool,
}

impl<'d> Journal<'d> {
    /// Opens the journal of a disk, or makes an empty one. Returns it with
    /// the records that are in it.
    ///
    /// # Errors
    ///
    /// `InvalidData` if the file is none of ours, and what the disk reports.
    pub fn open(disk: &'d dyn Disk) -> io::Result<(Self, Vec<Vec<u8>>)> {
        Journal::open_with(disk, crc32)
    }

    /// As [`Journal::open`], with another checksum.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub fn open_with(
        disk: &'d dyn Disk,
        checksum: Checksum,
    ) -> io::Result<(Self, Vec<Vec<u8>>)> {
        let file = match disk.open(NAME) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                install(disk, &[], checksum)?
            }
            Err(e) => return Err(e),
        };
        // A name that we find may still be pending: of the rename of a run
        // that ended before its sync_dir.
        disk.sync_dir()?;
        let bytes = read_all(&*file)?;
        let Some(body) = bytes.strip_prefix(MAGIC) else {
            let text = format!("{NAME} does not start with WBJ1");
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        };
        let (records, whole) = decode(body, checksum);
        let end = (MAGIC.len() + whole) as u64;
        if end < bytes.len() as u64 {
            file.truncate(end)?; // I6: the torn tail goes
        }
        // I4: what we read may be in the cache only. If a sync of it failed
        // it is marked clean there, and only a write makes it dirty again.
        if whole > 0 {
            file.write_at(MAGIC.len() as u64, &body[..whole])?;
        }
        file.sync()?;
        let failed = false;
        Ok((
            Journal {
                disk,
                file,
                checksum,
                end,
                failed,
            },
            records,
        ))
    }

    // ANCHOR: append
    /// Appends a record, and returns when it is durable.
    ///
    /// # Errors
    ///
    /// The record is too large; or what the disk reports, and then whether
    /// the record is in the journal is known after the next open, not before.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if record.len() > MAX_RECORD {
            let text = format!("a record has at most {MAX_RECORD} bytes");
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        if self.failed {
            let text = "the journal failed before: open it again";
            return Err(io::Error::other(text));
        }
        let bytes = encode(record, self.checksum);
        let written = self.file.write_at(self.end, &bytes);
        if let Err(e) = written.and_then(|()| self.file.sync()) {
            self.failed = true; // I7
            return Err(e);
        }
        self.end += bytes.len() as u64;
        Ok(())
    }
    // ANCHOR_END: append

    /// Puts `records` in the place of all that is in the journal: all of
    /// them, or after a crash perhaps none and all that was there before.
    ///
    /// # Errors
    ///
    /// What the disk reports; the journal takes nothing more then.
    pub fn replace(&mut self, records: &[Vec<u8>]) -> io::Result<()> {
        let installed = install(self.disk, records, self.checksum);
        self.failed = self.failed || installed.is_err();
        self.file = installed?;
        self.end = self.file.size()?;
        Ok(())
    }
}

// ANCHOR: install
/// Writes a journal beside the old one and puts it in its place.
fn install(
    disk: &dyn Disk,
    records: &[Vec<u8>],
    checksum: Checksum,
) -> io::Result<Box<dyn File>> {
    match disk.remove(BESIDE) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {} // left by a crash, or not there
    }
    let mut bytes = MAGIC.to_vec();
    for record in records {
        bytes.extend(encode(record, checksum));
    }
    let file = disk.create(BESIDE)?;
    file.write_at(0, &bytes)?;
    file.sync()?; // before the rename: or the name may lead to nothing
    disk.rename(BESIDE, NAME)?;
    disk.sync_dir()?; // or the name may lead to the old file again
    Ok(file)
}
// ANCHOR_END: install
