//! A value that is not there yet, and that several wait for.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use ch02_event_loop::promise::{Broken, Promised};

/// A future of a promised value. Each clone of it gets a clone of the value.
pub struct Shared<T> {
    value: Arc<Mutex<Value<T>>>,
    waiters: Arc<Waiters>,
    id: u64, // of this clone, among the waiters
}

enum Value<T> {
    Coming(Promised<T>),
    Here(Result<T, Broken>),
}

/// Who waits, of all clones. As a waker, it wakes all of them.
#[derive(Default)]
struct Waiters(Mutex<List>);

#[derive(Default)]
struct List {
    next: u64, // the id of the next clone
    wakers: BTreeMap<u64, Waker>,
}

impl<T: Clone> Shared<T> {
    /// The first of the clones.
    pub fn new(promised: Promised<T>) -> Shared<T> {
        let waiters = Arc::new(Waiters::default());
        let id = waiters.id();
        let value = Arc::new(Mutex::new(Value::Coming(promised)));
        Shared { value, waiters, id }
    }
}

impl<T: Clone> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared {
            value: self.value.clone(),
            waiters: self.waiters.clone(),
            id: self.waiters.id(),
        }
    }
}

impl Waiters {
    fn id(&self) -> u64 {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.next += 1;
        list.next
    }

    /// Puts a clone's waker there, in place of its last one, or takes it out.
    fn set(&self, id: u64, waker: Option<Waker>) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = match waker {
            Some(waker) => list.wakers.insert(id, waker),
            None => list.wakers.remove(&id),
        };
        drop(list);
        drop(old); // without the lock: a waker's drop is not our code
    }
}

impl Wake for Waiters {
    /// Wakes all who wait, each once.
    fn wake(self: Arc<Self>) {
        // begin: take all wakers, and wake them without the lock
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wakers = std::mem::take(&mut list.wakers);
        drop(list);
        wakers.into_values().for_each(Waker::wake);
        // end
    }
}

impl<T: Clone> Future for Shared<T> {
    type Output = Result<T, Broken>;

    /// The same answer for each clone, however often it is asked.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // begin: leave the waker, then look, with a waker that wakes all
        self.waiters.set(self.id, Some(cx.waker().clone()));
        let mut value =
            self.value.lock().unwrap_or_else(PoisonError::into_inner);
        if let Value::Coming(promised) = &mut *value {
            let all = Waker::from(self.waiters.clone());
            let mut cx = Context::from_waker(&all);
            match Pin::new(promised).poll(&mut cx) {
                Poll::Ready(came) => *value = Value::Here(came),
                Poll::Pending => return Poll::Pending,
            }
        }
        let Value::Here(answer) = &*value else {
            return Poll::Pending;
        };
        let answer = answer.clone();
        drop(value);
        self.waiters.set(self.id, None);
        Poll::Ready(answer)
        // end
    }
}

impl<T> Drop for Shared<T> {
    /// Who is gone is not woken, and keeps no waker alive.
    fn drop(&mut self) {
        self.waiters.set(self.id, None);
    }
}
