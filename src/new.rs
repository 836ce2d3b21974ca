//! `new`: lays out an empty chapter that passes all checks.
//!
//! It writes the crate, the chapter's page, a line of `book/SUMMARY.md` and one of `tests/Cargo.toml`. The finished stage
//! listens and ends as a stage must, and the page says under each heading what belongs there.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use regex::Regex;

use crate::chapter::Chapter;
use crate::rebuild::Files;
use crate::start;

/// What follows the word `new`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The chapter's name: `ch08-sql`
    pub name: String,
}

/// Lays out the chapter, and says what to write first.
///
/// # Errors
/// When the name is no chapter's, its number is taken, or a file cannot be written. Nothing that is there is overwritten.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let chapters = Chapter::all(root)?;
    let new = New::named(&args.name, &chapters)?;
    let (crate_dir, page_dir) =
        (root.join("chapters").join(new.name), root.join("book").join(new.name));
    for dir in [&crate_dir, &page_dir] {
        if dir.exists() {
            bail!("{} is there already", dir.strip_prefix(root).unwrap_or(dir).display());
        }
    }
    // Both texts are made before anything is written.
    let summary = root.join("book/SUMMARY.md");
    let listed = in_order(&read(&summary)?, &SUMMARY_LINE, new.number, &new.summary_line())
        .with_context(|| format!("{} lists no chapter", summary.display()))?;
    let manifest = root.join("tests/Cargo.toml");
    let depended =
        in_order(&read(&manifest)?, &DEPENDENCY, new.number, &new.dependency("../chapters/"))
            .with_context(|| format!("{} depends on no chapter", manifest.display()))?;
    crate::write(&page_dir.join("README.md"), &new.page())?;
    start::put(root, &crate_dir, &new.files(&chapters))?;
    crate::write(&summary, &listed)?;
    crate::write(&manifest, &depended)?;
    println!("wrote   chapters/{0} and book/{0}/README.md", new.name);
    println!("listed  in book/SUMMARY.md and tests/Cargo.toml\n");
    println!("Run     cargo run -p {} -- --help", new.name);
    println!(
        "Next    a module in src/, its [[step]] in exercises.toml, and its stage, tests and page:"
    );
    println!("        CONTRIBUTING.md says how they fit together, `cargo test` checks it");
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

static NAME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^ch([0-9]{2})-([a-z][a-z0-9]*(?:-[a-z0-9]+)*)$"));
/// A chapter's line of `SUMMARY.md`, and those of its pages below it.
static SUMMARY_LINE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*- \[[^]]*\]\(ch([0-9]{2})-"));
static DEPENDENCY: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ch([0-9]{2})-[a-z0-9-]+ = "));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that the tests have compiled")
}

/// The text with `line` behind the last line of a lower chapter, or before the first of a higher one; `None` if no line is
/// any chapter's.
fn in_order(text: &str, chapters: &Regex, number: u32, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let number_of = |line: &str| chapters.captures(line)?[1].parse::<u32>().ok();
    let lower = lines.iter().rposition(|line| number_of(line).is_some_and(|n| n < number));
    let higher = lines.iter().position(|line| number_of(line).is_some());
    let at = lower.map(|at| at + 1).or(higher)?;
    let mut out = lines[..at].concat();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(line);
    out.push('\n');
    out.push_str(&lines[at..].concat());
    Some(out)
}

/// A chapter that is not there yet.
struct New<'a> {
    name: &'a str,
    number: u32,
    title: String,
}

impl New<'_> {
    fn named<'a>(name: &'a str, chapters: &[Chapter]) -> Result<New<'a>> {
        let highest = chapters.iter().map(Chapter::number).max();
        let next = highest.map_or(0, |highest| highest + 1);
        let parts = NAME.captures(name);
        let Some((number, word)) =
            parts.and_then(|p| Some((p[1].parse::<u32>().ok()?, p[2].to_string())))
        else {
            return Err(crate::usage(format!(
                "a chapter is named as ch{next:02}-sql is: two digits, then words of a-z and 0-9; {name:?} is not"
            )));
        };
        if let Some(taken) = chapters.iter().find(|chapter| chapter.number() == number) {
            return Err(crate::usage(format!(
                "number {number:02} is taken by {}; ch{next:02}-{word} is free",
                taken.name
            )));
        }
        let mut title = word.replace('-', " ");
        title[..1].make_ascii_uppercase();
        Ok(New { name, number, title })
    }

    fn summary_line(&self) -> String {
        format!("- [ch{:02}: {}]({}/README.md)", self.number, self.title, self.name)
    }

    fn dependency(&self, folder: &str) -> String {
        format!("{0} = {{ path = \"{folder}{0}\" }}", self.name)
    }

    fn files(&self, chapters: &[Chapter]) -> Files {
        // Every chapter stands on the first, which parses its arguments and takes its signals.
        let toolbox = chapters
            .iter()
            .map(|chapter| chapter.name.as_str())
            .find(|name| name.starts_with("ch00-"));
        let toolbox = toolbox.unwrap_or("ch00-toolbox");
        let fill = |text: &str| {
            text.replace("@toolbox_lib@", &toolbox.replace('-', "_"))
                .replace("@toolbox@", toolbox)
                .replace("@lib@", &self.name.replace('-', "_"))
                .replace("@name@", self.name)
                .replace("@title@", &self.title)
                .replace("@port@", &(7000 + self.number).to_string())
                .into_bytes()
        };
        let files = [
            ("Cargo.toml", MANIFEST),
            ("rustfmt.toml", RUSTFMT),
            ("exercises.toml", EXERCISES),
            ("src/lib.rs", LIB),
            ("src/main.rs", MAIN),
        ];
        files.into_iter().map(|(path, text)| (path.into(), fill(text))).collect()
    }

    fn page(&self) -> String {
        PAGE.replace("@number@", &format!("{:02}", self.number)).replace("@title@", &self.title)
    }
}

