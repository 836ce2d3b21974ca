//! Step 1: a command line, from a table.
//!
//! The kernel hands a program its arguments as an array of byte strings. What
//! an option is, where its value ends and where the operands begin is only a
//! convention, and this module keeps the one that POSIX and GNU share:
//!
//! ```text
//! argument        read as
//! --help, -h      print the help and end with status 0
//! --name value    the option's value is the next argument
//! --name=value    the same in one argument; the value may start with --
//! --name          a switch, when the table gives the option no value
//! --              the end of options: all that follows are operands
//! -               an operand (by custom: standard input)
//! anything else   an operand
//! ```
//!
//! - **I1** Whatever the bytes, parsing ends in a [`Parsed`] or in one line
//!   that names the argument; it never panics.
//! - **I2** An argument after `--` is an operand, whatever it starts with.
//! - **I3** The help is made from the same table that parses.
//! - **I4** A usage error ends with status 2, another failure with 1, and
//!   `--help` with 0 and its text on stdout, or with 1 if it did not get
//!   there.
//!
//! Left out: single-letter options and their clusters (`tar -xzf`), options
//! that may be shortened while they stay unique (`getopt_long` does that, so
//! that a new option can break an old script), and file names that are not
//! UTF-8 (they are refused with a clear line; ripgrep lets them through).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{self, Display, Write as _};
use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::{self, ExitCode};
use std::str::FromStr;

// ANCHOR: table
/// One option of a command: a row of its table.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// The name without its dashes: `addr`.
    pub name: &'static str,
    /// What the help calls the value: `HOST:PORT`. `None` makes a switch.
    pub value: Option<&'static str>,
    /// The value when the option is not given.
    pub default: Option<&'static str>,
    /// One line for the help.
    pub help: &'static str,
}

/// A program's whole command line, as data.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// The program's name: what its messages start with.
    pub name: &'static str,
    /// One line: what it is.
    pub about: &'static str,
    /// The operands as the help shows them, which is also what is checked:
    /// `FILE` is required, `[FILE]` may be left out, `FILE...` may repeat.
    pub operands: &'static str,
    /// The options, in the order of the help.
    pub options: &'static [Opt],
    /// What to try first, shown at the end of the help.
    pub try_it: &'static str,
}
// ANCHOR_END: table

/// Why parsing ended without arguments to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The user asked for help: this is the text.
    Help(String),
    /// The user made a mistake: this is the line that says which.
    Usage(String),
}

impl Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Help(text) | Stop::Usage(text) => f.write_str(text),
        }
    }
}

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Parsed {
    command: Command,
    given: BTreeMap<&'static str, String>,
    operands: Vec<String>,
}

impl Command {
    // ANCHOR: parse
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// [`Stop::Help`] where the user asked for it before any mistake,
    /// [`Stop::Usage`] at the first mistake.
    pub fn parse<I>(&self, args: I) -> Result<Parsed, Stop>
    where
        I: IntoIterator<Item = OsString>,
    {
        let mut args = args.into_iter();
        let mut given = BTreeMap::new();
        let mut operands = Vec::new();
        let mut options_end = false;
        while let Some(arg) = args.next() {
            let arg = text(arg)?;
            if options_end || arg == "-" || !arg.starts_with('-') {
                operands.push(arg);
            } else if arg == "--" {
                options_end = true;
            } else if arg == "--help" || arg == "-h" {
                return Err(Stop::Help(self.help()));
            } else {
                let (opt, value) = self.option(&arg, &mut args)?;
                given.insert(opt.name, value);
            }
        }
        self.check_operands(&operands)?;
        Ok(Parsed {
            command: *self,
            given,
            operands,
        })
    }
    // ANCHOR_END: parse

