//! What this step must do: any bytes in, fewer bytes out, the same bytes back.

use ch00_toolbox::prop::{Gen, check};
use ch00_toolbox::rng::Rng;
use ch03_http::deflate::bits::{BitReader, BitWriter};
use ch03_http::deflate::block::store;
use ch03_http::deflate::compress::{Deflater, Flush, Level};
use ch03_http::deflate::huffman::{Fill, fill, lengths, words};
use ch03_http::deflate::inflate::Inflater;
use ch03_http::deflate::symbols::{
    distance_base, length_base, of_distance, of_length,
};
use ch03_http::deflate::{Error, Progress};
use ch03_http::{adler32, crc32};

mod compress;
mod formats;
mod kinds;
mod malformed;
mod naive;
mod negotiation;

use kinds::{Cuts, cuts, data, deflate, inflate, level};

fn differ(what: &str, got: &[u8], expected: &[u8]) -> Result<(), String> {
    let same = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
    match got == expected {
        true => Ok(()),
        false => Err(format!(
            "{what}: {} bytes, expected {}, the first {same} are the same",
            got.len(),
            expected.len()
        )),
    }
}

/// I26: what is written bit by bit is read back, lowest bit first, whatever
/// the pieces.
#[test]
fn bits_fill_bytes_from_the_lowest() {
    let mut writer = BitWriter::default();
    writer.put(1, 1);
    writer.put(0b01, 2);
    writer.put(0b10110, 5);
    writer.put(0xabc, 12);
    writer.align();
    let mut out = Vec::new();
    assert_eq!(writer.drain(&mut out, 2), 2, "input: a limit of 2");
    assert_eq!(writer.drain(&mut out, 9), 1, "input: the rest");
    assert_eq!(out, [0b1011_0011, 0xbc, 0x0a]);
    let (mut reader, mut input) = (BitReader::default(), &out[..1]);
    assert!(reader.need(3, &mut input));
    assert_eq!((reader.take(1), reader.take(2)), (1, 0b01));
    assert!(!reader.need(6, &mut input), "5 bits are left");
    assert_eq!(reader.take(5), 0b10110);
    let mut input = &out[1..];
    assert!(reader.need(3, &mut input));
    assert_eq!(input.len(), 1, "no byte is taken before it is wanted");
    assert_eq!(reader.take(3), 0b100);
    reader.align();
    assert!(reader.need(8, &mut input));
    assert_eq!(reader.take(8), 0x0a);
}

/// I26: the words of RFC 1951, section 3.2.2, its first bit lowest here.
#[test]
fn words_are_the_rfcs() {
    let words = words(&[3, 3, 3, 3, 3, 2, 4, 4]);
    let text = |(word, bits): (&u16, usize)| {
        let bit = |at: usize| char::from(b'0' + (word >> at & 1) as u8);
        (0..bits).map(bit).collect::<String>()
    };
    let text: Vec<_> = words
        .iter()
        .zip([3, 3, 3, 3, 3, 2, 4, 4])
        .map(text)
        .collect();
    let expected = ["010", "011", "100", "101", "110", "00", "1110", "1111"];
    assert_eq!(text, expected);
    assert_eq!(words.len(), 8);
}

/// I29: complete, incomplete and over-subscribed codes are told apart.
#[test]
fn kraft() {
    for (lengths, expected) in [
        (&[0, 0][..], Fill::Empty),
        (&[0, 1, 0], Fill::Single),
        (&[2], Fill::Incomplete),
        (&[1, 1], Fill::Complete),
        (&[1, 2, 2], Fill::Complete),
        (&[1, 2, 3], Fill::Incomplete),
        (&[1, 1, 15], Fill::Over),
        (&[15, 15], Fill::Incomplete),
    ] {
        assert_eq!(fill(lengths), expected, "input: {lengths:?}");
    }
}

/// The least bits that any lengths up to `limit` give, by trying them all.
fn cheapest(counts: &[u32], limit: u8, room: u32) -> Option<u32> {
    let Some((count, rest)) = counts.split_first() else {
        return Some(0);
    };
    let lengths = 1..=limit;
    let costs = lengths.filter_map(|length| {
        let taken = 1u32 << (limit - length);
        let after = cheapest(rest, limit, room.checked_sub(taken)?)?;
        Some(after + count * u32::from(length))
    });
    costs.min()
}

