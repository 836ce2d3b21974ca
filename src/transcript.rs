//! Transcripts: shell commands and what they must print, on pages (`console` blocks) and in `judges/*.txt`.
//!
//! ```text
//! $ printf 'hello\n' | nc -N 127.0.0.1 7001      a command; `> ` continues it
//! hello                                          what it prints, stdout and stderr together
//! [..]                                           anything within a line
//! [...]                                          any number of lines
//! ```
//!
//! The commands run in order, by `sh -c` in the repository's root, each with a limit of time and in a process group of its
//! own. What a command leaves running in the background lives until the transcript ends.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use regex::Regex;

use crate::client;
use crate::processes::{self, Group};
use crate::stage::{self, Built, Stage};

/// A command that takes longer is killed. The slowest on a page waits for a stage's timeout of a second or two.
const LIMIT: Duration = Duration::from_secs(60);

/// Output beyond this is cut off: a transcript is read by people.
const OUTPUT_LIMIT: u64 = 1 << 20;

/// Lines of output that are compared. With `[...]` the comparison takes lines times lines.
const LINE_LIMIT: usize = 2000;

/// A transcript and what it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Where it stands: `book/ch01-sockets/1-echo.md` or `chapters/ch01-sockets/judges/nc_echo.txt`.
    pub file: String,
    /// What is judged, in a sentence; empty on a page.
    pub about: String,
    /// The stage to start: `ch01-sockets`, or `ch01-sockets/step1_echo`.
    pub stage: Option<String>,
    /// The stage's arguments.
    pub args: Vec<String>,
    /// Programs without which the script cannot run.
    pub needs: Vec<String>,
    /// What a server of somebody else's must speak to be judged by this.
    pub speaks: Option<String>,
    /// The exit status of the last command; all others end with 0.
    pub status: i32,
    /// Whether output is shown as in a terminal.
    pub tty: bool,
    /// The commands in order.
    pub exchanges: Vec<Exchange>,
}

/// A command, and what it must print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The line of its `$`, from 1.
    pub line: usize,
    /// What `sh -c` gets.
    pub command: String,
    /// The lines that it must print.
    pub expected: Vec<String>,
}

