//! Streams that are wrong, one for each way, and what is said of them.

use ch03_http::deflate::Error;

use super::kinds::inflate;
use super::naive;

/// Bits in the order in which they stand in the stream; blanks are ignored.
/// Words of codes are written as they are, numbers by `n`.
fn bytes(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|b| *b != b' ').collect();
    let byte = |bits: &[u8]| {
        let place = |(at, bit): (usize, &u8)| (bit - b'0') << at;
        bits.iter().enumerate().map(place).sum()
    };
    bits.chunks(8).map(byte).collect()
}

/// A number's bits, the lowest first.
fn n(value: u32, bits: u32) -> String {
    let bit = |at| if value >> at & 1 == 1 { '1' } else { '0' };
    (0..bits).map(bit).collect()
}

/// The last block, dynamic, with codes for these numbers of literals and of
/// distances. Of the third code, symbol 0 is 00, 1 is 01, 2 is 10, 18 is 11.
fn dynamic(literals: u32, distances: u32) -> String {
    let (literals, distances) = (n(literals - 257, 5), n(distances - 1, 5));
    //            16  17  18  0   8 7 9 6 10 5 11 4 12 3 13  2  14  1
    let order = [0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2];
    let third: String = order.iter().map(|length| n(*length, 3)).collect();
    format!("1 01 {literals} {distances} {} {third}", n(14, 4))
}

/// So many lengths of 0.
fn zeros(count: u32) -> String {
    format!("11 {}", n(count - 11, 7))
}

const ZERO: &str = "00";
const ONE: &str = "01";
const TWO: &str = "10";

