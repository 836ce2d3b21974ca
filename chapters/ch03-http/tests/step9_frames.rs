//! What frames must be: each rule alone, with the bytes of RFC 6455, section
//! 5.7, and a stream of them cut anywhere.

use ch00_toolbox::golden::show;
use ch00_toolbox::prop::{self, Gen};
use ch03_http::frames::fault::Fault;
use ch03_http::frames::frame::{Head, Opcode, Part, Reader, Side};
use ch03_http::frames::mask::Mask;

/// The key of section 5.7.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// I4: eight at a time is the same as one at a time, however it is cut.
#[test]
fn masks() {
    let mut hello = *b"Hello";
    Mask::new(KEY).apply(&mut hello);
    let masked = [0x7f, 0x9f, 0x4d, 0x51, 0x58]; // RFC 6455, section 5.7
    assert_eq!(show(&hello), show(&masked), "input: Hello");
    prop::check(
        "mask",
        2_000,
        |gen_| {
            let key = [gen_.byte(), gen_.byte(), gen_.byte(), gen_.byte()];
            (
                key,
                gen_.bytes(80),
                gen_.vec(5, |gen_| gen_.upto(80) as usize),
            )
        },
        |(key, bytes, cuts)| {
            let mut whole = bytes.clone();
            Mask::new(*key).apply_bytes(&mut whole);
            let (mut got, mut mask) = (bytes.clone(), Mask::new(*key));
            let mut rest = &mut got[..];
            for cut in cuts {
                let (piece, more) = rest.split_at_mut((*cut).min(rest.len()));
                mask.apply(piece);
                rest = more;
            }
            mask.apply(rest);
            match got == whole {
                true => Ok(()),
                false => Err(format!("expected {whole:?}, got {got:?}")),
            }
        },
    );
}

/// I45: the heads of RFC 6455, section 5.7, both ways, and at every place
/// where the length changes its form.
#[test]
fn frame_heads() {
    let check = |bytes: &[u8], last, opcode, key, length| {
        let head = Head {
            last,
            opcode,
            key,
            length,
        };
        let mut out = Vec::new();
        head.encode(&mut out);
        let whole = show(bytes);
        assert_eq!(show(&out), whole, "input: {head:?}");
        let from = if key.is_some() {
            Side::Client
        } else {
            Side::Server
        };
        for end in 0..bytes.len() {
            let got = Head::decode(&bytes[..end], from);
            assert_eq!(got, Ok(None), "input: {end} bytes of\n{whole}");
        }
        let got = Head::decode(&[bytes, b"Hello"].concat(), from);
        assert_eq!(got, Ok(Some((head, bytes.len()))), "input:\n{whole}");
    };
    use Opcode::{Binary, Continuation, Ping, Pong, Text};
    let masked = Some([0x37, 0xfa, 0x21, 0x3d]);
    check(&[0x81, 5], true, Text, None, 5);
    let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d];
    check(&bytes, true, Text, masked, 5);
    check(&[1, 3], false, Text, None, 3);
    check(&[0x80, 2], true, Continuation, None, 2);
    check(&[0x89, 5], true, Ping, None, 5);
    let bytes = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d];
    check(&bytes, true, Pong, masked, 5);
    check(&[0x82, 126, 1, 0], true, Binary, None, 256);
    let bytes = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
    check(&bytes, true, Binary, None, 65_536);
    check(&[0x82, 125], true, Binary, None, 125);
    check(&[0x82, 126, 0, 126], true, Binary, None, 126);
    check(&[0x82, 126, 0xff, 0xff], true, Binary, None, 65_535);
    let mut most = [0xff; 10];
    (most[0], most[1], most[2]) = (0x82, 127, 0x7f);
    check(&most, true, Binary, None, (1 << 63) - 1);
    let mut most = most.to_vec();
    (most[1], most) = (0xff, [&most[..], &KEY].concat());
    most[1] = 0xff;
    check(&most, true, Binary, masked, (1 << 63) - 1);
}

