//! A proxy: what one peer sends, the other gets, both ways, to both ends.

use std::io;
use std::time::Duration;

use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::TcpStream;

/// Passes bytes between the two until both have ended, and gives how many
/// went from `a` to `b` and from `b` to `a`.
///
/// An end of one direction is passed on, and the other direction goes on. An
/// error of either ends both at once. When no byte has moved in either
/// direction for `idle`, it is over, too.
///
/// # Errors
/// The first error of either stream; `TimedOut`.
pub async fn proxy(
    runtime: &Runtime,
    a: TcpStream,
    b: TcpStream,
    idle: Duration,
) -> io::Result<(u64, u64)> {
    // begin: carry both directions, and watch when a byte last moved
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use ch02_event_loop::combine::{Either, select};
    use ch02_event_loop::tcp::{ReadHalf, WriteHalf};

    /// One direction, to its end; the drop of `to` passes the end on.
    async fn carry(
        runtime: &Runtime,
        from: ReadHalf,
        to: WriteHalf,
        moved: &Cell<Duration>,
    ) -> io::Result<u64> {
        let (mut total, mut buffer) = (0, vec![0; 16 * 1024]);
        loop {
            match from.stream().read(&mut buffer).await? {
                0 => return Ok(total),
                count => {
                    moved.set(runtime.now());
                    to.stream().write_all(&buffer[..count]).await?;
                    moved.set(runtime.now());
                    total += count as u64;
                }
            }
        }
    }

    let moved = Cell::new(runtime.now());
    let (a_reads, a_writes) = a.split();
    let (b_reads, b_writes) = b.split();
    let mut there = pin!(carry(runtime, a_reads, b_writes, &moved));
    let mut back = pin!(carry(runtime, b_reads, a_writes, &moved));
    let (mut went, mut came) = (None, None);
    let both = poll_fn(|cx| {
        if went.is_none()
            && let Poll::Ready(count) = there.as_mut().poll(cx)
        {
            went = Some(count?);
        }
        if came.is_none()
            && let Poll::Ready(count) = back.as_mut().poll(cx)
        {
            came = Some(count?);
        }
        match (went, came) {
            (Some(went), Some(came)) => Poll::Ready(Ok((went, came))),
            _ => Poll::Pending,
        }
    });
    let watch = async {
        loop {
            let end = moved.get().saturating_add(idle);
            match end.saturating_sub(runtime.now()) {
                Duration::ZERO => return Err(io::ErrorKind::TimedOut.into()),
                left => runtime.sleep(left).await,
            }
        }
    };
    match select(both, watch).await {
        Either::Left(done) | Either::Right(done) => done,
    }
    // end
}
