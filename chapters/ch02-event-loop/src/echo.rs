//! Echo again, as a task: what step 1 of ch01 did with a thread.

use std::future::Future;
use std::io;
use std::pin::pin;

use ch02_event_loop::buffered::Buffers;
use ch02_event_loop::combine::{Either, select};
use ch02_event_loop::tcp::TcpStream;

// ANCHOR: echo
/// Sends back what comes until the peer's end, and counts the bytes. While it
/// waits for the peer to say something it holds no buffer, and `end` may end
/// it; what was read is sent back in any case.
///
/// # Errors
/// The stream's.
pub async fn echo(
    stream: &TcpStream,
    buffers: &Buffers,
    end: impl Future<Output = ()>,
) -> io::Result<u64> {
    let mut end = pin!(end);
    let mut total = 0;
    loop {
        match select(stream.readable(), end.as_mut()).await {
            Either::Left(readable) => readable?,
            Either::Right(()) => return Ok(total),
        }
        let mut buffer = buffers.take();
        let echoed = echo_once(stream, &mut buffer).await;
        buffers.give(buffer);
        match echoed? {
            Some(0) => return Ok(total),
            count => total += count.unwrap_or(0) as u64,
        }
    }
}

/// One read, and all of it back; `None`: there was nothing after all.
async fn echo_once(
    stream: &TcpStream,
    buffer: &mut [u8],
) -> io::Result<Option<usize>> {
    let count = stream.try_read(buffer)?;
    stream.write_all(&buffer[..count.unwrap_or(0)]).await?;
    Ok(count)
}
// ANCHOR_END: echo
