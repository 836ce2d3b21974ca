//! The frames around a stream: gzip's and zlib's.

use ch00_toolbox::process::Launch;
use ch00_toolbox::prop::{Gen, check};
use ch03_http::deflate::compress::{Flush, Level};
use ch03_http::deflate::{self, Progress};
use ch03_http::gzip::{self, Header};
use ch03_http::{crc32, zlib};

use super::kinds::{Cuts, cuts, data, level};

/// Pulls `bytes` in pieces; what came out, and how it ended.
fn pull_cut<E: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    cuts: &Cuts,
    mut pull: impl FnMut(&[u8], &mut Vec<u8>, usize) -> Result<Progress, E>,
) -> (Vec<u8>, Result<(bool, usize), E>) {
    let (mut out, mut read, mut given) = (Vec::new(), 0, 0usize);
    let mut idle = 0;
    let whole = [(usize::MAX, usize::MAX)];
    for (input, limit) in cuts.iter().chain(&whole).cycle() {
        given = bytes.len().min(read.max(given).saturating_add(*input));
        match pull(&bytes[read..given], &mut out, *limit) {
            Err(error) => return (out, Err(error)),
            Ok(progress) => {
                read += progress.read;
                let moved = progress.read + progress.wrote > 0;
                idle = if moved { 0 } else { idle + 1 };
                if idle > 2 * cuts.len() + 4 {
                    return (out, Ok((progress.done, read)));
                }
            }
        }
    }
    unreachable!("a cycle does not end")
}

fn gunzip(bytes: &[u8], cuts: &Cuts) -> (Vec<u8>, Result<(), gzip::Error>) {
    let mut decoder = gzip::Decoder::new(1 << 30);
    let (out, end) = pull_cut(bytes, cuts, |i, o, l| decoder.pull(i, o, l));
    (out, end.and_then(|_| decoder.finish()))
}

fn gzip(bytes: &[u8], level: Level, header: &Header) -> Vec<u8> {
    let (mut encoder, mut out) = (gzip::Encoder::new(level, header), vec![]);
    let end = encoder.push(bytes, Flush::Finish, &mut out, usize::MAX);
    assert!(end.done && end.wrote == out.len());
    out
}

/// I26, I27: members come back, one after the other, in any pieces.
#[test]
fn members_come_back() {
    let make = |g: &mut Gen| {
        let header = Header {
            mtime: g.upto(u64::from(u32::MAX)) as u32,
            name: g.once_in(2).then(|| b"name".to_vec()),
            comment: g.once_in(2).then(|| b"a comment".to_vec()),
        };
        (data(g), data(g), level(g), header, cuts(g))
    };
    check("members_come_back", 1_000, make, |input| {
        let (a, b, level, header, cuts) = input;
        let (mut encoder, mut file) =
            (gzip::Encoder::new(*level, header), vec![]);
        let steps = cuts.iter().chain(&[(usize::MAX, usize::MAX)]);
        let mut at = 0;
        for (piece, limit) in steps.cycle() {
            let to = a.len().min(at + piece.min(&a.len()));
            let flush = match to == a.len() {
                true => Flush::Finish,
                false => Flush::None,
            };
            let got = encoder.push(&a[at..to], flush, &mut file, *limit);
            at += got.read;
            if got.done && flush == Flush::Finish {
                break;
            }
        }
        let whole = gzip(a, *level, header);
        if file != whole {
            return Err("I27: in pieces it is another file".into());
        }
        let plain = gunzip(&file, cuts);
        if plain != (a.clone(), Ok(())) {
            return Err(format!("one member: {:?}", plain.1));
        }
        file.extend([0, 0, 0]);
        file.extend(gzip(b, *level, &Header::default()));
        let plain = gunzip(&file, cuts);
        match plain == ([&a[..], b].concat(), Ok(())) {
            true => Ok(()),
            false => Err(format!("two members: {:?}", plain.1)),
        }
    });
}

