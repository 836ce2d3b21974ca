//! The pool: connections that wait for their next request.
//!
//! ```text
//!             take: the one that was given last
//!        ┌───────────────────────────────────────┐
//!        ▼                                       │
//!   [in use] ── answer read to its end ──▶ [idle, per server]
//!        │                                       │ too long, too many,
//!        │ early end, surplus, `close`           │ a place is wanted
//!        ▼                                       ▼
//!      closed ◀──────────────────────────────────┘
//! ```
//!
//! The last one given is the one that its server has had the least time to
//! close. And the others grow old, so that a pool shrinks when the load does.
//!
//! Nothing here does I/O or knows what a connection is; the time comes in.
//!
//! Left out: what a server says about its own limit (`Keep-Alive:
//! timeout=5`), which is no part of HTTP/1.1 but is said by many.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all, in use or idle (at least 1).
    pub connections: usize,
    /// Idle, for one server.
    pub idle_per_host: usize,
    /// How long one may be idle. Shorter than the servers' own limit, or
    /// else they close first and the next request meets that: nginx has
    /// 75 s, Apache 5 s.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 256,
            idle_per_host: 8,
            idle: Duration::from_secs(60),
        }
    }
}

/// A server: its host in lower case, and its port.
pub type Key = (String, u16);

/// Idle connections.
#[derive(Debug)]
pub struct Pool<C> {
    limits: Limits,
    idle: BTreeMap<Key, VecDeque<(Duration, C)>>, // the oldest in front
}

impl<C> Pool<C> {
    /// An empty pool.
    pub fn new(limits: Limits) -> Pool<C> {
        let idle = BTreeMap::new();
        Pool { limits, idle }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.idle.values().map(VecDeque::len).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.idle.is_empty()
    }

    // ANCHOR: give
    /// The connection of this server that was given last, if it is not too
    /// old at this time.
    pub fn take(&mut self, key: &Key, now: Duration) -> Option<C> {
        self.expire(now);
        let waiting = self.idle.get_mut(key)?;
        let last = waiting.pop_back();
        if waiting.is_empty() {
            self.idle.remove(key);
        }
        last.map(|(_, connection)| connection)
    }

    /// A connection is idle from now on. If that is one too many for its
    /// server, the oldest one goes.
    pub fn give(&mut self, key: Key, connection: C, now: Duration) {
        self.expire(now);
        let waiting = self.idle.entry(key.clone()).or_default();
        waiting.push_back((now, connection));
        if waiting.len() > self.limits.idle_per_host {
            waiting.pop_front();
        }
        if waiting.is_empty() {
            self.idle.remove(&key);
        }
    }

    // ANCHOR_END: give

    // ANCHOR: evict
    /// Closes those that have been idle for too long, by dropping them.
    pub fn expire(&mut self, now: Duration) {
        let idle = self.limits.idle;
        self.idle.retain(|_, waiting| {
            while let Some((since, _)) = waiting.front()
                && now.saturating_sub(*since) >= idle
            {
                waiting.pop_front();
            }
            !waiting.is_empty()
        });
    }

    /// Closes the one that has been idle for longest: false if none is.
    pub fn evict(&mut self) -> bool {
        let since = |(_, waiting): &(&Key, &VecDeque<(Duration, C)>)| {
            waiting.front().map(|(since, _)| *since)
        };
        let oldest = self.idle.iter().min_by_key(since);
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return false;
        };
        if let Some(waiting) = self.idle.get_mut(&key) {
            waiting.pop_front();
            if waiting.is_empty() {
                self.idle.remove(&key);
            }
        }
        true
    }
    // ANCHOR_END: evict
}

/// The places that connections may take. Clones share them.
#[derive(Debug, Clone)]
pub struct Places(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    free: Cell<usize>,
    waiting: RefCell<VecDeque<Waker>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place(Places);

impl Places {
    /// So many places.
    pub fn new(count: usize) -> Places {
        Places(Rc::new(Shared {
            free: Cell::new(count.max(1)),
            waiting: RefCell::default(),
        }))
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.0.free.get()
    }

    /// Takes a place if one is free.
    pub fn try_take(&self) -> Option<Place> {
        let left = self.0.free.get().checked_sub(1)?;
        self.0.free.set(left);
        Some(Place(self.clone()))
    }

    // ANCHOR: places
    /// Waits until something may have changed: a place is free, or a
    /// connection is idle, which is told with [`Places::wake`].
    pub async fn changed(&self) {
        let mut has_waited = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            self.0.waiting.borrow_mut().push_back(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Wakes all that wait, in the order in which they came. All, since the
    /// first may not be there any more, and then nobody would wake the next.
    pub fn wake(&self) {
        let waiting = self.0.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Shared { free, .. } = &*self.0.0;
        free.set(free.get() + 1);
        self.0.wake();
    }
}
// ANCHOR_END: places
