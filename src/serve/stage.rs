//! `POST /api/stage/…`: a chapter's finished stage on a page, its log, and connections to it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result, bail};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::{Lines, Outbox, Shared, stream};
use crate::sandbox::{STAGE, environment};
use crate::supervise::{Exit, Frame, Spec, take_text};

/// Stages that may run at the same time: more than a page has.
const STAGES: usize = 8;
/// Connections to one stage.
const CONNECTIONS: usize = 8;
/// Requests that wait for a stage, and texts that wait for a connection.
const BACKLOG: usize = 16;
/// How many bytes of a connection are passed on at once.
const CHUNK: usize = 16 * 1024;

/// The stages that run, by number.
#[derive(Debug, Default)]
pub struct Stages(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    next: u64,
    inboxes: HashMap<u64, mpsc::Sender<Order>>,
}

impl Stages {
    fn running(&self) -> MutexGuard<'_, Running> {
        // Nothing that can panic happens while the lock is held.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What a page wants of a stage, and where the answer goes.
#[derive(Debug)]
struct Order {
    wish: Wish,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<Value, String>>;

#[derive(Debug)]
enum Wish {
    Connect,
    Send { connection: u64, text: String },
    Close { connection: u64 },
    Stop,
}

/// What a page is told, one line each.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    /// The number to ask this stage by.
    Stage { id: u64 },
    /// `build`, `run`.
    Phase { phase: &'static str },
    /// It listens there.
    Listening { address: SocketAddr },
    /// A connection received something.
    Received { connection: u64, text: String },
    /// The stage closed a connection.
    Closed { connection: u64, text: String },
    /// The end.
    Exit(Exit),
}

/// Which stage to start.
#[derive(Debug, Deserialize)]
pub struct Start {
    stage: String,
}

/// Starts a stage and streams what happens to it. The stage ends with the stream.
pub async fn start(State(shared): State<Arc<Shared>>, Json(request): Json<Start>) -> Response {
    let owned = Arc::clone(&shared);
    stream(&shared, move |lines| async move {
        if let Err(error) = follow(&owned, &request.stage, &lines).await {
            let exit = Exit { text: format!("{error:#}"), ..Exit::default() };
            lines.send(&Line::Exit(exit)).await;
        }
    })
}

/// A number that goes back when it is dropped.
struct Entry<'a> {
    stages: &'a Stages,
    id: u64,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.stages.running().inboxes.remove(&self.id);
    }
}

fn enter(stages: &Stages) -> Result<(Entry<'_>, mpsc::Receiver<Order>)> {
    let mut running = stages.running();
    if running.inboxes.len() >= STAGES {
        bail!("{STAGES} stages run already; stop one first");
    }
    let (sender, inbox) = mpsc::channel(BACKLOG);
    running.next += 1;
    let id = running.next;
    running.inboxes.insert(id, sender);
    Ok((Entry { stages, id }, inbox))
}

async fn follow(shared: &Arc<Shared>, stage: &str, lines: &Lines) -> Result<()> {
    let (entry, mut inbox) = enter(&shared.stages)?;
    lines.send(&Line::Stage { id: entry.id }).await;
    lines.send(&Line::Phase { phase: "build" }).await;
    let program = {
        let (shared, stage) = (Arc::clone(shared), stage.to_owned());
        tokio::spawn(async move { shared.libraries.program(&stage).await }).await??
    };
    lines.send(&Line::Phase { phase: "run" }).await;
    let dir = tempfile::Builder::new().prefix("workbook-stage-").tempdir()?;
    let spec = Spec {
        program,
        args: vec!["--port".into(), "0".into()],
        env: environment(dir.path()),
        dir: dir.path().to_path_buf(),
        scratch: Some(dir.path().to_path_buf()),
        unprivileged: false,
        limits: STAGE,
    };
    let mut job = shared.jobs.start(&spec)?;
    let (sender, mut received) = mpsc::channel(BACKLOG);
    let mut connections =
        Connections { address: None, next: 0, open: HashMap::new(), received: sender };
    let mut heard = String::new();
    // A page that does not read its stream makes the stage wait, but not who asks for something: Stop stops.
    let mut outbox = Outbox::new(lines.clone());
    loop {
        tokio::select! {
            () = outbox.pass_on(), if !outbox.is_empty() => {}
            frame = job.next(), if outbox.is_empty() => match frame {
                Frame::Exit(exit) => {
                    drop((entry, inbox));
                    // What the connections received last is worth more than an end that comes at once.
                    connections.open.clear();
                    while let Ok(line) = received.try_recv() {
                        lines.send(&line).await;
                    }
                    lines.send(&Line::Exit(exit)).await;
                    return Ok(());
                }
                Frame::Out { text } => {
                    if connections.address.is_none() {
                        heard.push_str(&text);
                        connections.address = listening(&heard);
                        if let Some(address) = connections.address {
                            outbox.push(&Line::Listening { address });
                        }
                    }
                    outbox.push(&Frame::Out { text });
                }
                frame => outbox.push(&frame),
            },
            Some(line) = received.recv(), if outbox.is_empty() => {
                if let Line::Closed { connection, .. } = &line {
                    connections.open.remove(connection);
                }
                outbox.push(&line);
            }
            Some(order) = inbox.recv() => {
                let answer = match order.wish {
                    Wish::Stop => {
                        job.stop().await;
                        Ok(json!({}))
                    }
                    Wish::Connect => connections.connect().await,
                    Wish::Send { connection, text } => {
                        connections.send(connection, text, order.answer);
                        continue;
                    }
                    Wish::Close { connection } => {
                        connections.open.remove(&connection);
                        Ok(json!({}))
                    }
                };
                // Whoever asked may be gone.
                let _ = order.answer.send(answer.map_err(|error| format!("{error:#}")));
            }
        }
    }
}

