//! What `gzip -l` says of a file, without decoding it.

use ch00_toolbox::cursor::{Cursor, Short};

/// The line that `gzip -l NAME.gz` prints for a file of one member: its size
/// in bytes, the size of what it holds (from ISIZE, which is why gzip is wrong
/// about 4 GiB), what is saved, and `name`.
///
/// Saved is, in percent of what it holds, what it holds less the bytes of the
/// DEFLATE stream alone; 0.0 if it holds nothing. The columns are 19, 19 and 5
/// wide, to the right, with a blank between.
///
/// # Errors
/// The header is cut, or its end and the 8 bytes after the stream overlap.
pub fn line(name: &str, file: &[u8]) -> Result<String, Short> {
    todo!("ex_gzip_list: step over the header, read the end")
}
