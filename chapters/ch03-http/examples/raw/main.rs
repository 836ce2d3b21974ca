//! Raw requests, to our stage and to nginx, and where the two differ.
//!
//! ```text
//!  golden files ─┬───────────────────────────────▶ ours
//!                └─▶ nginx ─▶ this program again ─▶ ours
//! ```
//!
//! Each request of `tests/golden/requests_*.txt` goes out on a connection of
//! its own, whole and cut in two; then our side is closed, and the statuses
//! that came are noted. What nginx passes on comes back to this program, which
//! hands it to our stage and counts our answers. More of them than nginx gave
//! its client: a request was smuggled.
//!
//! `tests/golden/nginx/differ.txt` has the requests that are answered
//! differently, and who is right; `table.md` there has all. With `UPDATE=1` in
//! the environment both are written, and what was said of who is right stays.

mod exchange;
mod table;

use std::collections::HashMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;

use ch00_toolbox::args::{Command, Opt, Stop, fail, usage};
use ch00_toolbox::golden::{self, Piece};
use exchange::{Answers, Behind, connect, exchange, server, statuses};
use table::{Part, table};
use wire::unescape;

#[path = "../../tests/wire/mod.rs"]
#[allow(dead_code)] // the tests need the rest
mod wire;

/// Where the requests are.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// Those that nginx answers otherwise, and who is right.
const DIFFER: &str = "nginx/differ.txt";

/// All of them, as a page shows them.
const TABLE: &str = "nginx/table.md";

/// Their files, in the order of the table, and what is in them.
const FILES: [(&str, &str); 4] = [
    ("line", "The request line"),
    ("fields", "Fields"),
    ("framing", "Where a body ends"),
    ("chunks", "Chunks"),
];

const COMMAND: Command = Command {
    name: "raw",
    about: "Sends raw requests to our stage and to nginx, and compares.",
    operands: "",
    options: &[
        opt("ours", "HOST:PORT", "where our stage listens"),
        opt("theirs", "PATH", "where nginx listens (a Unix socket)"),
        opt("behind", "PATH", "where nginx passes requests on to"),
    ],
    try_it: "raw --ours 127.0.0.1:7003",
};

const fn opt(
    name: &'static str,
    value: &'static str,
    help: &'static str,
) -> Opt {
    Opt {
        name,
        value: Some(value),
        default: None,
        help,
    }
}

struct Config {
    ours: SocketAddr,
    theirs: Option<(String, String)>,
}

