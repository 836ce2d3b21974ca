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
    // begin: sort, then one line for each, as in the recorded page
    let mut sorted = entries.to_vec();
    sorted.sort_by_key(|&(name, length, _)| (length.is_some(), name));
    let title = escape(path);
    let mut page = format!(
        "<html>\r\n<head><title>Index of {title}</title></head>\r\n<body>\r\n\
         <h1>Index of {title}</h1><hr><pre><a href=\"../\">../</a>\r\n"
    );
    for (name, length, modified) in sorted {
        let slash = if length.is_none() { "/" } else { "" };
        let width = name.chars().count();
        let (shown, width) = match width > 50 {
            true => {
                let start: String = name.chars().take(47).collect();
                (escape(&start) + "..&gt;", 50)
            }
            false => (escape(name) + slash, width + slash.len()),
        };
        let pad = " ".repeat(50_usize.saturating_sub(width));
        let link = encode(name);
        // `Sun, 06 Nov 1994 08:49:37 GMT`, of which it wants another order.
        let date = date::write(modified);
        let date = String::from_utf8_lossy(&date[5..22]).into_owned();
        let (day, time) = date.split_at(11);
        let day = day.replace(' ', "-");
        let size = length.map_or("-".to_owned(), |it| it.to_string());
        page.push_str(&format!(
            "<a href=\"{link}{slash}\">{shown}</a>{pad} {day}{time}\
             {size:>20}\r\n"
        ));
    }
    page + "</pre><hr></body>\r\n</html>\r\n"
    // end
}

/// Text without markup, by nginx's rule.
fn escape(text: &str) -> String {
    // begin: four characters, and not the apostrophe
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
    // end
}
