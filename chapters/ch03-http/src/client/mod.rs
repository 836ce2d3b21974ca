//! A client: a request in, an answer out, whatever lies between.
//!
//! ```text
//!   send ─▶ a connection ─▶ exchange ─▶ redirect? ─ no ─▶ Reply ─▶ pieces
//!    ▲      │ idle, or new    │            │ yes                     │
//!    │      │                 │ lost: once │                         │
//!    │      └────◀────────────┘   more     │                         │
//!    └────────────────────◀────────────────┘    the end: idle again ─┘
//! ```
//!
//! - I42: a connection is used again only behind an answer that was read to
//!   its end, with nothing behind it, after a request that was sent whole.
//! - I43: a request is made twice only if the first connection was used
//!   before, gave no byte of an answer, and doing it twice is as good as
//!   once, or none of it was sent. It is made at most twice.
//! - I44: there are never more connections than places, in use and idle
//!   together.
//! - I45: every wait has an end, and the error names the one that was
//!   waited for.
//! - I46: what the caller has set for one server (`Authorization`, `Cookie`,
//!   `Host`) goes to no other one, and a request that comes round again is
//!   an error.
//! - I47: the answer that the caller sees depends on the server's bytes
//!   alone, not on how they were cut.
//! - I48: nothing that a server sends is without a limit: the head, heads
//!   before it, redirects, and the body if the caller wants it whole.
//!
//! A content coding (gzip) is not the client's business: who wants one sets
//! `Accept-Encoding`, looks at `Content-Encoding`, and decodes the pieces.
//!
//! Left out: TLS; HTTP/2; pipelining, which no proxy on the way can be
//! trusted with; a cache and cookies; both directions at the same time, since
//! a body is sent to its end before the answer's is read.

pub mod error;
pub mod outgoing;
pub mod pool;
pub mod dial;
pub mod proxy;
pub mod redirect;
pub(crate) mod line;
pub(crate) mod exchange;
pub mod reply;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ch02_event_loop::buffered::BufReader;
use ch02_event_loop::runtime::Runtime;
use ch03_http::chunked::BodyLimits;
use ch03_http::client::error::{RedirectFault, Step};
use ch03_http::client::exchange::Exchange;
use ch03_http::client::line::{Heads, Line};
use ch03_http::client::pool::{Key, Limits, Place, Places, Pool};
use ch03_http::client::proxy::Proxy;
use ch03_http::head::Rules;
use ch03_http::out::GATHERED;
use ch03_http::url::Url;

pub use ch03_http::client::error::ClientError;
pub use ch03_http::client::line::Times;
pub use ch03_http::client::outgoing::{Outgoing, Payload};
pub use ch03_http::client::reply::Reply;

// ANCHOR: settings
/// What a client may do, and what its servers may.
#[derive(Clone)]
pub struct Settings {
    /// How long it waits.
    pub times: Times,
    /// How many connections it holds.
    pub limits: Limits,
    /// What an answer's head may have.
    pub rules: Rules,
    /// What an answer's body may have, read piece by piece.
    pub body: BodyLimits,
    /// How many heads of 1xx may come before an answer.
    pub interims: usize,
    /// How many redirects are followed; 0: they are answers like others.
    pub redirects: usize,
    /// A body of more bytes waits for `100 Continue`, and so does one of
    /// unknown length.
    pub expect_over: u64,
    /// Whom to ask instead of the servers.
    pub proxy: Option<Proxy>,
    /// Who knows the addresses.
    pub lookup: dial::Lookup,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            times: Times::default(),
            limits: Limits::default(),
            rules: Rules::default(),
            body: BodyLimits {
                body: u64::MAX, // the caller stops when it has enough
                ..BodyLimits::default()
            },
            interims: 16,
            redirects: 10, // the fetch standard: 20; curl: 50
            expect_over: 1024 * 1024, // as curl
            proxy: None,
            lookup: Arc::new(dial::system),
        }
    }
}
// ANCHOR_END: settings

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

// ANCHOR: client
/// A client, with the connections that it keeps. Clones are the same one.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

pub(crate) struct Inner {
    pub(crate) runtime: Runtime,
    pub(crate) settings: Settings,
    pool: RefCell<Pool<Line>>,
    places: Places,
    counts: Cell<Counts>,
    sweeps: Cell<bool>, // a task closes what is idle for too long
}

impl Client {
    /// A client on this loop.
    pub fn new(runtime: &Runtime, settings: Settings) -> Client {
        let limits = settings.limits;
        Client(Rc::new(Inner {
            runtime: runtime.clone(),
            settings,
            pool: RefCell::new(Pool::new(limits)),
            places: Places::new(limits.connections),
            counts: Cell::default(),
            sweeps: Cell::new(false),
        }))
    }
    // ANCHOR_END: client

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.0.counts.get()
    }

    /// How many connections are idle.
    pub fn idle(&self) -> usize {
        self.0.pool.borrow().len()
    }

    /// How many more connections it could have.
    pub fn places(&self) -> usize {
        self.0.places.free()
    }

    // ANCHOR: send
    /// Makes a request and waits for the head of its answer, or of the
    /// answer to the last of its redirects.
    ///
    /// # Errors
    /// [`ClientError`]: there is none. A status of 4xx or 5xx is an answer.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Reply, ClientError> {
        let inner = &self.0;
        let Some(total) = inner.settings.times.total else {
            return inner.follow(outgoing, None).await;
        };
        let deadline = inner.runtime.now().saturating_add(total);
        let follow = inner.follow(outgoing, Some(deadline));
        let done = inner.runtime.timeout(total, follow).await;
        done.unwrap_or(Err(ClientError::TimedOut(Step::Total)))
    }
    // ANCHOR_END: send
}