/// I29: every field that RFC 1952 has is read, and a header that says
/// something else is refused.
#[test]
fn headers() {
    let hello = gzip(b"hello", Level::DEFAULT, &Header::default());
    assert_eq!(hello[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let body = &hello[10..];
    let member = |header: &[u8]| [header, body].concat();
    let full: &[u8] = b"\x1f\x8b\x08\x1f\x01\0\0\x80\x02\x03\
        \x03\0xyzname\0comment\0";
    let check = crc32::update(0, full) as u16;
    let checked = [full, &check.to_le_bytes()].concat();
    let broken = [full, &(!check).to_le_bytes()].concat();
    let endless =
        [&b"\x1f\x8b\x08\x08\0\0\0\0\0\0"[..], &[b'x'; 4097]].concat();
    for (what, file, expected) in [
        ("plain", hello.clone(), Ok(())),
        ("all fields", member(&checked), Ok(())),
        (
            "a wrong header checksum",
            member(&broken),
            Err(gzip::Error::HeaderChecksum),
        ),
        (
            "no extra bytes",
            member(b"\x1f\x8b\x08\x04\0\0\0\0\0\0\0\0"),
            Ok(()),
        ),
        ("an endless name", endless, Err(gzip::Error::Text)),
        (
            "another magic",
            member(b"\x1f\x8c\x08\0\0\0\0\0\0\0"),
            Err(gzip::Error::Magic),
        ),
        ("PK", b"PK\x03\x04".to_vec(), Err(gzip::Error::Magic)),
        (
            "a zero first",
            member(b"\0\x1f\x8b\x08\0\0\0\0\0\0\0"),
            Err(gzip::Error::Magic),
        ),
        (
            "method 7",
            member(b"\x1f\x8b\x07\0\0\0\0\0\0\0"),
            Err(gzip::Error::Unknown),
        ),
        (
            "a reserved flag",
            member(b"\x1f\x8b\x08\x20\0\0\0\0\0\0"),
            Err(gzip::Error::Unknown),
        ),
        ("nothing", vec![], Err(gzip::Error::Cut)),
        ("zeros behind", [&hello[..], &[0; 600]].concat(), Ok(())),
        (
            "a line behind",
            [&hello[..], b"\n"].concat(),
            Err(gzip::Error::Magic),
        ),
        (
            "half a magic behind",
            [&hello[..], b"\x1f"].concat(),
            Err(gzip::Error::Cut),
        ),
    ] {
        for cuts in [vec![], vec![(1, 1)]] {
            let (plain, end) = gunzip(&file, &cuts);
            assert_eq!(end, expected, "input: {what}");
            if end.is_ok() {
                assert_eq!(plain, b"hello", "input: {what}");
            }
        }
    }
    let mut decoder = gzip::Decoder::new(9);
    decoder.pull(&member(&checked), &mut Vec::new(), 9).unwrap();
    let header = Header {
        mtime: 0x8000_0001,
        name: Some(b"name".to_vec()),
        comment: Some(b"comment".to_vec()),
    };
    assert_eq!(decoder.header(), &header, "input: all fields");
}

/// I29: any byte of the seal, and any cut, is noticed.
#[test]
fn seals() {
    let hello = gzip(b"hello", Level::DEFAULT, &Header::default());
    let first = hello.len() - 8;
    for at in first..hello.len() {
        let mut file = hello.clone();
        file[at] ^= 0x10;
        let expected = match at - first {
            0..4 => gzip::Error::Checksum,
            _ => gzip::Error::Length,
        };
        assert_eq!(gunzip(&file, &vec![]).1, Err(expected), "input: byte {at}");
    }
    for length in 0..hello.len() {
        let end = gunzip(&hello[..length], &vec![]).1;
        assert_eq!(end, Err(gzip::Error::Cut), "input: {length} bytes");
    }
}

/// I28: the limit is for all members together.
#[test]
fn many_small_bombs() {
    let zeros = gzip(&[0; 60_000], Level::DEFAULT, &Header::default());
    let file = zeros.repeat(5);
    let (mut decoder, mut out) = (gzip::Decoder::new(150_000), Vec::new());
    let end = decoder.pull(&file, &mut out, usize::MAX);
    let most = deflate::Error::TooLong { most: 150_000 };
    assert_eq!(end, Err(gzip::Error::Deflate(most)));
    assert_eq!(out.len(), 150_000);
}

/// I26, I27, I31: a zlib stream comes back in any pieces, and what is behind
/// it is left.
#[test]
fn zlib_streams_come_back() {
    let make = |g: &mut Gen| (data(g), level(g), cuts(g), g.bytes(9));
    let name = "zlib_streams_come_back";
    check(name, 1_000, make, |(bytes, level, cuts, behind)| {
        let (mut encoder, mut file) = (zlib::Encoder::new(*level), vec![]);
        encoder.push(bytes, Flush::Finish, &mut file, usize::MAX);
        let length = file.len();
        file.extend(behind);
        let mut decoder = zlib::Decoder::new(1 << 30);
        let (plain, end) =
            pull_cut(&file, cuts, |i, o, l| decoder.pull(i, o, l));
        match (&plain, &end) == (bytes, &Ok((true, length))) {
            true => Ok(()),
            false => Err(format!("{} bytes, {end:?}", plain.len())),
        }
    });
}

/// I29: what RFC 1950 does not allow is refused.
#[test]
fn zlib_headers_and_seals() {
    let (mut encoder, mut hello) = (zlib::Encoder::new(Level::DEFAULT), vec![]);
    encoder.push(b"hello", Flush::Finish, &mut hello, usize::MAX);
    assert_eq!(hello[..2], [0x78, 0x9c]);
    assert_eq!(hello[hello.len() - 4..], [0x06, 0x2c, 0x02, 0x15]);
    let with = |at: usize, byte: u8| {
        let mut file = hello.clone();
        file[at] = byte;
        file
    };
    for (what, file, expected) in [
        ("hello", hello.clone(), Ok((true, hello.len()))),
        ("method 9", with(0, 0x79), Err(zlib::Error::Header)),
        (
            "a window of 64 KiB",
            with(0, 0x88),
            Err(zlib::Error::Header),
        ),
        ("no multiple of 31", with(1, 0x9d), Err(zlib::Error::Header)),
        ("a dictionary", with(1, 0xbb), Err(zlib::Error::Dictionary)),
        (
            "the seal",
            with(hello.len() - 1, 0),
            Err(zlib::Error::Checksum),
        ),
        ("cut", hello[..9].to_vec(), Ok((false, 9))),
        (
            "a block of type 3",
            with(2, 7),
            Err(zlib::Error::Deflate(deflate::Error::BlockType)),
        ),
    ] {
        for cuts in [vec![], vec![(1, 1)]] {
            let mut decoder = zlib::Decoder::new(99);
            let (_, end) =
                pull_cut(&file, &cuts, |i, o, l| decoder.pull(i, o, l));
            assert_eq!(end, expected, "input: {what}");
        }
    }
}

/// I29: the stage says in one line what is wrong, and ends with 1; a wrong
/// level is a wrong use, and ends with 2.
#[test]
fn the_stage_tells() {
    let mut hello = gzip(b"hello", Level::DEFAULT, &Header::default());
    let run = |args: &[&str], input: &[u8]| {
        let stage = Launch::example("ch03-http", "step6_gzip").args(args);
        let run = stage.run(input).unwrap();
        (run.status.code(), run.stdout, run.stderr.trim().to_owned())
    };
    let got = run(&["--decompress"], &hello);
    assert_eq!(got, (Some(0), "hello".into(), String::new()));
    let last = hello.len() - 1;
    hello[last] ^= 1;
    let (code, _, said) = run(&["--decompress"], &hello);
    let expected = "step6_gzip: the length does not fit";
    assert_eq!((code, said.as_str()), (Some(1), expected));
    let (code, _, said) = run(&["--level", "10"], b"");
    let expected = "step6_gzip: --level 10: 0 to 9; see step6_gzip --help";
    assert_eq!((code, said.as_str()), (Some(2), expected));
}
