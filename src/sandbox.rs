//! Runs a reader's block: compiles it against the chapters of this machine and starts it under the supervisor.
//!
//! A block is compiled by `rustc` itself, not by cargo: there is no package to set up, and the chapters' libraries are
//! already built. What limits and ends it is in [`crate::supervise`].

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::watch;

use crate::supervise::{Exit, Frame, Limits, Spec, command};

/// What a block may use while it runs. A block ends in less than a second; one that needs more than this is not for a page.
pub const RUN: Limits = Limits {
    wall_ms: 60_000,
    cpu_s: 20,
    memory_mib: 1024,
    address_mib: 8192,
    processes: 64,
    threads: 256,
    output_kib: 256,
    file_mib: 64,
    disk_mib: 256,
};

/// What the compiler may use for a block.
pub const COMPILE: Limits = Limits {
    wall_ms: 120_000,
    cpu_s: 100,
    memory_mib: 4096,
    address_mib: 64 * 1024,
    processes: 64,
    threads: 512,
    output_kib: 256,
    file_mib: 512,
    disk_mib: 1024,
};

/// What a stage on a page may use. It runs until it is stopped or the page is closed.
pub const STAGE: Limits = Limits {
    wall_ms: 0,
    cpu_s: 0,
    memory_mib: 1024,
    address_mib: 64 * 1024,
    processes: 64,
    threads: 2048,
    output_kib: 0,
    file_mib: 1024,
    disk_mib: 2048,
};

/// What the server allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// To a block that runs.
    pub run: Limits,
    /// How long a browser may read nothing of what is sent to it before its connection is closed.
    pub unread_ms: u64,
}

impl Default for Allowed {
    fn default() -> Allowed {
        Allowed { run: RUN, unread_ms: 30_000 }
    }
}

impl Allowed {
    /// This with what `WORKBOOK_LIMITS` changes: `wall_ms=5000,cpu_s=2`. Unknown names and values are refused, so that a typo
    /// does not pass for a limit.
    ///
    /// # Errors
    /// When the text names no limit, or gives it no number.
    pub fn adjusted(mut self, text: &str) -> Result<Allowed> {
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair
                .split_once('=')
                .with_context(|| format!("WORKBOOK_LIMITS: {pair:?} is not name=number"))?;
            let value: u64 = value.trim().parse().with_context(|| {
                format!("WORKBOOK_LIMITS: {value:?} is not a number for {name}")
            })?;
            *match name.trim() {
                "wall_ms" => &mut self.run.wall_ms,
                "cpu_s" => &mut self.run.cpu_s,
                "memory_mib" => &mut self.run.memory_mib,
                "address_mib" => &mut self.run.address_mib,
                "processes" => &mut self.run.processes,
                "threads" => &mut self.run.threads,
                "output_kib" => &mut self.run.output_kib,
                "file_mib" => &mut self.run.file_mib,
                "disk_mib" => &mut self.run.disk_mib,
                "unread_ms" => &mut self.unread_ms,
                other => anyhow::bail!("WORKBOOK_LIMITS: there is no limit {other:?}"),
            } = value;
        }
        Ok(self)
    }
}

/// Counts the supervisors that live, so that the server can wait for the last one before it ends.
#[derive(Debug, Clone)]
pub struct Jobs(watch::Sender<usize>);

impl Default for Jobs {
    fn default() -> Jobs {
        Jobs(watch::Sender::new(0))
    }
}

impl Jobs {
    /// Starts a program under a supervisor of its own.
    ///
    /// # Errors
    /// When the supervisor cannot be started.
    pub fn start(&self, spec: &Spec) -> Result<Job> {
        let began = Instant::now();
        // A group of its own: Ctrl-C in the terminal is for the server, which then closes its pipes (I1 of the supervisor).
        let mut child = tokio::process::Command::from(command("__supervise", spec))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .spawn()
            .context("cannot start the supervisor")?;
        let control = child.stdin.take().context("the supervisor has no stdin")?;
        let stdout = child.stdout.take().context("the supervisor has no stdout")?;
        self.count(child);
        Ok(Job { control, frames: BufReader::new(stdout).lines(), began })
    }

    fn count(&self, mut child: Child) {
        let jobs = self.clone();
        jobs.0.send_modify(|live| *live += 1);
        tokio::spawn(async move {
            let _ = child.wait().await;
            jobs.0.send_modify(|live| *live -= 1);
        });
    }

