//! A disk in memory that loses what a real one may lose.
//!
//! ```text
//! file   durable ──▶ bytes at the last sync
//!        pending ──▶ writes since, each to be lost, kept, or torn
//!        cached  ──▶ durable with all of pending: what reads see
//! names  durable, pending, visible: the same three
//! ```
//!
//! Each operation that changes something has a number, from 1. A fault is
//! set for a number; the sweep (`disk::sweep`) sets it for each in turn.
//!
//! Left out: what a file system promises beyond POSIX. ext4 keeps the order
//! of names, and makes a new file's name durable with the file's first
//! fsync; XFS and btrfs have promises of their own. A program that keeps its
//! word on this disk leans on none of them, so moving from one to another
//! does not break it.
//!
//! Left out as well, where things are worse: tmpfs forgets what was synced,
//! too; with ext4's `data=writeback`, unsynced bytes may come back as some
//! removed file's instead of as zeros; and where a `sync_dir` fails, ext4
//! stops taking writes at all, while here the names stay pending.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ch00_toolbox::disk::loss::{Change, Contents, Naming, surviving_names};
use ch00_toolbox::disk::{Disk, File};
use ch00_toolbox::rng::Rng;

/// The largest file: a bug in an offset is an error, not 16 EiB of zeros.
const MAX_FILE: u64 = 1 << 30;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

// ANCHOR: fault
/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes during the operation, and stays off.
    PowerOff,
    /// The operation fails with EIO. A write is not done. A sync forgets
    /// what it was to make durable, as Linux does: the pages are clean.
    Io,
    /// The operation fails with ENOSPC; a write is done by half.
    NoSpace,
}
// ANCHOR_END: fault

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: Vec<Contents>,
    /// Name to index in `files`: what `open` sees.
    visible: BTreeMap<String, usize>,
    /// The names at the last `sync_dir`.
    durable: BTreeMap<String, usize>,
    /// What happened to the names since.
    pending: Vec<Naming>,
    faults: BTreeMap<u64, Fault>,
    /// What was asked, one line per operation.
    history: Vec<String>,
    /// The most bytes that all files together may have.
    capacity: Option<usize>,
    off: bool,
}

impl MemDisk {
    /// An empty disk without faults.
    pub fn new() -> MemDisk {
        MemDisk::default()
    }

    /// Sets a fault for the operation `number`, counted from 1 over the
    /// disk's life: creates, renames, removes, writes, truncates and syncs
    /// count, reads do not.
    pub fn fail_at(&self, number: u64, fault: Fault) {
        self.lock().faults.insert(number, fault);
    }

    /// Lets all files together have no more than `bytes`.
    pub fn limit(&self, bytes: usize) {
        self.lock().capacity = Some(bytes);
    }

    /// What was asked so far, one line per operation.
    pub fn history(&self) -> Vec<String> {
        self.lock().history.clone()
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.lock().history.len() as u64
    }

    /// Whether the power went.
    pub fn is_off(&self) -> bool {
        self.lock().off
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of ours would be in a test that fails by it anyway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, file: usize) -> Box<dyn File> {
        Box::new(MemFile {
            disk: self.clone(),
            file,
        })
    }

    // ANCHOR: crash
    /// The disk that a power cut at this moment leaves. `seed` decides what
    /// was on its way to the platter and arrived.
    pub fn crash(&self, seed: u64) -> MemDisk {
        let state = self.lock();
        let mut rng = Rng::seeded(seed);
        let mut names = state.durable.clone();
        for naming in surviving_names(&state.pending, &mut rng) {
            naming.apply(&mut names);
        }
        let mut after = State::default();
        let mut moved = BTreeMap::new(); // of two renames, one may arrive
        for (name, file) in names {
            let file = *moved.entry(file).or_insert_with(|| {
                let bytes = state.files[file].after_crash(&mut rng);
                after.files.push(Contents::synced(bytes));
                after.files.len() - 1
            });
            after.visible.insert(name.clone(), file);
            after.durable.insert(name, file);
        }
        MemDisk {
            state: Arc::new(Mutex::new(after)),
        }
    }
    // ANCHOR_END: crash
}

