//! Time and endings: a [`Link`] that does not wait for ever.
//!
//! How a connection ends, from the side that ends it:
//!
//! ```text
//!   finish   FIN ────────▶          "no more from me"; both may still read
//!            ◀──────── FIN          then the kernel keeps it a minute
//!                                   (TIME-WAIT, at who sent the first FIN)
//!   reset    RST ────────▶          "this connection is gone": what was not
//!                                   delivered, or delivered and not read,
//!                                   is thrown away on both sides
//! ```
//!
//! A `close` sends FIN, unless bytes of the peer are unread: then it sends
//! RST, and with it goes what of ours has not reached the peer yet. So a
//! link that finishes keeps reading until the peer's FIN, for at most
//! [`Times::linger`]. A client that is cut off is reset on purpose: a FIN
//! would wait behind megabytes that it does not read.
//!
//! I12: every wait has an end. I14: what the registry had accepted when the
//! drain began reaches every client that reads, before the FIN.

use ch00_toolbox::log::Log;
use ch00_toolbox::sys::{KeepAlive, Signals, set_keepalive, set_linger};
use ch01_sockets::chat::{Hub, Link, STACK, Seat};
use ch01_sockets::echo::read_some;
use ch01_sockets::patience::{Next, Terms, Watch};
use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

// ANCHOR: times
/// The deadlines of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// How long a client may keep quiet.
    pub terms: Terms,
    /// How long the peer may take over one batch of lines.
    pub send: Duration,
    /// How long to wait for the peer's FIN after ours.
    pub linger: Duration,
}

/// Dead hosts send no FIN. After a minute of silence the kernel asks, six
/// times every ten seconds, and then reports ETIMEDOUT. Its own default is
/// two hours (RFC 9293 §3.8.4 allows no less unasked).
const KEEP_ALIVE: KeepAlive = KeepAlive {
    idle: Duration::from_secs(60),
    interval: Duration::from_secs(10),
    count: 6,
};

/// The shortest deadline of a socket: to the kernel, zero is none at all.
const TICK: Duration = Duration::from_millis(1);

/// The longest wait for bytes before the deadlines are asked again.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
// ANCHOR_END: times

// ANCHOR: timed
/// A TCP connection with deadlines.
pub struct Timed {
    stream: TcpStream,
    seat: Seat,
    times: Times,
    state: Mutex<State>,
    /// Signalled when `state.ended` is set.
    ended: Condvar,
}

struct State {
    watch: Watch,
    /// The client has said who it is; it does not take that back.
    known: bool,
    /// The socket's SO_RCVTIMEO: set again only when it has to change.
    timeout: Duration,
    /// The peer's FIN or an error has been read.
    ended: bool,
    /// A write made no progress: the reader gives this as the reason.
    stuck: bool,
    /// A deadline has passed: what is read now is only for the peer's FIN.
    over: bool,
}
// ANCHOR_END: timed

impl Timed {
    /// Sets the socket's options and starts its clock.
    ///
    /// # Errors
    /// The socket refuses an option: its peer has already gone.
    pub fn new(
        stream: TcpStream,
        seat: Seat,
        times: Times,
    ) -> io::Result<Timed> {
        stream.set_nodelay(true)?; // batches are made here, not in the kernel
        stream.set_write_timeout(Some(times.send.max(TICK)))?;
        set_keepalive(&stream, Some(KEEP_ALIVE))?;
        let watch = Watch::new(times.terms, seat.clock().now());
        let state = Mutex::new(State {
            watch,
            known: false,
            timeout: Duration::ZERO,
            ended: false,
            stuck: false,
            over: false,
        });
        Ok(Timed {
            stream,
            seat,
            times,
            state,
            ended: Condvar::new(),
        })
    }

