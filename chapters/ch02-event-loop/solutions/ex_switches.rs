//! Exercise: what a switch buys. Two threads hand bytes back and forth, and
//! the kernel counts how often each of them was taken off a processor.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use ch02_event_loop::cost::{Switches, switches};

/// Sends `bursts` times `burst` bytes to another thread, which sends each
/// burst back when it has all of it, and waits for each before the next.
/// Returns the switches of both threads in that time, divided by how many
/// bytes were sent. (`burst` is at least 1.)
///
/// The threads' own numbers are in `/proc/thread-self/status`. The process
/// may have other threads, whose switches do not count.
///
/// # Errors
/// Those of the sockets, and `Other` where the kernel's text is not read.
pub fn switches_per_byte(bursts: u32, burst: usize) -> io::Result<f64> {
    // begin: a thread that echoes, and own() before and after in both
    let (mut here, mut there) = UnixStream::pair()?;
    let echo = thread::spawn(move || -> io::Result<u64> {
        let (before, mut buf) = (own()?, vec![0; burst]);
        for _ in 0..bursts {
            there.read_exact(&mut buf)?;
            there.write_all(&buf)?;
        }
        since(before)
    });
    let (before, mut buf) = (own()?, vec![b'x'; burst]);
    for _ in 0..bursts {
        here.write_all(&buf)?;
        here.read_exact(&mut buf)?;
    }
    let ours = since(before)?;
    let panicked = |_| io::Error::other("the echo panicked");
    let theirs = echo.join().map_err(panicked)??;
    let bytes = f64::from(bursts) * burst as f64;
    Ok((ours + theirs) as f64 / bytes)
    // end
}

/// The switches of the thread that asks.
fn own() -> io::Result<Switches> {
    let text = fs::read_to_string("/proc/thread-self/status")?;
    switches(&text).map_err(|error| io::Error::other(error.to_string()))
}

/// How many more they are now.
fn since(before: Switches) -> io::Result<u64> {
    let now = own()?;
    let sum = |s: Switches| s.voluntary + s.involuntary;
    Ok(sum(now) - sum(before))
}
