//! Who gets in: an `accept` that can be asked to stop, and that survives.
//!
//! [`Gate`] is an iterator over connections, so that `chat::serve` cannot
//! tell it from `TcpListener::incoming`. What it adds is what goes wrong
//! between two calls of `accept`:
//!
//! | what | errno | what the gate does |
//! |---|---|---|
//! | SIGINT, SIGTERM | | ends the iteration: no more are let in |
//! | the peer has left the queue | ECONNABORTED | next |
//! | no descriptors left | EMFILE, ENFILE | waits; the queue keeps the peer |
//! | no memory | ENOBUFS, ENOMEM | waits |
//! | more clients than allowed | | says so and closes |
//!
//! I13: running out of anything ends no connection that is open, and the
//! server goes on when it has it again.
//!
//! Left out: the spare descriptor that some servers keep to accept and
//! refuse while in EMFILE, and a limit for each address (nginx `limit_conn`).

use ch00_toolbox::log::Log;
use ch00_toolbox::sys::{POLLIN, PollFd, Signals, poll};
use ch01_sockets::chat::Hub;
use ch01_sockets::echo::{Verdict, verdict};
use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for a descriptor to come free. The kernel has no event
/// for that, so we ask again.
const PAUSE: Duration = Duration::from_millis(100);

// ANCHOR: gate
/// Lets connections in until a signal comes.
pub struct Gate<'a> {
    listener: TcpListener,
    signals: &'a Signals,
    hub: Arc<Hub>,
    max_clients: usize,
    log: Log,
    /// The last accept failed for want of something: wait before the next.
    starved: bool,
    /// The shortage was logged, and somebody has waited ever since.
    told: bool,
}

impl Iterator for Gate<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        loop {
            match self.signalled() {
                Ok(false) => {}
                Ok(true) => return None,
                Err(error) => return Some(Err(error)),
            }
            match self.listener.accept() {
                Ok((stream, _)) if self.hub.open() < self.max_clients => {
                    self.starved = false;
                    let ready = stream.set_nonblocking(false);
                    return Some(ready.map(|()| stream));
                }
                Ok((stream, _)) => self.refuse(&stream),
                Err(error) => {
                    if let Err(error) = self.survive(error) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
// ANCHOR_END: gate

impl<'a> Gate<'a> {
    /// A gate for `hub`'s connections.
    ///
    /// # Errors
    /// The listener cannot be made non-blocking.
    pub fn new(
        listener: TcpListener,
        signals: &'a Signals,
        hub: &Arc<Hub>,
        max_clients: usize,
        log: Log,
    ) -> io::Result<Gate<'a>> {
        // A peer may leave the queue between poll and accept; a blocking
        // accept would then wait for the next peer and hear no signal.
        listener.set_nonblocking(true)?;
        let (hub, starved, told) = (hub.clone(), false, false);
        Ok(Gate {
            listener,
            signals,
            hub,
            max_clients,
            log,
            starved,
            told,
        })
    }

    // ANCHOR: survive
    /// Waits for a connection or a signal; true: it was a signal. While
    /// starved the listener is not asked: it is ready all the time.
    fn signalled(&self) -> io::Result<bool> {
        let mut fds = [
            PollFd::new(self.signals, POLLIN),
            PollFd::new(&self.listener, POLLIN),
        ];
        if self.starved {
            poll(&mut fds[..1], Some(PAUSE))?;
        } else {
            poll(&mut fds, None)?;
        }
        Ok(fds[0].readable())
    }

    /// What step 1 makes of the error, without a wait that hears no signal.
    fn survive(&mut self, error: io::Error) -> io::Result<()> {
        if error.kind() == ErrorKind::WouldBlock {
            (self.starved, self.told) = (false, false); // nobody waits
            return Ok(());
        }
        match verdict(&error) {
            Verdict::Next => {}
            Verdict::Wait => {
                if !self.told {
                    self.log.warn(format_args!("accept: {error}; waiting"));
                }
                (self.starved, self.told) = (true, true); // I13
            }
            Verdict::Stop => return Err(error),
        }
        Ok(())
    }

    /// A few bytes fit into a new socket's buffer, so this cannot wait.
    fn refuse(&mut self, mut stream: &TcpStream) {
        self.starved = false; // there was a descriptor for it
        let text = "* the server is full: try again later\n";
        let _ = stream.write_all(text.as_bytes());
        self.log
            .info(format_args!("refused one: {} are here", self.max_clients));
    }
    // ANCHOR_END: survive
}

#[cfg(test)]
mod tests {
    use super::*;
    use ch00_toolbox::clock::RealClock;
    use ch00_toolbox::log::Level;
    use ch00_toolbox::sys::Signal;
    use ch01_sockets::bucket::Rate;
    use ch01_sockets::chat::Limits;
    use ch01_sockets::outbox::Limit;
    use ch01_sockets::registry::Echo;
    use std::sync::Mutex;

    const LIMITS: Limits = Limits {
        line: 9,
        outbox: Limit { bytes: 9, lines: 9 },
        rate: Rate {
            burst: 9,
            per_second: 9,
        },
    };

    /// I13: whoever gets in or is refused shows that there are descriptors
    /// again, and the next one is not made to wait
    #[test]
    fn a_refusal_ends_the_wait_for_descriptors() -> io::Result<()> {
        let hub = Hub::new(Box::new(Echo), LIMITS, Arc::new(RealClock::new()));
        let signals = Signals::new(&[Signal::Term])?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let peer = TcpStream::connect(listener.local_addr()?)?;
        let log = Log::new(Level::Warn, Duration::default, io::sink());
        let mut gate = Gate::new(listener, &signals, &hub, 0, log)?;
        gate.survive(io::Error::from_raw_os_error(24))?; // EMFILE
        assert!(gate.starved, "input: EMFILE");
        let (stream, _) = gate.listener.accept()?;
        gate.refuse(&stream);
        assert!(!gate.starved, "input: a client refused after EMFILE");
        drop(stream);
        let said = io::read_to_string(&peer)?;
        assert_eq!(said, "* the server is full: try again later\n");
        Ok(())
    }

    /// Lines that were logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn count(&self) -> usize {
            let bytes = self.0.lock().expect("no test panics with it");
            bytes.iter().filter(|&&byte| byte == b'\n').count()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics with it").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// I13: a shortage is logged once, however many get in meanwhile as
    /// others leave; the next one begins when nobody had to wait
    #[test]
    fn a_shortage_is_logged_once_while_somebody_waits() -> io::Result<()> {
        let hub = Hub::new(Box::new(Echo), LIMITS, Arc::new(RealClock::new()));
        let signals = Signals::new(&[Signal::Term])?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addr = listener.local_addr()?;
        let lines = Lines::default();
        let log = Log::new(Level::Warn, Duration::default, lines.clone());
        let mut gate = Gate::new(listener, &signals, &hub, 9, log)?;
        for turn in 1..=3 {
            gate.survive(io::Error::from_raw_os_error(24))?; // EMFILE
            assert_eq!(lines.count(), 1, "input: shortage {turn}");
            let _peer = TcpStream::connect(addr)?;
            assert!(matches!(gate.next(), Some(Ok(_))), "one gets in");
            assert!(!gate.starved, "and the next need not wait");
        }
        gate.survive(ErrorKind::WouldBlock.into())?;
        gate.survive(io::Error::from_raw_os_error(24))?;
        assert_eq!(lines.count(), 2, "input: a shortage after a calm");
        Ok(())
    }
}
