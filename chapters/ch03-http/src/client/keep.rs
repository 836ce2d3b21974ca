//! The connections of a client: where they come from, and where they go back.
//!
//! ```text
//!   line(key) ─▶ idle and quiet? ── yes ──────────────────────────▶ used again
//!                  │ no
//!                  ▼
//!                a place is free? ── yes ─▶ name ─▶ addresses ─▶ a new one
//!                  │ no
//!                  ▼
//!                another server's is idle? ── yes ─▶ it is closed ─▶ again
//!                  │ no
//!                  ▼
//!                wait until a place or a connection is free ─▶ again
//! ```

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::runtime::Runtime;
use ch03_http::client::dial;
use ch03_http::client::error::{ClientError, Step};
use ch03_http::client::line::Line;
use ch03_http::client::pool::{Key, Place, Places, Pool};
use ch03_http::client::settings::Settings;
use ch03_http::out::GATHERED;

/// What a client has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that it has opened.
    pub opened: u64,
    /// Requests on a connection that had been used before.
    pub reused: u64,
    /// Requests that were made a second time.
    pub retried: u64,
}

/// Keeps connections.
pub struct Keeper {
    runtime: Runtime,
    settings: Settings,
    pool: RefCell<Pool<Line>>,
    places: Places,
    counts: Cell<Counts>,
    sweeps: Cell<bool>, // a task closes what is idle for too long
}

impl Keeper {
    /// None so far.
    pub fn new(runtime: &Runtime, settings: Settings) -> Rc<Keeper> {
        let limits = settings.limits;
        Rc::new(Keeper {
            runtime: runtime.clone(),
            settings,
            pool: RefCell::new(Pool::new(limits)),
            places: Places::new(limits.connections),
            counts: Cell::default(),
            sweeps: Cell::new(false),
        })
    }

    /// The loop that they are on.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What the client may do.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// How many connections are idle.
    pub fn idle(&self) -> usize {
        self.pool.borrow().len()
    }

    /// How many more there could be.
    pub fn places(&self) -> usize {
        self.places.free()
    }

    // ANCHOR: line
    /// An idle connection to the server, or a new one. While all places are
    /// taken, an idle one to another server makes room; if there is none, a
    /// wait begins. `fresh`: only a new one will do.
    ///
    /// # Errors
    /// `Name`, `Connect`, or `TimedOut`.
    pub async fn line(
        &self,
        key: &Key,
        fresh: bool,
    ) -> Result<Line, ClientError> {
        let wait = async {
            loop {
                if !fresh && let Some(line) = self.take_idle(key) {
                    return Ok(line);
                }
                if let Some(place) = self.places.try_take() {
                    return Err(place);
                }
                if !self.pool.borrow_mut().evict() {
                    self.places.changed().await;
                }
            }
        };
        let limit = self.settings.times.place;
        match self.runtime.timeout(limit, wait).await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(place)) => self.open(key, place).await,
            Err(_) => Err(ClientError::TimedOut(Step::Place)),
        }
    }

    /// The idle connection that was used last and is still open.
    fn take_idle(&self, key: &Key) -> Option<Line> {
        loop {
            let now = self.runtime.now();
            let line = self.pool.borrow_mut().take(key, now)?;
            if line.is_quiet() {
                self.count(|counts| counts.reused += 1);
                return Some(line);
            }
        }
    }

    // ANCHOR_END: line

    async fn open(&self, key: &Key, place: Place) -> Result<Line, ClientError> {
        let Settings { times, lookup, .. } = &self.settings;
        let (runtime, limit) = (&self.runtime, times.connect);
        let found = dial::addresses(runtime, lookup, key, limit).await?;
        let connect = |addr| runtime.connect(addr);
        let stream = dial::first(runtime, &found, limit, connect).await?;
        stream.set_nodelay(true).map_err(ClientError::Lost)?;
        self.count(|counts| counts.opened += 1);
        let (reader, writer) = stream.split();
        let buffers = runtime.buffers().clone();
        let room = self.settings.rules.head.max(GATHERED);
        Ok(Line {
            reader: BufReader::new(reader, buffers, room),
            writer,
            key: key.clone(),
            place,
            served: 0,
        })
    }

    // ANCHOR: give
    /// A connection is idle from now on.
    pub fn give(self: &Rc<Self>, mut line: Line) {
        line.served += 1;
        let (key, now) = (line.key.clone(), self.runtime.now());
        self.pool.borrow_mut().give(key, line, now);
        self.places.wake();
        if !self.sweeps.replace(true) {
            self.sweep();
        }
    }

    /// Closes what is idle for too long, also while nobody asks for
    /// anything: a server's end would lie there unread.
    fn sweep(self: &Rc<Self>) {
        let idle = self.settings.limits.idle;
        let timers = self.runtime.timers().clone();
        let keeper = Rc::downgrade(self);
        let sweeps = async move {
            loop {
                timers.sleep(idle.max(Duration::from_secs(1))).await;
                let Some(keeper) = keeper.upgrade() else {
                    return;
                };
                let now = keeper.runtime.now();
                keeper.pool.borrow_mut().expire(now);
                if keeper.pool.borrow().is_empty() {
                    keeper.sweeps.set(false);
                    return;
                }
            }
        };
        self.runtime.spawn(sweeps).detach();
    }
    // ANCHOR_END: give

    /// Counts.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }
}