/// Where a request goes.
struct Route {
    key: Key,
    absolute: bool,
}

impl Inner {
    // ANCHOR: follow
    /// Request after request, as long as the answer names another one.
    async fn follow(
        self: &Rc<Self>,
        mut outgoing: Outgoing,
        deadline: Option<Duration>,
    ) -> Result<Reply, ClientError> {
        let most = self.settings.redirects;
        let at = |it: &Outgoing| (it.method.clone(), it.url.clone());
        let mut seen = vec![at(&outgoing)];
        loop {
            let reply = self.once(&mut outgoing, deadline).await?;
            if most == 0 || !redirect::turn(&mut outgoing, &reply.response())? {
                return Ok(reply);
            }
            let next = at(&outgoing);
            if seen.contains(&next) {
                let url = next.1.to_string();
                return Err(RedirectFault::Loop(url).into());
            }
            if seen.len() > most {
                return Err(RedirectFault::TooMany(most).into());
            }
            seen.push(next);
            reply.pass_over().await;
        }
    }
    // ANCHOR_END: follow

    // ANCHOR: once
    /// One request: tried again if the connection turns out to be closed
    /// already, or if the server does not know what Expect is.
    async fn once(
        self: &Rc<Self>,
        outgoing: &mut Outgoing,
        deadline: Option<Duration>,
    ) -> Result<Reply, ClientError> {
        let route = self.route(&outgoing.url);
        let length = outgoing.payload.length();
        let over = self.settings.expect_over;
        let mut expects = length.is_none_or(|length| length > over);
        let mut fresh = false;
        loop {
            let mut line = self.line(&route.key, fresh).await?;
            let Settings { rules, .. } = self.settings;
            let mut exchange = Exchange {
                runtime: &self.runtime,
                settings: &self.settings,
                absolute: route.absolute,
                expects,
                sent: Cell::new(false),
                began: Cell::new(false),
                whole: Cell::new(false),
                heads: Heads::new(rules, self.settings.interims),
            };
            let done = exchange.run(&mut line, outgoing).await;
            let is_there = outgoing.payload.is_there() || !exchange.began.get();
            match done {
                Err(error) => {
                    let was_used = line.served > 0 && !fresh;
                    if !was_used || !exchange.may_retry(&error, outgoing) {
                        return Err(error);
                    }
                    fresh = true;
                    self.count(|counts| counts.retried += 1);
                }
                Ok(()) if expects && is_there && exchange.is_417() => {
                    expects = false;
                }
                Ok(()) => {
                    let whole = exchange.whole.get();
                    let (client, heads) = (self.clone(), exchange.heads);
                    return Reply::begin(
                        client, heads, line, outgoing, whole, deadline,
                    );
                }
            }
        }
    }
    // ANCHOR_END: once

    /// Which server gets the request, and in which form.
    fn route(&self, url: &Url) -> Route {
        let proxy = self.settings.proxy.as_ref();
        let proxy = proxy.filter(|proxy| proxy.is_for(url));
        let to = proxy.map_or(url, |proxy| &proxy.url);
        Route {
            key: (to.host().to_owned(), to.port()),
            absolute: proxy.is_some(),
        }
    }

    // ANCHOR: line
    /// An idle connection to the server, or a new one. While all places are
    /// taken, an idle one to another server makes room; if there is none, a
    /// wait begins.
    async fn line(&self, key: &Key, fresh: bool) -> Result<Line, ClientError> {
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
    // ANCHOR_END: line

    // ANCHOR: give
    /// A connection is idle from now on.
    pub(crate) fn give(inner: &Rc<Inner>, mut line: Line) {
        line.served += 1;
        let (key, now) = (line.key.clone(), inner.runtime.now());
        inner.pool.borrow_mut().give(key, line, now);
        inner.places.wake();
        if !inner.sweeps.replace(true) {
            Inner::sweep(inner);
        }
    }

    /// Closes what is idle for too long, also while nobody asks for
    /// anything: a server's end would lie there unread.
    fn sweep(inner: &Rc<Inner>) {
        let idle = inner.settings.limits.idle;
        let timers = inner.runtime.timers().clone();
        let inner_ref = Rc::downgrade(inner);
        let sweeps = async move {
            loop {
                timers.sleep(idle.max(Duration::from_secs(1))).await;
                let Some(inner) = inner_ref.upgrade() else {
                    return;
                };
                let now = inner.runtime.now();
                inner.pool.borrow_mut().expire(now);
                if inner.pool.borrow().is_empty() {
                    inner.sweeps.set(false);
                    return;
                }
            }
        };
        inner.runtime.spawn(sweeps).detach();
    }
    // ANCHOR_END: give

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }
}
