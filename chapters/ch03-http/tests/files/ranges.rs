//! Parts of a file.

use ch00_toolbox::prop::{Gen, check};
use ch03_http::files::Files;
use ch03_http::files::ranges::{Asked, MAX_RANGES, asked};

use super::files::{Answer, Dir, exchange, request};

/// I25: a Range field asks for parts, for nothing that there is, or is
/// ignored.
#[test]
fn what_a_field_asks_for() {
    let check = |field: &str, length: u64, expected: Asked| {
        let got = asked(Some(field.as_bytes()), length);
        assert_eq!(got, expected, "input: {field}, of {length}");
    };
    let parts = |parts: &[(u64, u64)]| {
        Asked::Parts(parts.iter().map(|(from, to)| *from..*to).collect())
    };
    assert_eq!(asked(None, 10), Asked::Whole, "no field");
    check("bytes=0-4", 10, parts(&[(0, 5)]));
    check("bytes=5-", 10, parts(&[(5, 10)]));
    check("bytes=-3", 10, parts(&[(7, 10)]));
    check("bytes=-30", 10, parts(&[(0, 10)]));
    check("bytes=9-9", 10, parts(&[(9, 10)]));
    check("bytes=9-99", 10, parts(&[(9, 10)]));
    check("bytes=0-0,-1", 10, parts(&[(0, 1), (9, 10)]));
    check("bytes=5-6,0-1", 10, parts(&[(5, 7), (0, 2)])); // in their order
    check("bytes=0-4,5-9", 10, parts(&[(0, 5), (5, 10)])); // side by side
    check("BYTES=0-4", 10, parts(&[(0, 5)]));
    check("bytes= 0-1 ,\t3-4 ", 10, parts(&[(0, 2), (3, 5)]));
    check("bytes=,0-1,,", 10, parts(&[(0, 2)]));
    check("bytes=0-1,20-30", 10, parts(&[(0, 2)])); // what there is of it
    // Nothing.
    check("bytes=10-", 10, Asked::Nothing);
    check("bytes=10-20", 10, Asked::Nothing);
    check("bytes=-0", 10, Asked::Nothing);
    check("bytes=20-,30-40", 10, Asked::Nothing);
    check("bytes=99999999999999999999-", 10, Asked::Nothing);
    // Numbers that fit nowhere.
    check("bytes=0-99999999999999999999", 10, parts(&[(0, 10)]));
    check("bytes=-99999999999999999999", 10, parts(&[(0, 10)]));
    let most = u64::MAX;
    check("bytes=0-18446744073709551615", most, parts(&[(0, most)]));
    // Ignored: no grammar's, another unit, too much work.
    for field in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=5",
        "bytes=a-b",
        "bytes=4-2",
        "bytes=0-1-2",
        "bytes=--1",
        "bytes=0x0-5",
        "bytes=+0-5",
        "bytes=0 -5",
        "bytes=0-1;2-3",
        "bytes=0-1,x",
        "bytes =0-1",
        "seconds=0-1",
        "bytes:0-1",
        "bytes=0-4,4-5",
        "bytes=0-9,-1",
        "bytes=5-6,0-9",
        "bytes=\u{e4}-1",
    ] {
        check(field, 10, Asked::Whole);
    }
    assert_eq!(asked(Some(b"bytes=0-\xff"), 10), Asked::Whole, "not UTF-8");
    // An empty file has no parts, and no byte to be missed.
    for field in ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"] {
        check(field, 0, Asked::Whole);
    }
}

/// I25: up to so many ranges are answered one by one, also counting those
/// that the file has nothing of.
#[test]
fn many_ranges() {
    let field = |count: usize, step: usize| {
        let specs = (0..count).map(|at| format!("{0}-{0}", at * step));
        format!("bytes={}", specs.collect::<Vec<_>>().join(","))
    };
    let check = |field: String, expected: Option<usize>| {
        let got = match asked(Some(field.as_bytes()), 1000) {
            Asked::Parts(parts) => Some(parts.len()),
            _ => None,
        };
        assert_eq!(got, expected, "input: {field}");
    };
    check(field(MAX_RANGES, 2), Some(MAX_RANGES));
    check(field(MAX_RANGES + 1, 2), None);
    check(field(MAX_RANGES + 1, 999), None); // most of them past the end
}

/// A field's value, mostly sensible.
fn field(g: &mut Gen) -> String {
    let specs = g.vec(MAX_RANGES + 2, |g| {
        let number = |g: &mut Gen| match g.once_in(12) {
            true => (*g.pick(&["18446744073709551616", "", "x", "007"])).into(),
            false => g.upto(45).to_string(),
        };
        let blank = if g.once_in(5) { " " } else { "" };
        match g.upto(5) {
            0 => format!("-{}", number(g)),
            1 => format!("{}-", number(g)),
            2 if g.once_in(4) => number(g),
            _ => {
                let first = g.upto(42);
                format!("{blank}{first}-{}{blank}", first + g.upto(3))
            }
        }
    });
    format!("bytes={}", specs.join(","))
}