impl Script {
    /// A `console` block of a page: the words of its fence, and its lines with their numbers.
    ///
    /// # Errors
    /// What cannot be understood, with the file and the line.
    pub fn block(
        file: &str,
        fence: usize,
        words: &[String],
        lines: &[(usize, String)],
    ) -> Result<Script> {
        let mut script = Script { file: file.to_owned(), ..Script::default() };
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name {
                "console" => {}
                _ => script
                    .set(name, &value.replace('+', " "))
                    .with_context(|| format!("{file}:{fence}"))?,
            }
        }
        script.read(lines)?;
        if script.exchanges.is_empty() {
            bail!("{file}:{fence}: a transcript has at least one line that starts with \"$ \"");
        }
        Ok(script)
    }

    /// A judge's file: `key: value` lines, an empty line, the transcript.
    ///
    /// # Errors
    /// What cannot be understood, with the file and the line.
    pub fn judge(file: &str, text: &str) -> Result<Script> {
        let mut script = Script { file: file.to_owned(), ..Script::default() };
        let mut lines =
            text.lines().enumerate().map(|(index, line)| (index + 1, line.to_owned())).peekable();
        while let Some((number, line)) = lines.next_if(|(_, line)| !line.starts_with("$ ")) {
            if let Some(comment) = line.strip_prefix('#') {
                if !script.about.is_empty() {
                    script.about.push(' ');
                }
                script.about.push_str(comment.trim());
            } else if !line.trim().is_empty() {
                let at = || format!("{file}:{number}");
                let (name, value) = line.split_once(':').with_context(|| {
                    format!("{}: not `key: value`, and not a command (`$ …`): {line:?}", at())
                })?;
                let value = value.split("  #").next().unwrap_or_default().trim();
                script.set(name.trim(), value).with_context(at)?;
            }
        }
        let rest: Vec<(usize, String)> = lines.collect();
        script.read(&rest)?;
        if script.exchanges.is_empty() || script.about.is_empty() {
            bail!(
                "{file}: a judge says what it judges (`# …`) and has at least one command (`$ …`)"
            );
        }
        Ok(script)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let words = || value.split_whitespace().map(str::to_owned);
        match name {
            "stage" => self.stage = Some(value.to_owned()),
            "args" => self.args = words().collect(),
            "needs" => {
                let names = value.split([' ', '+', ',']).filter(|name| !name.is_empty());
                self.needs.extend(names.map(str::to_owned));
            }
            "speaks" => self.speaks = Some(value.to_owned()),
            "status" => {
                self.status = value.parse().with_context(|| format!("status={value}: a number"))?;
            }
            "tty" => self.tty = true,
            _ => bail!("{name:?} is none of stage, args, needs, speaks, status, tty"),
        }
        Ok(())
    }

    fn read(&mut self, lines: &[(usize, String)]) -> Result<()> {
        for (number, line) in lines {
            if let Some(command) = line.strip_prefix("$ ") {
                self.needs.extend(client::named_in(command).into_iter().map(str::to_owned));
                self.exchanges.push(Exchange {
                    line: *number,
                    command: command.to_owned(),
                    expected: Vec::new(),
                });
                continue;
            }
            let Some(exchange) = self.exchanges.last_mut() else {
                if line.trim().is_empty() {
                    continue;
                }
                bail!("{}:{number}: output before the first command (`$ …`): {line:?}", self.file);
            };
            match line.strip_prefix("> ") {
                Some(more) if exchange.expected.is_empty() => {
                    exchange.command.push('\n');
                    exchange.command.push_str(more);
                }
                _ => exchange.expected.push(line.clone()),
            }
        }
        for exchange in &mut self.exchanges {
            self.needs.extend(client::named_in(&exchange.command).into_iter().map(str::to_owned));
            drop_blank_end(&mut exchange.expected);
        }
        self.needs.sort();
        self.needs.dedup();
        Ok(())
    }

    /// The programs that it needs and that are not here.
    pub fn missing(&self) -> Vec<&str> {
        self.needs.iter().map(String::as_str).filter(|name| !client::here(name)).collect()
    }

    /// The package that its stage is built from.
    pub fn package(&self) -> Option<&str> {
        self.stage.as_deref()?.split('/').next()
    }

    /// Its file's name without the ending: what `--only` picks it by.
    pub fn name(&self) -> &str {
        let name = self.file.rsplit('/').next().unwrap_or(&self.file);
        name.strip_suffix(".txt").unwrap_or(name)
    }

    /// Starts the stage that it names, runs it, and ends the stage.
    ///
    /// # Errors
    /// The verdict: where the transcript and the run differ, and how.
    pub fn run(&self, root: &Path, built: Option<&Built>) -> Result<()> {
        let (Some(stage), Some(built)) = (&self.stage, built) else {
            return self.run_on(root, &Ground::default());
        };
        let (program, name) = built.stage(stage).with_context(|| self.at(0))?;
        let port = stage::default_port(program).with_context(|| self.at(0))?;
        let running = Stage::start(program, &name, &self.args, root).with_context(|| self.at(0))?;
        let ground = Ground {
            host: running.host().to_owned(),
            port: running.port().to_owned(),
            shown_port: port.to_string(),
        };
        match self.run_on(root, &ground) {
            Ok(()) => running.end().with_context(|| format!("{}: {stage}", self.at(0))),
            Err(error) => Err(match running.said() {
                said if said.is_empty() => error,
                said => anyhow::anyhow!("{error:#}\nthe stage printed:{said}"),
            }),
        }
    }

    /// Runs it against a server that is up already.
    ///
    /// # Errors
    /// As [`Script::run`].
    pub fn run_on(&self, root: &Path, ground: &Ground) -> Result<()> {
        let scratch = processes::scratch()?;
        let mut groups = Vec::new();
        for (index, exchange) in self.exchanges.iter().enumerate() {
            let at = self.at(exchange.line);
            let command = ground.map(&exchange.command);
            let last = index + 1 == self.exchanges.len();
            let (mut group, output) =
                spawn(&command, root, ground, self.tty, scratch.path(), index)
                    .with_context(|| at.clone())?;
            let Some(status) = group.wait(LIMIT) else {
                let so_far = output.finish()?;
                let so_far: String = so_far.lines().map(|line| format!("\n  | {line}")).collect();
                bail!(
                    "{at}: `{}` did not end within {} s; it printed:{so_far}",
                    exchange.command,
                    LIMIT.as_secs()
                );
            };
            let got = ground.unmap(&output.finish()?);
            groups.push(group);
            let mut got: Vec<String> =
                got.lines().take(LINE_LIMIT).map(|line| line.trim_end().to_owned()).collect();
            drop_blank_end(&mut got);
            if let Some(difference) = compare(&exchange.expected, &got) {
                bail!("{at}: `{}` printed something else:\n{difference}", exchange.command);
            }
            let wanted = if last { self.status } else { 0 };
            if status.code() != Some(wanted) {
                bail!("{at}: `{}` ended with {status}, not with status {wanted}", exchange.command);
            }
        }
        Ok(())
    }

    fn at(&self, line: usize) -> String {
        match if line == 0 { self.exchanges.first().map_or(0, |first| first.line) } else { line } {
            0 => self.file.clone(),
            line => format!("{}:{line}", self.file),
        }
    }
}

