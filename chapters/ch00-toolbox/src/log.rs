//! Step 2: a log.
//!
//! ```text
//! log.info(format_args!("{peer} joined"))
//!        |
//!        v
//!   one line: "   12.003417 INFO  127.0.0.1:51234 joined\n"
//!        |                                  \
//!        v always                            v if its level is let through
//!   ring of the last RING lines           one write(2) to the writer
//! ```
//!
//! - **I1** A record is one line: control characters in it are escaped, so
//!   that no message can forge a second one.
//! - **I2** A line reaches the writer in one call of `write_all`, whole, and
//!   lines of many threads come in the order of the ring.
//! - **I3** Memory is bounded: RING lines of at most LINE_MAX bytes.
//! - **I4** Logging never fails, never panics and never ends the program.
//!
//! Left out: targets and per-module levels, structured fields, rotation (the
//! writer's business: `logrotate`, `journald`), sampling.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines kept in memory. With LINE_MAX, at most 1 MiB.
pub const RING: usize = 256;

/// Bytes of a line, its newline included: PIPE_BUF on Linux, the most that a
/// pipe takes from one write without mixing it with another process's.
pub const LINE_MAX: usize = 4096;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something was lost or refused: somebody has to act.
    Error,
    /// Something is wrong and was survived.
    Warn,
    /// What the program did, in a few lines per connection or job.
    Info,
    /// What a developer asks for afterwards.
    Debug,
}

impl Level {
    fn label(self) -> &'static str {
        match self {
            Level::Error => "ERROR",
            Level::Warn => "WARN ",
            Level::Info => "INFO ",
            Level::Debug => "DEBUG",
        }
    }
}

/// The text is not one of `error`, `warn`, `info`, `debug`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLevel;

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Level, UnknownLevel> {
        match text {
            "error" => Ok(Level::Error),
            "warn" => Ok(Level::Warn),
            "info" => Ok(Level::Info),
            "debug" => Ok(Level::Debug),
            _ => Err(UnknownLevel),
        }
    }
}

/// A log. Clones are cheap and write to the same place.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

// ANCHOR: log
struct Inner {
    /// Lines above this level stay in the ring.
    level: Level,
    /// The time since the start. A function, so that tests decide it.
    now: Box<dyn Fn() -> Duration + Send + Sync>,
    /// One lock for the ring and the writer, so that both have one order.
    out: Mutex<Out>,
}

struct Out {
    writer: Box<dyn Write + Send>,
    ring: VecDeque<String>,
    lost: u64,
}
// ANCHOR_END: log

impl Log {
    /// A log that writes lines up to `level` to `writer`, stamped by `now`.
    pub fn new<N, W>(level: Level, now: N, writer: W) -> Log
    where
        N: Fn() -> Duration + Send + Sync + 'static,
        W: Write + Send + 'static,
    {
        let out = Out {
            writer: Box::new(writer),
            ring: VecDeque::new(),
            lost: 0,
        };
        let inner = Inner {
            level,
            now: Box::new(now),
            out: Mutex::new(out),
        };
        Log {
            inner: Arc::new(inner),
        }
    }

    /// A log to stderr, stamped with the time since this call.
    pub fn to_stderr(level: Level) -> Log {
        let start = Instant::now();
        Log::new(level, move || start.elapsed(), io::stderr())
    }

    /// Somebody has to act.
    pub fn error(&self, message: fmt::Arguments<'_>) {
        self.record(Level::Error, message);
    }

    /// Wrong, and survived.
    pub fn warn(&self, message: fmt::Arguments<'_>) {
        self.record(Level::Warn, message);
    }

    /// What the program did.
    pub fn info(&self, message: fmt::Arguments<'_>) {
        self.record(Level::Info, message);
    }

    /// For afterwards.
    pub fn debug(&self, message: fmt::Arguments<'_>) {
        self.record(Level::Debug, message);
    }

    // ANCHOR: record
    /// Formats one line, keeps it, and writes it if its level is let through.
    pub fn record(&self, level: Level, message: fmt::Arguments<'_>) {
        // Before the lock: formatting runs the caller's code, which may be
        // slow, may panic, and may log.
        let message = Message::of(message);
        let mut out = self.lock();
        // Under the lock: the order of lines is the order of their stamps.
        let now = (self.inner.now)();
        let line = format!(
            "{:5}.{:06} {} {message}\n",
            now.as_secs(),
            now.subsec_micros(),
            level.label(),
        );
        if level <= self.inner.level {
            let written = out.writer.write_all(line.as_bytes());
            out.lost += u64::from(written.is_err());
        }
        if out.ring.len() == RING {
            out.ring.pop_front();
        }
        out.ring.push_back(line);
    }
    // ANCHOR_END: record

    // ANCHOR: recent
    /// The last lines of every level, the oldest first, without newlines.
    pub fn recent(&self) -> Vec<String> {
        let out = self.lock();
        out.ring
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }
    // ANCHOR_END: recent

    /// How many lines the writer refused.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// A panic while the lock was held left whole lines behind, so the log
    /// goes on after it.
    fn lock(&self) -> MutexGuard<'_, Out> {
        self.inner
            .out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of a line beside its message: 20 digits of seconds at most, a dot,
/// 6 digits, a space, 5 letters, a space, and the newline.
const STAMP: usize = 20 + 1 + 6 + 1 + 5 + 1 + 1;

/// A message under construction: escaped, and bounded.
struct Message {
    text: String,
    full: bool,
}

// ANCHOR: message
impl Message {
    fn of(arguments: fmt::Arguments<'_>) -> String {
        let mut message = Message {
            text: String::new(),
            full: false,
        };
        // A Display that fails leaves what it wrote so far: better than none.
        let _ = message.write_fmt(arguments);
        if message.full {
            message.text.push_str("...");
        }
        message.text
    }
}
// ANCHOR_END: message

// ANCHOR: escape
impl fmt::Write for Message {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for c in part.chars() {
            let start = self.text.len();
            if c.is_control() {
                self.text.extend(c.escape_default());
            } else {
                self.text.push(c);
            }
            if self.text.len() > LINE_MAX - STAMP - "...".len() {
                self.text.truncate(start);
                self.full = true;
                // Stops whoever formats: there is no use in going on.
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}
// ANCHOR_END: escape