/// I26: lengths are complete, within the limit, and no other lengths take
/// fewer bits.
#[test]
fn lengths_are_the_best() {
    let make = |g: &mut Gen| {
        let limit = g.range(2, 5) as usize;
        let counts = g.vec((1 << limit).min(6), |g| match g.upto(2) {
            0 => 1 + g.upto(3) as u32,
            1 => 1 << g.upto(12),
            _ => g.upto(1000) as u32,
        });
        (counts, limit)
    };
    check("lengths_are_the_best", 2_000, make, |(counts, limit)| {
        let got = lengths(counts, *limit);
        let used: Vec<u32> =
            counts.iter().copied().filter(|c| *c > 0).collect();
        for (length, count) in got.iter().zip(counts) {
            if (*length > 0) != (*count > 0) || *length as usize > *limit {
                return Err(format!("{count} times, length {length}"));
            }
        }
        let kind = match used.len() {
            0 => Fill::Empty,
            1 => Fill::Single,
            _ => Fill::Complete,
        };
        let cost: u32 =
            got.iter().zip(counts).map(|(l, c)| u32::from(*l) * c).sum();
        let best = cheapest(&used, *limit as u8, 1 << limit);
        match fill(&got) == kind && Some(cost) == best {
            true => Ok(()),
            false => Err(format!("{got:?} take {cost}, best {best:?}")),
        }
    });
}

/// I26: every length and distance comes back from its symbol and extra bits;
/// the symbols at the table's edges are the RFC's.
#[test]
fn symbols_come_back() {
    for (length, symbol, bits) in [
        (3, 257, 0),
        (10, 264, 0),
        (11, 265, 1),
        (114, 279, 4),
        (115, 280, 4),
        (257, 284, 5),
        (258, 285, 0),
    ] {
        let got = of_length(length);
        let got = (got.symbol, got.bits);
        assert_eq!(got, (symbol, bits), "input: length {length}");
    }
    for length in 3..=258 {
        let got = of_length(length);
        let (base, bits) = length_base(got.symbol).unwrap();
        let back = (base + got.extra) as usize;
        assert_eq!((back, bits), (length, got.bits), "input: {got:?}");
    }
    for distance in 1..=32_768 {
        let got = of_distance(distance);
        let (base, bits) = distance_base(got.symbol).unwrap();
        let back = (base + got.extra) as usize;
        assert_eq!((back, bits), (distance, got.bits), "input: {got:?}");
    }
    assert_eq!(of_distance(32_768).symbol, 29);
    assert_eq!((length_base(286), length_base(256)), (None, None));
    assert_eq!(distance_base(30), None);
}

/// I26: any data at any level comes back, and the naive decoder agrees.
#[test]
fn any_data_comes_back() {
    let make = |g: &mut Gen| (level(g), data(g));
    check("any_data_comes_back", 1_000, make, |(level, bytes)| {
        let packed = deflate(bytes, *level);
        let (plain, end, read) = inflate(&packed, u64::MAX, &vec![]);
        differ("the decoder", &plain, bytes)?;
        if (end, read) != (Ok(true), packed.len()) {
            return Err(format!("{end:?} after {read} of {}", packed.len()));
        }
        let blocks = 1 + bytes.len() / (24 << 10);
        if packed.len() > bytes.len() + 5 * blocks + 8 {
            return Err(format!(
                "I30: {} became {}",
                bytes.len(),
                packed.len()
            ));
        }
        if bytes.len() < 3_000 {
            let (plain, end) = naive::inflate(&packed, bytes.len());
            differ("the naive decoder", &plain, bytes)?;
            if end != naive::End::Done(packed.len()) {
                return Err(format!("the naive decoder: {end:?}"));
            }
        }
        Ok(())
    });
}

/// Pushes `bytes` in pieces, with a sync flush after some of them.
fn push_cut(
    level: Level,
    bytes: &[u8],
    cuts: &Cuts,
    syncs: &[usize],
) -> Vec<u8> {
    let (mut deflater, mut out) = (Deflater::new(level), Vec::new());
    let mut steps = cuts.iter().chain(&[(usize::MAX, usize::MAX)]).cycle();
    let mut ends = syncs.to_vec();
    ends.push(bytes.len());
    let mut at = 0usize;
    for (index, end) in ends.iter().enumerate() {
        let flush = match index == syncs.len() {
            true => Flush::Finish,
            false => Flush::Sync,
        };
        loop {
            let (input, limit) = steps.next().copied().unwrap();
            let to = (*end).min(at.saturating_add(input)).max(at);
            let flush = if to == *end { flush } else { Flush::None };
            let got = deflater.push(&bytes[at..to], flush, &mut out, limit);
            assert!(got.wrote <= limit, "over the limit");
            at += got.read;
            if at == *end && got.done && flush != Flush::None {
                break;
            }
        }
    }
    out
}