/// The address in a stage's first line: `step1_echo listening on 127.0.0.1:7001`.
fn listening(heard: &str) -> Option<SocketAddr> {
    let (first, _) = heard.split_once('\n')?;
    first.rsplit_once(" listening on ")?.1.trim().parse().ok()
}

/// The connections of a page to a stage.
struct Connections {
    address: Option<SocketAddr>,
    next: u64,
    /// What is to be sent, and who is told when it is. Dropping one closes its direction: the stage reads the end.
    open: HashMap<u64, mpsc::Sender<(String, Answer)>>,
    received: mpsc::Sender<Line>,
}

impl Connections {
    async fn connect(&mut self) -> Result<Value> {
        let address = self.address.context("the stage does not listen yet")?;
        if self.open.len() >= CONNECTIONS {
            bail!("{CONNECTIONS} connections are open already");
        }
        let (mut reader, mut writer) = TcpStream::connect(address).await?.into_split();
        self.next += 1;
        let connection = self.next;
        let (sender, mut texts) = mpsc::channel::<(String, Answer)>(BACKLOG);
        self.open.insert(connection, sender);
        // Apart from the rest: a stage that waits to be read takes no more, and what it says must be read meanwhile.
        tokio::spawn(async move {
            while let Some((text, answer)) = texts.recv().await {
                let sent = writer.write_all(text.as_bytes()).await;
                let sent = sent.map(|()| json!({})).map_err(|error| error.to_string());
                // Whoever asked may be gone.
                let _ = answer.send(sent);
            }
        });
        let received = self.received.clone();
        tokio::spawn(async move {
            let mut pending = Vec::new();
            let mut chunk = vec![0; CHUNK];
            let end = loop {
                match reader.read(&mut chunk).await {
                    Ok(0) => break "closed by the stage".to_owned(),
                    Ok(read) => {
                        pending.extend_from_slice(&chunk[..read]);
                        let text = take_text(&mut pending);
                        if received.send(Line::Received { connection, text }).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => break error.to_string(),
                }
            };
            let _ = received.send(Line::Closed { connection, text: end }).await;
        });
        Ok(json!({ "connection": connection }))
    }

    fn send(&self, connection: u64, text: String, answer: Answer) {
        let (answer, why) = match self.open.get(&connection) {
            None => (answer, "this connection is closed".to_owned()),
            Some(texts) => match texts.try_send((text, answer)) {
                Ok(()) => return,
                Err(full) => {
                    let why = format!("the stage does not read: {BACKLOG} texts wait already");
                    (full.into_inner().1, why)
                }
            },
        };
        // Whoever asked may be gone.
        let _ = answer.send(Err(why));
    }
}

/// A wish for one stage.
#[derive(Debug, Deserialize)]
pub struct Ask {
    id: u64,
    #[serde(default)]
    connection: u64,
    #[serde(default)]
    text: String,
}

/// Opens a connection; answers with its number.
pub async fn connect(State(shared): State<Arc<Shared>>, Json(ask): Json<Ask>) -> Response {
    order(&shared, ask.id, Wish::Connect).await
}

/// Sends a text as it stands.
pub async fn send(State(shared): State<Arc<Shared>>, Json(ask): Json<Ask>) -> Response {
    order(&shared, ask.id, Wish::Send { connection: ask.connection, text: ask.text }).await
}

/// Closes this side of a connection.
pub async fn close(State(shared): State<Arc<Shared>>, Json(ask): Json<Ask>) -> Response {
    order(&shared, ask.id, Wish::Close { connection: ask.connection }).await
}

/// Asks the stage to end.
pub async fn stop(State(shared): State<Arc<Shared>>, Json(ask): Json<Ask>) -> Response {
    order(&shared, ask.id, Wish::Stop).await
}

async fn order(shared: &Shared, id: u64, wish: Wish) -> Response {
    let inbox = shared.stages.running().inboxes.get(&id).cloned();
    let (answer, reply) = oneshot::channel();
    let sent = match inbox {
        Some(inbox) => inbox.send(Order { wish, answer }).await.is_ok(),
        None => false,
    };
    let reply = if sent { reply.await.ok() } else { None };
    match reply {
        Some(Ok(value)) => Json(value).into_response(),
        Some(Err(text)) => (StatusCode::CONFLICT, Json(json!({ "error": text }))).into_response(),
        None => {
            let text = json!({ "error": "this stage does not run any more" });
            (StatusCode::GONE, Json(text)).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_stands_in_the_first_line() {
        let check = |heard: &str, expected: Option<&str>| {
            let expected = expected.map(|text| text.parse().expect("an address"));
            assert_eq!(listening(heard), expected, "input: {heard:?}");
        };
        check("step1_echo listening on 127.0.0.1:7001\n", Some("127.0.0.1:7001"));
        check("step1_echo listening on 127.0.0.1:70", None);
        check("something else\nx listening on 127.0.0.1:7001\n", None);
        check("", None);
    }
}
