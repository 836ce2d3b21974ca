//! Exercise: a queue for one who reads slowly, when the texts are small.
//!
//! The outbox of ch02 shares each piece among all who are told it: right for
//! pictures, and for texts of a few hundred bytes. Of "ok" it keeps 2 bytes of
//! text, 2 of the frame, 16 of the reference in each queue, and the
//! allocation. Whoever sends nothing but small texts makes the server hold
//! five times what the limit says.

use std::collections::VecDeque;

/// Bytes that are allocated at once.
pub const CHUNK: usize = 4096;

/// What is still to be sent to one member.
#[derive(Debug, Default)]
pub struct Packed {
    /// The bytes, in chunks whose capacity is never over [`CHUNK`].
    pub chunks: VecDeque<Vec<u8>>,
    /// How many bytes of the first chunk are sent.
    pub sent: usize,
}

impl Packed {
    /// Puts a piece, of any length, behind what is there.
    pub fn push(&mut self, piece: &[u8]) {
        todo!("ex_packed: fill the last chunk, then begin others")
    }

    /// The next bytes to write, as many as lie together; empty if there are
    /// none.
    pub fn output(&self) -> &[u8] {
        todo!("ex_packed: the first chunk behind what is sent of it")
    }

    /// So many bytes of the output are written. A chunk that is sent whole
    /// is let go at once.
    pub fn wrote(&mut self, count: usize) {
        todo!("ex_packed: count; a chunk that is sent goes")
    }
}
