//! Builds the book with mdBook's own library, into a folder beside the one that is served, and swaps them.

use std::fmt;
use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use super::stamp;

/// What a page is made from.
pub const SOURCES: &[&str] = &["book", "book.toml", "chapters"];

/// How often the progress of a build is shown.
const SHOW: Duration = Duration::from_millis(100);

/// The book as it is served.
#[derive(Debug, Clone)]
pub struct State {
    /// Of the sources that it was built from.
    pub stamp: String,
    /// Why it could not be built from the sources as they are now.
    pub error: Option<String>,
    /// What mdBook found wrong with it.
    pub warnings: Vec<String>,
}

/// Where the book is served from: mdBook's own place, so that `mdbook build` and this share it.
pub fn folder(root: &Path) -> PathBuf {
    root.join("target/book")
}

fn stamp_file(root: &Path) -> PathBuf {
    root.join("target/book.stamp")
}

/// The stamp of the sources as they are now. The renderer's version belongs to it: a new one may draw pages differently.
pub fn current_stamp(root: &Path) -> String {
    let content = stamp::of_content(root, SOURCES);
    format!("{content:016x}-mdbook-0.5-{}", env!("CARGO_PKG_VERSION"))
}

/// The book at the server's start: as it was built before, if there is one, and then the watcher sees whether it is of
/// today; otherwise it is built here and now, with its progress shown.
pub fn open(root: &Path) -> State {
    if folder(root).join("index.html").is_file()
        && let Ok(kept) = fs::read_to_string(stamp_file(root))
    {
        let mut lines = kept.lines().map(str::to_owned);
        let stamp = lines.next().unwrap_or_default();
        return State { stamp, error: None, warnings: lines.collect() };
    }
    let began = Instant::now();
    match build_showing_progress(root) {
        Ok(state) => {
            println!("Built the book in {:.1} s.", began.elapsed().as_secs_f64());
            state
        }
        Err(error) => {
            eprintln!("The book could not be built: {error:#}");
            let error = Some(format!("{error:#}"));
            State { stamp: String::new(), error, warnings: Vec::new() }
        }
    }
}

/// Builds the book and puts it in the place of the old one, one runner at a time: two that share their folders leave pages out.
/// What mdBook warns of is said on stderr, too, and kept with the stamp.
///
/// # Errors
/// What mdBook says, when it cannot; the old book stays.
pub fn build(root: &Path) -> Result<State> {
    let _turn = turn(root)?;
    // Taken before the build: what changes during it counts as newer.
    let stamp = current_stamp(root);
    let next = next_folder(root);
    let heard = Warnings::default();
    tracing::subscriber::with_default(heard.clone(), || {
        let mut book = load(root)?;
        book.config.build.build_dir = next.clone();
        // mdBook is a library that was made for a program: a page that makes it panic must not end the server.
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| book.build()))
            .map_err(|_| anyhow!("mdBook gave up in the middle"))?
    })?;
    let warnings = heard.take();
    for warning in &warnings {
        eprintln!("mdBook: {warning}");
    }
    swap(root, &next)?;
    let kept = format!("{stamp}\n{}", warnings.join("\n"));
    fs::write(stamp_file(root), kept).context("cannot write the book's stamp")?;
    Ok(State { stamp, error: None, warnings })
}

/// Whether a warning of mdBook is known and not to be mended. It indexes the hidden lines of a listing, too, which are the rest of
/// its file, and has no option against that; the index is loaded only when somebody searches.
pub fn is_known(message: &str) -> bool {
    message.contains("search index is very large")
}

/// Keeps what mdBook says at its levels WARN and ERROR, one line each.
#[derive(Debug, Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        // Nothing that can panic happens while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines())
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        if !is_known(&message.0) {
            self.lines().push(message.0.replace('\n', " "));
        }
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.push_str(&format!("{value:?}"));
        }
    }
}

/// Waits for who builds already. The turn ends when the file is closed, however the runner ends.
fn turn(root: &Path) -> Result<File> {
    fs::create_dir_all(root.join("target")).context("cannot make the folder target/")?;
    let path = root.join("target/book.lock");
    let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

fn next_folder(root: &Path) -> PathBuf {
    root.join("target/book-next")
}

fn load(root: &Path) -> Result<MDBook> {
    fs::create_dir_all(root.join("target")).context("cannot make the folder target/")?;
    MDBook::load(root)
}

/// Two renames. A request between them finds no page, and the browser's reload, which follows, does.
fn swap(root: &Path, next: &Path) -> Result<()> {
    let (current, old) = (folder(root), root.join("target/book-old"));
    if old.exists() {
        fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    if current.exists() {
        fs::rename(&current, &old).with_context(|| format!("cannot move {}", current.display()))?;
    }
    fs::rename(next, &current).with_context(|| format!("cannot move {}", next.display()))?;
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

fn build_showing_progress(root: &Path) -> Result<State> {
    if !std::io::stdout().is_terminal() {
        println!("Building the book …");
        return build(root);
    }
    let pages = load(root)?
        .iter()
        .filter(|item| matches!(item, BookItem::Chapter(chapter) if chapter.path.is_some()))
        .count();
    let (done, waits) = mpsc::channel::<()>();
    let builder = root.to_path_buf();
    let thread = std::thread::spawn(move || {
        let built = build(&builder);
        drop(done);
        built
    });
    let mut stdout = std::io::stdout();
    while let Err(RecvTimeoutError::Timeout) = waits.recv_timeout(SHOW) {
        let written = count_pages(&next_folder(root)).min(pages);
        let _ = write!(stdout, "\rBuilding the book: {written} of {pages} pages");
        let _ = stdout.flush();
    }
    let _ = write!(stdout, "\r\x1b[K");
    let _ = stdout.flush();
    thread.join().map_err(|_| anyhow!("the build ended in a panic"))?
}

fn count_pages(folder: &Path) -> usize {
    let mut count = 0;
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                count += 1;
            }
        }
    }
    count
}
