//! What a power cut makes of the writes and names that were not synced.
//!
//! The rules of the game that `disk::mem` plays: everything that happened
//! since the last sync is pending, and of the pending each may arrive.

use std::collections::BTreeMap;

use ch00_toolbox::rng::Rng;

/// What a disk writes as a whole or not at all. Most have 4,096 bytes
/// today, and many still promise 512 only.
pub const SECTOR: usize = 512;

// ANCHOR: pending
/// A file's bytes, twice.
#[derive(Default)]
pub struct Contents {
    /// What reads see: `durable` with all of `pending`.
    cached: Vec<u8>,
    /// What was there at the last sync.
    durable: Vec<u8>,
    /// What happened since.
    pending: Vec<Change>,
}

/// A change of a file since its last sync.
#[derive(Clone)]
pub enum Change {
    /// Bytes from an offset on.
    Write {
        /// Where they begin.
        offset: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A new length.
    Truncate(usize),
}
// ANCHOR_END: pending

/// A change of the names since the last `sync_dir`. `file` is the index of
/// the file that the name leads to.
#[derive(Clone)]
pub enum Naming {
    /// A file got a name.
    Link {
        /// The name.
        name: String,
        /// The file.
        file: usize,
    },
    /// A file got another name, in place of any that had it.
    Rename {
        /// The name that it had.
        from: String,
        /// The name that it has.
        to: String,
        /// The file.
        file: usize,
    },
    /// A name went.
    Unlink {
        /// The name.
        name: String,
    },
}

// ANCHOR: names
/// Of the names' changes, those that arrived: the first few, as a journaled
/// file system has it, or any, as POSIX has it.
pub fn surviving_names(pending: &[Naming], rng: &mut Rng) -> Vec<Naming> {
    let first = rng.below(pending.len() as u64 + 1) as usize;
    let in_order = rng.chance(0.5);
    let mut kept = pending.to_vec();
    match in_order {
        true => kept.truncate(first),
        false => kept.retain(|_| rng.chance(0.5)),
    }
    kept
}
// ANCHOR_END: names

impl Contents {
    /// What is wholly on the platter.
    pub fn synced(bytes: Vec<u8>) -> Contents {
        let (cached, durable) = (bytes.clone(), bytes);
        Contents {
            cached,
            durable,
            pending: Vec::new(),
        }
    }

    /// What reads see.
    pub fn cached(&self) -> &[u8] {
        &self.cached
    }

    // ANCHOR: change
    /// Makes a change, which is pending from now on.
    pub fn change(&mut self, change: Change) {
        change.apply(&mut self.cached);
        self.pending.push(change);
    }

    /// Nothing is pending any more: it is durable, or if the sync failed
    /// (`arrives` is false) forgotten, since the pages are marked clean.
    pub fn sync(&mut self, arrives: bool) {
        for change in self.pending.drain(..) {
            if arrives {
                change.apply(&mut self.durable);
            }
        }
    }
    // ANCHOR_END: change

    // ANCHOR: survive
    /// What a power cut leaves of a file: what was synced, and of what came
    /// later nothing, everything, a part cut off at a byte, or any sectors.
    pub fn after_crash(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        match rng.below(4) {
            0 => {}
            1 => self.pending.iter().for_each(|c| c.apply(&mut bytes)),
            2 => {
                let whole = rng.below(self.pending.len() as u64 + 1);
                let (kept, lost) = self.pending.split_at(whole as usize);
                kept.iter().for_each(|c| c.apply(&mut bytes));
                if let Some(torn) = lost.first() {
                    torn.cut_off(rng).apply(&mut bytes);
                }
            }
            _ => {
                for piece in self.pending.iter().flat_map(Change::sectors) {
                    if rng.chance(0.5) {
                        piece.apply(&mut bytes);
                    }
                }
                if rng.chance(0.5) && bytes.len() < self.cached.len() {
                    bytes.resize(self.cached.len(), 0); // length, no bytes
                }
            }
        }
        bytes
    }
    // ANCHOR_END: survive
}

impl Change {
    /// Makes the change in a file's bytes.
    pub fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Change::Truncate(size) => file.resize(*size, 0),
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[*offset..end].copy_from_slice(bytes);
            }
        }
    }

    /// The write up to some byte of it.
    fn cut_off(&self, rng: &mut Rng) -> Change {
        match self.clone() {
            Change::Write { offset, mut bytes } => {
                bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize);
                Change::Write { offset, bytes }
            }
            whole => whole,
        }
    }

    /// The write sector by sector.
    fn sectors(&self) -> Vec<Change> {
        let Change::Write { offset, bytes } = self else {
            return vec![self.clone()];
        };
        let (mut offset, mut rest) = (*offset, bytes.as_slice());
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let room = SECTOR - offset % SECTOR;
            let (piece, more) = rest.split_at(room.min(rest.len()));
            pieces.push(Change::Write {
                offset,
                bytes: piece.to_vec(),
            });
            (offset, rest) = (offset + piece.len(), more);
        }
        pieces
    }
}

impl Naming {
    /// Makes the change among the names.
    pub fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Naming::Link { name, file } => {
                names.insert(name.clone(), *file);
            }
            Naming::Rename { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Naming::Unlink { name } => {
                names.remove(name);
            }
        }
    }
}
