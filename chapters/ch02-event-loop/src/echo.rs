//! Echo again, as a task: what step 1 of ch01 did with a thread.

use std::io;

use ch02_event_loop::buffered::Buffers;
use ch02_event_loop::tcp::TcpStream;

// ANCHOR: echo
/// Sends back what comes until the peer's end, and counts the bytes. While it
/// waits for the peer to say something it holds no buffer.
///
/// # Errors
/// The stream's.
pub async fn echo(stream: &TcpStream, buffers: &Buffers) -> io::Result<u64> {
    let mut total = 0;
    loop {
        stream.readable().await?;
        let mut buffer = buffers.take();
        let echoed = echo_once(stream, &mut buffer).await;
        buffers.give(buffer);
        match echoed? {
            0 => return Ok(total),
            count => total += count as u64,
        }
    }
}

/// One read, and all of it back.
async fn echo_once(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let count = stream.read(buffer).await?;
    stream.write_all(&buffer[..count]).await?;
    Ok(count)
}
// ANCHOR_END: echo