impl State {
    /// Counts an operation, and says what is to go wrong with it.
    fn step(&mut self, what: String) -> io::Result<Option<Fault>> {
        if self.off {
            return Err(off());
        }
        self.history.push(what);
        let number = self.history.len() as u64;
        let fault = self.faults.remove(&number);
        self.off = fault == Some(Fault::PowerOff);
        Ok(fault)
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        match self.visible.get(name) {
            _ if self.off => Err(off()),
            Some(file) => Ok(*file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The name of an open file, which a rename may have changed.
    fn name_of(&self, file: usize) -> String {
        let mut names = self.visible.iter();
        let found = names.find(|(_, of)| **of == file);
        found.map_or("(removed)".to_owned(), |(name, _)| name.clone())
    }

    /// Makes a change of the names visible. With the power going, it may
    /// still be among what arrives.
    fn name(&mut self, fault: Option<Fault>, naming: Naming) -> io::Result<()> {
        if matches!(fault, None | Some(Fault::PowerOff)) {
            naming.apply(&mut self.visible);
            self.pending.push(naming);
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn change(&mut self, file: usize, change: Change) {
        self.files[file].change(change);
    }

    /// How many more bytes the files may have.
    fn room(&self) -> usize {
        let Some(capacity) = self.capacity else {
            return usize::MAX;
        };
        let files =
            self.visible.values().map(|f| self.files[*f].cached().len());
        capacity.saturating_sub(files.sum())
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Fault::PowerOff => off(),
            Fault::Io => io::Error::from_raw_os_error(EIO),
            Fault::NoSpace => io::Error::from_raw_os_error(ENOSPC),
        }
    }
}

fn off() -> io::Error {
    io::Error::other("the power is off")
}

impl Disk for MemDisk {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut state = self.lock();
        if state.find(name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let fault = state.step(format!("create {name}"))?;
        let file = state.files.len();
        state.files.push(Contents::default());
        let link = Naming::Link {
            name: name.to_owned(),
            file,
        };
        state.name(fault, link)?;
        Ok(self.handle(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = self.lock().find(name)?;
        Ok(self.handle(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        let file = state.find(from)?;
        let fault = state.step(format!("rename {from} {to}"))?;
        let (from, to) = (from.to_owned(), to.to_owned());
        state.name(fault, Naming::Rename { from, to, file })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.find(name)?;
        let fault = state.step(format!("remove {name}"))?;
        state.name(
            fault,
            Naming::Unlink {
                name: name.to_owned(),
            },
        )
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.lock();
        match state.off {
            true => Err(off()),
            false => Ok(state.visible.keys().cloned().collect()),
        }
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.lock();
        match state.step("sync_dir".to_owned())? {
            None => {
                state.durable = state.visible.clone();
                state.pending.clear();
                Ok(())
            }
            Some(fault) => Err(fault.error()), // the names stay pending
        }
    }
}

/// An open file of a [`MemDisk`].
struct MemFile {
    disk: MemDisk,
    file: usize,
}

impl File for MemFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.lock();
        if state.off {
            return Err(off());
        }
        let cached = &state.files[self.file].cached();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = cached.get(from..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.lock();
        let end = checked(offset.checked_add(bytes.len() as u64))?;
        let name = state.name_of(self.file);
        let fault = state.step(format!("write {name} {offset}..{end}"))?;
        let size = state.files[self.file].cached().len();
        let room = size.saturating_add(state.room()); // may grow to here
        let offset = end - bytes.len();
        let fits = room.saturating_sub(offset).min(bytes.len());
        let done = match fault {
            Some(Fault::Io) => 0,
            Some(Fault::NoSpace) => fits / 2,
            Some(Fault::PowerOff) | None => fits,
        };
        if done > 0 {
            let bytes = bytes[..done].to_vec();
            state.change(self.file, Change::Write { offset, bytes });
        }
        match fault {
            Some(fault) => Err(fault.error()),
            None if fits < bytes.len() => Err(Fault::NoSpace.error()),
            None => Ok(()),
        }
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.lock();
        match state.off {
            true => Err(off()),
            false => Ok(state.files[self.file].cached().len() as u64),
        }
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        let name = state.name_of(self.file);
        let fault = state.step(format!("truncate {name} {size}"))?;
        let size = checked(Some(size))?;
        if matches!(fault, None | Some(Fault::PowerOff)) {
            state.change(self.file, Change::Truncate(size));
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    // ANCHOR: sync
    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        let name = state.name_of(self.file);
        let fault = state.step(format!("sync {name}"))?;
        if fault == Some(Fault::PowerOff) {
            return Err(off()); // what is pending may still arrive
        }
        // With an error, the pages are marked clean all the same: I3.
        state.files[self.file].sync(fault.is_none());
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }
    // ANCHOR_END: sync
}

/// An offset or a size within the largest file.
fn checked(size: Option<u64>) -> io::Result<usize> {
    match size {
        Some(size) if size <= MAX_FILE => Ok(size as usize),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}
