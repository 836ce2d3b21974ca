//! A listener, a task for each connection, and an end to both.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::{TcpListener, TcpStream};

/// How many connections a server may have, and what the others are told.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// The most connections at once.
    pub most: usize,
    /// What one more is told before it is closed. May be empty.
    pub full: &'static str,
}

// ANCHOR: serve
/// Accepts until the drain begins, and gives each connection to a task of
/// `handle`, which is cut off when the drain says so.
///
/// # Errors
/// The listener is unusable. The connections that are here go on.
pub async fn serve<F: Future<Output = ()> + 'static>(
    runtime: &Runtime,
    listener: &TcpListener,
    drain: &Drain,
    door: Door,
    mut handle: impl FnMut(TcpStream, SocketAddr) -> F,
) -> io::Result<()> {
    loop {
        let (stream, peer) =
            match select(listener.accept(), drain.begun()).await {
                Either::Left(accepted) => accepted?,
                Either::Right(()) => return Ok(()),
            };
        if drain.here() >= door.most {
            refuse(&stream, door.full).await;
            continue;
        }
        let (guard, drain) = (drain.enter(), drain.clone());
        let work = handle(stream, peer);
        let task = async move {
            drain.unless_cut(work).await;
            drop(guard);
        };
        runtime.spawn(task).detach();
    }
}
// ANCHOR_END: serve

/// One write of a few bytes into a new socket's empty buffer does not wait;
/// where it would, or fails, the peer learns it from the close.
async fn refuse(stream: &TcpStream, text: &str) {
    if !text.is_empty() {
        let _ = stream.write_all(text.as_bytes()).await;
    }
}