/// I27: the pieces of the input and the limits of the output change nothing;
/// and what a sync flush has given can be decoded at once (I26).
#[test]
fn any_split_of_the_input_gives_the_same() {
    let make = |g: &mut Gen| {
        let bytes = data(g);
        let mut syncs = g.vec(3, |g| g.upto(bytes.len() as u64) as usize);
        syncs.sort();
        (level(g), bytes, cuts(g), syncs)
    };
    let name = "any_split_of_the_input_gives_the_same";
    check(name, 1_000, make, |(level, bytes, cuts, syncs)| {
        let whole = push_cut(*level, bytes, &vec![], syncs);
        let cut = push_cut(*level, bytes, cuts, syncs);
        differ("I27: in pieces", &cut, &whole)?;
        let (plain, ..) = inflate(&whole, u64::MAX, &vec![]);
        differ("I26: with flushes", &plain, bytes)?;
        let Some(first) = syncs.first() else {
            return Ok(());
        };
        let (mut deflater, mut out) = (Deflater::new(*level), Vec::new());
        deflater.push(&bytes[..*first], Flush::Sync, &mut out, usize::MAX);
        let (plain, end, _) = inflate(&out, u64::MAX, &vec![]);
        differ("after a sync flush", &plain, &bytes[..*first])?;
        match end {
            Ok(false) => Ok(()),
            end => Err(format!("a flush is no end: {end:?}")),
        }
    });
}

/// I27, I29: any stream, right or wrong, decodes to the same bytes and the same
/// end in any pieces; and to what the naive decoder says.
#[test]
fn any_split_of_a_stream_gives_the_same() {
    let make = |g: &mut Gen| {
        let bytes = data(g);
        let mut packed = deflate(&bytes[..bytes.len().min(5_000)], level(g));
        packed.truncate(700);
        for _ in 0..g.upto(3) {
            let at = g.upto(packed.len() as u64 - 1) as usize;
            packed[at] ^= 1 << g.upto(7);
        }
        (packed, cuts(g))
    };
    let name = "any_split_of_a_stream_gives_the_same";
    check(name, 2_000, make, |(packed, cuts)| {
        const MOST: u64 = 10_000;
        let whole = inflate(packed, MOST, &vec![]);
        let cut = inflate(packed, MOST, cuts);
        differ("I27: in pieces", &cut.0, &whole.0)?;
        if cut.1 != whole.1 {
            return Err(format!("{:?}, whole {:?}", cut.1, whole.1));
        }
        let (plain, end) = naive::inflate(packed, MOST as usize);
        let same = match end {
            naive::End::Done(read) => whole.1 == Ok(true) && whole.2 == read,
            naive::End::Cut => whole.1 == Ok(false),
            naive::End::Wrong => whole.1.is_err(),
            naive::End::Long => whole.1 == Err(Error::TooLong { most: MOST }),
        };
        if !same {
            return Err(format!("naive {end:?}, got {:?}", whole.1));
        }
        let most = plain.len().min(MOST as usize);
        differ("the naive decoder", &whole.0, &plain[..most])
    });
}

/// I26: more than 65535 bytes are stored in several blocks, of which the last
/// one says so; none are stored in one.
#[test]
fn stored_in_pieces() {
    for length in [0, 1, 65_535, 65_536, 200_000] {
        let raw = Rng::seeded(1).bytes(length);
        let (mut writer, mut out) = (BitWriter::default(), Vec::new());
        store(&raw, true, &mut writer);
        writer.drain(&mut out, usize::MAX);
        let blocks = length.div_ceil(65_535).max(1);
        assert_eq!(out.len(), length + 5 * blocks, "input: {length} bytes");
        let (plain, end, read) = inflate(&out, u64::MAX, &vec![]);
        assert_eq!((end, read), (Ok(true), out.len()), "input: {length}");
        assert!(plain == raw, "input: {length} bytes");
    }
}

