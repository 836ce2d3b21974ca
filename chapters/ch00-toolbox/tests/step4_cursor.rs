//! Step 4: the cursor.

use ch00_toolbox::cursor::{Cursor, Short};
use ch00_toolbox::rng::Rng;

/// I1: integers of both byte orders, at both ends of their range.
#[test]
fn integers() {
    let bytes = [0x80, 0xff, 0, 1, 0xfe, 2, 3, 4];
    let cursor = || Cursor::new(&bytes);
    assert_eq!(cursor().u8(), Ok(0x80));
    assert_eq!(cursor().u16_be(), Ok(0x80ff));
    assert_eq!(cursor().u16_le(), Ok(0xff80));
    assert_eq!(cursor().u32_be(), Ok(0x80ff_0001));
    assert_eq!(cursor().u32_le(), Ok(0x0100_ff80));
    assert_eq!(cursor().u64_be(), Ok(0x80ff_0001_fe02_0304));
    assert_eq!(cursor().u64_le(), Ok(0x0403_02fe_0100_ff80));
    assert_eq!(cursor().i8(), Ok(-128));
    assert_eq!(cursor().i16_be(), Ok(-32_513));
    assert_eq!(cursor().i16_le(), Ok(-128));
    assert_eq!(cursor().i32_be(), Ok(-2_130_771_967));
    assert_eq!(cursor().i64_le(), Ok(0x0403_02fe_0100_ff80));
}

/// I1: each read moves by its size; what is left stays in order.
#[test]
fn positions() {
    let mut cursor = Cursor::new(b"\x03key\0\0\0\x05hello!");
    assert_eq!(cursor.u8(), Ok(3));
    assert_eq!(cursor.bytes(3), Ok(&b"key"[..]));
    assert_eq!((cursor.position(), cursor.remaining()), (4, 10));
    assert_eq!(cursor.u32_be(), Ok(5));
    assert_eq!(cursor.array(), Ok(*b"hello"));
    assert_eq!(cursor.rest(), b"!");
    assert_eq!(cursor.skip(1), Ok(()));
    assert!(cursor.is_empty());
    assert_eq!(cursor.bytes(0), Ok(&b""[..]), "nothing is always there");
}

/// I2: a read that fails says what it needed, and moves nothing.
#[test]
fn a_failed_read_moves_nothing() {
    let mut cursor = Cursor::new(&[1, 2, 3]);
    assert_eq!(cursor.u8(), Ok(1));
    let short = |needed| Short {
        needed,
        left: 2,
        at: 1,
    };
    assert_eq!(cursor.u32_be(), Err(short(4)));
    assert_eq!(cursor.bytes(usize::MAX), Err(short(usize::MAX)));
    assert_eq!(cursor.until(b'\n'), Err(short(3)));
    assert_eq!(cursor.sub(3).map(|_| ()), Err(short(3)));
    assert_eq!(cursor.u16_be(), Ok(0x0203), "after all those failures");
    let text = Short {
        needed: 4,
        left: 2,
        at: 1,
    }
    .to_string();
    assert_eq!(text, "at byte 1: 4 bytes needed, 2 left");
}

/// I1: the bytes before an end mark, and the mark itself, are read.
#[test]
fn until() {
    let mut cursor = Cursor::new(b"user\0\0ann\0rest");
    for expected in ["user", "", "ann"] {
        assert_eq!(cursor.until(0), Ok(expected.as_bytes()));
    }
    assert_eq!(cursor.rest(), b"rest");
}

/// I2: a part is read by its own cursor, which cannot leave it, and whose
/// errors count from the start of the whole.
#[test]
fn parts() {
    let mut cursor = Cursor::new(&[9, 1, 2, 3, 7]);
    assert_eq!(cursor.u8(), Ok(9));
    let mut part = cursor.sub(3).expect("3 bytes are there");
    assert_eq!(part.u8(), Ok(1));
    let mut inner = part.sub(1).expect("1 byte is there");
    assert_eq!(
        inner.u16_be(),
        Err(Short {
            needed: 2,
            left: 1,
            at: 2
        })
    );
    assert_eq!(
        part.u16_be(),
        Err(Short {
            needed: 2,
            left: 1,
            at: 3
        })
    );
    assert_eq!(
        cursor.u8(),
        Ok(7),
        "the outer cursor goes on after the part"
    );
}

/// I3: a count that cannot be true is refused before anything is allocated.
#[test]
fn counts_that_lie() {
    let cursor = Cursor::new(&[0; 12]);
    for (count, size, fits) in [
        (0, 4, true),
        (3, 4, true),
        (4, 4, false),
        (12, 1, true),
        (12, 0, true), // an item is never nothing: a count costs work
        (13, 0, false),
        (u64::MAX, 1, false),
        (u64::MAX, usize::MAX, false),
        (1 << 62, 4, false), // times 4 is 2^64, which wraps to 0
    ] {
        let got = cursor.items(count, size);
        assert_eq!(
            got.is_ok(),
            fits,
            "input: {count} items of {size}: {got:?}"
        );
    }
}

/// I1: ten thousand random reads of random bytes agree with a plain index,
/// and none panics.
#[test]
fn agrees_with_an_index() {
    let mut rng = Rng::seeded(11);
    for case in 0..1_000 {
        let size = rng.below(24) as usize;
        let bytes = rng.bytes(size);
        let (mut cursor, mut at) = (Cursor::new(&bytes), 0);
        for _ in 0..10 {
            let n = rng.below(9) as usize;
            let expected = bytes.get(at..at + n);
            assert_eq!(
                cursor.bytes(n).ok(),
                expected,
                "input: seed 11 #{case}"
            );
            at += expected.map_or(0, <[u8]>::len);
            assert_eq!(cursor.position(), at);
            assert_eq!(cursor.rest(), &bytes[at..]);
        }
    }
}
