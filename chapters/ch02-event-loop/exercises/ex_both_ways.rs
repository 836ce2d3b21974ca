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
    todo!(
        "ex_both_ways: carry both directions, and watch when a byte last moved"
    )
}
