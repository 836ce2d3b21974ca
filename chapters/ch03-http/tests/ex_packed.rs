//! The checks of the exercise `ex_packed`: bytes that are held are
//! counted, not timed, so the ratio is the same on every machine.

#[path = "../solutions/ex_packed.rs"]
mod solution;

#[path = "../exercises/ex_packed.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{CHUNK, Packed};
            use ch00_toolbox::prop::{self, Gen};

            fn held(queue: &Packed) -> usize {
                let places = queue.chunks.capacity() * size_of::<Vec<u8>>();
                let bytes = queue.chunks.iter().map(Vec::capacity);
                places + bytes.sum::<usize>()
            }

            /// The ratio: at most a tenth more than the bytes, and a chunk.
            #[test]
            $(#[$skip])?
            fn a_tenth_more_than_the_bytes() {
                let mut queue = Packed::default();
                for _ in 0..50_000 {
                    queue.push(b"\x81\x02ok");
                }
                let (bytes, held) = (200_000, held(&queue));
                let most = bytes + bytes / 10 + CHUNK;
                assert!(
                    (bytes..=most).contains(&held),
                    "{held} bytes are held for {bytes}; {most} are allowed"
                );
            }

            /// What is sent is let go, chunk by chunk.
            #[test]
            $(#[$skip])?
            fn what_is_sent_is_let_go() {
                let mut queue = Packed::default();
                queue.push(&[7; 3 * CHUNK]);
                let most = 3 * CHUNK + 1000;
                assert!(held(&queue) <= most, "{} bytes", held(&queue));
                for left in [2, 1, 0] {
                    queue.wrote(1);
                    queue.wrote(queue.output().len());
                    assert_eq!(queue.chunks.len(), left, "chunks");
                }
                assert_eq!(queue.output(), b"", "all is sent");
                queue.wrote(1);
                assert_eq!(queue.sent, 0, "nothing was there");
            }

            /// I54: what comes out is what went in, whatever the pieces and
            /// however little a write takes.
            #[test]
            $(#[$skip])?
            fn equals_one_vector() {
                let make = |gen_: &mut Gen| {
                    gen_.vec(30, |g| (g.bytes(3000), g.upto(5000) as usize))
                };
                prop::check("packed", 1_000, make, |steps| {
                    let mut queue = Packed::default();
                    let (mut all, mut got) = (Vec::new(), Vec::new());
                    for (piece, most) in steps {
                        queue.push(piece);
                        all.extend_from_slice(piece);
                        let count = queue.output().len().min(*most);
                        got.extend_from_slice(&queue.output()[..count]);
                        queue.wrote(count);
                    }
                    while !queue.output().is_empty() {
                        got.extend_from_slice(queue.output());
                        queue.wrote(queue.output().len());
                    }
                    let large = queue.chunks.iter().any(|chunk| {
                        chunk.capacity() > CHUNK
                    });
                    match got == all && !large {
                        true => Ok(()),
                        false => Err(format!(
                            "{} bytes in, {} out",
                            all.len(),
                            got.len()
                        )),
                    }
                });
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_packed"]);
}