fn main() -> ExitCode {
    let config = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(&config) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<Config, Stop> {
    let parsed = COMMAND.from_env();
    let text = |name| parsed.text(name).map(str::to_owned);
    let stop = |why: &str| Err(Stop::Usage(why.to_owned()));
    let theirs = match (text("theirs"), text("behind")) {
        (Some(theirs), Some(behind)) => Some((theirs, behind)),
        (None, None) => None,
        _ => return stop("--theirs and --behind go together"),
    };
    let ours = match text("ours") {
        Some(_) => parsed.value("ours")?,
        None => return stop("--ours HOST:PORT is needed"),
    };
    Ok(Config { ours, theirs })
}

/// One request, and what became of it.
struct Row {
    /// As it stands in the golden file.
    command: String,
    /// The comments above it.
    above: Vec<String>,
    /// The file's place in [`FILES`].
    file: usize,
    ours: Answers,
    theirs: Answers,
    /// Our answers to what nginx passed on.
    behind: Answers,
}

/// Whether all is as recorded.
fn run(config: &Config) -> io::Result<bool> {
    let mut rows = requests()?;
    let nginx = match &config.theirs {
        Some((path, behind)) => {
            Some((path, Behind::listen(behind, config.ours)?))
        }
        None => None,
    };
    let mut who = None; // nginx, and its version
    let mut is_steady = true;
    for row in &mut rows {
        let bytes = unescape(&row.command);
        let (left, right) = bytes.split_at(bytes.len() / 2);
        let ways = [&[&bytes[..]][..], &[left, right]];
        for (is_cut, pieces) in [false, true].into_iter().zip(ways) {
            let stream = TcpStream::connect(config.ours)?;
            stream.set_nodelay(true)?; // two writes, two segments
            let ours = statuses(&exchange(stream, pieces)?);
            let (mut theirs, mut behind) = (Vec::new(), Vec::new());
            if let Some((path, passed_on)) = &nginx {
                let bytes = exchange(connect(path)?, pieces)?;
                theirs = statuses(&bytes);
                behind = passed_on.take()?;
                who = server(&bytes).or(who);
            }
            let now = (ours, theirs, behind);
            if !is_cut {
                (row.ours, row.theirs, row.behind) = now;
            } else if (&row.ours, &row.theirs, &row.behind)
                != (&now.0, &now.1, &now.2)
            {
                println!("cut in two, {now:?}:\n{}\n", row.command);
                is_steady = false;
            }
        }
    }
    if nginx.is_none() {
        for row in &rows {
            println!("{}\n---\n{}\n", row.command, shown(&row.ours));
        }
        return Ok(is_steady);
    }
    let who = who.unwrap_or_default();
    compare(&who, &rows).map(|same| same && is_steady)
}

/// The requests of the golden files.
fn requests() -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (file, (name, _)) in FILES.iter().enumerate() {
        let path = format!("{GOLDEN}/requests_{name}.txt");
        let script = fs::read_to_string(path)?;
        let mut above = Vec::new();
        for piece in golden::parse(&script).map_err(io::Error::other)? {
            match piece {
                Piece::Text(text) => {
                    let text = text.strip_prefix("# ").map(str::to_owned);
                    above.extend(text);
                }
                Piece::Case { command, .. } => rows.push(Row {
                    command,
                    above: std::mem::take(&mut above),
                    file,
                    ours: Vec::new(),
                    theirs: Vec::new(),
                    behind: Vec::new(),
                }),
            }
        }
    }
    Ok(rows)
}

/// Whether a request was taken: there may be no such page, or the method may
/// not be for it, but the bytes are in order.
fn is_taken(status: u16) -> bool {
    matches!(status, 200..=299 | 404 | 405)
}

/// A server that waits for more until our side is closed says nothing.
fn shown(answers: &[u16]) -> String {
    let words = answers.iter().map(|status| match status {
        9 => "HTTP/0.9".to_owned(),
        taken if is_taken(*taken) => "taken".to_owned(),
        refused => refused.to_string(),
    });
    match answers {
        [] => "waits".to_owned(),
        _ => words.collect::<Vec<_>>().join(", "),
    }
}

impl Row {
    /// What nginx itself thinks: what it passes on, it takes.
    fn nginx(&self) -> String {
        let passed = self.behind.iter().map(|_| "taken".to_owned());
        let own = self.theirs.iter().skip(self.behind.len());
        let own = own.map(u16::to_string);
        match passed.chain(own).collect::<Vec<_>>() {
            none if none.is_empty() => "waits".to_owned(),
            words => words.join(", "),
        }
    }

    fn behind(&self) -> String {
        match self.behind[..] {
            [] => String::new(),
            _ => shown(&self.behind),
        }
    }

    fn differs(&self) -> bool {
        let is_refused = self.behind.iter().any(|status| !is_taken(*status));
        shown(&self.ours) != self.nginx() || is_refused || self.is_smuggled()
    }

    /// Whether our stage saw a request that nginx did not.
    fn is_smuggled(&self) -> bool {
        let taken = self.behind.iter().filter(|status| is_taken(**status));
        taken.count() > self.theirs.len()
    }

    /// As the record says it, without who is right.
    fn said(&self) -> String {
        let (ours, nginx) = (shown(&self.ours), self.nginx());
        let mut said = format!("ours: {ours}\nnginx: {nginx}\n");
        if !self.behind.is_empty() {
            let _ = writeln!(said, "ours, behind nginx: {}", self.behind());
        }
        if self.is_smuggled() {
            said += "SMUGGLED\n";
        }
        said
    }
}

/// Who is right, by what the record has for a request.
fn right(output: &str) -> Option<&str> {
    output.split_once("right: ").map(|it| it.1)
}

