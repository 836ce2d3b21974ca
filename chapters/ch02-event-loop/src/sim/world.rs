//! The state of a simulated network, and what its calls do to it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Shutdown, SocketAddr};

use ch00_toolbox::clock::{Clock, VirtualClock};
use ch00_toolbox::rng::Rng;
use ch02_event_loop::poller::{Interest, Source};
use ch02_event_loop::sim::Trace;
use ch02_event_loop::slab::Token;

// ANCHOR: faults
/// How often a fault happens: probabilities from 0 to 1, each time that it
/// could.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// A source that is ready is not reported by this wait.
    pub withheld: f64,
    /// A source that is not ready is reported.
    pub false_alarm: f64,
    /// A call says `WouldBlock` although it need not wait: readiness that
    /// was lost between the event and the call.
    pub lost: f64,
    /// A read or write does less than it could.
    pub short: f64,
    /// The connection is reset by this call.
    pub reset: f64,
    /// An accept finds no free descriptor.
    pub shortage: f64,
    /// How many bytes a connection holds in each direction.
    pub room: usize,
}

impl Faults {
    /// A network that does what it should.
    pub const NONE: Faults = Faults {
        withheld: 0.0,
        false_alarm: 0.0,
        lost: 0.0,
        short: 0.0,
        reset: 0.0,
        shortage: 0.0,
        room: 64 * 1024,
    };

    /// Everything that leaves connections alive, often.
    pub const ROUGH: Faults = Faults {
        withheld: 0.3,
        false_alarm: 0.1,
        lost: 0.1,
        short: 0.5,
        reset: 0.0,
        shortage: 0.1,
        room: 100,
    };
}
// ANCHOR_END: faults

/// One socket of the world.
#[derive(Debug)]
pub struct Socket {
    /// What it is.
    pub kind: Kind,
    /// What the poller calls it, while it knows it.
    pub token: Option<Token>,
    /// What the poller is to report.
    pub armed: Interest,
}

/// The two kinds of sockets.
#[derive(Debug)]
pub enum Kind {
    /// It takes connections.
    Listener(Queue),
    /// One end of a connection.
    Stream(End),
}

/// A listener's accept queue.
#[derive(Debug)]
pub struct Queue {
    /// Where it listens.
    pub addr: SocketAddr,
    waiting: VecDeque<Source>, // the server's ends, to be accepted
    backlog: usize,
}

/// One end of a connection.
#[derive(Debug)]
pub struct End {
    /// Our address.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
    peer: Option<Source>, // None: closed, or never connected
    inbox: VecDeque<u8>,  // written by the peer, not read yet
    is_over: bool,        // the peer will write no more
    is_shut: bool,        // we write no more
    error: Option<ErrorKind>, // reported by the next call, once
    /// Whether its close is a reset.
    pub resets: bool,
}

/// The simulated network's state.
#[derive(Debug)]
pub struct World {
    /// What decides everything.
    pub rng: Rng,
    /// How often what goes wrong.
    pub faults: Faults,
    /// The world's time.
    pub clock: VirtualClock,
    /// All that is open.
    pub sockets: BTreeMap<Source, Socket>,
    next_source: i32,
    next_port: u16,
    trace: Trace,
}

impl World {
    /// A world without sockets.
    pub fn new(seed: u64, faults: Faults, clock: VirtualClock) -> World {
        World {
            rng: Rng::seeded(seed),
            faults,
            clock,
            sockets: BTreeMap::new(),
            next_source: 0,
            next_port: 49_152,
            trace: Trace::default(),
        }
    }

    // given: the table of sockets, and what is found in it
    /// What has happened so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Adds a line to the trace.
    pub fn note(&mut self, what: std::fmt::Arguments<'_>) {
        let now = self.clock.now().as_micros();
        self.trace.note(format!("{now:>10} µs  {what}"));
    }

    fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && self.rng.chance(p) // none is drawn for what cannot be
    }

    fn add(&mut self, kind: Kind) -> Source {
        let source = Source(self.next_source);
        self.next_source += 1;
        let armed = Interest::default();
        self.sockets.insert(
            source,
            Socket {
                kind,
                token: None,
                armed,
            },
        );
        source
    }

    fn port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = self.next_port.checked_add(1).unwrap_or(49_152);
        port
    }

    fn end(&mut self, source: Source) -> io::Result<&mut End> {
        match self.sockets.get_mut(&source).map(|socket| &mut socket.kind) {
            Some(Kind::Stream(end)) => Ok(end),
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// The queue of a listener.
    ///
    /// # Errors
    /// `InvalidInput`: it is none.
    pub fn queue(&mut self, source: Source) -> io::Result<&mut Queue> {
        match self.sockets.get_mut(&source).map(|socket| &mut socket.kind) {
            Some(Kind::Listener(queue)) => Ok(queue),
            _ => Err(ErrorKind::InvalidInput.into()),
        }
    }

    fn listener_at(&mut self, addr: SocketAddr) -> Option<Source> {
        let mut all = self.sockets.iter();
        let found = all.find(|(_, socket)| match &socket.kind {
            Kind::Listener(queue) => queue.addr == addr,
            Kind::Stream(_) => false,
        });
        found.map(|(&source, _)| source)
    }
    // given end

    /// listen(2), with port 0 for a free one.
    ///
    /// # Errors
    /// `AddrInUse`.
    pub fn listen(
        &mut self,
        mut addr: SocketAddr,
        backlog: u32,
    ) -> io::Result<Source> {
        if addr.port() == 0 {
            addr.set_port(self.port());
        }
        if self.listener_at(addr).is_some() {
            return Err(ErrorKind::AddrInUse.into());
        }
        let queue = Queue {
            addr,
            waiting: VecDeque::new(),
            backlog: backlog as usize,
        };
        let source = self.add(Kind::Listener(queue));
        self.note(format_args!("{} listens at {addr}", source.0));
        Ok(source)
    }

    // ANCHOR: connect
    /// connect(2): both ends, or one that learns that it was refused.
    pub fn connect(&mut self, addr: SocketAddr) -> Source {
        let local = SocketAddr::new(addr.ip(), self.port());
        let ours = self.add(Kind::Stream(End::new(local, addr)));
        let theirs = self.listener_at(addr).and_then(|listener| {
            let theirs = self.add(Kind::Stream(End::new(addr, local)));
            let queue = self.queue(listener).ok()?;
            if queue.waiting.len() >= queue.backlog {
                self.sockets.remove(&theirs);
                return None;
            }
            queue.waiting.push_back(theirs);
            Some(theirs)
        });
        if let Ok(end) = self.end(ours) {
            end.peer = theirs;
            let refused = Some(ErrorKind::ConnectionRefused);
            end.error = if theirs.is_none() { refused } else { None };
        }
        if let Some(Ok(end)) = theirs.map(|theirs| self.end(theirs)) {
            end.peer = Some(ours);
        }
        let to = theirs.map(|theirs| theirs.0);
        self.note(format_args!("{} connects to {addr}: {to:?}", ours.0));
        ours
    }
    // ANCHOR_END: connect

    /// accept(2).
    ///
    /// # Errors
    /// `WouldBlock`; EMFILE by chance.
    pub fn accept(&mut self, from: Source) -> io::Result<Source> {
        let is_short = self.faults.shortage;
        if self.chance(is_short) {
            self.note(format_args!("{} accept: no descriptor", from.0));
            return Err(io::Error::from_raw_os_error(24)); // EMFILE
        }
        let next = self.queue(from)?.waiting.pop_front();
        let next = next.ok_or(ErrorKind::WouldBlock)?;
        self.note(format_args!("{} accepts {}", from.0, next.0));
        Ok(next)
    }

    // ANCHOR: read
    /// read(2).
    ///
    /// # Errors
    /// `WouldBlock`, a reset.
    pub fn read(
        &mut self,
        source: Source,
        buf: &mut [u8],
    ) -> io::Result<usize> {
        self.fail_by_chance(source)?;
        let end = self.end(source)?;
        let there = end.inbox.len().min(buf.len());
        if there == 0 {
            return match end.is_over || buf.is_empty() {
                true => Ok(0),
                false => Err(ErrorKind::WouldBlock.into()),
            };
        }
        let count = self.cut_by_chance(there)?;
        let end = self.end(source)?;
        let bytes = end.inbox.drain(..count);
        buf.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        self.note(format_args!("{} reads {count}", source.0));
        Ok(count)
    }
    // ANCHOR_END: read

    /// write(2), of several pieces.
    ///
    /// # Errors
    /// `WouldBlock`, `BrokenPipe`, a reset.
    pub fn write(
        &mut self,
        source: Source,
        pieces: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        self.fail_by_chance(source)?;
        let end = self.end(source)?;
        if end.is_shut {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let peer = end.peer.ok_or(ErrorKind::BrokenPipe)?;
        let room = self.room_at(peer);
        let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
        if offered == 0 {
            return Ok(0);
        }
        if room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.cut_by_chance(offered.min(room))?;
        let bytes = pieces.iter().flat_map(|piece| piece.iter());
        let bytes = bytes.take(count);
        self.end(peer)?.inbox.extend(bytes);
        self.note(format_args!("{} writes {count}", source.0));
        Ok(count)
    }

    fn room_at(&mut self, peer: Source) -> usize {
        let room = self.faults.room;
        self.end(peer)
            .map_or(0, |end| room.saturating_sub(end.inbox.len()))
    }

    // ANCHOR: chance
    /// An error that waits to be told, or one that the dice say.
    fn fail_by_chance(&mut self, source: Source) -> io::Result<()> {
        if let Some(error) = self.end(source)?.error.take() {
            return Err(error.into());
        }
        let often = self.faults.reset;
        if self.end(source)?.peer.is_some() && self.chance(often) {
            self.reset(source);
            self.end(source)?.error = None; // told by this call
            return Err(ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }

    /// How much of what is possible is done.
    fn cut_by_chance(&mut self, most: usize) -> io::Result<usize> {
        let Faults { lost, short, .. } = self.faults;
        if self.chance(lost) {
            return Err(ErrorKind::WouldBlock.into());
        }
        match self.chance(short) {
            true => Ok(1 + self.rng.below(most as u64) as usize),
            false => Ok(most),
        }
    }
    // ANCHOR_END: chance

    /// Ends a connection at once, on both sides.
    fn reset(&mut self, source: Source) {
        self.note(format_args!("{} is reset", source.0));
        let peer = self.end(source).ok().and_then(|end| end.peer);
        for side in [Some(source), peer].into_iter().flatten() {
            if let Ok(end) = self.end(side) {
                end.inbox.clear();
                end.is_over = true;
                end.peer = None;
                end.error = Some(ErrorKind::ConnectionReset);
            }
        }
    }

    /// shutdown(2).
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn shutdown(
        &mut self,
        source: Source,
        how: Shutdown,
    ) -> io::Result<()> {
        let end = self.end(source)?;
        let peer = end.peer.ok_or(ErrorKind::NotConnected)?;
        if how != Shutdown::Write {
            end.is_over = true;
            end.inbox.clear();
        }
        if how != Shutdown::Read {
            end.is_shut = true;
            self.end(peer)?.is_over = true;
        }
        self.note(format_args!("{} shuts down {how:?}", source.0));
        Ok(())
    }

    /// What a close does: a reset if bytes were left unread, as TCP does it.
    pub fn close(&mut self, source: Source) {
        self.note(format_args!("{} closes", source.0));
        if let Ok(queue) = self.queue(source) {
            let waiting: Vec<Source> = queue.waiting.drain(..).collect();
            for end in waiting {
                self.reset(end);
                self.sockets.remove(&end);
            }
        } else if let Ok(end) = self.end(source) {
            let peer = end.peer;
            if end.resets || !end.inbox.is_empty() {
                self.reset(source);
            } else if let Some(Ok(peer)) = peer.map(|peer| self.end(peer)) {
                peer.is_over = true;
                peer.peer = None;
            }
        }
        self.sockets.remove(&source);
    }

    // given: fields
    /// SO_ERROR.
    ///
    /// # Errors
    /// `NotConnected`: not a stream.
    pub fn take_error(
        &mut self,
        source: Source,
    ) -> io::Result<Option<io::Error>> {
        let error = self.end(source)?.error.take();
        Ok(error.map(io::Error::from))
    }

    /// Ours, the peer's, and whether there is a peer.
    ///
    /// # Errors
    /// `NotConnected`: not a stream.
    pub fn addresses(
        &mut self,
        source: Source,
    ) -> io::Result<(SocketAddr, SocketAddr, bool)> {
        let end = self.end(source)?;
        Ok((end.local, end.remote, end.peer.is_some()))
    }

    /// SO_LINGER of no time.
    ///
    /// # Errors
    /// `NotConnected`: not a stream.
    pub fn reset_on_close(&mut self, source: Source) -> io::Result<()> {
        self.end(source)?.resets = true;
        Ok(())
    }
    // given end

    // ANCHOR: ready
    /// What a call would not have to wait for.
    pub fn ready(&mut self, source: Source) -> Interest {
        let room = self.faults.room;
        let Some(socket) = self.sockets.get(&source) else {
            return Interest::default();
        };
        match &socket.kind {
            Kind::Listener(queue) => Interest {
                read: !queue.waiting.is_empty(),
                write: false,
            },
            Kind::Stream(end) => {
                let is_gone = end.error.is_some() || end.peer.is_none();
                let peer = end.peer.and_then(|peer| self.sockets.get(&peer));
                let has_room = peer.is_some_and(|peer| match &peer.kind {
                    Kind::Stream(peer) => peer.inbox.len() < room,
                    Kind::Listener(_) => false,
                });
                Interest {
                    read: !end.inbox.is_empty() || end.is_over || is_gone,
                    write: has_room || is_gone,
                }
            }
        }
    }
    // ANCHOR_END: ready
}

impl End {
    fn new(local: SocketAddr, remote: SocketAddr) -> End {
        End {
            local,
            remote,
            peer: None,
            inbox: VecDeque::new(),
            is_over: false,
            is_shut: false,
            error: None,
            resets: false,
        }
    }
}
