//! `POST /api/run`: compiles the text of a listing and runs it.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Lines, Shared, stream};
use crate::sandbox::{Block, COMPILE, environment};
use crate::supervise::{Exit, Frame, Spec};

/// What a page asks for.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// The listing's whole text, hidden lines included.
    code: String,
}

/// What a page is told, one line each.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    /// So many must end first.
    Queued { ahead: usize },
    /// `build`: a chapter's library is built; `compile`; `run`.
    Phase { phase: &'static str },
    /// The compiler's words.
    Diagnostic { text: String },
    /// How long what was run took to compile, and how it ended.
    Exit {
        phase: &'static str,
        #[serde(flatten)]
        exit: Exit,
    },
}

/// Streams a run.
pub async fn run(State(shared): State<Arc<Shared>>, Json(request): Json<Request>) -> Response {
    let owned = Arc::clone(&shared);
    stream(&shared, move |lines| async move {
        if let Err(error) = in_turn(&owned, &request.code, &lines).await {
            lines.send(&Line::Diagnostic { text: format!("{error:#}\n") }).await;
            let exit = Exit { text: "It could not be started.".to_owned(), ..Exit::default() };
            lines.send(&Line::Exit { phase: "build", exit }).await;
        }
    })
}

async fn in_turn(shared: &Arc<Shared>, code: &str, lines: &Lines) -> Result<()> {
    let mut place = shared.queue.join().context("too many listings wait to run")?;
    let mut told = 0;
    loop {
        let ahead = place.ahead();
        if ahead == 0 {
            break;
        }
        if ahead != told {
            lines.send(&Line::Queued { ahead }).await;
            told = ahead;
        }
        place.moved().await;
    }
    let block = Block::new(code);
    lines.send(&Line::Phase { phase: "build" }).await;
    let libraries = libraries(shared, &block.source).await?;
    let dir = tempfile::Builder::new().prefix("workbook-run-").tempdir()?;
    std::fs::write(dir.path().join("listing.rs"), &block.source)?;

    lines.send(&Line::Phase { phase: "compile" }).await;
    let spec = shared.toolchain.compilation(dir.path(), block.is_test, &libraries, COMPILE);
    let exit = follow(shared, &spec, "compile", lines).await?;
    if exit.code != Some(0) {
        lines.send(&Line::Exit { phase: "compile", exit }).await;
        return Ok(());
    }
    lines.send(&Line::Phase { phase: "run" }).await;
    let mut spec = Spec {
        program: dir.path().join("listing"),
        args: Vec::new(),
        env: environment(dir.path()),
        dir: dir.path().to_path_buf(),
        scratch: Some(dir.path().to_path_buf()),
        unprivileged: true,
        limits: shared.allowed.run,
    };
    if block.is_test {
        spec.args.push("--color=never".to_owned());
    }
    let exit = follow(shared, &spec, "run", lines).await?;
    lines.send(&Line::Exit { phase: "run", exit }).await;
    Ok(())
}

/// The libraries that a block needs. Building them goes on when the page is closed: the next one needs them too.
async fn libraries(
    shared: &Arc<Shared>,
    source: &str,
) -> Result<Vec<(String, std::path::PathBuf)>> {
    let (shared, source) = (Arc::clone(shared), source.to_owned());
    tokio::spawn(async move { shared.libraries.for_block(&source).await }).await?
}

async fn follow(shared: &Shared, spec: &Spec, phase: &str, lines: &Lines) -> Result<Exit> {
    let began = Instant::now();
    let mut job = shared.jobs.start(spec)?;
    loop {
        match job.next().await {
            Frame::Exit(mut exit) => {
                exit.wall_ms = exit.wall_ms.max(began.elapsed().as_millis() as u64);
                return Ok(exit);
            }
            Frame::Err { text } | Frame::Out { text } if phase == "compile" => {
                lines.send(&Line::Diagnostic { text }).await;
            }
            frame => lines.send(&frame).await,
        }
    }
}
