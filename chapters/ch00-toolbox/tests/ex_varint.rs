//! The checks of the exercise `ex_varint`.

#[path = "../exercises/ex_varint.rs"]
#[allow(dead_code, unused_variables, unused_mut, clippy::ptr_arg)]
mod exercise;
#[path = "../solutions/ex_varint.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Wrong, read, write};
            use ch00_toolbox::cursor::{Cursor, Short};
            use ch00_toolbox::golden::show;
            use ch00_toolbox::rng::Rng;

            fn check(number: u64, bytes: &[u8]) {
                let mut out = Vec::new();
                write(number, &mut out);
                assert_eq!(show(&out), show(bytes), "input: {number}");
                let mut cursor = Cursor::new(bytes);
                let got = read(&mut cursor);
                assert_eq!(got, Ok(number), "input: {bytes:02x?}");
                assert_eq!(cursor.remaining(), 0, "input: {bytes:02x?}");
            }

            /// I1: the examples of DWARF 5, table 7.7
            #[test]
            $(#[$skip])?
            fn dwarf() {
                check(2, &[0x02]);
                check(127, &[0x7f]);
                check(128, &[0x80, 0x01]);
                check(129, &[0x81, 0x01]);
                check(12_857, &[0xb9, 0x64]);
            }

            /// I1: the examples of Protocol Buffers' "Encoding"
            #[test]
            $(#[$skip])?
            fn protocol_buffers() {
                check(1, &[0x01]);
                check(150, &[0x96, 0x01]);
                let minus_2 = [
                    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
                ];
                check(-2_i64 as u64, &minus_2);
            }

            /// I1: what is written is read again, at every size
            #[test]
            $(#[$skip])?
            fn round_trip() {
                let mut rng = Rng::seeded(4);
                for n in 0..10_000 {
                    let number = rng.next_u64() >> (n % 64);
                    let mut bytes = Vec::new();
                    write(number, &mut bytes);
                    let got = read(&mut Cursor::new(&bytes));
                    assert_eq!(got, Ok(number), "input: {bytes:02x?}");
                    let bits = 64 - number.leading_zeros().min(63);
                    let size = bits.div_ceil(7) as usize;
                    assert_eq!(bytes.len(), size, "input: {number}");
                }
            }

            /// I2: a number that is cut off moves nothing
            #[test]
            $(#[$skip])?
            fn cut_off() {
                for bytes in [&[9][..], &[9, 0x80], &[9, 0xff, 0xff]] {
                    let mut cursor = Cursor::new(bytes);
                    assert_eq!(cursor.u8(), Ok(9));
                    let at = bytes.len();
                    let short = Short { needed: 1, left: 0, at };
                    let got = read(&mut cursor);
                    let expected = Err(Wrong::Short(short));
                    assert_eq!(got, expected, "input: {bytes:02x?}");
                    assert_eq!(cursor.position(), 1, "input: {bytes:02x?}");
                }
            }

            /// I1: more than 64 bits are refused, however they come
            #[test]
            $(#[$skip])?
            fn too_long() {
                let mut max = [0xff; 10];
                max[9] = 0x01;
                check(u64::MAX, &max);
                let mut over = max;
                over[9] = 0x02;
                let mut far_over = max;
                far_over[9] = 0x41;
                for bytes in [&over[..], &far_over, &[0xff; 11], &[0x80; 40]] {
                    let mut cursor = Cursor::new(bytes);
                    let got = read(&mut cursor);
                    let expected = Err(Wrong::TooLong);
                    assert_eq!(got, expected, "input: {bytes:02x?}");
                    assert_eq!(cursor.position(), 0, "input: {bytes:02x?}");
                }
            }

            /// I1: more bytes than needed are fine while the number fits
            #[test]
            $(#[$skip])?
            fn padded() {
                let mut ten = [0x80; 10];
                ten[9] = 0;
                for bytes in [&[0x80, 0x00][..], &[0x80, 0x80, 0], &ten] {
                    let mut cursor = Cursor::new(bytes);
                    let got = read(&mut cursor);
                    assert_eq!(got, Ok(0), "input: {bytes:02x?}");
                    assert_eq!(cursor.remaining(), 0, "input: {bytes:02x?}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_varint"]);
}
