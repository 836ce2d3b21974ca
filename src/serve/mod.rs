//! `serve`: the workbook in the browser, on this machine only.
//!
//! ```text
//! browser ── GET  /…           ──▶ pages   the built book, each page with this start's token in its head
//!         ── POST /api/events  ──▶ news    stream: progress, the book's state (a page reloads itself when it changes)
//!         ── POST /api/run     ──▶ run     stream: a block's place in line, compiler, output, end
//!         ── POST /api/stage/… ──▶ stage   stream: a finished stage's log and what its connections receive
//! ```
//!
//! Every stream is JSON, one object per line, and is the lifeline of what it shows: when the browser drops it, what runs
//! ends. [`door`] says who is let in, [`guard`] who may ask; [`crate::supervise`] ends what runs.

pub mod book;
pub mod door;
pub mod guard;
pub mod libraries;
pub mod news;
pub mod pages;
pub mod queue;
pub mod run;
pub mod stage;
pub mod stamp;

use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::future::Future;
use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::sandbox::{Allowed, Jobs, Toolchain};

/// How many ports after the wanted one are tried.
const PORTS: u16 = 50;
/// How long a request may take to come, its head and then its body; and how long a connection is kept for the next one.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long the end waits for what runs.
const LAST_CALL: Duration = Duration::from_secs(5);
/// Lines that wait for a slow browser before the program that writes them has to wait, too.
const BACKLOG: usize = 64;

/// What follows the word `serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The port to listen on; a taken one is passed over for the next free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
}

/// What all requests share.
#[derive(Debug)]
pub struct Shared {
    root: PathBuf,
    guard: guard::Guard,
    jobs: Jobs,
    queue: queue::Queue,
    libraries: libraries::Libraries,
    toolchain: Toolchain,
    allowed: Allowed,
    bodies: pages::Bodies,
    news: watch::Sender<news::News>,
    stages: stage::Stages,
    closing: watch::Sender<bool>,
}

/// Serves the book until Ctrl-C.
///
/// # Errors
/// When no port is free, or the system refuses what a server needs.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let mut allowed = Allowed::default();
    if let Ok(text) = std::env::var("WORKBOOK_LIMITS") {
        let refused = |error| crate::usage(format!("{error:#}"));
        allowed = allowed.adjusted(&text).map_err(refused)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listener = runtime.block_on(async { listen(args.port) })?;
    let port = listener.local_addr()?.port();
    if args.port != 0 && port != args.port {
        println!("Port {} is taken; using {port}.", args.port);
    }
    // Held until the end. Without it, the other words name the usual port.
    let _address = leave_address(root, port).ok();
    let first = book::open(root);
    let shared = Arc::new(Shared {
        root: root.to_path_buf(),
        guard: guard::Guard::new(port)?,
        jobs: Jobs::default(),
        queue: queue::Queue::default(),
        libraries: libraries::Libraries::new(root),
        toolchain: Toolchain::find(root)?,
        allowed,
        bodies: pages::Bodies::default(),
        news: watch::Sender::new(news::News {
            stamp: first.stamp,
            error: first.error,
            warnings: first.warnings,
            done: news::done(root),
            unwritten: news::unwritten(root),
        }),
        stages: stage::Stages::default(),
        closing: watch::Sender::new(false),
    });
    let code = runtime.block_on(serve(Arc::clone(&shared), listener, args))?;
    // A book that is being built is not waited for: it is built anew next time.
    runtime.shutdown_background();
    Ok(code)
}

/// Where the server of a repository says its address: the file is locked as long as it runs.
fn address_file(root: &Path) -> PathBuf {
    root.join("target/serve.address")
}

/// Leaves the address to the other words; of two servers of one repository, the first one's.
fn leave_address(root: &Path, port: u16) -> Result<File> {
    fs::create_dir_all(root.join("target"))?;
    let path = address_file(root);
    let mut file = File::options().create(true).truncate(false).write(true).open(&path)?;
    file.try_lock()?;
    file.set_len(0)?;
    file.write_all(format!("http://127.0.0.1:{port}").as_bytes())?;
    Ok(file)
}

/// The address of the server that runs for a repository: `http://127.0.0.1:3000`.
pub fn address(root: &Path) -> Option<String> {
    let path = address_file(root);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            fs::read_to_string(&path).ok().filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

fn listen(wanted: u16) -> Result<TcpListener> {
    let last = if wanted == 0 { 0 } else { wanted.saturating_add(PORTS) };
    for port in wanted..=last {
        match door::listen((Ipv4Addr::LOCALHOST, port).into()) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            other => {
                return other.with_context(|| format!("cannot listen on 127.0.0.1:{port}"));
            }
        }
    }
    anyhow::bail!("the ports {wanted} to {last} are all taken; choose another one with --port")
}