/// The rows as a table has them.
fn parts<'a>(
    rows: &'a [Row],
    record: &HashMap<String, String>,
) -> Vec<Part<'a>> {
    let (mut parts, mut file) = (Vec::new(), None);
    for row in rows {
        if file.replace(row.file) != Some(row.file) {
            parts.push(Part::Title(FILES[row.file].1));
        }
        parts.extend(row.above.iter().map(|above| Part::Comment(above)));
        let right = record.get(&row.command).and_then(|it| right(it));
        let right = right.unwrap_or_default().to_owned();
        let cells = [shown(&row.ours), row.nginx(), row.behind(), right];
        parts.push(Part::Request(&row.command, cells));
    }
    parts
}

/// Whether a record gives it to them.
fn is_right(output: &str, who: &str) -> bool {
    right(output).is_some_and(|it| it.starts_with(who))
}

/// What is known of nginx: for which version, and how it differs from us.
struct Record {
    script: String,
    who: String,
    differ: HashMap<String, String>,
}

impl Record {
    fn read() -> io::Result<Record> {
        let script = fs::read_to_string(format!("{GOLDEN}/{DIFFER}"))?;
        let who = script.split_whitespace().find(|it| it.contains("nginx/"));
        let who = who.unwrap_or_default().to_owned();
        let mut differ = HashMap::new();
        for piece in golden::parse(&script).map_err(io::Error::other)? {
            if let Piece::Case {
                command, output, ..
            } = piece
            {
                differ.insert(command, output);
            }
        }
        Ok(Record {
            script,
            who,
            differ,
        })
    }

    /// The script as it has to be for these rows, with what was said of who
    /// is right.
    fn script(&self, who: &str, rows: &[Row]) -> String {
        let head = self.script.split_inclusive("\n\n").next();
        let mut script = head.unwrap_or_default().replace(&self.who, who);
        for row in rows.iter().filter(|row| row.differs()) {
            let _ =
                writeln!(script, "{}\n---\n{}\n", row.command, self.of(row));
        }
        script.truncate(script.trim_end().len());
        script + "\n"
    }

    /// What it has to say of a row that differs.
    fn of(&self, row: &Row) -> String {
        let recorded = self.differ.get(&row.command);
        let right = recorded.and_then(|it| right(it)).unwrap_or("?");
        format!("{}right: {right}", row.said())
    }
}

/// Holds the rows against the record and its table. Another version of nginx
/// may differ elsewhere; none may let a request through unseen.
fn compare(who: &str, rows: &[Row]) -> io::Result<bool> {
    let record = Record::read()?;
    let is_known = who == record.who;
    let is_update = env::var("UPDATE").is_ok_and(|it| it == "1");
    let (all, count) = (rows.len(), record.differ.len());
    let same = all.saturating_sub(count);
    println!("recorded: {}, {same} of {all} the same", record.who);
    let [ours, nginx, both] = ["ours", "nginx", "both"].map(|who| {
        let all = record.differ.values();
        all.filter(|output| is_right(output, who)).count()
    });
    println!("right in the rest: ours {ours}, nginx {nginx}, both {both}");

    let mut wrong = 0;
    for row in rows {
        let recorded = record.differ.get(&row.command);
        let now = row.differs().then(|| record.of(row));
        if recorded != now.as_ref() {
            wrong += 1;
            if is_known || is_update {
                let now = now.as_deref().unwrap_or("no difference");
                println!("\n{}\n---\n{now}\n", row.command);
            }
        }
    }
    let table = table(&parts(rows, &record.differ));
    let path = format!("{GOLDEN}/{TABLE}");
    if is_update {
        fs::write(format!("{GOLDEN}/{DIFFER}"), record.script(who, rows))?;
        fs::write(&path, table)?;
    } else if is_known && wrong == 0 && fs::read_to_string(&path)? != table {
        println!("{TABLE} is not what UPDATE=1 writes");
        wrong += 1;
    }
    match wrong {
        0 => println!("now: {who}, as recorded"),
        _ => println!("now: {who}, {wrong} not as recorded"),
    }
    let smuggled = rows.iter().filter(|row| row.is_smuggled()).count();
    println!("smuggled: {smuggled}");
    Ok((wrong == 0 || !is_known) && smuggled == 0)
}