/// What RFC 9110, section 14.1.2, makes of a value, number by number: `None`
/// where it is no ranges.
fn model(value: &str, length: i128) -> Option<Vec<(i128, i128)>> {
    let number = |text: &str| -> Option<i128> {
        let good = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        good.then(|| text.parse().expect("less than 2 to the 127th"))
    };
    let (mut all, mut any) = (Vec::new(), false);
    for spec in value.strip_prefix("bytes=")?.split(',') {
        let spec = spec.trim();
        if spec.is_empty() {
            continue;
        }
        any = true;
        let (first, last) = spec.split_once('-')?;
        let (first, last) = match (first, last) {
            ("", count) => (length - number(count)?, length - 1),
            (first, "") => (number(first)?, length - 1),
            (first, last) => (number(first)?, number(last)?),
        };
        if last < first && !spec.starts_with('-') && !spec.ends_with('-') {
            return None;
        }
        let (first, last) = (first.max(0), last.min(length - 1));
        all.push((first, last)); // the other way round: nothing of it
    }
    any.then_some(all)
}

/// The parts of an answer: where each is, and its bytes.
fn parts(
    answer: &Answer,
    length: usize,
) -> Result<Vec<(usize, Vec<u8>)>, String> {
    let place = |text: &str, bytes: &[u8]| {
        let end = format!("/{length}");
        let range = text.strip_prefix("bytes ")?.strip_suffix(&end)?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (usize, usize) =
            (first.parse().ok()?, last.parse().ok()?);
        (last + 1 - first == bytes.len()).then(|| (first, bytes.to_vec()))
    };
    let kind = answer.get("content-type").unwrap_or_default();
    let Some((_, boundary)) = kind.split_once("; boundary=") else {
        let field = answer.get("content-range").unwrap_or_default();
        let part = place(field, &answer.body).ok_or(field.to_owned())?;
        return Ok(vec![part]);
    };
    if answer.get("content-range").is_some() {
        return Err("a Content-Range for several parts".to_owned());
    }
    let body = String::from_utf8(answer.body.clone()).expect("ASCII");
    let pieces: Vec<&str> = body.split(&format!("\r\n--{boundary}")).collect();
    let Some(("--\r\n", ["", parts @ ..])) =
        pieces.split_last().map(|(last, rest)| (*last, rest))
    else {
        return Err(format!("not framed: {body:?}"));
    };
    let part = |text: &&str| {
        let head = "\r\nContent-Type: text/plain; charset=utf-8\r\n\
                    Content-Range: ";
        let (range, bytes) = text.strip_prefix(head)?.split_once("\r\n\r\n")?;
        place(range, bytes.as_bytes())
    };
    let read: Vec<_> = parts.iter().filter_map(part).collect();
    match read.len() == parts.len() {
        true => Ok(read),
        false => Err(format!("a part that is none: {parts:?}")),
    }
}

/// I25: whatever a Range field says, what comes is all of the file, or just
/// the bytes that were asked for, and as long as it says.
#[test]
fn just_those_bytes() {
    let dir = Dir::new("ranges");
    let bytes: Vec<u8> = (0..42).map(|at| b'0' + at).collect();
    for length in 0..=42 {
        dir.file(&format!("{length}.txt"), &bytes[..length]);
    }
    let make = |g: &mut Gen| (42 - g.upto(42) as usize, field(g));
    check("just_those_bytes", 2000, make, |(length, field)| {
        let bytes = &bytes[..*length];
        let line = format!("GET /{length}.txt");
        let fields = [&format!("Range: {field}")[..], "Connection: close"];
        let files = Files::new(dir.path(), false).expect("a root");
        let answer = exchange(files, &request(&line, &fields)).checked();
        let model = model(field, *length as i128);
        let some: Vec<(usize, Vec<u8>)> = model
            .iter()
            .flatten()
            .filter(|(first, last)| first <= last)
            .map(|&(first, last)| {
                (first as usize, bytes[first as usize..=last as usize].into())
            })
            .collect();
        match answer.status {
            200 if answer.body == bytes => {
                let many =
                    model.as_ref().is_some_and(|it| it.len() > MAX_RANGES);
                let asked: usize = some.iter().map(|(_, it)| it.len()).sum();
                let mut seen: Vec<usize> = some
                    .iter()
                    .flat_map(|(at, it)| *at..at + it.len())
                    .collect();
                seen.sort();
                seen.dedup();
                let may = model.is_none()
                    || *length == 0
                    || many
                    || seen.len() < asked; // some byte twice
                may.then_some(()).ok_or("200 without a need".to_owned())
            }
            206 => match parts(&answer, *length)? {
                got if got == some && !some.is_empty() => Ok(()),
                got => Err(format!("{got:?}, expected {some:?}")),
            },
            416 if model.is_some() && some.is_empty() && *length > 0 => {
                let said = answer.get("content-range");
                let expected = format!("bytes */{length}");
                match said == Some(&expected) {
                    true => Ok(()),
                    false => Err(format!("{said:?}")),
                }
            }
            status => Err(format!("{status}, {:?}", answer.body)),
        }
    });
}
