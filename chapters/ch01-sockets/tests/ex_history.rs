//! The checks of the exercise `ex_history`.

#[path = "../exercises/ex_history.rs"]
#[allow(dead_code, unused_variables)]
mod exercise;
#[path = "../solutions/ex_history.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::History;
            use ch00_toolbox::prop;
            use ch01_sockets::registry::Line;

            fn line(text: &str) -> Line {
                text.as_bytes().into()
            }

            fn texts(history: &History) -> Vec<String> {
                let lines = history.lines();
                let texts = lines.iter().map(|line| line.escape_ascii());
                texts.map(|text| text.to_string()).collect()
            }

            /// I7: the last lines come back in the order they were said
            #[test]
            $(#[$skip])?
            fn the_newest_in_order() {
                let mut history = History::new(2, 100);
                for text in ["a\n", "b\n", "c\n"] {
                    history.said(&line(text));
                }
                let input = "input: a, b, c, and the last 2 are kept";
                assert_eq!(texts(&history), ["b\\n", "c\\n"], "{input}");
            }

            /// I9: a line that alone is over the limit leaves nothing
            #[test]
            $(#[$skip])?
            fn a_line_over_the_limit() {
                let mut history = History::new(10, 4);
                history.said(&line("ok\n"));
                history.said(&line("far too long\n"));
                let none: [&str; 0] = [];
                let input = "input: a line of 13 bytes, and the limit is 4";
                assert_eq!(texts(&history), none, "{input}");
                history.said(&line("ok\n"));
                assert_eq!(texts(&history), ["ok\\n"], "{input}, then ok");
            }

            /// I9: any talk: the longest end of it that is within both limits
            #[test]
            $(#[$skip])?
            fn equals_the_naive_history() {
                let talk = |g: &mut prop::Gen| {
                    let line = |g: &mut prop::Gen| g.range(1, 20) as usize;
                    (g.upto(5) as usize, g.upto(40) as usize, g.vec(30, line))
                };
                prop::check("history", 1000, talk, |(lines, bytes, said)| {
                    let mut history = History::new(*lines, *bytes);
                    let (mut kept, mut sum): (Vec<usize>, _) = (vec![], 0);
                    for &size in said {
                        history.said(&line(&"x".repeat(size)));
                        kept.push(size);
                        sum += size;
                        while kept.len() > *lines || sum > *bytes {
                            sum -= kept.remove(0);
                        }
                        let got = history.lines();
                        let got: Vec<_> =
                            got.iter().map(|line| line.len()).collect();
                        if got != kept {
                            let said = format!("{got:?}, not {kept:?}");
                            return Err(format!("bytes of lines: {said}"));
                        }
                    }
                    Ok(())
                });
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_history"]);
}
