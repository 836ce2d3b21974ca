//! A directory's page as nginx writes it.

use std::time::Duration;

use ch03_http::date;
use ch03_http::files::path::encode;

/// A name in a directory: the name, its length in bytes (`None`: it is a
/// directory), and when it was modified, since 1970.
pub type Entry<'a> = (&'a str, Option<u64>, Duration);

/// The page that nginx (`autoindex on; charset utf-8;`) gives for a directory
/// at this path, which ends with a slash, with these entries in any order.
///
/// Directories come first; within both, names are in the order of their bytes.
/// Each line has the link, padded to 50 characters, a blank, the date, and a
/// size 20 characters wide. Lines end with CR LF.
pub fn page(path: &str, entries: &[Entry<'_>]) -> String {
    todo!("ex_autoindex: sort, then one line for each, as in the recorded page")
}

/// Text without markup, by nginx's rule.
fn escape(text: &str) -> String {
    todo!("ex_autoindex: four characters, and not the apostrophe")
}
