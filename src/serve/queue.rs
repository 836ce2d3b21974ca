//! Whose turn it is: blocks run two at a time, in the order in which they came, and each knows its place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

/// How many run at the same time.
const AT_ONCE: usize = 2;
/// How many may wait. A page has some twenty listings; this is far more than a reader can click.
const MOST: usize = 1000;

/// A line of those who wait and those who run.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    line: Mutex<Line>,
    /// Changes whenever somebody leaves.
    moved: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Line {
    next: u64,
    ids: VecDeque<u64>,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue(Arc::new(Inner { line: Mutex::default(), moved: watch::Sender::new(0) }))
    }
}

impl Inner {
    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing that can panic happens while the lock is held, so the line is whole even if it is poisoned.
        self.line.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A place in the line, until it is dropped.
#[derive(Debug)]
pub struct Place {
    id: u64,
    queue: Arc<Inner>,
    moved: watch::Receiver<u64>,
}

impl Queue {
    /// The last place in the line; `None` when the line is full.
    pub fn join(&self) -> Option<Place> {
        let mut line = self.0.line();
        if line.ids.len() >= MOST {
            return None;
        }
        let id = line.next;
        line.next += 1;
        line.ids.push_back(id);
        Some(Place { id, queue: Arc::clone(&self.0), moved: self.0.moved.subscribe() })
    }
}

impl Place {
    /// How many must leave before it is this one's turn; 0 when it is.
    pub fn ahead(&self) -> usize {
        let index = self.queue.line().ids.iter().position(|id| *id == self.id).unwrap_or(0);
        (index + 1).saturating_sub(AT_ONCE)
    }

    /// Waits until somebody left the line since the last call.
    pub async fn moved(&mut self) {
        let _ = self.moved.changed().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.line().ids.retain(|id| *id != self.id);
        self.queue.moved.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_run_and_the_others_move_up_in_order() {
        let queue = Queue::default();
        let mut places: VecDeque<Place> = (0..5).filter_map(|_| queue.join()).collect();
        let ahead = |places: &VecDeque<Place>| places.iter().map(Place::ahead).collect::<Vec<_>>();
        assert_eq!(ahead(&places), [0, 0, 1, 2, 3]);
        places.remove(1);
        assert_eq!(ahead(&places), [0, 0, 1, 2]);
        places.remove(2);
        assert_eq!(ahead(&places), [0, 0, 1]);
        places.clear();
        assert_eq!(queue.join().map(|place| place.ahead()), Some(0));
    }

    #[test]
    fn a_full_line_refuses() {
        let queue = Queue::default();
        let places: Vec<Place> = (0..MOST).filter_map(|_| queue.join()).collect();
        assert_eq!(places.len(), MOST);
        assert!(queue.join().is_none());
    }
}
