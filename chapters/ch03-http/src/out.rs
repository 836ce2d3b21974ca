//! A connection's way out: bytes gather here and leave in few, large writes.
//!
//! - I11: what a content writes is framed as its head said: to just the
//!   length that it promised, or in chunks.
//! - I12: while a client sends requests without waiting for the answers, the
//!   answers gather too, up to [`GATHERED`] bytes: one write for many.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::time::Duration;

use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::TcpStream;
use ch03_http::chunked::{chunk_size, last_chunk};
use ch03_http::patience::{Patience, Phase, within};

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
    writes: u64, // that were begun
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
            writes: 0,
            stream,
            runtime,
            patience,
        }
    }

    // ANCHOR_END: out

    // ANCHOR: state
    /// The loop that it is on.
    pub fn runtime(&self) -> &'a Runtime {
        self.runtime
    }

    /// How long its client may take.
    pub fn patience(&self) -> &'a dyn Patience {
        self.patience
    }

    /// What waits to be sent, for a head to be appended.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// A content begins, which ends so.
    pub fn begin(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// Whether the end of the content that has begun is the connection's.
    pub fn is_until_close(&self) -> bool {
        self.framing == Framing::Close
    }

    /// How much of a promised length is still to come; `None`: no length.
    pub fn left(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(left) => Some(left),
            Framing::Chunked | Framing::Close => None,
        }
    }
    // ANCHOR_END: state

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

    /// Sends what has gathered; after an error too, nothing is left.
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

    // ANCHOR: send
    /// Writes all of it, as long as patience lasts: for these pieces as a
    /// whole, so that a byte now and then buys no more than it is worth. What
    /// the kernel takes before the first wait, nobody has read, so it does
    /// not count.
    async fn send(&mut self, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.writes += 1;
        let (mut first, mut moved) = (None, 0_u64);
        IoSlice::advance_slices(&mut pieces, 0); // past empty ones
        while !pieces.is_empty() {
            let left = || {
                let now = self.runtime.now();
                let (began, before) = *first.get_or_insert((now, moved));
                let elapsed = now.saturating_sub(began);
                self.patience.left(Phase::Send, elapsed, moved - before)
            };
            let write = self.stream.write_vectored(pieces);
            let count = within(self.runtime, left, write).await?;
            if count == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut pieces, count);
            moved += count as u64;
        }
        Ok(())
    }

    /// A call of one's own that sends, with the patience for one write.
    ///
    /// # Errors
    /// The call's; `TimedOut`.
    pub async fn within<T>(
        &self,
        call: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        let left = || self.patience.left(Phase::Send, Duration::ZERO, 0);
        within(self.runtime, left, call).await
    }
    // ANCHOR_END: send

    // ANCHOR: undo
    /// Where the next answer begins, for [`Out::undo`].
    pub fn mark(&self) -> (u64, usize) {
        (self.writes, self.bytes.len())
    }

    /// Takes back all that was written since the mark: false if some of it
    /// may have left already.
    pub fn undo(&mut self, mark: (u64, usize)) -> bool {
        let is_here = self.writes == mark.0;
        if is_here {
            self.bytes.truncate(mark.1);
            self.framing = Framing::Length(0);
        }
        is_here
    }
    // ANCHOR_END: undo

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
        self.writes += 1; // what follows, nobody can take back
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