    /// Returns when no supervisor lives.
    pub async fn none_left(&self) {
        let _ = self.0.subscribe().wait_for(|live| *live == 0).await;
    }
}

/// A program under supervision. Dropping it ends the program and all that it started.
#[derive(Debug)]
pub struct Job {
    control: ChildStdin,
    frames: Lines<BufReader<ChildStdout>>,
    began: Instant,
}

impl Job {
    /// The next thing to know about the program; after [`Frame::Exit`], nothing.
    pub async fn next(&mut self) -> Frame {
        match self.frames.next_line().await {
            Ok(Some(line)) => serde_json::from_str(&line)
                .unwrap_or_else(|_| self.lost("The supervisor said what it never says.")),
            _ => self.lost("The supervisor was killed, and the program with it."),
        }
    }

    /// Asks the program to end (SIGTERM); it is killed if it does not.
    pub async fn stop(&mut self) {
        // When the supervisor is gone, `next` says so.
        let _ = self.control.write_all(b"stop\n").await;
    }

    fn lost(&self, text: &str) -> Frame {
        let wall_ms = self.began.elapsed().as_millis() as u64;
        Frame::Exit(Exit { text: text.to_owned(), wall_ms, ..Exit::default() })
    }
}

/// The environment of what runs for a page: enough to find programs, and nothing of the server's own.
pub fn environment(dir: &Path) -> Vec<(String, String)> {
    let mut env = vec![("TMPDIR".to_owned(), dir.display().to_string())];
    for name in ["PATH", "HOME", "LANG", "LC_ALL", "USER", "RUSTUP_HOME", "CARGO_HOME"] {
        if let Ok(value) = std::env::var(name) {
            env.push((name.to_owned(), value));
        }
    }
    env
}

/// A block as the compiler gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The whole program.
    pub source: String,
    /// Compile it with `--test`: it has tests and no `main`.
    pub is_test: bool,
}

impl Block {
    /// The program that a page's text means. As rustdoc has it: text without a `main` is the body of one, unless it has tests.
    pub fn new(text: &str) -> Block {
        let (has_main, has_tests) = found_in_tokens(text).unwrap_or_else(|| found_in_lines(text));
        let is_test = !has_main && has_tests;
        if has_main || is_test {
            return Block { source: text.to_owned(), is_test };
        }
        let inner: Vec<&str> =
            text.lines().take_while(|line| line.is_empty() || line.starts_with("#![")).collect();
        let rest: Vec<&str> = text.lines().skip(inner.len()).collect();
        let source = format!("{}\nfn main() {{\n{}\n}}\n", inner.join("\n"), rest.join("\n"));
        Block { source, is_test }
    }
}

/// Whether a text has a `main` of its own, and tests in any module; `None` when it is not made of Rust's tokens.
fn found_in_tokens(text: &str) -> Option<(bool, bool)> {
    let tokens: TokenStream = text.parse().ok()?;
    let (mut has_main, mut has_tests) = (false, false);
    let mut is_top = true;
    // By a list of what is left, since groups within groups may be many.
    let mut pending = vec![tokens];
    while let Some(tokens) = pending.pop() {
        let mut last = String::new();
        for token in tokens {
            if let TokenTree::Group(group) = token {
                has_tests |= last == "#" && is_test(&group);
                pending.push(group.stream());
                last.clear();
            } else {
                let word = token.to_string();
                has_main |= is_top && last == "fn" && word == "main";
                last = word;
            }
        }
        is_top = false;
    }
    // It keeps every text that it ever read, for positions that nobody asks for any more.
    proc_macro2::extra::invalidate_current_thread_spans();
    Some((has_main, has_tests))
}

/// `[test]`
fn is_test(group: &Group) -> bool {
    let mut tokens = group.stream().into_iter();
    let is_word = matches!(tokens.next(), Some(TokenTree::Ident(word)) if word == "test");
    group.delimiter() == Delimiter::Bracket && is_word && tokens.next().is_none()
}

/// The same for a text with a bracket that is not closed and the like: the compiler will say what is wrong with it.
fn found_in_lines(text: &str) -> (bool, bool) {
    let has = |pattern: &str| text.lines().any(|line| line.trim_start().starts_with(pattern));
    let has_main = ["fn main(", "pub fn main(", "async fn main("].iter().any(|main| has(main));
    (has_main, has("#[test]"))
}

/// What it takes to compile a block.
#[derive(Debug, Clone, Default)]
pub struct Toolchain {
    /// The compiler itself, not the shim that picks one (which costs more than a small compilation).
    pub rustc: PathBuf,
}

