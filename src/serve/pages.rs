//! The built book's files. HTML gets a mark in its head: the token of this start, the stamp of the book that it is from,
//! and which files the reader is still to write.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::{Shared, book};

/// `GET /…`: a file of the book.
pub async fn page(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let folder = book::folder(&shared.root);
    let Some(mut file) = locate(&folder, uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if file.is_dir() {
        if !uri.path().ends_with('/') {
            // With one slash at its front: two would make a host of the first name.
            let path = uri.path().trim_start_matches('/');
            return Redirect::permanent(&format!("/{path}/")).into_response();
        }
        file.push("index.html");
    }
    let is_html = file.extension().is_some_and(|extension| extension == "html");
    match body(&shared, &file, is_html) {
        Ok(bytes) if is_html => html(StatusCode::OK, bytes),
        Ok(bytes) => {
            let kind = mime_guess::from_path(&file).first_or_octet_stream().to_string();
            let keep = if is_hashed(&file) { "max-age=31536000, immutable" } else { "no-cache" };
            ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep.to_owned())], bytes)
                .into_response()
        }
        Err(_) => missing(&shared, &folder),
    }
}

fn missing(shared: &Shared, folder: &Path) -> Response {
    let error = shared.news.borrow().error.clone();
    if let (Some(error), false) = (error, folder.join("index.html").is_file()) {
        let text = error.replace('&', "&amp;").replace('<', "&lt;");
        let page = format!(
            "<!doctype html><html lang=en><head><title>No book yet</title></head><body>\
             <h1>The book could not be built</h1><pre>{text}</pre>\
             <p>Mend it and load this page again.</p></body></html>"
        );
        let page = marked(&page, &mark(shared));
        return html(StatusCode::INTERNAL_SERVER_ERROR, page.into());
    }
    match body(shared, &folder.join("404.html"), true) {
        Ok(page) => html(StatusCode::NOT_FOUND, page),
        Err(_) => (StatusCode::NOT_FOUND, "There is no such page.").into_response(),
    }
}

/// What is sent of a file.
fn body(shared: &Shared, file: &Path, is_html: bool) -> std::io::Result<Bytes> {
    let mark = mark(shared);
    shared.bodies.of(file, &mark, |bytes| {
        if is_html {
            let page = String::from_utf8_lossy(&bytes);
            marked(&page, &mark).into_bytes()
        } else {
            bytes
        }
    })
}

/// The files that are being sent, each once for all who are sent it: with a copy for each, some hundred readers of the longest
/// page, who need not even read, would fill the memory. What nobody is sent is not kept.
#[derive(Debug, Default)]
pub struct Bodies(Mutex<HashMap<PathBuf, Sent>>);

#[derive(Debug)]
struct Sent {
    modified: SystemTime,
    /// What a page has in its head.
    mark: String,
    bytes: Weak<[u8]>,
}

impl Bodies {
    /// A file's bytes as `prepare` makes them, which depends on them and the mark only.
    fn of(
        &self,
        file: &Path,
        mark: &str,
        prepare: impl FnOnce(Vec<u8>) -> Vec<u8>,
    ) -> std::io::Result<Bytes> {
        let mut opened = File::open(file)?;
        let modified = opened.metadata()?.modified()?;
        // Held while the file is read, so that those who ask at the same time get the same. A panic leaves it whole.
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sent) = sent.get(file)
            && (sent.modified, sent.mark.as_str()) == (modified, mark)
            && let Some(bytes) = sent.bytes.upgrade()
        {
            return Ok(Bytes::from_owner(bytes));
        }
        let mut bytes = Vec::new();
        opened.read_to_end(&mut bytes)?;
        let bytes: Arc<[u8]> = prepare(bytes).into();
        sent.retain(|_, sent| sent.bytes.strong_count() > 0);
        let (mark, weak) = (mark.to_owned(), Arc::downgrade(&bytes));
        sent.insert(file.to_path_buf(), Sent { modified, mark, bytes: weak });
        Ok(Bytes::from_owner(bytes))
    }
}

/// The file that a path names, unless it leads out of the folder.
fn locate(folder: &Path, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path.trim_start_matches('/'));
    let stays = relative.components().all(|part| matches!(part, Component::Normal(_)));
    stays.then(|| folder.join(relative))
}

/// mdBook puts a hash of the content into the names of what pages load: `book-1a2b3c4d.js`.
fn is_hashed(file: &Path) -> bool {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn html(status: StatusCode, page: Bytes) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Html(page)).into_response()
}

/// What a page has in its head.
fn mark(shared: &Shared) -> String {
    let news = shared.news.borrow();
    format!(
        "<head>\n<meta name=\"workbook\" content=\"{}\" data-stamp=\"{}\" data-unwritten=\"{}\">",
        shared.guard.token(),
        news.stamp,
        news.unwritten.join(" ").replace('"', ""),
    )
}

fn marked(page: &str, mark: &str) -> String {
    // The class is for the style sheet, which must know it before any script runs, or without any.
    slim(&page.replacen("<head>", mark, 1).replacen(" class=\"", " class=\"workbook ", 1))
}

/// mdBook gives each hidden line an element of its own, and a long page has nine thousand: two fifths of its bytes. Those that
/// follow each other become one, which shows and hides the same text.
fn slim(page: &str) -> String {
    page.replace("</span><span class=\"boring\">", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_book() {
        let folder = Path::new("/book");
        assert_eq!(locate(folder, "/a/b.html"), Some(PathBuf::from("/book/a/b.html")));
        assert_eq!(locate(folder, "/"), Some(PathBuf::from("/book/")));
        assert_eq!(locate(folder, "//etc/passwd"), Some(PathBuf::from("/book/etc/passwd")));
        for path in ["/../x", "/a/../../x", "/./../x", "/.."] {
            assert_eq!(locate(folder, path), None, "input: {path}");
        }
    }

    #[test]
    fn a_file_is_in_memory_once_while_it_is_sent() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("a.html");
        std::fs::write(&file, "one")?;
        let bodies = Bodies::default();
        let get = |mark: &str| {
            bodies.of(&file, mark, |bytes| [mark.as_bytes(), bytes.as_slice()].concat())
        };
        let (first, second) = (get("1 ")?, get("1 ")?);
        assert_eq!(first, "1 one");
        assert_eq!(first.as_ptr(), second.as_ptr(), "one copy for both");
        assert_eq!(get("2 ")?, "2 one", "another book");
        std::fs::write(&file, "two")?;
        File::options().append(true).open(&file)?.set_modified(SystemTime::UNIX_EPOCH)?;
        assert_eq!(get("1 ")?, "1 two", "another file");
        drop((first, second));
        let sent = bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(sent.values().all(|sent| sent.bytes.strong_count() == 0), "{sent:?}");
        Ok(())
    }

    #[test]
    fn hidden_lines_that_follow_each_other_are_one_element() {
        let page = "<code><span class=\"boring\">a\n</span><span class=\"boring\">b\n</span>c\n<span class=\"boring\">d\n</span></code>";
        let expected =
            "<code><span class=\"boring\">a\nb\n</span>c\n<span class=\"boring\">d\n</span></code>";
        assert_eq!(slim(page), expected);
    }

    #[test]
    fn only_names_with_a_hash_are_kept_by_the_browser() {
        assert!(is_hashed(Path::new("book-1a2b3c4d.js")));
        assert!(!is_hashed(Path::new("index.html")));
        assert!(!is_hashed(Path::new("ch01-sockets.html")));
        assert!(!is_hashed(Path::new("a-toolongaa.js")));
    }
}
