//! A directory as a page.

use std::fs;
use std::io;
use std::path::Path;

use ch03_http::files::path::encode;

/// The most names of a directory that a page shows.
const MAX_NAMES: usize = 1_000;

// ANCHOR: page
/// A page with a link to each file, directories first, both by name. Names
/// that begin with a dot are left out, and those that are not UTF-8.
///
/// # Errors
/// Those of readdir(3).
pub fn page(directory: &Path, shown: &str) -> io::Result<String> {
    let (mut names, mut is_cut) = (Vec::new(), false);
    for (count, entry) in fs::read_dir(directory)?.enumerate() {
        if count == MAX_NAMES {
            is_cut = true;
            break;
        }
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // A link's own kind is not what it leads to; a visit will tell.
        let is_file = !entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !name.starts_with('.') {
            names.push((is_file, name));
        }
    }
    names.sort();
    let title = escape(shown);
    let mut page = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<ul>\n"
    );
    if shown != "/" {
        page.push_str("<li><a href=\"../\">../</a>\n");
    }
    for (is_file, name) in names {
        let slash = if is_file { "" } else { "/" };
        let (link, name) = (encode(&name), escape(&name));
        page.push_str(&format!(
            "<li><a href=\"{link}{slash}\">{name}{slash}</a>\n"
        ));
    }
    page.push_str(if is_cut {
        "<li>and more\n</ul>\n"
    } else {
        "</ul>\n"
    });
    Ok(page)
}
// ANCHOR_END: page

// ANCHOR: escape
/// A text that is no markup: a file may be named `<script>`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
// ANCHOR_END: escape
