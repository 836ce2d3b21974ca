//! The checks of the exercise `ex_gzip_list`, recorded from gzip 1.12.

#[path = "../solutions/ex_gzip_list.rs"]
mod solution;

#[path = "../exercises/ex_gzip_list.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// `printf hello | gzip -n`.
const HELLO: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07\0\
    \x86\xa6\x10\x36\x05\0\0\0";

/// An empty file called `empty`.
const EMPTY: &[u8] = b"\x1f\x8b\x08\x08\0\xf1\x53\x65\0\x03empty\0\x03\0\
    \0\0\0\0\0\0\0\0";

/// Every field there is: extra bytes, a name, a comment, a checksum.
const FLAGS: &[u8] = b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x03\0xyzname\0comment\0\
    \xa4\xbb\xcb\xc8\x2f\x57\xc8\x2d\x4d\xce\x50\x28\xcf\xcf\x4f\x01\x12\
    \xa5\x39\x29\x0a\x89\x60\x4e\x72\x46\x69\x72\xb6\x02\x98\xcc\xa0\x9a\x22\0\
    \x2c\xbe\x08\x0e\x6f\0\0\0";

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::line;
            use super::super::{EMPTY, FLAGS, HELLO};

            /// I29: each line is what gzip prints.
            #[test]
            $(#[$skip])?
            fn lines_are_gzips() {
                for (name, file, expected) in [
                    ("nn", HELLO, "25                   5 -40.0% nn"),
                    ("empty", EMPTY, "26                   0   0.0% empty"),
                    ("flags", FLAGS, "72                 111  69.4% flags"),
                ] {
                    let got = line(name, file);
                    let expected = format!("                 {expected}");
                    assert_eq!(got, Ok(expected), "input: {name}");
                }
            }

            /// I28: a file that is cut anywhere within the header, or before
            /// all of the seal can be there, is refused.
            #[test]
            $(#[$skip])?
            fn a_cut_file_is_refused() {
                for length in 0..30 + 8 {
                    let got = line("flags", &FLAGS[..length]);
                    assert!(got.is_err(), "input: {length} bytes: {got:?}");
                }
                let got = line("flags", &FLAGS[..30 + 8]);
                assert!(got.is_ok(), "input: a header and 8 bytes: {got:?}");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_gzip_list"]);
}
