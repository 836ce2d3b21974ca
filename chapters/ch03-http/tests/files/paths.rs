//! From a target to a file, and never to one outside.

use std::path::{Path, PathBuf};

use ch00_toolbox::prop::{Gen, check};
use ch03_http::files::Files;
use ch03_http::files::mime;
use ch03_http::files::path::{below, decode, encode};
use ch03_http::files::root::Root;

use super::files::{Dir, ask, content, request};

/// I23: a path is split first and decoded then, once.
#[test]
fn a_target_names_a_path_below_the_root() {
    let check = |target: &str, expected: Option<(&str, bool)>| {
        let got = below(target).map(|it| (it.path, it.is_directory));
        let expected = expected.map(|(path, dir)| (path.to_owned(), dir));
        assert_eq!(got, expected, "input: {target}");
    };
    check("/", Some(("", true)));
    check("/a.txt", Some(("a.txt", false)));
    check("/a/b/", Some(("a/b", true)));
    check("//a///b", Some(("a/b", false)));
    check("/./a/.", Some(("a", true)));
    check("/a/../b", Some(("b", false)));
    check("/a/..", Some(("", true)));
    check("/a/%2e%2E/b", Some(("b", false)));
    check("/..", None);
    check("/../etc/passwd", None);
    check("/a/../../etc/passwd", None);
    check("/%2e%2e/etc/passwd", None);
    check("/.%2e/x", None);
    check("/a%2fb", None); // a slash in a name
    check("/..%2f..%2fetc", None);
    check("/%252e%252e/x", Some(("%2e%2e/x", false))); // once
    check("/a%00.txt", None);
    check("/%c0%ae%c0%ae/x", None); // an overlong dot is not UTF-8
    check("/%ff", None);
    check("/%", None);
    check("/%4", None);
    check("/%zz", None);
    check("/%+1", None);
    check("/%41%c3%a4", Some(("A\u{e4}", false)));
    check("/..\\..\\x", Some(("..\\..\\x", false))); // one name on Unix
    check("/%5c..%5cx", Some(("\\..\\x", false)));
    check("/a.", Some(("a.", false))); // another file than a
    check("/...", Some(("...", false)));
    check("/a;b=../c", Some(("a;b=../c", false)));
    check("relative", None);
    check("", None);
}

/// I23: what is encoded is decoded to the same, and has no special bytes.
#[test]
fn names_are_encoded() {
    let make = |g: &mut Gen| g.text(12);
    check("names", 1000, make, |name| {
        let link = encode(name);
        let is_plain =
            |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
        match decode(&link) {
            _ if !link.bytes().all(is_plain) => {
                Err(format!("not plain: {link}"))
            }
            Some(back) if back == *name => Ok(()),
            back => Err(format!("{link} is decoded to {back:?}")),
        }
    });
    assert_eq!(encode("a b/\u{e4}?"), "a%20b%2F%C3%A4%3F");
}

/// I23: every type of the table is found, whatever the case; the last
/// extension counts, and what is not known is bytes.
#[test]
fn media_types() {
    let check = |name: &str, expected: &str| {
        assert_eq!(mime::of(name), expected, "input: {name}");
    };
    for extension in [
        "avif", "css", "csv", "gif", "gz", "htm", "html", "ico", "jpeg", "jpg",
        "js", "json", "md", "mjs", "mp3", "mp4", "ogg", "otf", "pdf", "png",
        "rs", "svg", "tar", "toml", "ttf", "txt", "wasm", "wav", "webm",
        "webp", "woff", "woff2", "xml", "yaml", "zip",
    ] {
        let got = mime::of(&format!("a.{extension}"));
        assert_ne!(got, "application/octet-stream", "input: {extension}");
    }
    check("a.bin", "application/octet-stream");
    check("a.html", "text/html; charset=utf-8");
    check("A.HTML", "text/html; charset=utf-8");
    check("a.tar.gz", "application/gzip");
    check("a.html.bak", "application/octet-stream");
    check("dir.html/a", "application/octet-stream");
    check("README", "application/octet-stream");
    check("", "application/octet-stream");
}

/// `top/out.txt`, `top/www/…` with links in and out; all that is inside
/// begins with `in`, and all that is not with `out`.
fn nest(name: &str) -> Dir {
    let top = Dir::new(name);
    top.file("out.txt", b"out");
    top.file("else/index.html", b"out, an index");
    top.file("www/a.txt", b"in: a");
    top.file("www/index.html", b"in: the index");
    top.file("www/sub/b.txt", b"in: b");
    top.file("www/sub/deep/index.html", b"in: deep");
    top.file("www/bare/c.txt", b"in: c");
    top.file("www/%2e%2e/odd.txt", b"in: odd");
    top.file("www/..\\a.txt", b"in: a backslash");
    let www = top.path().join("www");
    top.link("www/up", "..");
    top.link("www/passwd", "../out.txt");
    top.link("www/abs-out", top.path().join("out.txt"));
    top.link("www/abs-else", top.path().join("else"));
    top.link("www/sub/back", "../a.txt");
    top.link("www/sub/round", "../../www/a.txt"); // leaves, and comes back
    top.link("www/abs-in", www.join("sub"));
    top.link("www/abs-file", www.join("a.txt"));
    top.link("www/loop", "loop");
    top.link("www/gone", "nothing");
    top
}