/// Where the commands' server is.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    /// What commands get as `$HOST`.
    pub host: String,
    /// What commands get as `$PORT`.
    pub port: String,
    /// The port that stands in the transcript for the real one; empty where none does.
    pub shown_port: String,
}

impl Ground {
    fn map(&self, command: &str) -> String {
        replace_number(command, &self.shown_port, &self.port)
    }

    fn unmap(&self, output: &str) -> String {
        replace_number(output, &self.port, &self.shown_port)
    }
}

/// Replaces a number where it stands alone, not within a longer one.
fn replace_number(text: &str, from: &str, to: &str) -> String {
    if from.is_empty() || to.is_empty() {
        return text.to_owned();
    }
    match Regex::new(&format!(r"\b{}\b", regex::escape(from))) {
        Ok(number) => number.replace_all(text, to).into_owned(),
        Err(_) => text.replace(from, to),
    }
}

fn drop_blank_end(lines: &mut Vec<String>) {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
}

/// Where a command's output gathers.
enum Output {
    /// A file: what the command's children hold open does not keep anybody waiting.
    File(std::path::PathBuf),
    /// A terminal of its own.
    Terminal(mpsc::Receiver<Vec<u8>>),
}

impl Output {
    fn finish(self) -> Result<String> {
        match self {
            Output::File(path) => {
                let mut bytes = Vec::new();
                File::open(&path)?.take(OUTPUT_LIMIT).read_to_end(&mut bytes)?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            Output::Terminal(bytes) => {
                let mut all = Vec::new();
                // The terminal closes when the last process on it ends; a background process must not keep us.
                while let Ok(more) = bytes.recv_timeout(Duration::from_millis(500)) {
                    all.extend(more);
                }
                Ok(as_shown(&String::from_utf8_lossy(&all)))
            }
        }
    }
}

fn spawn(
    command: &str,
    root: &Path,
    ground: &Ground,
    tty: bool,
    scratch: &Path,
    index: usize,
) -> Result<(Group, Output)> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).current_dir(root);
    stage::clean(&mut shell);
    shell.env("HOST", &ground.host).env("PORT", &ground.port).env("SCRATCH", scratch);
    if tty {
        let (controller, terminal) = terminal()?;
        shell.env("TERM", "xterm").env("COLUMNS", "80");
        let group = Group::spawn_on(&shell, &terminal)?;
        return Ok((group, Output::Terminal(read_all(controller))));
    }
    let path = scratch.join(format!(".output-{index}"));
    let file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
    let (group, ..) = Group::spawn(&shell, file.try_clone()?, file)?;
    Ok((group, Output::File(path)))
}

/// A pseudo terminal: the end to read, and the end that a command takes for its terminal.
fn terminal() -> Result<(File, File)> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&controller)?;
    unlockpt(&controller)?;
    let name = ptsname(&controller, Vec::new())?;
    let path = Path::new(name.to_str().context("a terminal's name")?);
    let terminal = fs::OpenOptions::new().read(true).write(true).open(path)?;
    Ok((File::from(controller), terminal))
}

fn read_all(mut from: File) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // Linux says EIO when the last process on the terminal has ended.
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A terminal's text without its controls: colours dropped, `\r` at a line's end dropped, a line that was overwritten
/// from its start replaced.
fn as_shown(text: &str) -> String {
    let plain = match Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x07") {
        Ok(controls) => controls.replace_all(text, "").into_owned(),
        Err(_) => text.to_owned(),
    };
    let mut shown = String::new();
    for line in plain.split_inclusive('\n') {
        let line = line.trim_end_matches(['\n', '\r']);
        shown.push_str(line.rsplit('\r').next().unwrap_or(line));
        shown.push('\n');
    }
    shown
}

/// How two texts differ, as lines with ` `, `-` (expected) and `+` (got); `None` if they match.
///
/// The cheapest way to turn what was expected into what was got, by dynamic programming over pairs of lines; a `[...]`
/// takes any number of lines at no cost.
pub fn compare(expected: &[String], got: &[String]) -> Option<String> {
    let same: Vec<Regex> = expected.iter().filter_map(|line| pattern(line)).collect();
    if same.len() != expected.len() {
        return Some("  (a line that cannot be turned into a pattern)\n".into());
    }
    let (rows, columns) = (expected.len(), got.len());
    let width = columns + 1;
    let mut cost = vec![0_u32; (rows + 1) * width];
    let any = |row: usize| expected[row].trim() == "[...]";
    for row in (0..=rows).rev() {
        for column in (0..=columns).rev() {
            let here = row * width + column;
            let (down, right) = (here + width, here + 1);
            cost[here] = match (row < rows, column < columns) {
                (false, false) => 0,
                (false, true) => cost[right] + 1,
                (true, false) => cost[down] + u32::from(!any(row)),
                (true, true) if any(row) => cost[down].min(cost[right]),
                (true, true) if same[row].is_match(&got[column]) => cost[down + 1],
                (true, true) => cost[down].min(cost[right]) + 1,
            };
        }
    }
    if cost[0] == 0 {
        return None;
    }
    let mut lines = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < rows || column < columns {
        let here = row * width + column;
        let is_any = row < rows && any(row);
        if row < rows && column < columns && !is_any && same[row].is_match(&got[column]) {
            lines.push(format!("  {}", got[column]));
            (row, column) = (row + 1, column + 1);
        } else if row < rows && cost[here] == cost[here + width] + u32::from(!is_any) {
            lines.push(format!("{} {}", if is_any { ' ' } else { '-' }, expected[row]));
            row += 1;
        } else {
            lines.push(format!("{} {}", if is_any { ' ' } else { '+' }, got[column]));
            column += 1;
        }
    }
    Some(shorten(&lines))
}

