//! Five ways to save a file, one of which is right: the test that tells.
//!
//! A file `a` has a text in it, and the text is durable. `save` is to put
//! another in its place, so that
//!
//! - whenever the power goes, the file `a` is there, with the whole old text
//!   or the whole new one;
//! - once `save` has returned without an error, it is the new one.

use std::io;

use ch00_toolbox::disk::Disk;

/// What is tried: puts `text` in the place of what is in the file `name`.
pub type Save = fn(disk: &dyn Disk, name: &str, text: &[u8]) -> io::Result<()>;

/// Whether a `save` keeps both promises, whenever the power goes.
///
/// # Errors
///
/// The first crash after which one is broken, in words.
pub fn survives(save: Save) -> Result<(), String> {
    // begin: crash during every operation; look at what is left
    use ch00_toolbox::disk::mem::MemDisk;
    use ch00_toolbox::disk::read_all;
    use ch00_toolbox::disk::sweep::crash_everywhere;

    let (old, new) = (vec![b'o'; 700], vec![b'n'; 1_300]);
    let start = |disk: &MemDisk| -> io::Result<()> {
        let file = disk.create("a")?;
        file.write_at(0, &old)?;
        file.sync()?;
        disk.sync_dir()
    };
    let look = |disk: &MemDisk| read_all(&*disk.open("a")?);
    // None: the old text was not there yet. Then: whether save returned.
    let work = |disk: &MemDisk| match start(disk) {
        Err(_) => None,
        Ok(()) => Some(save(disk, "a", &new).is_ok()),
    };
    let check = |saved: &Option<bool>, disk: MemDisk| {
        let Some(saved) = saved else { return Ok(()) };
        let found = look(&disk).map_err(|e| format!("no file: {e}"))?;
        match (found == new, found == old && !saved) {
            (false, false) => Err(format!("{} bytes, {saved}", found.len())),
            _ => Ok(()),
        }
    };
    let last = MemDisk::new();
    start(&last)
        .and_then(|()| save(&last, "a", &new))
        .map_err(|e| e.to_string())?;
    for seed in 0..64 {
        check(&Some(true), last.crash(seed))?;
    }
    crash_everywhere(64, work, check).map(|_| ())
    // end
}
