//! A connection's way out: bytes gather here and leave in few, large writes.
//!
//! - I22: what a content writes is framed as its head said: to just the
//!   length that it promised, or in chunks.
//! - I23: while a client sends requests without waiting for the answers, the
//!   answers gather too, up to [`GATHERED`] bytes: one write for many.

use std::io::{self, ErrorKind, IoSlice};
use std::time::Duration;

use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::chunked::{chunk_size, last_chunk};
use ch03_http::patience::{Patience, Phase};

/// What may gather before it is sent.
pub const GATHERED: usize = 16 * 1024;

// ANCHOR: framing
/// How the end of the content is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// In chunks.
    Chunked,
    /// All up to the close.
    Close,
}
// ANCHOR_END: framing

// ANCHOR: out
/// What is on its way to one client.
pub struct Out<'a> {
    bytes: Vec<u8>,
    framing: Framing,
    stream: &'a TcpStream,
    runtime: &'a Runtime,
    patience: &'a dyn Patience,
}

impl<'a> Out<'a> {
    /// Nothing yet, in a vector whose memory is used again.
    pub fn new(
        bytes: Vec<u8>,
        stream: &'a TcpStream,
        runtime: &'a Runtime,
        patience: &'a dyn Patience,
    ) -> Out<'a> {
        let framing = Framing::Length(0);
        Out {
            bytes,
            framing,
            stream,
            runtime,
            patience,
        }
    }

    /// What waits to be sent, for a head to be appended.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// A content begins, which ends so.
    pub fn begin(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// How much of a promised length is still to come; `None`: no length.
    pub fn left(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(left) => Some(left),
            Framing::Chunked | Framing::Close => None,
        }
    }
    // ANCHOR_END: out

    // ANCHOR: write
    /// Writes a piece of the content. Little gathers; much is sent with what
    /// has gathered, from where it lies.
    ///
    /// # Errors
    /// The connection's; `TimedOut`; `InvalidData` for more than promised.
    pub async fn write(&mut self, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(()); // a chunk of no bytes would be the last
        }
        let tail: &[u8] = match self.framing {
            Framing::Length(left) => {
                let left = left.checked_sub(data.len() as u64);
                self.framing = Framing::Length(left.ok_or_else(too_much)?);
                b""
            }
            Framing::Chunked => {
                chunk_size(&mut self.bytes, data.len());
                b"\r\n"
            }
            Framing::Close => b"",
        };
        if self.bytes.len() + data.len() <= GATHERED {
            self.bytes.extend_from_slice(data);
            self.bytes.extend_from_slice(tail);
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        let mut pieces = [&bytes[..], data, tail].map(IoSlice::new);
        let sent = self.send(&mut pieces).await;
        self.bytes = bytes;
        self.bytes.clear();
        sent
    }
    // ANCHOR_END: write

    // ANCHOR: finish
    /// The content ends here.
    ///
    /// # Errors
    /// `UnexpectedEof`: less than promised, so that the connection must end.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.framing {
            Framing::Length(0) | Framing::Close => Ok(()),
            Framing::Length(_) => Err(ErrorKind::UnexpectedEof.into()),
            Framing::Chunked => {
                self.framing = Framing::Length(0);
                last_chunk(&mut self.bytes, &[]).map_err(io::Error::other)
            }
        }
    }

    /// Sends what has gathered.
    ///
    /// # Errors
    /// The connection's; `TimedOut`.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        let sent = self.send(&mut [IoSlice::new(&bytes)]).await;
        self.bytes = bytes;
        self.bytes.clear();
        sent
    }
    // ANCHOR_END: finish

    async fn send(&self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        let all = self.stream.write_all_vectored(pieces);
        self.within(all).await
    }

    /// Waits for a call on the connection, as long as patience lasts.
    ///
    /// # Errors
    /// The call's; `TimedOut`.
    pub async fn within<T>(
        &self,
        call: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        let left = self.patience.left(Phase::Send, Duration::ZERO, 0);
        match left {
            None => call.await,
            Some(left) => self.runtime.timeout(left, call).await?,
        }
    }

    // ANCHOR: bypass
    /// The connection itself, for who sends `count` bytes of the promised
    /// length without this process seeing them (sendfile). All that has
    /// gathered is sent before. `None`: the content goes in chunks.
    ///
    /// # Errors
    /// As [`Out::flush`].
    pub async fn bypass(&mut self) -> io::Result<Option<&'a TcpStream>> {
        if self.framing == Framing::Chunked || !self.stream.has_fd() {
            return Ok(None);
        }
        self.flush().await?;
        Ok(Some(self.stream))
    }

    /// So many bytes have gone past.
    ///
    /// # Errors
    /// `InvalidData`: more than promised.
    pub fn passed(&mut self, count: u64) -> io::Result<()> {
        if let Framing::Length(left) = self.framing {
            let left = left.checked_sub(count).ok_or_else(too_much)?;
            self.framing = Framing::Length(left);
        }
        Ok(())
    }
    // ANCHOR_END: bypass

    /// The memory, to be used again.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn too_much() -> io::Error {
    let why = "a content of more than the promised length";
    io::Error::new(ErrorKind::InvalidData, why)
}
