//! Who is let in, how many at once, and how long one who does not read is kept.
//!
//! - I1: at most [`CONNECTIONS`] are open. Whoever comes next waits in the system's queue until one ends.
//! - I2: a connection on which something waits to be read, and nothing of it is read for the time given, is closed; and what
//!   it showed ends with it, as if the page had been closed.
//! - I3: who reads slowly stays. The system's buffer for a connection is small, so that what is read is soon seen here.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep};

use super::ARRIVAL;

/// Connections at the same time. A browser opens six; with this many, a process that may have 1024 descriptors, as most
/// systems have it, still has room for what it runs.
const CONNECTIONS: usize = 256;
/// How long nobody is let in when there is no room for another connection.
const FULL: Duration = Duration::from_millis(200);
/// How many bytes the system keeps for one who has not read them yet (Linux takes twice that). It would take megabytes by
/// itself, and say nothing before a third of them is read.
const UNSENT: u32 = 64 * 1024;
/// How many may wait to be let in.
const WAITING: u32 = 128;

/// Listens on an address. Within a runtime.
///
/// # Errors
/// When it is taken, or not this machine's.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // The port of a server that has just ended is free.
    socket.set_reuseaddr(true)?;
    // Every connection inherits it.
    socket.set_send_buffer_size(UNSENT)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Lets browsers in, one task each, for ever. One that reads nothing for as long as `unread` is let go.
pub async fn accept(listener: &TcpListener, app: Router, unread: Duration) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return; // Nobody closes the semaphore.
        };
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor is left, most likely; one comes back when a connection ends.
            sleep(FULL).await;
            continue;
        };
        let stream = Patient { stream, unread, deadline: None };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(ARRIVAL)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app.clone()));
        tokio::spawn(async move {
            // A browser that goes away in the middle is nobody's failure.
            drop(connection.await);
            drop(place);
        });
    }
}

/// A connection whose writes fail when they make no progress for too long.
#[derive(Debug)]
struct Patient {
    stream: TcpStream,
    unread: Duration,
    /// Runs while something waits to be written.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn progress(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<Result<usize>>,
    ) -> Poll<Result<usize>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(self.unread)));
        deadline.as_mut().poll(context).map(|()| {
            // What was not read is thrown away: the system would keep it, and ask for it to be read, long after the close.
            let _ = self.stream.set_zero_linger();
            Err(Error::new(ErrorKind::TimedOut, "the peer does not read"))
        })
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.progress(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.progress(context, written)
    }

    /// Where it is not, a body is copied behind its head, one copy for each connection.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A connection, and the peer's end of it.
    async fn pair(unread: Duration) -> Result<(Patient, TcpStream)> {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into())?;
        let peer = TcpStream::connect(listener.local_addr()?).await?;
        let (stream, _) = listener.accept().await?;
        Ok((Patient { stream, unread, deadline: None }, peer))
    }

    /// Writes until there is no room; how many bytes it took.
    async fn fill(stream: &mut Patient) -> usize {
        let mut written = 0;
        poll_fn(|context| {
            while let Poll::Ready(Ok(count)) = Pin::new(&mut *stream).poll_write(context, &[0; 999])
            {
                written += count;
            }
            Poll::Ready(written)
        })
        .await
    }

    #[tokio::test]
    async fn who_reads_nothing_is_let_go() -> Result<()> {
        let (mut stream, _peer) = pair(Duration::from_millis(20)).await?;
        let error = loop {
            if let Err(error) = stream.write_all(&[0; 999]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        Ok(())
    }

    #[tokio::test]
    async fn who_reads_has_all_the_time_again() -> Result<()> {
        let (mut stream, mut peer) = pair(Duration::from_secs(3600)).await?;
        let written = fill(&mut stream).await;
        assert!(stream.deadline.is_some(), "the time runs");
        // As long as this at most is read late: what the buffers of both ends hold.
        assert!(written < 4 << 20, "{written} bytes");
        peer.read_exact(&mut vec![0; written]).await?;
        stream.write_all(b"on").await?;
        assert!(stream.deadline.is_none(), "the time does not run any more");
        Ok(())
    }
}