/// A difference of at most this many lines.
fn shorten(lines: &[String]) -> String {
    const SHOWN: usize = 40;
    let first = lines.iter().position(|line| !line.starts_with(' ')).unwrap_or(0);
    let from = first.saturating_sub(3);
    let mut text = String::from("  (- expected, + got)\n");
    if from > 0 {
        text.push_str(&format!("  … {from} lines alike\n"));
    }
    for line in lines.iter().skip(from).take(SHOWN) {
        text.push_str(&format!("  {line}\n"));
    }
    if lines.len() - from > SHOWN {
        text.push_str(&format!("  … {} more lines\n", lines.len() - from - SHOWN));
    }
    text
}

/// A line's pattern: `[..]` is anything within the line.
fn pattern(line: &str) -> Option<Regex> {
    let parts: Vec<String> = line.trim_end().split("[..]").map(regex::escape).collect();
    Regex::new(&format!("^{}$", parts.join(".*"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn wildcards_match_and_differences_show() {
        for (expected, got) in [
            ("", ""),
            ("a\nb", "a\nb"),
            ("a [..] b", "a 12 b"),
            ("took [..]", "took "),
            ("[...]", "a\nb\nc"),
            ("[...]", ""),
            ("a\n[...]\nz", "a\nz"),
            ("a\n[...]\nz", "a\nb\nz\nc\nz"),
            ("[...]\nb\n[...]", "a\nb\nc"),
            ("(1+1) [..]?", "(1+1) x?"),
        ] {
            assert_eq!(compare(&lines(expected), &lines(got)), None, "{expected:?} and {got:?}");
        }
        for (expected, got, shown) in [
            ("a", "b", "  - a\n  + b\n"),
            ("a\nb", "a", "    a\n  - b\n"),
            ("a", "a\nb", "    a\n  + b\n"),
            ("a\n[...]\nz", "a\nb", "    a\n    b\n    [...]\n  - z\n"),
            ("a [..] b", "a 12 c", "  - a [..] b\n  + a 12 c\n"),
        ] {
            let difference = compare(&lines(expected), &lines(got)).unwrap_or_default();
            let (_, body) = difference.split_once('\n').unwrap_or_default();
            assert_eq!(body, shown, "{expected:?} and {got:?}");
        }
    }

    #[test]
    fn a_port_is_replaced_where_it_stands_alone() {
        assert_eq!(replace_number("a:7001 17001 7001", "7001", "9"), "a:9 17001 9");
        assert_eq!(replace_number("a:7001", "", "9"), "a:7001");
    }

    #[test]
    fn a_judges_file_is_read() {
        let text = "# Echoes what it gets.\nstage: ch01-sockets/step1_echo\nneeds: nc\n\
                    speaks: echo   # note\n\n$ printf 'a\\n' |\n> nc -N $HOST $PORT\na\n\n$ true\n";
        let script = Script::judge("judges/nc_echo.txt", text).expect("a judge");
        assert_eq!(script.about, "Echoes what it gets.");
        assert_eq!(script.name(), "nc_echo");
        assert_eq!(script.package(), Some("ch01-sockets"));
        assert_eq!(script.needs, ["nc"]);
        assert_eq!(script.speaks.as_deref(), Some("echo"));
        assert_eq!(script.exchanges[0].command, "printf 'a\\n' |\nnc -N $HOST $PORT");
        assert_eq!(script.exchanges[0].expected, ["a"]);
        assert_eq!(script.exchanges[0].line, 6);
        assert!(script.exchanges[1].expected.is_empty());
        let wrong = Script::judge("j.txt", "# X.\nstag: a\n\n$ true\n").expect_err("no such key");
        assert!(format!("{wrong:#}").starts_with("j.txt:2: \"stag\" is none of"), "{wrong:#}");
    }

    #[test]
    fn what_a_terminal_shows() {
        assert_eq!(as_shown("\x1b[31mred\x1b[0m\r\n10%\r100%\r\n"), "red\n100%\n");
    }
}
