//! The checks of the exercise `ex_fragments`.

#[path = "../solutions/ex_fragments.rs"]
mod solution;

#[path = "../exercises/ex_fragments.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::Sender;
            use ch00_toolbox::golden::show;
            use ch00_toolbox::prop::{self, Gen};
            use ch03_http::websocket::close::Closed;
            use ch03_http::frames::frame::{Opcode, Side};
            use ch03_http::websocket::message::{Event, Messages};

            fn check(sender: &mut Sender, expected: &[&[u8]], input: &str) {
                for (n, frame) in expected.iter().enumerate() {
                    let got = sender.next().map(|frame| show(&frame));
                    let expected = Some(show(frame));
                    assert_eq!(got, expected, "frame {n} of {input}");
                }
                assert_eq!(sender.next(), None, "the end of {input}");
            }

            /// I46: fragments begin with the opcode, go on, and end with FIN.
            #[test]
            $(#[$skip])?
            fn fragments() {
                for (payload, expected) in [
                    ("", &[&b"\x81\x00"[..]][..]),
                    ("abc", &[b"\x81\x03abc"]),
                    ("abcd", &[b"\x01\x03abc", b"\x80\x01d"]),
                    ("abcdef", &[b"\x01\x03abc", b"\x80\x03def"]),
                    (
                        "abcdefg",
                        &[b"\x01\x03abc", b"\x00\x03def", b"\x80\x01g"],
                    ),
                ] {
                    let mut sender = Sender::new(3);
                    sender.message(Opcode::Text, payload.as_bytes());
                    check(&mut sender, expected, payload);
                }
                let mut sender = Sender::new(3);
                sender.message(Opcode::Binary, b"abcd");
                sender.message(Opcode::Text, b"x");
                let expected: [&[u8]; 3] =
                    [b"\x02\x03abc", b"\x80\x01d", b"\x81\x01x"];
                check(&mut sender, &expected, "two messages");
            }

            /// I46: a ping overtakes what is left of a message.
            #[test]
            $(#[$skip])?
            fn control_frames_overtake() {
                let mut sender = Sender::new(3);
                sender.message(Opcode::Text, b"abcdef");
                let first = sender.next().map(|frame| show(&frame));
                assert_eq!(first, Some(show(b"\x01\x03abc")), "a fragment");
                sender.control(Opcode::Ping, b"1");
                sender.control(Opcode::Pong, b"2");
                let expected: [&[u8]; 3] =
                    [b"\x89\x011", b"\x8a\x012", b"\x80\x03def"];
                check(&mut sender, &expected, "a ping and a pong");
            }

            /// I48: a close overtakes no message, and nothing follows it.
            #[test]
            $(#[$skip])?
            fn a_close_is_last() {
                let mut sender = Sender::new(3);
                sender.message(Opcode::Text, b"abcd");
                sender.control(Opcode::Close, b"\x03\xe8");
                sender.message(Opcode::Text, b"late");
                sender.control(Opcode::Ping, b"late");
                sender.control(Opcode::Close, b"");
                let expected: [&[u8]; 3] =
                    [b"\x01\x03abc", b"\x80\x01d", b"\x88\x02\x03\xe8"];
                check(&mut sender, &expected, "a close");
                sender.control(Opcode::Close, b"");
                check(&mut sender, &[], "another close");
                let mut sender = Sender::new(3);
                sender.control(Opcode::Close, b"");
                check(&mut sender, &[b"\x88\x00"], "a close without a body");
            }

            /// I2, I46: whatever is sent, whenever, a peer hears the same
            /// messages, and no fragment is longer than it may be.
            #[test]
            $(#[$skip])?
            fn a_peer_hears_it() {
                // What is asked for, and how many frames are taken then.
                let make = |gen_: &mut Gen| {
                    let asked = gen_.vec(12, |gen_| {
                        let kind = gen_.upto(4);
                        (kind, gen_.text(30), gen_.upto(4))
                    });
                    (gen_.range(1, 20), asked)
                };
                prop::check("fragments", 2_000, make, |(most, asked)| {
                    let mut sender = Sender::new(*most as usize);
                    let (mut bytes, mut said) = (Vec::new(), Vec::new());
                    let mut pings = Vec::new();
                    let mut take = |sender: &mut Sender, count: u64| {
                        for _ in 0..count {
                            let Some(frame) = sender.next() else {
                                return Ok(());
                            };
                            let data = frame[0] & 8 == 0;
                            if data && frame.len() as u64 > most + 2 {
                                let size = frame.len();
                                return Err(format!("{size} bytes, {most}"));
                            }
                            bytes.extend(frame);
                        }
                        Ok(())
                    };
                    for (kind, text, count) in asked {
                        let payload = text.as_bytes();
                        let owned = payload.to_vec();
                        match kind {
                            0 => {
                                sender.control(Opcode::Ping, payload);
                                pings.push(Event::Ping(owned));
                            }
                            1 => {
                                sender.message(Opcode::Binary, payload);
                                said.push(Event::Binary(owned));
                            }
                            _ => {
                                sender.message(Opcode::Text, payload);
                                said.push(Event::Text(text.clone()));
                            }
                        }
                        take(&mut sender, *count)?;
                    }
                    sender.control(Opcode::Close, b"");
                    take(&mut sender, 10_000)?;
                    let reason = String::new();
                    said.push(Event::Close(Closed { code: 1005, reason }));
                    let mut peer = Messages::new(Side::Server, 1_000);
                    let mut input = &bytes[..];
                    let (mut heard, mut asked) = (Vec::new(), Vec::new());
                    loop {
                        match peer.next(&mut input) {
                            Ok(Some(event @ Event::Ping(_))) => {
                                asked.push(event);
                            }
                            Ok(Some(event)) => heard.push(event),
                            Ok(None) => break,
                            Err(fault) => return Err(fault.to_string()),
                        }
                    }
                    match heard == said && asked == pings {
                        true => Ok(()),
                        false => Err(format!(
                            "said {said:?}, {pings:?}; heard {heard:?}, \
                             {asked:?}"
                        )),
                    }
                });
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_fragments"]);
}
