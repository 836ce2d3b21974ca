//! What a page wants to know while it is open: progress, and whether the book was built anew.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use notify::{RecursiveMode, Watcher};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{Shared, book, stamp, stream};
use crate::chapter::Chapter;
use crate::progress::Progress;
use crate::rebuild::Rebuild;
use crate::verdict;

/// How often files are looked at when no event comes: containers, network disks and WSL lose events.
const LOOK: Duration = Duration::from_secs(1);
/// An editor writes in several steps; this long after the first one, the rest has followed.
const SETTLE: Duration = Duration::from_millis(50);

/// All there is to know, sent whole whenever it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct News {
    /// Of the book that is served.
    pub stamp: String,
    /// Why the book could not be built anew.
    pub error: Option<String>,
    /// What mdBook found wrong with the book that is served.
    pub warnings: Vec<String>,
    /// The ids of what the reader has finished: `ch01-sockets/echo`.
    pub done: Vec<String>,
    /// The book's files of steps that the reader is rebuilding and that are not right yet: `chapters/ch01-sockets/src/echo.rs`.
    pub unwritten: Vec<String>,
}

/// `POST /api/events`: the news now, and whenever they change.
pub async fn events(State(shared): State<Arc<Shared>>) -> Response {
    let mut news = shared.news.subscribe();
    stream(&shared, move |lines| async move {
        loop {
            let now = news.borrow_and_update().clone();
            lines.send(&now).await;
            if news.changed().await.is_err() {
                return;
            }
        }
    })
}

/// The ids of what is done in `my/progress.txt`. A file that cannot be read is as good as none: the page has other uses.
pub fn done(root: &Path) -> Vec<String> {
    let progress = Progress::load(root).unwrap_or_default();
    progress.done().map(str::to_owned).collect()
}

/// The book's files of the steps that a reader who has begun a chapter is still to write. A step whose files are the book's
/// own is nobody's to write.
pub fn unwritten(root: &Path) -> Vec<String> {
    let progress = Progress::load(root).unwrap_or_default();
    let chapters = Chapter::sound(root).unwrap_or_default();
    let rebuilds = chapters.into_iter().map(|chapter| Rebuild::of(root, chapter));
    let mut files = Vec::new();
    for mine in rebuilds.filter(Rebuild::exists) {
        let chapter = &mine.chapter;
        for unit in verdict::units(chapter, false) {
            if !progress.is_done(&unit.progress_id(chapter)) && unit.is_own(&mine) {
                let below = unit.files(chapter).into_iter();
                files.extend(
                    below.map(|file| format!("chapters/{}/{}", chapter.name, file.display())),
                );
            }
        }
    }
    files
}

/// Watches the sources and the reader's progress as long as the server lives.
pub async fn watch_files(shared: Arc<Shared>) {
    let (touched, mut touches) = mpsc::channel::<()>(1);
    let _watcher = watcher(&shared.root, touched);
    let mut clock = tokio::time::interval(LOOK);
    // Nothing is seen yet: the first look compares the book that was found with the sources of today.
    let mut seen = 0;
    loop {
        tokio::select! {
            _ = clock.tick() => {}
            Some(()) = touches.recv() => tokio::time::sleep(SETTLE).await,
        }
        let (done, unwritten) = (done(&shared.root), unwritten(&shared.root));
        shared.news.send_if_modified(|news| {
            let changed = news.done != done || news.unwritten != unwritten;
            (news.done, news.unwritten) = (done, unwritten);
            changed
        });
        let now = stamp::of_metadata(&shared.root, book::SOURCES);
        if now != seen {
            let is_first = seen == 0;
            seen = now;
            rebuild(&shared).await;
            if !is_first {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { shared.libraries.warm().await });
            }
        }
    }
}

/// Tells the loop that something happened, as far as the system says so.
fn watcher(root: &Path, touched: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // A full channel means that the loop is about to look anyway.
            let _ = touched.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell).ok()?;
    for (place, mode) in [
        ("book", RecursiveMode::Recursive),
        ("chapters", RecursiveMode::Recursive),
        ("my", RecursiveMode::NonRecursive),
        ("book.toml", RecursiveMode::NonRecursive),
    ] {
        // What cannot be watched is looked at by the clock.
        let _ = watcher.watch(&root.join(place), mode);
    }
    Some(watcher)
}

async fn rebuild(shared: &Arc<Shared>) {
    let root = shared.root.clone();
    let served = shared.news.borrow().clone();
    let built = tokio::task::spawn_blocking(move || {
        if book::current_stamp(&root) == served.stamp && served.error.is_none() {
            let (stamp, warnings) = (served.stamp, served.warnings);
            return Ok(book::State { stamp, error: None, warnings });
        }
        book::build(&root)
    })
    .await;
    let error = match built {
        Ok(Ok(state)) => {
            shared.news.send_if_modified(|news| {
                let changed = news.stamp != state.stamp || news.error.is_some();
                news.stamp = state.stamp;
                news.error = None;
                news.warnings = state.warnings;
                changed
            });
            return;
        }
        Ok(Err(error)) => format!("{error:#}"),
        Err(error) => error.to_string(),
    };
    eprintln!("The book could not be built anew (the old one stays): {error}");
    shared.news.send_modify(|news| news.error = Some(error));
}