impl Toolchain {
    /// Finds the compiler that the repository is built with.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(root: &Path) -> Result<Toolchain> {
        let output = std::process::Command::new("rustc")
            .current_dir(root)
            .args(["--print", "sysroot"])
            .stdin(Stdio::null())
            .output()
            .context("cannot run rustc: is the Rust toolchain on the PATH?")?;
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let rustc = sysroot.join("bin/rustc");
        Ok(Toolchain { rustc: if rustc.is_file() { rustc } else { "rustc".into() } })
    }

    /// The compilation of `dir/listing.rs` to `dir/listing` against libraries (name and file).
    pub fn compilation(
        &self,
        dir: &Path,
        is_test: bool,
        libraries: &[(String, PathBuf)],
        limits: Limits,
    ) -> Spec {
        let mut args: Vec<String> = [
            "--edition=2024",
            "--crate-name=listing",
            "--color=never",
            "--diagnostic-width=90",
            "-Cdebuginfo=0",
            "-Cstrip=debuginfo",
            // A listing brings its whole file along; what the page does not use of it is no mistake.
            "-Adead_code",
            "-Aunused_imports",
            "-o",
            "listing",
            "listing.rs",
        ]
        .map(str::to_owned)
        .to_vec();
        if is_test {
            args.push("--test".into());
        } else {
            args.push("--crate-type=bin".into());
        }
        let mut folders: Vec<&Path> =
            libraries.iter().filter_map(|(_, file)| file.parent()).collect();
        folders.dedup();
        for folder in folders {
            args.push("-L".into());
            args.push(format!("dependency={}", folder.display()));
        }
        for (name, file) in libraries {
            args.push("--extern".into());
            args.push(format!("{name}={}", file.display()));
        }
        Spec {
            program: self.rustc.clone(),
            args,
            env: environment(dir),
            dir: dir.to_path_buf(),
            scratch: Some(dir.to_path_buf()),
            unprivileged: false,
            limits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_main_is_the_body_of_one() {
        let check = |text: &str, source: Option<&str>, is_test: bool| {
            let block = Block::new(text);
            assert_eq!(block.source, source.unwrap_or(text), "input: {text}");
            assert_eq!(block.is_test, is_test, "input: {text}");
        };
        check("fn main() {}", None, false);
        check("#[test]\nfn a() {}\nfn main() {}", None, false);
        check("#[test]\nfn a() {}", None, true);
        check("mod t {\n    #[test]\n    fn a() {}\n}", None, true);
        // Wherever `fn main` stands, and however it is written.
        check("use std::io; fn main() { println!(\"hi\"); }", None, false);
        check("#[allow(unused)] fn main() {}", None, false);
        check("fn main () {}", None, false);
        check("pub(crate) fn main() {}", None, false);
        check("fn\nmain() {}", None, false);
        check("#[cfg(test)] mod t { #[test] fn a() {} }", None, true);
        // Not where it only looks like one.
        let wrapped = |text: &str| format!("\nfn main() {{\n{text}\n}}\n");
        for text in
            ["let a = \"\nfn main() {}\";", "mod a {\n    fn main() {}\n}", "/*\nfn main() {}\n*/"]
        {
            check(text, Some(&wrapped(text)), false);
        }
        check("let a = [test];", Some(&wrapped("let a = [test];")), false);
        // What is not Rust is left as it is: the compiler tells.
        check("fn main() {", None, false);
        let deep = "(".repeat(100_000) + &")".repeat(100_000);
        check(&deep, Some(&wrapped(&deep)), false);
        check("let a = 1;", Some("\nfn main() {\nlet a = 1;\n}\n"), false);
        check("#![allow(x)]\nlet a;", Some("#![allow(x)]\nfn main() {\nlet a;\n}\n"), false);
    }

    #[test]
    fn limits_are_changed_by_name_and_typos_are_refused() {
        let usual = Allowed::default();
        assert_eq!(usual.adjusted("").expect("nothing to change"), usual);
        let changed = usual.adjusted("wall_ms=5, cpu_s=2,unread_ms=7").expect("three limits");
        assert_eq!((changed.run.wall_ms, changed.run.cpu_s, changed.unread_ms), (5, 2, 7));
        assert_eq!(changed.run.memory_mib, usual.run.memory_mib);
        assert!(usual.adjusted("wal_ms=5").is_err());
        assert!(usual.adjusted("wall_ms=fast").is_err());
        assert!(usual.adjusted("wall_ms").is_err());
    }
}