    // ANCHOR: option
    /// One option, with its value from the same argument or from the next.
    fn option(
        &self,
        arg: &str,
        rest: &mut dyn Iterator<Item = OsString>,
    ) -> Result<(&'static Opt, String), Stop> {
        let (name, joined) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg, None),
        };
        let opt = self
            .options
            .iter()
            .find(|opt| name.strip_prefix("--") == Some(opt.name))
            .ok_or_else(|| Stop::Usage(format!("unknown option {name}")))?;
        match (opt.value, joined) {
            (None, None) => Ok((opt, String::new())),
            (None, Some(_)) => {
                Err(Stop::Usage(format!("{name} is a switch: no value")))
            }
            (Some(_), Some(value)) => Ok((opt, value)),
            (Some(what), None) => Ok((opt, next_value(name, what, rest)?)),
        }
    }
    // ANCHOR_END: option

    /// Counts the operands against what the help promises.
    fn check_operands(&self, operands: &[String]) -> Result<(), Stop> {
        let words: Vec<&str> = self.operands.split_whitespace().collect();
        let many = words.iter().any(|word| word.contains("..."));
        let required = |word: &&&str| !word.starts_with('[');
        let least = words.iter().filter(required).count();
        if let (Some(extra), false) = (operands.get(words.len()), many) {
            return Err(Stop::Usage(format!("unexpected operand {extra:?}")));
        }
        if operands.len() < least {
            let missing = words.iter().filter(required).nth(operands.len());
            let missing = missing.copied().unwrap_or("operand");
            return Err(Stop::Usage(format!("missing {missing}")));
        }
        Ok(())
    }

    // ANCHOR: help
    /// The help: the same table, laid out for people.
    pub fn help(&self) -> String {
        let mut rows: Vec<(String, String)> = Vec::new();
        for opt in self.options {
            let left = match opt.value {
                Some(value) => format!("--{} {value}", opt.name),
                None => format!("--{}", opt.name),
            };
            let right = match opt.default {
                Some(default) => format!("{} [default: {default}]", opt.help),
                None => opt.help.to_owned(),
            };
            rows.push((left, right));
        }
        rows.push(("--help".into(), "print this and end".into()));
        let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);

        let mut text = format!("{}: {}\n\n", self.name, self.about);
        let usage = format!("Usage: {} [OPTIONS] {}", self.name, self.operands);
        text.push_str(usage.trim_end());
        text.push_str("\n\nOptions:\n");
        for (left, right) in rows {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {left:width$}  {right}");
        }
        if !self.try_it.is_empty() {
            text.push_str("\nTry:\n");
            for line in self.try_it.lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }
    // ANCHOR_END: help

    /// Reads this process's own arguments. Help and mistakes end the process
    /// here, with their status, so that a `main` goes on with good arguments
    /// or not at all.
    pub fn from_env(&self) -> Parsed {
        match self.parse(std::env::args_os().skip(1)) {
            Ok(parsed) => parsed,
            Err(stop) => process::exit(say(self.name, &stop).into()),
        }
    }
}

// ANCHOR: text
/// The text of an argument, or a line that shows its bytes.
fn text(arg: OsString) -> Result<String, Stop> {
    arg.into_string().map_err(|arg| {
        let shown = arg.as_encoded_bytes().escape_ascii();
        Stop::Usage(format!("argument \"{shown}\" is not UTF-8"))
    })
}
// ANCHOR_END: text

// ANCHOR: next_value
/// The argument after `--name`, which must not look like an option itself:
/// `--addr --port 80` is a forgotten value far more often than an address.
fn next_value(
    name: &str,
    what: &str,
    rest: &mut dyn Iterator<Item = OsString>,
) -> Result<String, Stop> {
    let Some(value) = rest.next() else {
        return Err(Stop::Usage(format!("{name} wants {what}")));
    };
    let value = text(value)?;
    if value.starts_with("--") {
        return Err(Stop::Usage(format!(
            "{name} wants {what}, got {value} (if you mean it: {name}={value})"
        )));
    }
    Ok(value)
}
// ANCHOR_END: next_value

impl Parsed {
    /// The option's value, or its default, or `None`.
    ///
    /// # Panics
    /// When the command's table has no such option: that is a mistake in the
    /// program, which no command line can cause or mend.
    pub fn text(&self, name: &str) -> Option<&str> {
        let default = self.row(name).default;
        self.given.get(name).map(String::as_str).or(default)
    }

