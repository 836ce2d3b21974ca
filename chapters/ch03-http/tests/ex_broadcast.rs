//! The checks of the exercise `ex_broadcast`: bytes that are held are
//! counted, not timed, so the ratio is the same on every machine.

#[path = "../solutions/ex_broadcast.rs"]
mod solution;

#[path = "../exercises/ex_broadcast.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::collections::BTreeMap;
            use std::sync::Arc;

            use super::super::$subject::{Queue, broadcast, by_copies};
            use ch00_toolbox::prop::{self, Gen};

            fn room(members: usize) -> Vec<Queue> {
                (0..members).map(|_| Queue::default()).collect()
            }

            /// The bytes that all queues hold, shared ones once.
            fn held(room: &[Queue]) -> usize {
                let frames = room.iter().flat_map(|queue| &queue.frames);
                let sizes: BTreeMap<_, _> = frames
                    .map(|f| (Arc::as_ptr(f).cast::<u8>() as usize, f.len()))
                    .collect();
                sizes.values().sum()
            }

            /// The ratio: at least 100 times fewer bytes than with a copy
            /// for each.
            #[test]
            $(#[$skip])?
            fn a_hundredth_of_the_memory() {
                let mut ours = room(1_000);
                let mut copies = vec![Vec::new(); 1_000];
                for n in 0..10 {
                    let text = format!("news {n}: {}", "x".repeat(200));
                    broadcast(&mut ours, &text, usize::MAX);
                    by_copies(&mut copies, &text);
                }
                let theirs: usize = copies.iter().map(Vec::len).sum();
                let waiting: usize = ours.iter().map(Queue::waiting).sum();
                assert_eq!(waiting, theirs, "bytes to be sent to 1000");
                let ours = held(&ours);
                assert!(
                    ours * 100 <= theirs && ours > 0,
                    "{ours} bytes are held, {theirs} with copies; a \
                     hundredth of that is allowed"
                );
            }

            /// I47: what is sent is let go, frame by frame.
            #[test]
            $(#[$skip])?
            fn what_is_sent_is_let_go() {
                let mut room = room(2);
                broadcast(&mut room, "one", 100);
                broadcast(&mut room, "two", 100);
                assert_eq!(room[0].output(), b"\x81\x03one", "the first");
                room[0].wrote(2);
                assert_eq!(room[0].output(), b"one", "less 2 bytes");
                assert_eq!(room[0].waiting(), 8, "less 2 bytes");
                room[0].wrote(3);
                assert_eq!(room[0].output(), b"\x81\x03two", "the second");
                room[0].wrote(99);
                assert_eq!(room[0].output(), b"", "all is sent");
                room[0].wrote(1);
                assert_eq!(room[0].waiting(), 0, "all is sent");
                assert_eq!(held(&room), 10, "the other one has both");
                let frame = Arc::downgrade(&room[1].frames[0]);
                room[1].wrote(5);
                assert!(frame.upgrade().is_none(), "both have sent it");
            }

            /// I47: who is over the limit is cut off, and nobody else.
            #[test]
            $(#[$skip])?
            fn the_slow_one_is_cut_off() {
                let mut room = room(2);
                for n in 0..4 {
                    broadcast(&mut room, "12345678", 30);
                    let waits = if n < 3 { 10 * (n + 1) } else { 0 };
                    let got = (room[0].waiting(), room[0].cut);
                    assert_eq!(got, (waits, n == 3), "after {} texts", n + 1);
                    room[1].wrote(10);
                    let got = (room[1].waiting(), room[1].cut);
                    assert_eq!(got, (0, false), "one that reads");
                }
                broadcast(&mut room, "x", 30);
                assert_eq!(room[0].waiting(), 0, "it is told nothing more");
                assert_eq!(room[0].output(), b"", "it is told nothing more");
                assert_eq!(room[1].waiting(), 3, "the other one is");
            }

            /// I2: each member is sent what `by_copies` sends it, however
            /// little a write takes.
            #[test]
            $(#[$skip])?
            fn equals_the_copies() {
                let make = |gen_: &mut Gen| {
                    gen_.vec(10, |gen_| {
                        (gen_.text(150), gen_.vec(8, |g| g.upto(80) as usize))
                    })
                };
                prop::check("broadcast", 1_000, make, |said| {
                    let mut ours = room(3);
                    let mut copies = vec![Vec::new(); 3];
                    let mut sent = vec![Vec::new(); 3];
                    for (text, writes) in said {
                        broadcast(&mut ours, text, usize::MAX);
                        by_copies(&mut copies, text);
                        for (n, most) in writes.iter().enumerate() {
                            let queue = &mut ours[n % 3];
                            let count = queue.output().len().min(*most);
                            let bytes = queue.output()[..count].to_vec();
                            sent[n % 3].extend(bytes);
                            queue.wrote(count);
                        }
                    }
                    for (queue, sent) in ours.iter_mut().zip(&mut sent) {
                        while !queue.output().is_empty() {
                            let bytes = queue.output().to_vec();
                            queue.wrote(bytes.len());
                            sent.extend(bytes);
                        }
                    }
                    match sent == copies {
                        true => Ok(()),
                        false => Err(format!("{sent:?}, not {copies:?}")),
                    }
                });
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_broadcast"]);
}
