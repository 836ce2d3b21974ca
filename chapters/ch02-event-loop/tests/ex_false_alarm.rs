//! The checks of the exercise ex_false_alarm: the reader's test must tell
//! the right way from each wrong one.

#[path = "../exercises/ex_false_alarm.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;
#[path = "../solutions/ex_false_alarm.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::time::Duration;

            use ch02_event_loop::runtime::Runtime;
            use ch02_event_loop::tcp::TcpStream;

            use super::super::$subject::{Takes, is_right};

            /// Which of the five.
            #[derive(Debug, Clone, Copy)]
            enum Way {
                Right,
                TrustsReadable,
                OneRead,
                LimitPerRead,
                GivesUpOnNothing,
            }

            impl Takes for Way {
                async fn take(
                    &self,
                    runtime: &Runtime,
                    stream: &TcpStream,
                    limit: Duration,
                ) -> Option<[u8; 8]> {
                    let mut buf = [0; 8];
                    let filled = fill(*self, runtime, stream, limit, &mut buf);
                    match self {
                        Way::Right | Way::OneRead | Way::GivesUpOnNothing => {
                            runtime.timeout(limit, filled).await.ok()??;
                        }
                        Way::TrustsReadable | Way::LimitPerRead => {
                            filled.await?;
                        }
                    }
                    Some(buf)
                }
            }

            async fn fill(
                way: Way,
                runtime: &Runtime,
                stream: &TcpStream,
                limit: Duration,
                buf: &mut [u8; 8],
            ) -> Option<()> {
                let mut have = 0;
                let began = runtime.now();
                while have < 8 {
                    let room = &mut buf[have..];
                    let count = match way {
                        Way::Right => stream.read(room).await.ok()?,
                        Way::TrustsReadable => {
                            let spent = runtime.now().saturating_sub(began);
                            let left = limit.saturating_sub(spent);
                            let ready = stream.readable();
                            runtime.timeout(left, ready).await.ok()?.ok()?;
                            stream.read(room).await.ok()?
                        }
                        Way::OneRead => {
                            have = 8;
                            stream.read(room).await.ok()?
                        }
                        Way::LimitPerRead => {
                            let read = stream.read(room);
                            runtime.timeout(limit, read).await.ok()?.ok()?
                        }
                        Way::GivesUpOnNothing => {
                            stream.readable().await.ok()?;
                            stream.try_read(room).ok()??
                        }
                    };
                    if count == 0 {
                        return None;
                    }
                    have += count;
                }
                Some(())
            }

            /// I36: the right way is called right
            #[test]
            $(#[$skip])?
            fn the_right_way() {
                assert!(is_right(&Way::Right), "input: the right way");
            }

            /// I36: each wrong way is called wrong
            #[test]
            $(#[$skip])?
            fn the_wrong_ways() {
                let wrong = [
                    Way::TrustsReadable,
                    Way::OneRead,
                    Way::LimitPerRead,
                    Way::GivesUpOnNothing,
                ];
                for way in wrong {
                    assert!(!is_right(&way), "input: {way:?}");
                }
            }
        }
    };
}
mod on {
    checks!(solution);
    checks!(
        exercise,
        #[ignore = "exercise: cargo run -- check ex_false_alarm"]
    );
}
