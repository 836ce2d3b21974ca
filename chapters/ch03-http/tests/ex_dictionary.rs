//! The checks of the exercise `ex_dictionary`.

#[path = "../solutions/ex_dictionary.rs"]
mod solution;

#[path = "../exercises/ex_dictionary.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

const DICTIONARY: &[u8] =
    b"GET HTTP/1.1 200 OK Content-Type: text/html Content-Length: ";
const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/html\r\n";

/// What zlib 1.2.13 makes of them.
const OF_ZLIB: &[u8] = &[
    0x78, 0xbb, 0x19, 0xde, 0x13, 0x1d, 0x43, 0xd3, 0xc7, 0xcb, 0x85, 0xae,
    0xc0, 0x14, 0x21, 0x84, 0x66, 0x16, 0x2f, 0x17, 0x00, 0x14, 0xbb, 0x12,
    0x57,
];

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use ch00_toolbox::prop::{Gen, check};
            use ch03_http::deflate::compress::Level;

            use super::super::$subject::{Refused, pack, unpack};
            use super::super::{DICTIONARY, HEAD, OF_ZLIB};

            /// I26: what zlib has packed with a dictionary comes out.
            #[test]
            $(#[$skip])?
            fn zlibs_stream() {
                let got = unpack(DICTIONARY, OF_ZLIB, 1000);
                assert_eq!(got.as_deref(), Ok(HEAD), "input: zlib's");
            }

            /// I26: the frame is RFC 1950's, and the copies reach into the
            /// dictionary.
            #[test]
            $(#[$skip])?
            fn it_is_as_short_as_zlibs() {
                let packed = pack(DICTIONARY, HEAD, Level::DEFAULT);
                assert_eq!(packed[..6], OF_ZLIB[..6], "input: the head");
                let seal = packed.len() - 4;
                assert_eq!(packed[seal..], OF_ZLIB[21..], "input: the seal");
                let length = packed.len();
                assert!(length <= 26, "got: {length} bytes, zlib's has 25");
            }

            /// I29: another dictionary, another head, a cut, a byte too much
            /// and a byte too many are refused, each by its name.
            #[test]
            $(#[$skip])?
            fn what_is_refused() {
                let other = unpack(b"other", OF_ZLIB, 1000);
                assert_eq!(other, Err(Refused::Dictionary));
                let plain = unpack(DICTIONARY, &[0x78, 0x9c], 1000);
                assert_eq!(plain, Err(Refused::Header));
                for length in 2..OF_ZLIB.len() {
                    let cut = unpack(DICTIONARY, &OF_ZLIB[..length], 1000);
                    let expected = Err(Refused::Damaged);
                    assert_eq!(cut, expected, "input: {length} bytes of it");
                }
                let behind = [OF_ZLIB, b"x"].concat();
                let behind = unpack(DICTIONARY, &behind, 1000);
                assert_eq!(behind, Err(Refused::Damaged), "input: one more");
                let most = HEAD.len() as u64;
                assert!(unpack(DICTIONARY, OF_ZLIB, most).is_ok());
                let long = unpack(DICTIONARY, OF_ZLIB, most - 1);
                assert_eq!(long, Err(Refused::Damaged), "input: too long");
            }

            /// I26: any bytes come back, with any dictionary.
            #[test]
            $(#[$skip])?
            fn any_bytes_come_back() {
                let make = |g: &mut Gen| {
                    let part = g.bytes(30);
                    let times = *g.pick(&[0, 1, 20, 3000]);
                    (part.repeat(times), [&part[..], &g.bytes(40)].concat())
                };
                check("dictionaries", 1_000, make, |(dictionary, bytes)| {
                    let packed = pack(dictionary, bytes, Level::DEFAULT);
                    match unpack(dictionary, &packed, 1000) {
                        Ok(plain) if plain == *bytes => Ok(()),
                        got => Err(format!("got {got:?}")),
                    }
                });
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_dictionary"]);
}
