//! The bug hunt "Five ways to save a file": one is right.

#[allow(unused, reason = "it is the reader's to write")]
#[path = "../exercises/ex_save_hunt.rs"]
mod exercise;
#[path = "../solutions/ex_save_hunt.rs"]
mod solution;

use std::io;

use ch00_toolbox::disk::Disk;

/// Beside, synced, renamed, and the folder synced.
fn right(disk: &dyn Disk, name: &str, text: &[u8]) -> io::Result<()> {
    beside(disk, name, text, true)?;
    disk.sync_dir()
}

/// As editors did for decades: over the old bytes.
fn in_place(disk: &dyn Disk, name: &str, text: &[u8]) -> io::Result<()> {
    let file = disk.open(name)?;
    file.truncate(0)?;
    file.write_at(0, text)?;
    file.sync()
}

/// The name arrives before the bytes.
fn without_sync(disk: &dyn Disk, name: &str, text: &[u8]) -> io::Result<()> {
    beside(disk, name, text, false)?;
    disk.sync_dir()
}

/// The bytes arrive, and the name perhaps never.
fn without_sync_dir(
    disk: &dyn Disk,
    name: &str,
    text: &[u8],
) -> io::Result<()> {
    beside(disk, name, text, true)
}

/// The old name goes first.
fn removes_first(disk: &dyn Disk, name: &str, text: &[u8]) -> io::Result<()> {
    let file = disk.create("beside")?;
    file.write_at(0, text)?;
    file.sync()?;
    disk.remove(name)?;
    disk.rename("beside", name)?;
    disk.sync_dir()
}

fn beside(
    disk: &dyn Disk,
    name: &str,
    text: &[u8],
    sync: bool,
) -> io::Result<()> {
    let file = disk.create("beside")?;
    file.write_at(0, text)?;
    if sync {
        file.sync()?;
    }
    disk.rename("beside", name)
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Save, survives};
            use super::super::*;

            /// The right one passes.
            #[test]
            $(#[$skip])?
            fn the_right_one_passes() {
                assert_eq!(survives(right), Ok(()), "input: right");
            }

            /// Each of the others is caught.
            #[test]
            $(#[$skip])?
            fn the_others_are_caught() {
                let others: [(&str, Save); 4] = [
                    ("in_place", in_place),
                    ("without_sync", without_sync),
                    ("without_sync_dir", without_sync_dir),
                    ("removes_first", removes_first),
                ];
                for (name, save) in others {
                    assert!(survives(save).is_err(), "not caught: {name}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_save_hunt"]);
}