/// I28: a call gives no more than its limit, and a stream no more than it may:
/// 12 KB that stand for 12 MB.
#[test]
fn a_bomb_is_refused() {
    let zeros = vec![0; 12 << 20];
    let bomb = deflate(&zeros, Level::DEFAULT);
    assert!(bomb.len() < zeros.len() / 900, "got: {} bytes", bomb.len());
    let (mut inflater, mut out) = (Inflater::new(100_000), Vec::new());
    let first = inflater.pull(&bomb, &mut out, 1_000).unwrap();
    assert_eq!((first.wrote, out.len(), first.done), (1_000, 1_000, false));
    assert!(first.read < 200, "got: {} bytes read for 1000", first.read);
    let rest = &bomb[first.read..];
    let refused = inflater.pull(rest, &mut out, usize::MAX);
    assert_eq!(refused, Err(Error::TooLong { most: 100_000 }));
    assert_eq!(out.len(), 100_000);
    let again = inflater.pull(&[], &mut out, usize::MAX);
    assert_eq!(again, refused, "input: a call after the error");
    let exact = inflate(&bomb, zeros.len() as u64, &vec![]).1;
    assert_eq!(exact, Ok(true), "input: a limit that just fits");
}

/// I31: what stands behind the stream's end is not taken, however it comes.
#[test]
fn the_rest_is_left() {
    let make = |g: &mut Gen| {
        let bytes = data(g);
        (deflate(&bytes, level(g)), g.bytes(40), cuts(g))
    };
    check("the_rest_is_left", 1_000, make, |(packed, behind, cuts)| {
        let both = [&packed[..], behind].concat();
        let (_, end, read) = inflate(&both, u64::MAX, cuts);
        match (end, read) == (Ok(true), packed.len()) {
            true => Ok(()),
            false => Err(format!("{end:?} after {read} of {}", packed.len())),
        }
    });
}

/// I26: a flush when nothing is new, and a push after the end, do nothing.
#[test]
fn flushes_without_input() {
    let (mut deflater, mut out) = (Deflater::new(Level::DEFAULT), Vec::new());
    let mut push =
        |bytes: &[u8], flush| deflater.push(bytes, flush, &mut out, usize::MAX);
    let progress = |read, wrote| Progress {
        read,
        wrote,
        done: true,
    };
    assert_eq!(push(b"", Flush::Sync), progress(0, 0));
    let first = push(b"hello", Flush::Sync);
    assert_eq!((first.read, first.done), (5, true));
    assert_eq!(push(b"", Flush::Sync), progress(0, 0));
    assert!(push(b"", Flush::Finish).wrote > 0);
    assert_eq!(push(b"", Flush::Finish), progress(0, 0));
    assert_eq!(push(b"more", Flush::Finish), progress(0, 0));
    assert_eq!(&out[first.wrote - 4..first.wrote], [0, 0, 0xff, 0xff]);
    assert_eq!(inflate(&out, 99, &vec![]).0, b"hello");
}

/// The checksum bit by bit.
fn slow_crc(bytes: &[u8]) -> u32 {
    let mut crc = !0;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc >>= 1;
            if low == 1 {
                crc ^= 0xedb8_8320;
            }
        }
    }
    !crc
}

/// I26: both checksums are the known ones, and do not depend on the pieces.
#[test]
fn checksums() {
    assert_eq!(crc32::update(0, b"123456789"), 0xcbf4_3926);
    assert_eq!(crc32::update(0, b""), 0);
    assert_eq!(adler32::update(1, b"Wikipedia"), 0x11e6_0398);
    assert_eq!(adler32::update(1, b""), 1);
    let full = vec![255; 1 << 20];
    assert_eq!(adler32::update(1, &full), slow_adler(&full));
    let mut rng = Rng::seeded(1);
    for _ in 0..300 {
        let length = rng.below(100) as usize;
        let bytes = rng.bytes(length);
        let (a, b) = bytes.split_at(rng.below(length as u64 + 1) as usize);
        let crc = crc32::update(crc32::update(0, a), b);
        assert_eq!(crc, slow_crc(&bytes), "input: {a:?} {b:?}");
        let adler = adler32::update(adler32::update(1, a), b);
        assert_eq!(adler, slow_adler(&bytes), "input: {a:?} {b:?}");
    }
}

fn slow_adler(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u64, 0u64);
    for byte in bytes {
        a = (a + u64::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    (b << 16 | a) as u32
}
