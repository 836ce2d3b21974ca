//! A server under test: `workbook serve` as a process of its own, on a small book that the test may change, or on the book.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The runner's program, built by cargo if it has to be.
///
/// # Errors
/// What cargo says.
pub fn program() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built.clone().map_err(anyhow::Error::msg)
}

fn build() -> Result<PathBuf> {
    let mut cargo = workbook::cargo(&root());
    // Without `--package`: that would select other features, and build half of the dependencies again.
    cargo.args(["build", "--quiet", "--bin", "workbook"]);
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo.stdin(Stdio::null()).output().context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let program = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    program.with_context(|| {
        format!("the runner does not compile:\n{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// A small workbook with the real theme: an introduction, and a chapter of one step with a stage.
///
/// # Errors
/// When the temporary folder cannot be written.
pub fn small_book() -> Result<TempDir> {
    let dir = tempfile::Builder::new().prefix("workbook-test-").tempdir()?;
    let put = |path: &str, text: &str| -> Result<()> {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        Ok(fs::write(path, text)?)
    };
    put("book.toml", &fs::read_to_string(root().join("book.toml"))?)?;
    for entry in fs::read_dir(root().join("book/theme"))? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        put(&format!("book/theme/{name}"), &fs::read_to_string(&path)?)?;
    }
    put("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"chapters/*\"]\n")?;
    put("my/README.md", "The reader's own.\n")?;
    for (path, text) in SMALL {
        put(path, text)?;
    }
    Ok(dir)
}

const SMALL: &[(&str, &str)] = &[
    ("book/SUMMARY.md", include_str!("small/SUMMARY.md")),
    ("book/introduction.md", "# Introduction\n\nA small book.\n"),
    ("book/ch01-demo/README.md", "# A demo\n\nA chapter.\n"),
    ("book/ch01-demo/1-echo.md", include_str!("small/1-echo.md")),
    ("chapters/ch01-demo/Cargo.toml", include_str!("small/Cargo.toml.txt")),
    ("chapters/ch01-demo/exercises.toml", include_str!("small/exercises.toml")),
    ("chapters/ch01-demo/src/lib.rs", include_str!("small/lib.rs.txt")),
    ("chapters/ch01-demo/src/echo.rs", include_str!("small/echo.rs.txt")),
    ("chapters/ch01-demo/examples/step1_echo.rs", include_str!("small/step1_echo.rs.txt")),
];

/// A running server.
#[derive(Debug)]
pub struct Served {
    child: Child,
    /// `127.0.0.1:3000`.
    pub host: String,
    /// What it printed up to its address.
    pub said: Vec<String>,
}

impl Served {
    /// Starts a server in a workbook's folder and waits until it says its address.
    ///
    /// # Errors
    /// When it does not.
    pub fn start(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Result<Served> {
        let mut child = Command::new(program()?)
            .current_dir(folder)
            .args(["serve", "--no-open"])
            .args(args)
            .envs(env.iter().copied())
            .env_remove("RUSTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the runner")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, lines) = mpsc::channel::<String>();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // What is said later is read all the same: a server must not find its stdout closed.
                let _ = sender.send(line);
            }
        });
        let mut served = Served { child, host: String::new(), said: Vec::new() };
        while served.host.is_empty() {
            let line = lines.recv_timeout(PATIENCE);
            let line = line.with_context(|| format!("it only said {:?}", served.said))?;
            if let Some((_, host)) = line.split_once("open at http://") {
                served.host = host.trim().to_owned();
            }
            served.said.push(line);
        }
        Ok(served)
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name: `INT`, `KILL`.
    ///
    /// # Errors
    /// When there is no `kill`.
    pub fn signal(&self, name: &str) -> Result<()> {
        Command::new("kill").args(["-s", name, &self.pid().to_string()]).status()?;
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let mut status = None;
        until("the server ends", || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        })?;
        status.context("it ended")
    }

    /// A request with its headers as given; the connection is closed after the answer.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("host: {}\r\n", self.host));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        Answer::begin(stream)
    }

    /// `GET` as a browser does it; status and body.
    ///
    /// # Errors
    /// As for [`Served::request`].
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        let answer = self.request("GET", path, &[], "")?;
        Ok((answer.status, answer.text()?))
    }

    /// The token that stands in the pages' head.
    ///
    /// # Errors
    /// When there is none.
    pub fn token(&self) -> Result<String> {
        let (_, page) = self.get("/")?;
        let (_, rest) = page.split_once("name=\"workbook\" content=\"").context("no token")?;
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }

    /// `POST` with all that a page sends.
    ///
    /// # Errors
    /// As for [`Served::request`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let token = self.token()?;
        let origin = format!("http://{}", self.host);
        let headers = [
            ("x-workbook-token", token.as_str()),
            ("origin", &origin),
            ("content-type", "application/json"),
        ];
        self.request("POST", path, &headers, &body.to_string())
    }

    /// Runs a block to its end.
    ///
    /// # Errors
    /// When it cannot be run at all.
    pub fn run(&self, code: &str) -> Result<Ran> {
        let mut answer = self.post("/api/run", &json!({ "code": code }))?;
        let mut ran = Ran::default();
        while let Some(line) = answer.line()? {
            ran.take(&line);
        }
        Ok(ran)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.signal("TERM");
            if self.wait().is_err() {
                let _ = self.child.kill();
            }
        }
        let _ = self.child.wait();
    }
}

/// All that a run said.
#[derive(Debug, Default)]
pub struct Ran {
    /// On stdout.
    pub out: String,
    /// On stderr.
    pub err: String,
    /// The compiler's words.
    pub diagnostic: String,
    /// The supervisor's words.
    pub notes: String,
    /// The places in line that it was told.
    pub queued: Vec<u64>,
    /// The last line.
    pub exit: Value,
}

impl Ran {
    fn take(&mut self, line: &Value) {
        let text = line["text"].as_str().unwrap_or_default();
        match line["type"].as_str().unwrap_or_default() {
            "out" => self.out.push_str(text),
            "err" => self.err.push_str(text),
            "diagnostic" => self.diagnostic.push_str(text),
            "note" => self.notes.push_str(text),
            "queued" => self.queued.extend(line["ahead"].as_u64()),
            "exit" => self.exit = line.clone(),
            _ => {}
        }
    }
}

/// A response that is read as it comes.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    body: BufReader<TcpStream>,
    chunked: bool,
    pending: Vec<u8>,
}

impl Answer {
    fn begin(stream: TcpStream) -> Result<Answer> {
        let mut body = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if body.read_line(&mut head)? == 0 {
                bail!("the server closed the connection after {head:?}");
            }
        }
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Ok(Answer { status, head, body, chunked, pending: Vec::new() })
    }

    /// The rest, whole.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn text(mut self) -> Result<String> {
        if self.chunked {
            while self.chunk()? {}
        } else {
            self.body.read_to_end(&mut self.pending)?;
        }
        Ok(String::from_utf8_lossy(&self.pending).into_owned())
    }

    /// The next line of a stream; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks, or a line is not JSON.
    pub fn line(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            if !self.chunk()? {
                return Ok(None);
            }
        }
    }

    /// Reads lines up to one that is wanted.
    ///
    /// # Errors
    /// When the stream ends before.
    pub fn line_where(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut seen = Vec::new();
        while let Some(line) = self.line()? {
            if wanted(&line) {
                return Ok(line);
            }
            seen.push(line.to_string());
        }
        bail!("the stream ended after {}", seen.join("\n"))
    }

    fn chunk(&mut self) -> Result<bool> {
        let mut size = String::new();
        self.body.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            return Ok(false);
        }
        let start = self.pending.len();
        self.pending.resize(start + size, 0);
        self.body.read_exact(&mut self.pending[start..])?;
        self.body.read_line(&mut String::new())?;
        Ok(true)
    }
}

/// Waits until something holds.
///
/// # Errors
/// When it does not in time.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > PATIENCE {
            bail!("waited {} s in vain until {what}", PATIENCE.as_secs());
        }
        // Not for a guess at how long it takes, but so that what is waited for gets the processor.
        thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}

/// The processes whose command line or folder names a marker.
pub fn processes_with(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = entry.path();
        let command = fs::read(path.join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        // A supervisor's command line carries the whole task; it is gone when the task is.
        if command.contains(marker) {
            found.push(format!("{}: {command}", path.display()));
        }
    }
    found
}
