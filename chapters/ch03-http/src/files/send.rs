//! A file's bytes on their way: by sendfile where the kernel can, else by
//! reads and writes.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use ch02_event_loop::tcp::TcpStream;
use ch03_http::out::{GATHERED, Out};
use ch03_http::response::{Content, Later};

/// How much one call sends: a fast client and a warm cache must not keep the
/// others waiting (nginx: `sendfile_max_chunk`, 2 MiB).
const ONCE: u64 = 1024 * 1024;

// ANCHOR: parts
/// Parts of a file, each with what stands before it, and an end.
pub struct Parts {
    file: File,
    parts: Vec<(Vec<u8>, Range<u64>)>,
    tail: Vec<u8>,
}

impl Parts {
    /// One part, with nothing around it.
    pub fn one(file: File, range: Range<u64>) -> Parts {
        let parts = vec![(Vec::new(), range)];
        Parts {
            file,
            parts,
            tail: Vec::new(),
        }
    }

    /// Several, as `multipart/byteranges`: each with a small head of its own
    /// (RFC 9110, section 14.6).
    pub fn many(
        file: File,
        ranges: Vec<Range<u64>>,
        length: u64,
        media_type: &str,
        boundary: &str,
    ) -> Parts {
        let part = |range: Range<u64>| {
            let head = format!(
                "\r\n--{boundary}\r\nContent-Type: {media_type}\r\n\
                 Content-Range: bytes {}-{}/{length}\r\n\r\n",
                range.start,
                range.end - 1
            );
            (head.into_bytes(), range)
        };
        let parts = ranges.into_iter().map(part).collect();
        let tail = format!("\r\n--{boundary}--\r\n").into_bytes();
        Parts { file, parts, tail }
    }
}
// ANCHOR_END: parts

impl Content for Parts {
    fn length(&self) -> Option<u64> {
        let part = |(head, range): &(Vec<u8>, Range<u64>)| {
            head.len() as u64 + range.end - range.start
        };
        let parts: u64 = self.parts.iter().map(part).sum();
        Some(parts + self.tail.len() as u64)
    }

    fn to_bytes(&self, most: u64) -> Option<io::Result<Vec<u8>>> {
        let [(head, range)] = &self.parts[..] else {
            return None;
        };
        let length = range.end - range.start;
        if length > most || !head.is_empty() || !self.tail.is_empty() {
            return None;
        }
        let mut bytes = vec![0; length as usize];
        let read = self.file.read_exact_at(&mut bytes, range.start);
        Some(read.map(|()| bytes))
    }

    fn send<'a>(&'a mut self, out: &'a mut Out<'_>) -> Later<'a> {
        Box::pin(async move {
            for (head, range) in &self.parts {
                out.write(head).await?;
                send_range(&self.file, range.clone(), out).await?;
            }
            out.write(&self.tail).await
        })
    }
}

// ANCHOR: send_range
/// Sends a part of a file.
///
/// # Errors
/// The connection's; `UnexpectedEof` for a file that has shrunk: its length
/// is promised already, so the connection has to end.
pub async fn send_range(
    file: &File,
    mut range: Range<u64>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if range.end - range.start > GATHERED as u64
        && let Some(stream) = directly(out).await?
    {
        return pass(file, range, stream, out).await;
    }
    let most = |range: &Range<u64>| {
        (GATHERED as u64).min(range.end - range.start) as usize
    };
    let mut bytes = vec![0; most(&range)];
    while range.start < range.end {
        match file.read_at(&mut bytes[..most(&range)], range.start)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => {
                out.write(&bytes[..count]).await?;
                range.start += count as u64;
            }
        }
    }
    Ok(())
}

// ANCHOR_END: send_range

// ANCHOR: directly
/// The connection, after what has gathered was sent: so that it leaves in one
/// segment with the file's first bytes (nginx: `tcp_nopush`). `None`, and
/// nothing sent: there is no descriptor, or the content goes in chunks.
#[cfg(target_os = "linux")]
async fn directly<'a>(out: &mut Out<'a>) -> io::Result<Option<&'a TcpStream>> {
    use ch02_event_loop::reactor::Direction;
    use ch02_event_loop::sys::send_more;

    let mut bytes = std::mem::take(out.bytes()); // none are left to be sent
    let stream = out.bypass().await?;
    let mut at = 0;
    while let Some(stream) = stream.filter(|_| at < bytes.len()) {
        let rest = &bytes[at..];
        let call = stream.with_fd(Direction::Write, |fd| send_more(&fd, rest));
        let sent =
            async { call.await.unwrap_or(Err(ErrorKind::Unsupported.into())) };
        match out.within(sent).await? {
            0 => return Err(ErrorKind::WriteZero.into()),
            count => at += count,
        }
    }
    if stream.is_some() {
        bytes.clear();
    }
    *out.bytes() = bytes;
    Ok(stream)
}
// ANCHOR_END: directly

// ANCHOR: pass
/// By sendfile(2): the pages of the file's cache become the segments.
#[cfg(target_os = "linux")]
async fn pass(
    file: &File,
    mut range: Range<u64>,
    stream: &TcpStream,
    out: &mut Out<'_>,
) -> io::Result<()> {
    use ch02_event_loop::reactor::Direction;
    use ch02_event_loop::sys::send_file;

    while range.start < range.end {
        let most = (range.end - range.start).min(ONCE) as usize;
        let mut offset = range.start;
        let call = stream.with_fd(Direction::Write, |fd| {
            send_file(&fd, file, &mut offset, most)
        });
        let sent =
            async { call.await.unwrap_or(Err(ErrorKind::Unsupported.into())) };
        match out.within(sent).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => {
                range.start += count as u64;
                out.passed(count as u64)?;
                if count == most {
                    others_first().await; // it would take still more
                }
            }
        }
    }
    Ok(())
}

// ANCHOR_END: pass

// ANCHOR: others
/// Lets every other task have its turn.
#[cfg(target_os = "linux")]
async fn others_first() {
    use std::future::poll_fn;
    use std::task::Poll;

    let mut is_done = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_done, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
// ANCHOR_END: others