async fn serve(shared: Arc<Shared>, listener: TcpListener, args: &Args) -> Result<ExitCode> {
    let mut ends = Ends::new()?;
    let address = format!("http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/api/events", post(news::events))
        .route("/api/run", post(run::run))
        .route("/api/stage/start", post(stage::start))
        .route("/api/stage/connect", post(stage::connect))
        .route("/api/stage/send", post(stage::send))
        .route("/api/stage/close", post(stage::close))
        .route("/api/stage/stop", post(stage::stop))
        .fallback(pages::page)
        .layer(axum::middleware::from_fn_with_state(shared.guard.clone(), guard::check))
        .with_state(Arc::clone(&shared));
    tokio::spawn(news::watch_files(Arc::clone(&shared)));
    let warm = Arc::clone(&shared);
    tokio::spawn(async move { warm.libraries.warm().await });
    greet(&address);
    if !args.no_open && has_display() {
        // A browser may take as long as it wants, and the server does not depend on it.
        std::thread::spawn(move || {
            let _ = opener::open_browser(&address);
        });
    }
    let unread = Duration::from_millis(shared.allowed.unread_ms);
    tokio::select! {
        () = door::accept(&listener, app, unread) => {}
        () = ends.asked() => {}
    }
    shared.closing.send_replace(true);
    let is_urgent = tokio::select! {
        _ = tokio::time::timeout(LAST_CALL, shared.jobs.none_left()) => false,
        () = ends.asked() => true,
    };
    // The terminal may be gone, which is what ended the server.
    let _ = writeln!(std::io::stdout(), "\nThe workbook is closed.");
    // What still runs ends with this process, which it may outlive for a moment.
    Ok(if is_urgent { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

fn greet(address: &str) {
    println!("The workbook is open at {address}");
    println!();
    println!(
        "  Read it there: every listing runs and can be edited, and stages start on the page."
    );
    println!("  To rebuild a chapter yourself, in a second terminal:");
    println!();
    println!("      cargo run -- start ch01     lays out your copy in my/");
    println!("      cargo run -- watch          judges it whenever you save");
    println!();
    println!("  Ctrl-C closes the workbook.");
}

/// Whether there is a screen to open a browser on. Without one, openers fall back to text browsers or wait for ever.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WSL_DISTRO_NAME")
}

/// Ctrl-C, a polite kill, or the terminal's end.
struct Ends([Signal; 3]);

impl Ends {
    fn new() -> Result<Ends> {
        let listen = |kind| signal(kind).context("cannot listen for Ctrl-C");
        Ok(Ends([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the next one.
    async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Where a stream's lines go.
#[derive(Debug, Clone)]
pub struct Lines(mpsc::Sender<String>);

impl Lines {
    /// Sends one line; waits when the browser is slow. When the browser is gone, the work is dropped, so nothing is lost by
    /// sending into the void.
    pub async fn send(&self, line: &impl Serialize) {
        let _ = self.0.send(json_line(line)).await;
    }
}

/// Lines for a browser that may be slow while something else has to go on. Whoever adds to it stops when it is not empty.
#[derive(Debug)]
pub struct Outbox {
    lines: Lines,
    waiting: VecDeque<String>,
}

impl Outbox {
    /// Nothing waits yet.
    pub fn new(lines: Lines) -> Outbox {
        Outbox { lines, waiting: VecDeque::new() }
    }

    /// Whether all is passed on.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a line.
    pub fn push(&mut self, line: &impl Serialize) {
        self.waiting.push_back(json_line(line));
    }

    /// Passes on all that waits. When this is dropped in the middle, the rest waits on.
    pub async fn pass_on(&mut self) {
        while !self.waiting.is_empty() {
            // A browser that is gone: this never ends, and the work is dropped next. To return would be to be called again
            // at once, by a loop that never lets go of its thread.
            let Ok(room) = self.lines.0.reserve().await else {
                return std::future::pending().await;
            };
            if let Some(line) = self.waiting.pop_front() {
                room.send(line);
            }
        }
    }
}

fn json_line(line: &impl Serialize) -> String {
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
}

/// A response that shows what `work` sends while it works. The work is dropped as soon as the browser drops the response, or
/// the server closes; and what the work started ends with it.
fn stream<F: Future<Output = ()> + Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(Lines) -> F + Send + 'static,
) -> Response {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let mut closing = shared.closing.subscribe();
    tokio::spawn(async move {
        let work = work(Lines(sender.clone()));
        tokio::select! {
            () = work => {}
            () = sender.closed() => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
    });
    let lines = ReceiverStream::new(receiver).map(Ok::<_, std::convert::Infallible>);
    let headers =
        [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(lines)).into_response()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// What passes lines on to a browser that is gone waits for its end instead of being ready for ever.
    #[test]
    fn an_outbox_without_a_browser_waits() {
        let (sender, receiver) = mpsc::channel(1);
        let mut outbox = Outbox::new(Lines(sender));
        outbox.push(&"a line");
        drop(receiver);
        let polled = pin!(outbox.pass_on()).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Pending);
    }
}
