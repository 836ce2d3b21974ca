//! The checks of the exercise `ex_long_poll`.

#[path = "../solutions/ex_long_poll.rs"]
mod solution;

#[path = "../exercises/ex_long_poll.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::answer;
            use ch00_toolbox::prop;
            use ch03_http::events::history::{Bounds, History};

            fn history(events: usize, said: u64) -> History {
                let bounds = Bounds { events, bytes: 10_000 };
                let mut history = History::new("r", bounds);
                for number in 1..=said {
                    let text = format!("text {number}");
                    history.push(None, &text).expect("no line ends");
                }
                history
            }

            fn show(history: &History, number: u64, most: usize) -> String {
                let Some(answer) = answer(history, number, most) else {
                    return "waits".to_owned();
                };
                let body = String::from_utf8_lossy(&answer.body);
                let data = body.lines().filter_map(|line| {
                    line.strip_prefix("data: text ")
                });
                let data: Vec<_> = data.collect();
                let lost = if answer.has_lost { "lost, " } else { "" };
                format!("{lost}{} then {}", data.join(" "), answer.next)
            }

            /// I55: what is there comes at once, what is not is waited for,
            /// and what is gone is said to be.
            #[test]
            $(#[$skip])?
            fn answers() {
                for (number, most, expected) in [
                    (6, 1000, "waits"),
                    (5, 1000, "5 then 6"),
                    (3, 1000, "3 4 5 then 6"),
                    (3, 0, "3 then 4"),
                    (2, 1000, "lost, 3 4 5 then 6"),
                    (0, 0, "lost, 3 then 4"),
                ] {
                    let got = show(&history(3, 5), number, most);
                    assert_eq!(got, expected, "number {number}, most {most}");
                }
                assert_eq!(show(&history(3, 0), 1, 99), "waits", "nothing yet");
                let lost = show(&history(3, 0), 0, 99);
                assert_eq!(lost, "lost,  then 1", "of another run");
            }

            /// I55: at most so many bytes, to the byte.
            #[test]
            $(#[$skip])?
            fn the_most_is_exact() {
                let history = history(9, 3);
                let two = answer(&history, 1, 50).expect("there are three");
                let size = two.body.len();
                let exact = show(&history, 1, size);
                assert_eq!(exact, "1 2 then 3", "most {size}");
                let less = show(&history, 1, size - 1);
                assert_eq!(less, "1 then 2", "most {}", size - 1);
            }

            /// I55: who asks again and again hears each event once, in order,
            /// and knows how many it has missed.
            #[test]
            $(#[$skip])?
            fn nothing_twice_and_nothing_in_silence() {
                let make = |gen_: &mut prop::Gen| {
                    let events = 1 + gen_.upto(5) as usize;
                    let steps = gen_.vec(20, |g| (g.upto(4), g.upto(99)));
                    (events, steps)
                };
                prop::check("long poll", 1_000, make, |(events, steps)| {
                    let bounds = Bounds { events: *events, bytes: 10_000 };
                    let mut history = History::new("r", bounds);
                    let (mut next, mut said, mut body) = (1, 0, Vec::new());
                    let mut jumps = 0;
                    for (count, most) in steps {
                        for _ in 0..*count {
                            said += 1;
                            let pushed = history.push(None, &said.to_string());
                            pushed.map_err(|error| error.to_string())?;
                        }
                        let Some(more) = answer(&history, next, *most as usize)
                        else {
                            match next == said + 1 {
                                true => continue,
                                false => return Err(format!("waits at {next}")),
                            }
                        };
                        body.extend_from_slice(&more.body);
                        jumps += u64::from(more.has_lost);
                        next = more.next;
                    }
                    let text = String::from_utf8_lossy(&body).into_owned();
                    let data = text.lines().filter_map(|line| {
                        line.strip_prefix("data: ")?.parse::<u64>().ok()
                    });
                    let heard: Vec<u64> = [0].into_iter().chain(data).collect();
                    let gaps = heard.windows(2).filter(|w| w[1] != w[0] + 1);
                    let is_order = heard.windows(2).all(|w| w[0] < w[1]);
                    match is_order && gaps.count() as u64 == jumps {
                        true => Ok(()),
                        false => Err(format!("{heard:?}, {jumps} losses")),
                    }
                });
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_long_poll"]);
}
