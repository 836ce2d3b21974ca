//! A bug hunt: a test that no wrong reader of a Range field survives.

use std::ops::Range;

use ch03_http::files::ranges::{Asked, MAX_RANGES};

/// Panics when `asked` is not the function of that name in `files::ranges`.
/// Gets the right one, and mutants of it with one bug each.
pub fn hunt(asked: fn(Option<&[u8]>, u64) -> Asked) {
    // begin: fields, a length, and what is asked for
    let parts = |parts: &[Range<u64>]| Asked::Parts(parts.to_vec());
    let one = |range: Range<u64>| Asked::Parts(vec![range]);
    let singles = |count: u64| {
        let specs = (0..count).map(|at| format!("{0}-{0}", at * 2));
        format!("bytes={}", specs.collect::<Vec<_>>().join(","))
    };
    let most = MAX_RANGES as u64;
    let all: Vec<Range<u64>> = (0..most).map(|n| n * 2..n * 2 + 1).collect();
    let table = [
        ("bytes=0-4".to_owned(), 100, one(0..5)),
        ("bytes=90-".to_owned(), 100, one(90..100)),
        ("bytes=-10".to_owned(), 100, one(90..100)),
        ("bytes=-200".to_owned(), 100, one(0..100)),
        ("bytes=90-200".to_owned(), 100, one(90..100)),
        ("bytes=99-99".to_owned(), 100, one(99..100)),
        ("bytes=100-".to_owned(), 100, Asked::Nothing),
        ("bytes=-0".to_owned(), 100, Asked::Nothing),
        ("bytes=0-1,100-".to_owned(), 100, one(0..2)),
        ("bytes=5-6,0-1".to_owned(), 100, parts(&[5..7, 0..2])),
        ("bytes=0-4,5-9".to_owned(), 100, parts(&[0..5, 5..10])),
        ("bytes=0-9,50-59,5-6".to_owned(), 100, Asked::Whole),
        ("bytes=4-2".to_owned(), 100, Asked::Whole),
        ("bytes=0-1,x".to_owned(), 100, Asked::Whole),
        ("bytes=0-99999999999999999999".to_owned(), 100, one(0..100)),
        ("items=0-4".to_owned(), 100, Asked::Whole),
        ("bytes=0-".to_owned(), 0, Asked::Whole),
        (singles(most), 100, Asked::Parts(all)),
        (singles(most + 1), 100, Asked::Whole),
    ];
    for (field, length, expected) in table {
        let got = asked(Some(field.as_bytes()), length);
        assert_eq!(got, expected, "input: {field}, of {length}");
    }
    assert_eq!(asked(None, 100), Asked::Whole, "input: no field");
    // end
}
