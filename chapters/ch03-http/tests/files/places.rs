//! What is not a plain file: directories, links, and stranger things.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use ch03_http::files::Files;
use ch03_http::response::Response;

use super::files::{Dir, NOW, ask, content, request, set_modified};

fn get(files: &Files, line: &str) -> Response {
    ask(files, &request(line, &[])).expect("a good head")
}

/// The status and, if there is one, where to go.
fn status(files: &Files, line: &str) -> (u16, Option<String>) {
    let response = get(files, line);
    let to = response.get("location").map(str::to_owned);
    (response.status(), to)
}

/// I23: a directory is its index, with a slash at the end; without one, the
/// way there is a path of this host, whatever stood in the target.
#[test]
fn directories() {
    let dir = Dir::new("directories");
    dir.file("index.html", b"top");
    dir.file("sub/index.html", b"sub");
    dir.file("bare/a.txt", b"a");
    dir.file("evil.com/sub/index.html", b"not evil");
    dir.file("a b/\u{e4}?#/index.html", b"odd");
    dir.file("strange/index.html/a.txt", b"a directory of that name");
    dir.file("linked/other.html", b"linked");
    dir.link("linked/index.html", "other.html");
    dir.file("wild/a.txt", b"a");
    dir.link("wild/index.html", "/etc/passwd");
    dir.link("to-sub", "sub");
    let files = Files::new(dir.path(), false).expect("a root");
    let check = |line: &str, expected: u16, to: Option<&str>| {
        let got = status(&files, line);
        let expected = (expected, to.map(str::to_owned));
        assert_eq!(got, expected, "input: {line}");
    };
    check("GET /", 200, None);
    check("GET /?x=1", 200, None);
    check("GET http://other.org", 200, None);
    check("GET http://other.org?x", 200, None);
    check("GET /sub/", 200, None);
    check("GET /sub/.", 200, None);
    check("GET /sub/x/..", 200, None); // names alone: x need not be there
    check("GET /linked/", 200, None);
    check("GET /to-sub/", 200, None);
    check("GET /bare/", 404, None);
    check("GET /strange/", 404, None);
    check("GET /wild/", 404, None);
    check("GET /none/", 404, None);
    check("GET /index.html/", 404, None); // a file is no directory
    check("GET /index.html/.", 404, None);
    check("GET /index.html/x", 404, None);
    check("GET /sub", 301, Some("/sub/"));
    check("HEAD /sub", 301, Some("/sub/"));
    check("GET /sub?x=/../y&z", 301, Some("/sub/?x=/../y&z"));
    check("GET /sub?", 301, Some("/sub/?"));
    check("GET http://h/sub?x", 301, Some("/sub/?x"));
    check("GET /to-sub", 301, Some("/to-sub/"));
    check("GET //sub", 301, Some("/sub/"));
    check("GET //evil.com/sub", 301, Some("/evil.com/sub/"));
    check("GET ///evil.com", 301, Some("/evil.com/"));
    check("GET /.//evil.com", 301, Some("/evil.com/"));
    check("GET /x/..//evil.com", 301, Some("/evil.com/"));
    check("GET /a%20b/%C3%a4%3f%23", 301, Some("/a%20b/%C3%A4%3F%23/"));
    check("GET /a%0d%0aX:%20y", 404, None);
    assert_eq!(content(&get(&files, "GET /linked/")), b"linked");
}

/// I23: methods that a file does not know, and one that asks for them.
#[test]
fn methods() {
    let dir = Dir::new("methods");
    dir.file("a.txt", b"hello");
    let files = Files::new(dir.path(), false).expect("a root");
    let check = |line: &str, expected: u16, allow: bool| {
        let response = get(&files, line);
        let allow = allow.then_some("GET, HEAD, OPTIONS");
        assert_eq!(response.status(), expected, "input: {line}");
        assert_eq!(response.get("allow"), allow, "input: {line}");
    };
    check("GET /a.txt", 200, false);
    check("HEAD /a.txt", 200, false);
    check("OPTIONS /a.txt", 204, true);
    check("OPTIONS *", 204, true);
    check("POST /a.txt", 405, true);
    check("PUT /a.txt", 405, true);
    check("DELETE /a.txt", 405, true);
    check("TRACE /a.txt", 405, true);
    check("CONNECT h:80", 405, true);
    check("PROPFIND /a.txt", 501, false);
    check("get /a.txt", 501, false);
}

/// I23: what is neither a file nor a directory is not there, and nobody waits
/// for it: a FIFO without a writer, a socket, a device.
#[test]
fn neither_file_nor_directory() {
    let dir = Dir::new("strange");
    let fifo = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.is_ok_and(|it| it.success()), "mkfifo");
    let _socket = UnixListener::bind(dir.path().join("socket"));
    dir.link("null", "/dev/null");
    dir.link("stdin", "/proc/self/fd/0");
    dir.link("fifo.txt", "fifo");
    for is_guarded in [true, false] {
        let root = ch03_http::files::root::Root::new(dir.path());
        let root = root.expect("a root");
        let root = if is_guarded { root } else { root.unguarded() };
        let files = Files::over(root, true);
        for name in ["fifo", "socket", "null", "stdin", "fifo.txt"] {
            let got = get(&files, &format!("GET /{name}")).status();
            assert_eq!(got, 404, "input: {name}, openat2: {is_guarded}");
        }
    }
    let none = Files::new(&fifo, false).err().map(|e| e.kind());
    assert_eq!(none, Some(ErrorKind::NotADirectory), "as the root");
}

