//! The checks of the exercise `ex_siblings`.

#[path = "../solutions/ex_siblings.rs"]
mod solution;

#[path = "../exercises/ex_siblings.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

#[allow(unused)] // more than these checks need
mod files;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::io::Read;
            use std::time::Duration;

            use ch03_http::files::root::Root;

            use super::super::$subject::open;
            use super::super::files::{Dir, MODIFIED, set_modified};

            /// What is opened: its content, and whether it is gzip.
            fn opened(dir: &Dir, path: &str, takes_gzip: bool)
                -> Option<(String, bool)> {
                let root = Root::new(dir.path()).expect("a root");
                let (mut file, data, is_gzip) =
                    open(&root, path, takes_gzip).ok()?;
                let mut text = String::new();
                file.read_to_string(&mut text).expect("text");
                assert_eq!(data.len(), text.len() as u64, "of {path}");
                Some((text, is_gzip))
            }

            fn check(dir: &Dir, path: &str, takes: bool,
                expected: Option<(&str, bool)>) {
                let expected = expected.map(|(text, it)| (text.to_owned(), it));
                let got = opened(dir, path, takes);
                assert_eq!(got, expected, "input: {path}, gzip: {takes}");
            }

            /// I43: who takes gzip gets the sibling, and nobody else.
            #[test]
            $(#[$skip])?
            fn the_sibling_for_who_takes_it() {
                let dir = Dir::new("siblings");
                dir.file("a.txt", b"plain");
                dir.file("a.txt.gz", b"packed");
                dir.file("sub/b.txt", b"alone");
                check(&dir, "a.txt", true, Some(("packed", true)));
                check(&dir, "a.txt", false, Some(("plain", false)));
                check(&dir, "a.txt.gz", true, Some(("packed", false)));
                check(&dir, "sub/b.txt", true, Some(("alone", false)));
            }

            /// I43: a sibling that is older than its file is another file's.
            #[test]
            $(#[$skip])?
            fn an_old_sibling() {
                let dir = Dir::new("old");
                let path = dir.file("a.txt", b"new");
                dir.file("a.txt.gz", b"old");
                set_modified(&path, MODIFIED + Duration::from_nanos(1000));
                check(&dir, "a.txt", true, Some(("new", false)));
            }

            /// I23, I43: a sibling that is none, or lies outside, is passed
            /// over.
            #[test]
            $(#[$skip])?
            fn a_sibling_that_is_none() {
                let dir = Dir::new("none");
                for name in ["a.txt", "b.txt", "c.txt"] {
                    dir.file(name, b"plain");
                }
                dir.file("a.txt.gz/index.html", b"in a directory");
                dir.link("b.txt.gz", "/etc/passwd");
                dir.link("c.txt.gz", "c.txt.gz");
                for name in ["a.txt", "b.txt", "c.txt"] {
                    check(&dir, name, true, Some(("plain", false)));
                }
            }

            /// I23: a sibling alone is not the file.
            #[test]
            $(#[$skip])?
            fn a_sibling_alone() {
                let dir = Dir::new("alone");
                dir.file("a.txt.gz", b"packed");
                dir.file("sub/b.txt", b"b");
                dir.file("sub.gz", b"packed");
                check(&dir, "a.txt", true, None);
                check(&dir, "sub", true, None);
                check(&dir, "sub", false, None);
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_siblings"]);
}
