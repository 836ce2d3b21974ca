//! Files that were compressed before anybody asked.

use std::fs::{File, Metadata};
use std::io;

use ch03_http::files::root::Root;

/// Opens what is to be sent for a path below the root, and says whether it is
/// gzip: `PATH.gz`, if the client takes gzip, and there is a regular file of
/// that name that is not older than the one at the path; else the file itself.
///
/// # Errors
/// Those of opening the file at the path, which must be there in any case:
/// whatever is wrong with its sibling is no error. `NotFound`: it is no
/// regular file.
pub fn open(
    root: &Root,
    path: &str,
    takes_gzip: bool,
) -> io::Result<(File, Metadata, bool)> {
    // begin: the file first, then its sibling, if it is as good
    let (file, data) = root.open(path)?;
    if !data.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let sibling = takes_gzip.then(|| root.open(&format!("{path}.gz")));
    if let Some(Ok((gzip, of_gzip))) = sibling {
        let is_fresh = of_gzip.modified()? >= data.modified()?;
        if of_gzip.is_file() && is_fresh {
            return Ok((gzip, of_gzip, true));
        }
    }
    Ok((file, data, false))
    // end
}