    /// Whether the switch was given.
    ///
    /// # Panics
    /// As [`Parsed::text`].
    pub fn switch(&self, name: &str) -> bool {
        self.given.contains_key(self.row(name).name)
    }

    /// The operands, in order.
    pub fn operands(&self) -> &[String] {
        &self.operands
    }

    // ANCHOR: value
    /// The option's value, or its default, as a `T`.
    ///
    /// # Errors
    /// [`Stop::Usage`] when the value is not a `T`, or when there is neither
    /// a value nor a default; the line names option and value.
    ///
    /// # Panics
    /// As [`Parsed::text`].
    pub fn value<T: FromStr>(&self, name: &str) -> Result<T, Stop> {
        let what = self.row(name).value.unwrap_or("a value");
        let Some(text) = self.text(name) else {
            return Err(Stop::Usage(format!("--{name} {what} is required")));
        };
        text.parse().map_err(|_| {
            Stop::Usage(format!("--{name} wants {what}, got {text:?}"))
        })
    }
    // ANCHOR_END: value

    /// Where to listen or connect: `--addr`, with `--port` in place of its
    /// port where that is given. A name is looked up; its first address wins.
    ///
    /// # Errors
    /// [`Stop::Usage`] when there is no such address.
    ///
    /// # Panics
    /// When the table lacks [`addr_opt`] or [`PORT`].
    pub fn addr(&self) -> Result<SocketAddr, Stop> {
        let text: String = self.value("addr")?;
        let wrong = |why: &dyn Display| {
            Stop::Usage(format!("--addr wants HOST:PORT, got {text:?}: {why}"))
        };
        let mut found =
            text.to_socket_addrs().map_err(|error| wrong(&error))?;
        let mut addr = found
            .next()
            .ok_or_else(|| wrong(&"the name has no address"))?;
        if self.text("port").is_some() {
            addr.set_port(self.value("port")?);
        }
        Ok(addr)
    }

    fn row(&self, name: &str) -> &'static Opt {
        let mut rows = self.command.options.iter();
        match rows.find(|opt| opt.name == name) {
            Some(row) => row,
            None => panic!("{} has no option --{name}", self.command.name),
        }
    }
}

// given: a `const` is evaluated by the compiler, so a starter cannot cut it.
/// The row `--addr HOST:PORT`, with the address to use when none is given.
pub const fn addr_opt(default: &'static str) -> Opt {
    Opt {
        name: "addr",
        value: Some("HOST:PORT"),
        default: Some(default),
        help: "the address to use",
    }
}
// given end

/// The row `--port N`, which stands in for the port of `--addr`.
pub const PORT: Opt = Opt {
    name: "port",
    value: Some("N"),
    default: None,
    help: "use this port instead; 0 takes a free one",
};

/// Ends a `main` whose work failed: one line on stderr, status 1.
pub fn fail(name: &str, message: impl Display) -> ExitCode {
    // If stderr is closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{name}: {message}");
    ExitCode::FAILURE
}

/// Ends a `main` whose arguments were wrong, or that was asked for help.
pub fn usage(name: &str, stop: Stop) -> ExitCode {
    ExitCode::from(say(name, &stop))
}

// ANCHOR: say
/// Prints what parsing ended with, and gives the exit status.
fn say(name: &str, stop: &Stop) -> u8 {
    match stop {
        Stop::Help(text) => {
            // Not `print!`, which panics where this can fail.
            let mut out = std::io::stdout();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                // `| head` has read enough: nobody is left to be told.
                Err(e) if e.kind() == ErrorKind::BrokenPipe => 0,
                Err(e) => {
                    let _ = writeln!(std::io::stderr(), "{name}: {e}");
                    1
                }
                Ok(()) => 0,
            }
        }
        Stop::Usage(line) => {
            let line = format!("{name}: {line}; see {name} --help\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            2
        }
    }
}
// ANCHOR_END: say
