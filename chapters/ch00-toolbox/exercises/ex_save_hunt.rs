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
    todo!("ex_save_hunt: crash during every operation; look at what is left")
}
