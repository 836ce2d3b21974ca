//! What a client says that it can decode, and what it gets.

use ch03_http::negotiate::{Coding, choose, is_worth, weak, weight};

const ALL: [Coding; 3] = [Coding::Gzip, Coding::Deflate, Coding::Identity];

/// I32: the coding is the one that RFC 9110, section 12.5.3, leaves.
#[test]
fn codings() {
    use Coding::{Deflate, Gzip, Identity};
    for (accept, expected) in [
        (None, Some(Identity)),
        (Some(""), Some(Identity)),
        (Some("gzip"), Some(Gzip)),
        (Some("GZip"), Some(Gzip)),
        (Some("x-gzip"), Some(Gzip)),
        (Some("br"), Some(Identity)),
        (Some("gzip, deflate, br, zstd"), Some(Gzip)),
        (Some("deflate, gzip"), Some(Gzip)), // the server's order
        (Some("gzip;q=0.5, deflate;q=0.501"), Some(Deflate)),
        (Some("gzip ; q=0.5\t,\tdeflate ;Q=0.6"), Some(Deflate)),
        (Some("*"), Some(Gzip)),
        (Some("gzip;q=0, *"), Some(Deflate)),
        (Some("gzip;q=0"), Some(Identity)),
        (Some("gzip;q=0.000"), Some(Identity)),
        (Some("*;q=0"), None),
        (Some("identity;q=0"), None),
        (Some("identity;q=0, gzip;q=0.1"), Some(Gzip)),
        (Some("*;q=0, identity"), Some(Identity)),
        (Some("*;q=0, gzip"), Some(Gzip)),
        (Some("identity, gzip;q=0.5"), Some(Identity)),
        (Some("identity;q=0.5, gzip;q=0.5"), Some(Gzip)),
        (Some("gzip;q=2, deflate;q=0.1"), Some(Deflate)), // no weight
        (Some("gzip;level=9"), Some(Identity)),
        (Some("gzip;q"), Some(Identity)),
        (Some(",,gzip,,"), Some(Gzip)),
        (Some("gzip;q=0.5;q=1"), Some(Identity)),
    ] {
        let got = choose(accept, &ALL);
        assert_eq!(got, expected, "input: {accept:?}");
    }
    let only = choose(Some("deflate"), &[Gzip]);
    assert_eq!(only, Some(Identity), "input: deflate, offered gzip");
    assert_eq!((Gzip.name(), Identity.name()), (Some("gzip"), None));
}

/// I32: a weight has at most three digits, and is at most 1.
#[test]
fn weights() {
    for (text, expected) in [
        ("0", Some(0)),
        ("1", Some(1000)),
        ("0.", Some(0)),
        ("0.5", Some(500)),
        ("0.05", Some(50)),
        ("0.005", Some(5)),
        ("1.000", Some(1000)),
        ("1.001", None),
        ("0.0005", None),
        (".5", None),
        ("2", None),
        ("-0", None),
        ("0.+1", None),
        ("0.5 ", None),
        ("", None),
        ("0,5", None),
    ] {
        assert_eq!(weight(text), expected, "input: {text:?}");
    }
}

/// I32: what is packed already, small, or not to be changed stays as it is.
#[test]
fn what_is_compressed() {
    for (media, length, cache, expected) in [
        ("text/html; charset=utf-8", Some(5000), "", true),
        ("TEXT/CSS", Some(1024), "", true),
        ("text/plain", Some(1023), "", false),
        ("text/event-stream", None, "no-store", true),
        ("application/json", None, "max-age=3", true),
        ("application/problem+json", None, "", true),
        ("image/svg+xml", Some(4096), "", true),
        ("image/png", Some(1 << 20), "", false),
        ("video/mp4", None, "", false),
        ("application/zip", None, "", false),
        ("application/octet-stream", None, "", false),
        ("text/html", Some(5000), "public, No-Transform", false),
        ("", None, "", false),
    ] {
        let got = is_worth(media, length, cache);
        assert_eq!(got, expected, "input: {media} {length:?} {cache}");
    }
}

/// I32: the tag of a compressed response promises no bytes.
#[test]
fn tags() {
    assert_eq!(weak("\"abc\""), "W/\"abc\"");
    assert_eq!(weak("W/\"abc\""), "W/\"abc\"");
}
