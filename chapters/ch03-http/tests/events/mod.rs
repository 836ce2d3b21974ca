//! What a history must do: nobody misses an event without being told.

use ch00_toolbox::prop::{self, Gen};
use ch03_http::events::history::{Bounds, History, Next};
use ch03_http::events::parser::Parser;
use ch03_http::events::writer::Unwritable;

/// What a listener that begins there is given until it has to wait.
fn listen(history: &History, mut number: u64) -> Vec<String> {
    let mut got = Vec::new();
    loop {
        match history.get(number) {
            Next::Event(bytes, next) => {
                got.push(String::from_utf8_lossy(bytes).into_owned());
                number = next;
            }
            Next::Lost(oldest) => {
                got.push("lost".to_owned());
                number = oldest;
            }
            Next::Wait => return got,
        }
        assert!(got.len() < 1_000, "it goes round in circles");
    }
}

/// I53: each `Last-Event-ID` gets what came after it, or is told of a loss.
#[test]
fn resumes() {
    let bounds = Bounds {
        events: 3,
        bytes: usize::MAX,
    };
    let mut history = History::new("r", bounds);
    let ids: Vec<_> = (1..=5)
        .map(|n| history.push(Some("tick"), &format!("{n}")))
        .collect();
    assert_eq!(ids[4], Ok("r-5".to_owned()), "the fifth id");
    let check = |last_id: Option<&str>, expected: &[&str]| {
        let got = listen(&history, history.resume(last_id));
        let line = |text: &&str| match *text {
            "lost" => "lost".to_owned(),
            n => format!("id: r-{n}\nevent: tick\ndata: {n}\n\n"),
        };
        let expected: Vec<_> = expected.iter().map(line).collect();
        assert_eq!(got, expected, "input: {last_id:?}");
    };
    check(None, &[]);
    check(Some(""), &[]);
    check(Some("r-5"), &[]);
    check(Some("r-4"), &["5"]);
    check(Some("r-2"), &["3", "4", "5"]);
    let all = ["lost", "3", "4", "5"];
    for id in [
        "r-1",
        "r-0",
        "r-6",
        "r-",
        "r-x",
        "r-+4",
        "r--4",
        "r4",
        "s-4",
        "4",
        "r-99999999999999999999",
        "r",
        "rr-4",
        " r-4",
    ] {
        check(Some(id), &all);
    }
    let empty = History::new("r", bounds);
    assert_eq!(listen(&empty, empty.resume(None)), [""; 0], "empty");
    let got = listen(&empty, empty.resume(Some("q-1")));
    assert_eq!(got, ["lost"], "of another run, and nothing is there");
}

/// I53: the bounds hold, in events and in bytes; the newest event stays.
#[test]
fn the_oldest_is_forgotten() {
    let size = "id: r-1\ndata: xx\n\n".len();
    let bounds = Bounds {
        events: 10,
        bytes: 2 * size,
    };
    let mut history = History::new("r", bounds);
    for _ in 0..3 {
        assert!(history.push(None, "xx").is_ok(), "an event");
    }
    assert_eq!(history.get(1), Next::Lost(2), "two fit");
    assert!(history.push(None, "xxx").is_ok(), "one byte more");
    assert_eq!(history.get(3), Next::Lost(4), "only one fits");
    assert!(
        history.push(None, &"x".repeat(100)).is_ok(),
        "too long a one"
    );
    assert!(
        matches!(history.get(5), Next::Event(_, 6)),
        "it is kept alone"
    );
    let forged = history.push(Some("a\nb"), "x");
    assert_eq!(forged, Err(Unwritable::Kind), "a forgery");
    assert_eq!(history.get(6), Next::Wait, "is not added");
}

/// I53: whatever is pushed and whenever a listener comes back, it gets every
/// event once and in order, or is told of a loss.
#[test]
fn nothing_goes_missing_in_silence() {
    let make = |gen_: &mut Gen| {
        // How many are pushed while it is away, how long they are.
        let away = gen_.vec(12, |gen_| (gen_.upto(6), gen_.upto(40)));
        (gen_.range(1, 5), gen_.range(1, 200), away)
    };
    prop::check("events_history", 2_000, make, |(events, bytes, away)| {
        let (events, bytes) = (*events as usize, *bytes as usize);
        let mut history = History::new("r", Bounds { events, bytes });
        let mut parser = Parser::new(1_000, "");
        let (mut pushed, mut seen) = (0, 0);
        let mut last_id = "r-0".to_owned();
        for (count, length) in away {
            for _ in 0..*count {
                let data = "x".repeat(*length as usize);
                let id = history.push(None, &data);
                pushed += 1;
                if id != Ok(format!("r-{pushed}")) {
                    return Err(format!("event {pushed}: {id:?}"));
                }
            }
            for text in listen(&history, history.resume(Some(&last_id))) {
                if text == "lost" {
                    seen = u64::MAX; // any one may come next, but once only
                    continue;
                }
                let mut bytes = text.as_bytes();
                let got = parser.next(&mut bytes);
                let Ok(Some(event)) = got else {
                    return Err(format!("{text:?} reads as {got:?}"));
                };
                let number = event.last_id.strip_prefix("r-");
                let number = number.and_then(|n| n.parse::<u64>().ok());
                let number = number.ok_or("no id of ours")?;
                if seen != u64::MAX && number != seen + 1 {
                    return Err(format!("{number} after {seen}"));
                }
                seen = number;
                last_id = event.last_id;
            }
            if seen != u64::MAX && seen != pushed {
                return Err(format!("{seen} of {pushed} in the end"));
            }
        }
        Ok(())
    });
}
