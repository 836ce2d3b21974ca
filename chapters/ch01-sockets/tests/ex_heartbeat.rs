//! The checks of the exercise `ex_heartbeat`.

#[path = "../exercises/ex_heartbeat.rs"]
#[allow(dead_code, unused_variables)]
mod exercise;
#[path = "../solutions/ex_heartbeat.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Beat, Heartbeat};
            use std::time::Duration;

            const S: Duration = Duration::from_secs(1);

            fn beat() -> Heartbeat {
                Heartbeat::new(S * 60, S * 20, S * 5)
            }

            /// I12: silence is answered with one ping, and then with the end
            #[test]
            $(#[$skip])?
            fn a_silent_client() {
                let mut beat = beat();
                let mut check = |second: u32, expected: Beat| {
                    let got = beat.next(S * second);
                    assert_eq!(got, expected, "input: second {second}");
                };
                check(5, Beat::Wait(S * 60));
                check(64, Beat::Wait(S));
                check(65, Beat::Ping(1));
                check(65, Beat::Wait(S * 20));
                check(84, Beat::Wait(S));
                check(85, Beat::Dead);
                check(86, Beat::Dead);
            }

            /// I12: the ping's own answer is a sign of life
            #[test]
            $(#[$skip])?
            fn an_answer_in_time() {
                let mut beat = beat();
                let got = beat.next(S * 65);
                assert_eq!(got, Beat::Ping(1), "input: 60 s of silence");
                beat.line("PONG 1", S * 70);
                let got = beat.next(S * 70);
                assert_eq!(got, Beat::Wait(S * 60), "input: PONG 1");
                let got = beat.next(S * 130);
                assert_eq!(got, Beat::Ping(2), "input: 60 s more of it");
            }

            /// I12: while a ping is out, nothing else is
            #[test]
            $(#[$skip])?
            fn another_line_is_no_answer() {
                let mut beat = beat();
                beat.line("hello", S * 10);
                let got = beat.next(S * 10);
                assert_eq!(got, Beat::Wait(S * 60), "input: no ping is out");
                let got = beat.next(S * 70);
                assert_eq!(got, Beat::Ping(1), "input: 60 s after hello");
                beat.line("hello", S * 71);
                beat.line("PONG 2", S * 72);
                let got = beat.next(S * 90);
                assert_eq!(got, Beat::Dead, "input: hello, PONG 2");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_heartbeat"]);
}