/// I23: names that are too long, links without an end, and what may not be
/// read.
#[test]
fn what_cannot_be_opened() {
    let dir = Dir::new("unreadable");
    let secret = dir.file("secret.txt", b"secret");
    dir.file("closed/index.html", b"closed");
    dir.link("loop", "loop");
    let files = Files::new(dir.path(), true).expect("a root");
    let long = "x".repeat(300);
    let deep = "/x".repeat(2500);
    for target in [format!("/{long}"), deep, "/loop".into(), "/loop/".into()] {
        let got = get(&files, &format!("GET {target}")).status();
        assert_eq!(got, 404, "input: {target}");
    }
    let closed = dir.path().join("closed");
    let set =
        |path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
    set(&secret, 0o000).expect("a mode");
    set(&closed, 0o000).expect("a mode");
    if fs::read(&secret).is_err() {
        // Not as root, who may read everything.
        for target in ["/secret.txt", "/closed/", "/closed/index.html"] {
            let got = get(&files, &format!("GET {target}")).status();
            assert_eq!(got, 403, "input: {target}");
        }
    }
    set(&closed, 0o755).expect("a mode");
}

/// I23: a root must be a directory.
#[test]
fn roots() {
    let dir = Dir::new("roots");
    let file = dir.file("a.txt", b"a");
    let none = dir.path().join("none");
    for path in [&file, &none] {
        assert!(Files::new(path, false).is_err(), "input: {path:?}");
    }
    // A root that is a link itself is where that leads, once and for all.
    dir.file("one/x.txt", b"one");
    dir.file("two/x.txt", b"two");
    dir.link("www", "one");
    let www = dir.path().join("www");
    let files = Files::new(&www, false).expect("a root");
    fs::remove_file(&www).expect("removed");
    dir.link("www", "two");
    assert_eq!(content(&get(&files, "GET /x.txt")), b"one");
}

/// I23: a page of a directory's names: as links that work, as text that is no
/// markup, in order.
#[test]
fn listings() {
    let dir = Dir::new("listings");
    for name in [
        "b.txt",
        "A.txt",
        "a:b",
        ".hidden",
        "<script>.txt",
        "a b&\"'.txt",
        "sub/x",
        "zub/<b>/y",
        "100%.txt",
        "\u{e4}",
    ] {
        dir.file(name, b"");
    }
    dir.link("out", "/etc");
    use std::os::unix::ffi::OsStrExt;
    let latin = std::ffi::OsStr::from_bytes(b"\xe4.txt");
    let _ = fs::write(dir.path().join(latin), b""); // some systems refuse it
    let files = Files::new(dir.path(), true).expect("a root");
    let page = |target: &str| {
        let response = get(&files, &format!("GET {target}"));
        assert_eq!(response.status(), 200, "input: {target}");
        let html = Some("text/html; charset=utf-8");
        assert_eq!(response.get("content-type"), html);
        String::from_utf8(content(&response)).expect("UTF-8")
    };
    let links = |page: &str| -> Vec<String> {
        let after = page.split("<a href=\"").skip(1);
        after
            .map(|it| it.split('"').next().expect("one").to_owned())
            .collect()
    };
    let top = page("/");
    let expected = [
        "sub/",
        "zub/",
        "100%25.txt",
        "%3Cscript%3E.txt",
        "A.txt",
        "a%20b%26%22%27.txt",
        "a%3Ab",
        "b.txt",
        "out",
        "%C3%A4",
    ];
    assert_eq!(links(&top), expected);
    assert!(!top.contains("<script>"), "{top}");
    assert!(top.contains(">&lt;script&gt;.txt<"), "{top}");
    assert!(top.contains(">a b&amp;&quot;&#39;.txt<"), "{top}");
    let deep = page("/zub/%3Cb%3E/");
    assert_eq!(links(&deep), ["../", "y"]);
    assert!(deep.contains("<h1>/zub/&lt;b&gt;/</h1>"), "{deep}");
    // Each link leads to something, but for the one that leads out.
    for link in expected {
        let target = format!("/{link}");
        let got = get(&files, &format!("GET {target}")).status();
        let expected = if link == "out" { 404 } else { 200 };
        assert_eq!(got, expected, "input: {target}");
    }
    // An index comes first, and what is no directory has no list.
    dir.file("sub/index.html", b"index");
    assert_eq!(content(&get(&files, "GET /sub/")), b"index");
    for target in ["/out/", "/none/", "/b.txt/"] {
        let got = get(&files, &format!("GET {target}")).status();
        assert_eq!(got, 404, "input: {target}");
    }
}

/// I23: a directory of very many names has a page, and an end.
#[test]
fn a_long_listing() {
    let dir = Dir::new("long");
    for number in 0..1_050 {
        fs::File::create(dir.path().join(number.to_string())).expect("made");
    }
    let files = Files::new(dir.path(), true).expect("a root");
    let response = get(&files, "GET /");
    let page = String::from_utf8(content(&response)).expect("UTF-8");
    assert_eq!(page.matches("<li>").count(), 1_001, "names, and a word");
    assert!(page.contains("and more"), "{}", &page[page.len() - 100..]);
}

/// I24: a file from the future has been modified now.
#[test]
fn a_file_from_the_future() {
    let dir = Dir::new("future");
    let path = dir.file("a.txt", b"hello");
    set_modified(&path, NOW * 2);
    let files = Files::new(dir.path(), false).expect("a root");
    let got = get(&files, "GET /a.txt");
    let date = got.get("last-modified");
    assert_eq!(date, Some("Fri, 13 Feb 2009 23:31:30 GMT"));
}
