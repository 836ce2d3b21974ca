//! What frames must be, each rule alone. How they play together stands in
//! `websocket/`.

use ch00_toolbox::golden::show;
use ch00_toolbox::prop;
use ch03_http::websocket::fault::Fault;
use ch03_http::websocket::frame::{Head, Opcode, Side};
use ch03_http::websocket::mask::Mask;

mod websocket;

use websocket::KEY;

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

/// I3: the heads of RFC 6455, section 5.7, both ways, and at every place
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

/// I3: each rule of sections 5.2 and 5.5 alone refuses, at the byte that
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