    // ANCHOR: wait
    /// How long the next read may wait; says the warning when it is due.
    fn patience(&self) -> io::Result<Duration> {
        loop {
            let known = self.lock().known || !self.seat.stranger();
            let now = self.seat.clock().now();
            let mut state = self.lock();
            if state.over {
                return Ok(self.times.linger); // and then `finish` cuts
            }
            state.known = known;
            let next = state.watch.next(now, known);
            state.over = matches!(next, Next::End(_));
            drop(state); // telling takes the hub's lock
            match next {
                Next::Wait(left) => return Ok(left),
                Next::End(why) => return Err(late(why)),
                Next::Warn(left) => {
                    let left = left.as_secs_f32().ceil();
                    self.seat.tell(&format!(
                        "still there? say something within {left} s"
                    ));
                }
            }
        }
    }

    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = round_up(self.patience()?);
            let before = std::mem::replace(&mut self.lock().timeout, left);
            if before != left {
                self.stream.set_read_timeout(Some(left))?;
            }
            match read_some(&mut &self.stream, buf) {
                // SO_RCVTIMEO ends a read with EAGAIN.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.lock().watch.heard(self.seat.clock().now());
                    return Ok(count);
                }
            }
        }
    }
    // ANCHOR_END: wait

    // ANCHOR: write
    /// All of a batch, or `WouldBlock` when the peer takes too long over it:
    /// a write that makes no progress ends by SO_SNDTIMEO, and one that
    /// trickles by the clock.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        let end = self.seat.clock().now().saturating_add(self.times.send);
        loop {
            match (&self.stream).write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if bytes.is_empty() {
                return Ok(());
            }
            if self.seat.clock().now() >= end {
                return Err(ErrorKind::WouldBlock.into()); // I12
            }
        }
    }
    // ANCHOR_END: write

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Up to a hundredth of a second more, so that a busy connection asks for
/// the same timeout each time and needs no system call to get it.
fn round_up(left: Duration) -> Duration {
    Duration::from_millis(left.min(DAY).as_millis() as u64 / 10 * 10 + 10)
}

// ANCHOR: impl
impl Link for Timed {
    fn receive(&self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.read(buf);
        if let Ok(1..) = got {
            return got;
        }
        let mut state = self.lock();
        // A deadline of ours, no error of the system's, ends nothing there.
        let ours = |error: &io::Error| error.raw_os_error().is_none();
        state.ended |= !got.as_ref().is_err_and(ours);
        self.ended.notify_all();
        if state.stuck { Err(stuck()) } else { got }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        match self.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.lock().stuck = true;
                Err(stuck())
            }
            sent => sent,
        }
    }

    // ANCHOR_END: impl

    // ANCHOR: pause
    fn pause(&self, wait: Duration) -> io::Result<bool> {
        // That it has to wait for us is no silence of a member's. A
        // stranger's time runs on.
        self.lock().watch.heard(self.seat.clock().now());
        let left = self.patience()?;
        self.stream.pause(wait.min(left))
    }
    // ANCHOR_END: pause

    // ANCHOR: finish
    fn finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let (state, _) = self
            .ended
            .wait_timeout_while(self.lock(), self.times.linger, |s| !s.ended)
            .unwrap_or_else(PoisonError::into_inner);
        if !state.ended {
            self.cut();
        }
    }

    fn cut(&self) {
        let _ = set_linger(&self.stream, Some(Duration::ZERO)); // RST
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
// ANCHOR_END: finish

fn late(why: &str) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, why)
}

fn stuck() -> io::Error {
    late("reads nothing of what it is told")
}

/// How long the threads of those who were cut off may take to end.
const CUT: Duration = Duration::from_secs(1);

// ANCHOR: drain
/// What a drain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// How many were connected.
    pub here: usize,
    /// How many of them were cut off.
    pub late: usize,
}

/// Says goodbye to everybody, waits for what is owed to be read, and cuts
/// off who has not read it when the limit is over.
pub fn drain(hub: &Hub, limit: Duration) -> Drained {
    let start = Instant::now();
    let here = hub.end_all("the server is closing: goodbye");
    let left = limit.saturating_sub(start.elapsed());
    let late = hub.wait_until_empty(left);
    hub.cut_all();
    hub.wait_until_empty(CUT);
    Drained { here, late }
}
// ANCHOR_END: drain

// ANCHOR: hurry
/// From here on a signal ends the process at once, with the status that a
/// shell gives to a program that died of it: 130 for SIGINT, 143 for SIGTERM.
/// The signal that began the drain is taken first, and is none of those.
pub fn hurry(signals: Signals, hub: &Arc<Hub>, log: Log) {
    let hub = hub.clone();
    while signals.try_wait().is_some() {}
    // Where no thread can be had, `signals` is dropped, and a signal does
    // what it does to a program that does not catch it: the same, unsaid.
    let _ = Builder::new().stack_size(STACK).spawn(move || {
        let signal = signals.wait();
        let left = hub.open();
        log.warn(format_args!("{signal} again: {left} are cut off"));
        process::exit(128 + signal.number());
    });
}
// ANCHOR_END: hurry