/// I45: each rule of sections 5.2 and 5.5 alone refuses, at the byte that
/// breaks it.
#[test]
fn frames_that_are_refused() {
    let check = |from, bytes: &[u8], fault: Fault| {
        let before = Head::decode(&bytes[..bytes.len() - 1], from);
        let input = show(bytes);
        assert_eq!(before, Ok(None), "all but the last byte of\n{input}");
        let got = Head::decode(bytes, from);
        assert_eq!(got, Err(fault), "input:\n{input}");
    };
    for bits in 1..8 {
        check(Side::Server, &[0x81 | bits << 4], Fault::Reserved);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        check(Side::Client, &[0x80 | opcode], Fault::Opcode(opcode));
        check(Side::Client, &[opcode], Fault::Opcode(opcode));
    }
    for opcode in [8, 9, 10] {
        check(Side::Client, &[opcode], Fault::ControlInFragments);
        for short in [126, 127] {
            let bytes = [0x80 | opcode, 0x80 | short];
            check(Side::Client, &bytes, Fault::ControlTooLong);
        }
    }
    check(Side::Client, &[0x81, 5], Fault::Unmasked);
    check(Side::Server, &[0x81, 0x85], Fault::Masked);
    check(Side::Server, &[0x82, 126, 0, 125], Fault::Length);
    check(Side::Server, &[0x82, 126, 0, 0], Fault::Length);
    let short = [0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    check(Side::Server, &short, Fault::Length);
    let huge = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
    check(Side::Server, &huge, Fault::Length);
}

/// A frame as it was read: its head, and its payload put together.
type Read = (Head, Vec<u8>);

/// The frames of a stream that comes in these pieces, the payload of one
/// that is not whole, and the fault that ended it.
fn read(
    from: Side,
    pieces: &[&[u8]],
) -> (Vec<Read>, Vec<u8>, Result<(), Fault>) {
    let mut reader = Reader::new(from);
    let (mut frames, mut payload, mut open) = (Vec::new(), Vec::new(), None);
    for mut piece in pieces.iter().copied() {
        loop {
            match reader.next(&mut piece) {
                Ok(None) => break,
                Ok(Some(Part::Head(head))) => open = Some(head),
                Ok(Some(Part::Piece(piece))) => piece.append_to(&mut payload),
                Ok(Some(Part::End)) => {
                    let head = open.take().expect("a head comes first");
                    frames.push((head, std::mem::take(&mut payload)));
                }
                Err(fault) => return (frames, payload, Err(fault)),
            }
        }
        assert!(piece.is_empty(), "{} bytes are left over", piece.len());
    }
    (frames, payload, Ok(()))
}

/// I44: the parts of the RFC's own frames, whole, byte by byte, and cut at
/// every byte.
#[test]
fn parts() {
    let stream = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\
                   \x8a\x80\x01\x02\x03\x04\
                   \x02\x83\0\0\0\0ab";
    let key = Some(KEY);
    let (last, opcode) = (true, Opcode::Text);
    let hello = Head {
        last,
        opcode,
        key,
        length: 5,
    };
    let (opcode, key) = (Opcode::Pong, Some([1, 2, 3, 4]));
    let pong = Head {
        last,
        opcode,
        key,
        length: 0,
    };
    let frames = vec![(hello, b"Hello".to_vec()), (pong, Vec::new())];
    let expected = (frames, b"ab".to_vec(), Ok(()));
    let check = |pieces: &[&[u8]], how: &str| {
        let got = read(Side::Client, pieces);
        assert_eq!(got, expected, "{how}, input:\n{}", show(stream));
    };
    check(&[stream], "whole");
    check(&stream.chunks(1).collect::<Vec<_>>(), "byte by byte");
    for at in 0..=stream.len() {
        let (a, b) = stream.split_at(at);
        check(&[a, b], &format!("cut after byte {at}"));
    }
}

/// I44, I4: what `encode` and `apply` write, the reader reads, at any cut; and
/// a bad byte at the end changes nothing that came before it.
#[test]
fn what_is_written_is_read() {
    const OPCODES: [Opcode; 3] = [Opcode::Text, Opcode::Binary, Opcode::Ping];
    let make = |gen_: &mut Gen| {
        let frames = gen_.vec(8, |gen_| {
            let opcode = *gen_.pick(&OPCODES);
            let most = if opcode.is_control() { 125 } else { 300 };
            (opcode, gen_.bytes(most), [gen_.byte(), 0, 7, gen_.byte()])
        });
        let cuts = gen_.vec(20, |gen_| gen_.upto(40) as usize);
        (frames, cuts, gen_.once_in(2), gen_.once_in(3))
    };
    prop::check("frames", 2_000, make, |(frames, cuts, masked, bad)| {
        let from = if *masked { Side::Client } else { Side::Server };
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (opcode, payload, key) in frames {
            let key = masked.then_some(*key);
            let length = payload.len() as u64;
            let head = Head {
                last: true,
                opcode: *opcode,
                key,
                length,
            };
            head.encode(&mut bytes);
            let at = bytes.len();
            bytes.extend(payload);
            if let Some(key) = key {
                Mask::new(key).apply(&mut bytes[at..]);
            }
            expected.push((head, payload.clone()));
        }
        bytes.extend(bad.then_some(0xc1));
        let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        let got = read(from, &pieces);
        let end = if *bad { Err(Fault::Reserved) } else { Ok(()) };
        let expected = (expected, Vec::new(), end);
        match got == expected {
            true => Ok(()),
            false => Err(format!("expected {expected:?}, got {got:?}")),
        }
    });
}
