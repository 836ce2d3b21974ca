//! Step 2: the log.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ch00_toolbox::log::{LINE_MAX, Level, Log, RING};

/// A writer that keeps each call's bytes apart.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Calls {
    fn lines(&self) -> Vec<String> {
        let calls = self.0.lock().expect("not poisoned");
        let text = |call: &Vec<u8>| String::from_utf8(call.clone());
        calls
            .iter()
            .map(|call| text(call).expect("UTF-8"))
            .collect()
    }
}

fn log(level: Level) -> (Log, Calls) {
    let calls = Calls::default();
    let now = || Duration::from_micros(12_003_417);
    (Log::new(level, now, calls.clone()), calls)
}

/// I2: a line has time, level and message, and is one write.
#[test]
fn one_line_is_one_write() {
    let (log, calls) = log(Level::Debug);
    log.error(format_args!("{}", 1));
    log.warn(format_args!("{} {}", 2, "two"));
    log.info(format_args!("{:?} {:>5}", "three", 3));
    log.debug(format_args!("four"));
    assert_eq!(
        calls.lines(),
        [
            "   12.003417 ERROR 1\n",
            "   12.003417 WARN  2 two\n",
            "   12.003417 INFO  \"three\"     3\n",
            "   12.003417 DEBUG four\n",
        ]
    );
}

/// I2: a level lets itself and what matters more through; the ring has all.
#[test]
fn levels() {
    for (level, expected) in
        [(Level::Error, 1), (Level::Warn, 2), (Level::Info, 3)]
    {
        let (log, calls) = log(level);
        log.error(format_args!("e"));
        log.warn(format_args!("w"));
        log.info(format_args!("i"));
        log.debug(format_args!("d"));
        assert_eq!(calls.lines().len(), expected, "input: {level:?}");
        assert_eq!(log.recent().len(), 4, "input: {level:?}");
    }
    assert_eq!("warn".parse(), Ok(Level::Warn), "input: warn");
    assert!("WARNING".parse::<Level>().is_err(), "input: WARNING");
}

/// I1: no message makes a second line, or moves the cursor of a terminal.
#[test]
fn control_characters_are_escaped() {
    let (log, calls) = log(Level::Info);
    log.info(format_args!("bob\n    0.000000 ERROR pay {}", "\x1b[2J\r"));
    assert_eq!(
        calls.lines(),
        [concat!(
            "   12.003417 INFO  bob\\n    0.000000 ERROR pay ",
            "\\u{1b}[2J\\r\n"
        )]
    );
}

/// I3: the ring keeps the last lines, the oldest first.
#[test]
fn the_ring_forgets_the_oldest() {
    let (log, _) = log(Level::Error);
    for n in 0..RING + 3 {
        log.debug(format_args!("{n}"));
    }
    let recent = log.recent();
    assert_eq!(recent.len(), RING);
    assert_eq!(recent[0], "   12.003417 DEBUG 3");
    assert_eq!(recent[RING - 1], format!("   12.003417 DEBUG {}", RING + 2));
}

/// I3: a message of any length makes a line of at most LINE_MAX bytes.
#[test]
fn long_lines_are_cut() {
    let (log, calls) = log(Level::Info);
    // A cut may not fall into a character: 1, 2, 3 and 4 bytes long.
    for (n, text) in ["x", "é", "€", "🦀"].iter().enumerate() {
        log.info(format_args!("{}{}", "-".repeat(n), text.repeat(5_000)));
    }
    for line in calls.lines() {
        assert!(line.len() <= LINE_MAX, "{} bytes", line.len());
        assert!(line.len() > LINE_MAX - 40, "{} bytes", line.len());
        assert!(line.ends_with("...\n"), "got {:?}", &line[4_000..]);
    }
    log.info(format_args!("{}", "x".repeat(4_000)));
    assert!(calls.lines()[4].ends_with("xx\n"), "4,000 bytes fit");
}

/// I2: lines of many threads come whole, in the order of the ring.
#[test]
fn threads_do_not_mix_lines() {
    let (log, calls) = log(Level::Info);
    thread::scope(|scope| {
        for thread in 0..4 {
            let log = log.clone();
            scope.spawn(move || {
                for n in 0..60 {
                    log.info(format_args!("thread {thread} line {n}"));
                }
            });
        }
    });
    let lines = calls.lines();
    assert_eq!(lines.len(), 240);
    let written: Vec<&str> = lines.iter().map(|l| l.trim_end()).collect();
    assert_eq!(written, log.recent());
    for thread in 0..4 {
        let own = format!("thread {thread} ");
        let own: Vec<_> = written.iter().filter(|l| l.contains(&own)).collect();
        let numbered =
            |(n, line): (usize, &&&str)| line.ends_with(&format!(" line {n}"));
        assert!(own.iter().enumerate().all(numbered), "got {own:?}");
    }
}

/// I4: a writer that fails costs lines, which are counted, and nothing else.
#[test]
fn a_writer_that_fails() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::new(Level::Info, || Duration::ZERO, Full);
    log.info(format_args!("one"));
    log.debug(format_args!("two"));
    log.info(format_args!("three"));
    assert_eq!(log.lost(), 2);
    assert_eq!(log.recent().len(), 3);
}

/// I4: a value whose Display fails or panics does not end the log.
#[test]
fn a_value_that_fails() {
    struct Fails;
    impl fmt::Display for Fails {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in Display")
        }
    }
    let (log, calls) = log(Level::Info);
    log.info(format_args!("before {Fails} after"));
    let other = log.clone();
    let ended = thread::spawn(move || other.info(format_args!("{Panics}")));
    assert!(ended.join().is_err(), "the panic is the caller's to see");
    log.info(format_args!("still here"));
    assert_eq!(
        calls.lines(),
        [
            "   12.003417 INFO  before \n",
            "   12.003417 INFO  still here\n"
        ]
    );
}

/// I4: a message may itself use the log without waiting for ever.
#[test]
fn a_value_that_logs() {
    struct Logs(Log);
    impl fmt::Display for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.info(format_args!("inner"));
            f.write_str("outer")
        }
    }
    let (log, calls) = log(Level::Info);
    log.info(format_args!("{}", Logs(log.clone())));
    let ends: Vec<String> = calls.lines();
    assert_eq!(
        ends,
        ["   12.003417 INFO  inner\n", "   12.003417 INFO  outer\n"]
    );
}

/// I3: a line is within LINE_MAX even with the longest stamp there is, and
/// with a last character that takes ten bytes once it is escaped.
#[test]
fn the_longest_line() {
    for tail in ["x", "\u{9f}", "\u{1b}", "\n"] {
        let calls = Calls::default();
        let log = Log::new(Level::Info, || Duration::MAX, calls.clone());
        for fill in 4_040..4_070 {
            log.info(format_args!("{}{}", "x".repeat(fill), tail.repeat(9)));
        }
        for line in calls.lines() {
            let n = line.len();
            assert!(n <= LINE_MAX, "input: {tail:?}, a line of {n} bytes");
        }
    }
}

/// I4: a writer that panics, under the lock, does not end the log.
#[test]
fn a_writer_that_panics() {
    struct Rude(bool);

    impl Write for Rude {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(std::mem::replace(&mut self.0, true), "the first write");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::new(Level::Info, || Duration::ZERO, Rude(false));
    let other = log.clone();
    let first = thread::spawn(move || other.info(format_args!("first")));
    assert!(first.join().is_err(), "the panic is the writer's own");
    log.info(format_args!("second"));
    assert_eq!(log.recent(), ["    0.000000 INFO  second"]);
}