/// What it is, its bits, and what comes out.
type Row = (&'static str, String, Result<Vec<u8>, Error>);

fn table() -> Vec<Row> {
    let (to_a, to_end) = (zeros(97), format!("{} {}", zeros(138), zeros(20)));
    // a and b have words: 97 zeros, two lengths, 157 zeros, the end's length.
    let ab = |a: &str, b: &str, end: &str, rest: &str| {
        let between = format!("{} {}", zeros(138), zeros(19));
        let codes = [to_a.as_str(), a, b, &between, end].join(" ");
        format!("{} {codes} {rest}", dynamic(257, 1))
    };
    // a has a word, and so has the end; and there are two distance codes.
    let far = |lengths: &str, rest: &str| {
        let (head, z) = (dynamic(258, 2), zeros(138));
        let middle = format!("{z} {}", zeros(20));
        format!("{head} {to_a} {TWO} {middle} {TWO} {ONE} {lengths} {rest}")
    };
    let stored =
        |len, nlen| format!("1 00 00000 {} {}", n(len, 16), n(nlen, 16));
    let third = |codes: &str| format!("1 01 {} {} {codes}", n(0, 10), n(0, 4));
    vec![
        // What is right, so that the wrong ones below are wrong in one thing.
        ("an empty stored block", stored(0, 0xffff), Ok(vec![])),
        ("an empty fixed block", "1 10 0000000".into(), Ok(vec![])),
        (
            "a block with two words",
            format!(
                "{} {to_a} {ONE} {to_end} {ONE} {ZERO} 0 0 1",
                dynamic(257, 1)
            ),
            Ok(b"aa".to_vec()),
        ),
        (
            "a block with one word, of one bit",
            format!(
                "{} {} {} {ONE} {ZERO} 0",
                dynamic(257, 1),
                zeros(138),
                zeros(118)
            ),
            Ok(vec![]),
        ),
        (
            // a = 10, end = 11, length 3 = 0; the only distance is 0.
            "a copy with the only distance",
            far(&[ONE, ZERO].join(" "), "10 0 0 11"),
            Ok(b"aaaa".to_vec()),
        ),
        // What is wrong.
        ("a block of type 3", "1 11".into(), Err(Error::BlockType)),
        (
            "a damaged length",
            stored(1, 0xffff),
            Err(Error::StoredLength),
        ),
        (
            "287 literals",
            format!("1 01 {} {}", n(30, 5), n(0, 9)),
            Err(Error::TooManyCodes),
        ),
        (
            "31 distances",
            format!("1 01 {} {} {}", n(0, 5), n(30, 5), n(0, 4)),
            Err(Error::TooManyCodes),
        ),
        (
            "no third code",
            third("000 000 000 000"),
            Err(Error::CodeLengths),
        ),
        (
            "one third word",
            third("000 000 000 100"),
            Err(Error::CodeLengths),
        ),
        (
            "three third words of one bit",
            third("000 100 100 100"),
            Err(Error::CodeLengths),
        ),
        (
            // 0 is 0, and 16 is 1.
            "the first length again",
            third("100 000 000 100 1 00"),
            Err(Error::Repeat),
        ),
        (
            "zeros past the last length",
            format!("{} {} {}", dynamic(257, 1), zeros(138), zeros(138)),
            Err(Error::Repeat),
        ),
        (
            "no word for the end",
            ab(ONE, ONE, ZERO, ZERO),
            Err(Error::NoEnd),
        ),
        (
            "words left over",
            ab(TWO, TWO, TWO, ZERO),
            Err(Error::CodeLengths),
        ),
        (
            "a single word of two bits",
            format!(
                "{} {} {} {TWO} {ZERO}",
                dynamic(257, 1),
                zeros(138),
                zeros(118)
            ),
            Err(Error::CodeLengths),
        ),
        (
            "too many words",
            ab(ONE, ONE, ONE, ZERO),
            Err(Error::CodeLengths),
        ),
        (
            "two distances of two bits",
            far(&[TWO, TWO].join(" "), ""),
            Err(Error::CodeLengths),
        ),
        (
            "the bit that is no distance",
            far(&[ONE, ZERO].join(" "), "10 0 1"),
            Err(Error::Code),
        ),
        (
            "a distance where there is none",
            far(&[ZERO, ZERO].join(" "), "10 0 0"),
            Err(Error::Code),
        ),
        ("literal 286", "1 10 11000110".into(), Err(Error::Code)),
        ("literal 287", "1 10 11000111".into(), Err(Error::Code)),
        // b is 10010010, length 3 is 0000001.
        (
            "distance 30",
            "1 10 10010010 0000001 11110".into(),
            Err(Error::Code),
        ),
        (
            "a copy of nothing",
            "1 10 0000001 00000".into(),
            Err(Error::Distance),
        ),
        (
            "a copy from one byte before the first",
            "1 10 10010010 0000001 00001".into(),
            Err(Error::Distance),
        ),
    ]
}

/// I29: each thing that RFC 1951 does not allow is refused, by its name.
#[test]
fn what_is_wrong_is_refused() {
    for (what, bits, expected) in table() {
        let packed = bytes(&bits);
        for cuts in [vec![], vec![(1, 1)]] {
            let (plain, end, _) = inflate(&packed, 100, &cuts);
            let got = end.map(|done| if done { plain } else { vec![] });
            assert_eq!(got, expected, "input: {what}, {packed:02x?}");
        }
        let (_, end) = naive::inflate(&packed, 100);
        let right = end == naive::End::Done(packed.len());
        assert_eq!(right, expected.is_ok(), "naive: {what}, {packed:02x?}");
    }
}

/// I29: the same stream behind bytes enough for the fast loop is refused by it
/// with the same words.
#[test]
fn the_fast_loop_refuses_the_same() {
    for (what, bits, expected) in table() {
        let mut packed = vec![0, 5, 0, 0xfa, 0xff];
        packed.extend(b"01234");
        packed.extend(bytes(&bits));
        packed.extend([0; 64]);
        let (plain, end, _) = inflate(&packed, 100, &vec![]);
        let expected = match (expected, what) {
            // There is something before it now.
            (Err(Error::Distance), _) => continue,
            (Ok(plain), _) => Ok([&b"01234"[..], &plain].concat()),
            (Err(error), _) => Err(error),
        };
        let got = end.map(|_| plain);
        assert_eq!(got, expected, "input: {what}, {packed:02x?}");
    }
}

/// I26: the furthest distance, 32 KiB, finds its byte, at the stream's first
/// byte and behind it.
#[test]
fn the_window_ends_after_32_kib() {
    // Stored 'x', then 32767 or 32768 zeros; then a copy of 3 from 32768
    // back: distance 29 is 11101, and its 13 extra bits are all set.
    for (zeros, expected) in [(32_767u32, b"x00"), (32_768, b"000")] {
        let mut packed = vec![0, 1, 0, 0xfe, 0xff, b'x', 0];
        packed.extend((zeros as u16).to_le_bytes());
        packed.extend((!zeros as u16).to_le_bytes());
        packed.extend(vec![b'0'; zeros as usize]);
        let copy = format!("1 10 0000001 11101 {} 0000000", n(0x1fff, 13));
        packed.extend(bytes(&copy));
        let (plain, end, _) = inflate(&packed, 100_000, &vec![]);
        assert_eq!(end, Ok(true), "input: {zeros} zeros");
        let got = &plain[plain.len() - 3..];
        assert_eq!(got, expected, "input: {zeros} zeros");
    }
}

/// I29: what another compressor has made is right: zlib 1.2.13, with fixed
/// codes only, with Huffman codes only, with a flush, at level 9.
#[test]
fn streams_of_zlib() {
    let text = b"how much wood would a woodchuck chuck";
    for hex in ZLIB {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let packed: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        for cuts in [vec![], vec![(1, 1)], vec![(3, 0), (0, 2)]] {
            let (plain, end, read) = inflate(&packed, 100, &cuts);
            assert_eq!(plain, text, "input: {hex}");
            assert_eq!((end, read), (Ok(true), packed.len()), "input: {hex}");
        }
    }
}

/// The same text, packed in these ways.
const ZLIB: [&str; 7] = [
    "cbc82f57c82d4dce5028cfcf4f0112a539290a89604e72466972b602980400",
    "05c1c10900300c02c0555cad988790165fe2fabd938b170ab50775eee0a0f650e1\
     820af703",
    "cbc82f57c82d4dce5028cfcf4f0112a539290a89604e72466972b602980400",
    "05c1c10900300c02c0555cad988790165fe2fabd938b170ab50775eee0a0f650e1\
     820af703",
    "cac82f57c82d4dce5000000000ffff2bcfcf4f0112a539290a89604e72466972b6\
     02980400",
    "cac82f57c82d4dce500008b0f2fcfc1420519a93a29008e624679426672b804900",
    "012500daff686f77206d75636820776f6f6420776f756c64206120776f6f646368\
     75636b20636875636b",
];