/// Where a target leads, by the plain way that a server must not take since
/// it looks before it opens.
fn model(root: &Path, target: &str) -> (u16, Option<Vec<u8>>) {
    let mut names: Vec<String> = Vec::new();
    let mut last = String::new();
    for part in target.split('/').skip(1) {
        let Some(name) = decode(part) else {
            return (404, None);
        };
        last = name.clone();
        match &name[..] {
            "" | "." => {}
            ".." if names.pop().is_none() => return (404, None),
            ".." => {}
            _ if name.contains('/') || name.contains('\0') => {
                return (404, None);
            }
            _ => names.push(name),
        }
    }
    let is_directory = matches!(&last[..], "" | "." | "..");
    let inside = |path: PathBuf| {
        let real = path.canonicalize().ok()?;
        real.starts_with(root).then_some(real)
    };
    let read = |path: Option<PathBuf>| match path.map(std::fs::read) {
        Some(Ok(bytes)) => (200, Some(bytes)),
        _ => (404, None),
    };
    let path = root.join(names.join("/"));
    if is_directory {
        return read(inside(path.join("index.html")));
    }
    match inside(path) {
        Some(real) if real.is_dir() => (301, None),
        path => read(path),
    }
}

fn nasty(g: &mut Gen) -> String {
    const PARTS: [&str; 44] = [
        "a.txt",
        "sub",
        "b.txt",
        "deep",
        "bare",
        "c.txt",
        "index.html",
        "..",
        ".",
        "",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%2e",
        "%252e%252e",
        "%2f",
        "..%2f",
        "%2f..",
        "..%2fout.txt",
        "%5c",
        "..%5c",
        "..\\a.txt",
        "%00",
        "a.txt%00",
        "%c0%ae%c0%ae",
        "%c0%af",
        "..;",
        "...",
        "up",
        "passwd",
        "abs-out",
        "abs-else",
        "back",
        "round",
        "abs-in",
        "abs-file",
        "loop",
        "gone",
        "out.txt",
        "else",
        "www",
        "a.txt ",
        "%zz",
        "%2e%2e%2f",
    ];
    let parts = g.vec(7, |g| match g.once_in(40) {
        true => "x".repeat(g.range(200, 300) as usize),
        false => (*g.pick(&PARTS)).to_owned(),
    });
    format!("/{}", parts.join("/"))
}

/// I23: no target gets what is outside, and each that leads to a file inside
/// gets that file.
fn nothing_outside(name: &str, open: impl Fn(&Path) -> Files) {
    let top = nest(name);
    let root = top.path().join("www");
    let files = open(&root);
    check(name, 3000, nasty, |target| {
        let request = request(&format!("GET {target}"), &[]);
        let Some(response) = ask(&files, &request) else {
            return Ok(()); // a space: no head at all
        };
        let body = content(&response);
        let (status, bytes) = model(&root, target);
        if body.windows(3).any(|it| it == b"out") {
            return Err("this is what lies outside".to_owned());
        }
        if response.status() != status {
            let got = response.status();
            return Err(format!("{got}, expected {status}"));
        }
        match bytes {
            Some(bytes) if bytes != body => Err("another file".to_owned()),
            _ => Ok(()),
        }
    });
}

/// I23: as above, where the kernel looks.
#[test]
fn nothing_outside_is_opened() {
    nothing_outside("nothing_outside", |root| {
        Files::new(root, false).expect("a root")
    });
}

/// I23: as above, without openat2(2).
#[test]
fn nothing_outside_is_opened_without_openat2() {
    nothing_outside("nothing_outside_checked", |root| {
        let root = Root::new(root).expect("a root").unguarded();
        Files::over(root, false)
    });
}

/// I23: a directory that is exchanged for a link to the outside, or a link
/// for another, while it is asked for, never gives what is outside.
#[test]
#[cfg(target_os = "linux")]
fn a_link_that_is_exchanged() {
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};

    let top = nest("exchanged");
    top.file("else/deep/index.html", b"out, and deep");
    top.file("www/dir/deep/index.html", b"in: a directory");
    top.link("www/link", "sub");
    let root = top.path().join("www");
    let files = Files::new(&root, false).expect("a root");
    for name in ["dir", "link"] {
        let other = format!("{name}-out");
        top.link(&format!("www/{other}"), "../else");
        let is_over = AtomicBool::new(false);
        let (x, y, z) = (root.join(name), root.join(other), root.join("z"));
        let mut seen = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = fs::rename(&x, &z);
                    let _ = fs::rename(&y, &x);
                    let _ = fs::rename(&z, &y);
                }
            });
            let request = request(&format!("GET /{name}/deep/"), &[]);
            for _ in 0..3000 {
                let response = ask(&files, &request).expect("a good head");
                seen.push(content(&response));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let is_out = |body: &Vec<u8>| body.starts_with(b"out");
        assert!(!seen.iter().any(is_out), "input: {name}");
    }
}
