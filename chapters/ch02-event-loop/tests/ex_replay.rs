//! The checks of the exercise `ex_replay`.

#[path = "../solutions/ex_replay.rs"]
mod solution;

#[path = "../exercises/ex_replay.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::io::{self, ErrorKind, Read, Write};
            use std::os::fd::AsRawFd;
            use std::os::unix::net::UnixStream;
            use std::time::Duration;

            use ch02_event_loop::poll::Poll;
            use ch02_event_loop::poller::{Event, Interest, Poller, Source};
            use ch02_event_loop::slab::Token;

            use super::super::$subject::{Asked, Recorder, Replay, Tape};

            const A: Source = Source(70);

            fn name(number: u64) -> Token {
                Token::from_bits(number)
            }

            /// Adds two, hears of one, reads it, hears of the other; says
            /// what it heard.
            fn talk(
                poller: &mut dyn Poller,
                [a, c]: [Source; 2],
                mut read: impl FnMut(usize),
            ) -> io::Result<Vec<Token>> {
                let mut heard = Vec::new();
                for (source, number) in [(a, 1), (c, 2)] {
                    poller.add(source, name(number))?;
                    poller.arm(source, Interest::READ)?;
                }
                for round in 0..2 {
                    read(round);
                    let mut events = Vec::new();
                    poller.wait(&mut events, Some(Duration::ZERO))?;
                    heard.extend(events.iter().map(|event| event.token));
                }
                poller.remove(a)?;
                Ok(heard)
            }

            /// I6, I7: what was recorded is heard again, in its order, with
            /// no source at all.
            #[test]
            $(#[$skip])?
            fn a_talk_is_replayed() {
                let (a, mut b) = UnixStream::pair().expect("two sockets");
                let (mut c, mut d) = UnixStream::pair().expect("two sockets");
                c.set_nonblocking(true).expect("a socket");
                let tape = Tape::default();
                let poll = Box::new(Poll::new());
                let mut recorder = Recorder::new(poll, tape.clone());
                let sources = [&a, &c].map(|s| Source(s.as_raw_fd()));
                let heard = talk(&mut recorder, sources, |round| {
                    let to = if round == 0 { &mut d } else { &mut b };
                    to.write_all(b"x").expect("room");
                    let _ = c.read(&mut [0; 8]).is_err();
                    if round == 0 {
                        d.write_all(b"y").expect("room");
                    }
                });
                let heard = heard.expect("nothing fails");
                assert_eq!(heard, [name(2), name(1)], "who was heard");
                drop((a, b, c, d));

                let calls = tape.borrow().clone();
                assert_eq!(calls.len(), 7, "calls on the tape: {calls:?}");
                let mut replay = Replay::new(calls);
                let again = talk(&mut replay, sources, |_| {});
                assert_eq!(again.ok(), Some(heard), "heard again");
                let over = replay.remove(A).map_err(|error| error.kind());
                assert_eq!(over, Err(ErrorKind::UnexpectedEof), "the end");
            }

            /// I9: an error is recorded as well, and comes again.
            #[test]
            $(#[$skip])?
            fn errors_are_replayed() {
                let tape = Tape::default();
                let poll = Box::new(Poll::new());
                let mut recorder = Recorder::new(poll, tape.clone());
                let got = recorder.remove(A).map_err(|error| error.kind());
                assert_eq!(got, Err(ErrorKind::NotFound), "recorded");
                let mut replay = Replay::new(tape.borrow().clone());
                let got = replay.remove(A).map_err(|error| error.kind());
                assert_eq!(got, Err(ErrorKind::NotFound), "replayed");
            }

            /// I6: what is in the vector already is not recorded, and stays
            /// where it is in both.
            #[test]
            $(#[$skip])?
            fn only_new_events_are_recorded() {
                let (a, mut b) = UnixStream::pair().expect("two sockets");
                b.write_all(b"x").expect("room");
                let tape = Tape::default();
                let poll = Box::new(Poll::new());
                let mut recorder = Recorder::new(poll, tape.clone());
                let source = Source(a.as_raw_fd());
                recorder.add(source, name(1)).expect("open");
                recorder.arm(source, Interest::READ).expect("known");
                let old = Event { token: name(8), ready: Default::default() };
                let mut events = vec![old];
                recorder.wait(&mut events, None).expect("a wait");
                let count = |at: usize| match &tape.borrow()[at].came {
                    Ok(events) => events.len(),
                    Err(_) => 99,
                };
                assert_eq!([count(0), count(1), count(2)], [0, 0, 1], "new");
                let mut replay = Replay::new(tape.borrow()[2..].to_vec());
                let mut again = vec![old];
                replay.wait(&mut again, None).expect("a wait");
                assert_eq!(again, events, "behind what was there");
            }

            /// I6: a loop that asks something else has taken another way;
            /// it hears so, and the tape goes on where it was.
            #[test]
            $(#[$skip])?
            fn another_way_is_an_error() {
                let tape = Tape::default();
                let poll = Box::new(Poll::new());
                let mut recorder = Recorder::new(poll, tape.clone());
                let mut events = Vec::new();
                let now = Some(Duration::ZERO);
                recorder.wait(&mut events, now).expect("a wait");
                let calls = tape.borrow().clone();
                assert_eq!(calls[0].asked, Asked::Wait, "what was recorded");
                let mut replay = Replay::new(calls);
                let error = replay.arm(A, Interest::READ).expect_err("no arm");
                assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
                let text = error.to_string();
                let names_both = text.contains("Arm") && text.contains("Wait");
                assert!(names_both, "it says what and what not: {text}");
                let other = Some(Duration::from_secs(9));
                let waited = replay.wait(&mut events, other);
                assert!(waited.is_ok(), "the tape's own call: {waited:?}");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_replay"]);
}