const MANIFEST: &str = r#"[package]
name = "@name@"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lib]
doctest = false

[lints]
workspace = true

[dependencies]
@toolbox@ = { path = "../@toolbox@" }
"#;

const RUSTFMT: &str = r#"edition = "2024"
max_width = 80
reorder_modules = false # lib.rs lists them in step order
"#;

const EXERCISES: &str = r#"title = "@title@"
level = 1
minutes = 60
"#;

const LIB: &str = "//! @title@.
#![forbid(unsafe_code)]

extern crate self as @lib@;
";

const MAIN: &str = r#"//! The finished stage: it listens, and has nothing to say yet.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use @toolbox_lib@::args::{Command, PORT, addr_opt, fail, usage};
use @toolbox_lib@::sys::{Signal, Signals};

const COMMAND: Command = Command {
    name: "@name@",
    about: "Listens, and has nothing to say yet.",
    operands: "",
    options: &[addr_opt("127.0.0.1:@port@"), PORT],
    try_it: "nc 127.0.0.1 @port@",
};

fn main() -> ExitCode {
    let addr = match COMMAND.from_env().addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run(addr: SocketAddr) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    signals.wait();
    Ok(())
}
"#;

const PAGE: &str = "# ch@number@: @title@

What you will be able to do: the finished stage's transcript with the real client. Then what the real system is for and what it
promises, and a picture of the finished architecture.

## The contract

Numbered invariants, `I1` and on, and the wire or file format as a byte table.

## The steps

One line for each step: its page, and what works after it.

## Checkpoint

Find the line that keeps an invariant; make a given test fail; scenarios, with the criteria of an answer folded away.

## Measured

What `cargo run -- bench` has written, and what explains it.

## What the judges found

The bugs that the real clients found, and the test that keeps each away.

## In the real one

What the real system does that was left out, in which of its files, and whether it is an exercise, a later chapter or left for
good.

## When you outgrow this

Where to point the same client next.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn chapter(name: &str) -> Chapter {
        Chapter {
            name: name.into(),
            dir: name.into(),
            title: "A".into(),
            level: 1,
            minutes: 1,
            steps: Vec::new(),
            exercises: Vec::new(),
        }
    }

    #[test]
    fn a_line_goes_to_its_place_by_number() {
        let text = "# Summary\n\n- [A](ch00-a/README.md)\n  - [B](ch00-a/1-b.md)\n- [C](ch05-c/README.md)\n\n[End](end.md)\n";
        let put = |number, text: &str| in_order(text, &SUMMARY_LINE, number, "- [N](n)");
        let middle = text.replace("- [C]", "- [N](n)\n- [C]");
        assert_eq!(put(2, text).as_deref(), Some(middle.as_str()), "between two");
        let last = text.replace("\n\n[End]", "\n- [N](n)\n\n[End]");
        assert_eq!(put(8, text).as_deref(), Some(last.as_str()), "behind the last");
        let first = put(3, "- [C](ch05-c/README.md)");
        assert_eq!(first.as_deref(), Some("- [N](n)\n- [C](ch05-c/README.md)"), "before the first");
        let end = put(6, "- [C](ch05-c/README.md)");
        assert_eq!(end.as_deref(), Some("- [C](ch05-c/README.md)\n- [N](n)\n"), "no line's end");
        assert_eq!(put(1, "# Summary\n"), None);
        let manifest = "[dev-dependencies]\nch00-a = { path = \"a\" }\nsyn = \"2\"\n";
        assert_eq!(
            in_order(manifest, &DEPENDENCY, 8, "ch08-x = 1").as_deref(),
            Some("[dev-dependencies]\nch00-a = { path = \"a\" }\nch08-x = 1\nsyn = \"2\"\n")
        );
    }

    #[test]
    fn names_that_are_no_chapters_and_taken_numbers_are_refused() {
        let chapters = [chapter("ch00-toolbox"), chapter("ch01-sockets")];
        for name in [
            "",
            "sql",
            "ch8-sql",
            "ch08",
            "ch08-",
            "ch08-SQL",
            "ch08-a_b",
            "ch08-a/../b",
            "ch08--a",
            "ch08-1",
        ] {
            let error = New::named(name, &chapters).err().expect(name);
            assert!(error.is::<crate::Usage>(), "{name}");
            assert!(error.to_string().contains("named as ch02-sql is"), "{name}: {error}");
        }
        let error = New::named("ch01-sql", &chapters).err().expect("taken").to_string();
        assert_eq!(error, "number 01 is taken by ch01-sockets; ch02-sql is free");
        let new = New::named("ch08-key-value", &chapters).expect("fine");
        assert_eq!((new.number, new.title.as_str()), (8, "Key value"));
    }
}