#[cfg(test)]
mod tests {
    use super::*;
    use ch00_toolbox::clock::VirtualClock;
    use ch00_toolbox::log::Level;
    use ch01_sockets::bucket::Rate;
    use ch01_sockets::chat::Limits;
    use ch01_sockets::outbox::Limit;
    use ch01_sockets::registry::{ClientId, Core, Effect, Event};
    use std::io::Read;
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    const S: Duration = Duration::from_secs(1);
    const LIMITS: Limits = Limits {
        line: 9,
        outbox: Limit { bytes: 9, lines: 9 },
        rate: Rate {
            burst: 9,
            per_second: 9,
        },
    };
    const TIMES: Times = Times {
        terms: Terms {
            login: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        },
        send: S,
        linger: S,
    };

    /// To this core all are strangers, or none is.
    struct Strangers(bool);

    impl Core for Strangers {
        fn step(&mut self, _: ClientId, _: Event, _: &mut Vec<Effect>) {}

        fn stranger(&self, _: ClientId) -> bool {
            self.0
        }
    }

    /// A link that no thread uses, and its peer.
    fn linked(
        core: Strangers,
        clock: &VirtualClock,
    ) -> io::Result<(Timed, TcpStream)> {
        let hub = Hub::new(Box::new(core), LIMITS, Arc::new(clock.clone()));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let peer = TcpStream::connect(listener.local_addr()?)?;
        let (stream, _) = listener.accept()?;
        let mut link = None;
        let keep = |seat| {
            link = Some(Timed::new(stream, seat, TIMES)?);
            Err::<TcpStream, _>(ErrorKind::Other.into())
        };
        let kept = hub.admit(keep, &Log::to_stderr(Level::Warn));
        link.map(|link| (link, peer)).ok_or_else(|| {
            kept.err().unwrap_or_else(|| io::Error::other("no link"))
        })
    }

    /// I11, I12: a member that waits for us is not silent; a stranger's time
    /// runs on
    #[test]
    fn waiting_for_us_is_no_silence() -> io::Result<()> {
        let clock = VirtualClock::new();
        let (link, mut peer) = linked(Strangers(false), &clock)?;
        for seconds in [29, 58, 87] {
            clock.advance(S * 29);
            let here = link.pause(Duration::ZERO)?;
            assert!(here, "input: a member, {seconds} s of our waits");
        }
        clock.advance(S * 29);
        peer.write_all(b"hi")?;
        assert_eq!(link.receive(&mut [0; 8])?, 2, "input: its next bytes");

        let (link, _peer) = linked(Strangers(true), &clock)?;
        clock.advance(S * 29);
        assert!(link.pause(Duration::ZERO)?, "input: a stranger, in time");
        clock.advance(S);
        let late = link.pause(Duration::ZERO).map_err(|e| e.to_string());
        assert_eq!(late, Err("no name in time".to_string()), "and late");
        Ok(())
    }

    /// A core that counts lines, and holds its hub's lock with the first
    /// until it may go on.
    struct Slow(Arc<AtomicUsize>, Sender<()>, Receiver<()>);

    impl Core for Slow {
        fn step(&mut self, _: ClientId, event: Event, _: &mut Vec<Effect>) {
            let is_line = matches!(event, Event::Line(_));
            if is_line && self.0.fetch_add(1, SeqCst) == 0 {
                let _ = self.1.send(());
                let _ = self.2.recv();
            }
        }

        fn stranger(&self, _: ClientId) -> bool {
            false
        }
    }

    /// I14: lines that come while a drain waits for the hub do not go before
    /// it
    #[test]
    fn a_drain_is_not_kept_waiting_by_lines() -> io::Result<()> {
        let ((held, holds), (go, may_go)) = (channel(), channel());
        let lines = Arc::new(AtomicUsize::new(0));
        let core = Box::new(Slow(lines.clone(), held, may_go));
        let hub = Hub::new(core, LIMITS, Arc::new(VirtualClock::new()));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut peer = TcpStream::connect(listener.local_addr()?)?;
        let (stream, _) = listener.accept()?;
        hub.admit(|_| Ok(stream), &Log::to_stderr(Level::Warn))?;
        peer.write_all(&b"a line\n".repeat(500))?;
        holds.recv().expect("the core has the lock");
        let draining = hub.clone();
        let drained = thread::spawn(move || drain(&draining, S * 30));
        while !hub.is_closing() {
            thread::yield_now();
        }
        go.send(()).expect("the core waits");
        peer.shutdown(Shutdown::Write)?;
        peer.read_to_end(&mut Vec::new())?;
        let drained = drained.join().expect("a drain");
        assert_eq!(drained, Drained { here: 1, late: 0 });
        assert_eq!(lines.load(SeqCst), 1, "lines before the drain");
        Ok(())
    }
}
