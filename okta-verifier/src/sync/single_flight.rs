//! Single flight: many requests wait for one task, whose completion wakes all of them.
//!
//! A `Completion` carries no result: a woken request looks up the result itself. This file uses only
//! `std`, so it works on any runtime. It takes `Mutex` from its parent module, so that the loom tests can
//! include this file with another `Mutex`.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError},
    task::{Context, Poll, Waker},
};

use super::Mutex;

/// The completion of a shared task.
#[derive(Debug, Default)]
pub(crate) struct Completion(Mutex<State>);

// The state contains no result, because a result could contradict what the look-up finds. A task that is
// lost therefore has the same effect as a task that never began.
#[derive(Debug, Default)]
struct State {
    is_complete: bool,
    /// One slot per waiter. The slot is empty after the waiter was dropped.
    waiters: Vec<Option<Waker>>,
}

impl Completion {
    pub(crate) fn complete(&self) {
        let waiters = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.is_complete = true;
            std::mem::take(&mut state.waiters)
        };
        // The lock is released first, because a waker may run its task at once.
        waiters.into_iter().flatten().for_each(Waker::wake);
    }

    pub(crate) fn wait(self: Arc<Self>) -> Wait {
        Wait {
            completion: self,
            slot: None,
        }
    }
}

/// A future that resolves when the task is complete. Dropping the future does not affect the task.
#[derive(Debug)]
pub(crate) struct Wait {
    completion: Arc<Completion>,
    slot: Option<usize>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // A waker is foreign code, which may even drop another `Wait`. The waker is therefore cloned and
        // dropped outside the lock.
        let waker = context.waker().clone();
        let lock = this.completion.0.lock();
        let mut state = lock.unwrap_or_else(PoisonError::into_inner);
        if state.is_complete {
            drop(state);
            return Poll::Ready(());
        }
        let slot = *this.slot.get_or_insert_with(|| {
            state.waiters.push(None);
            state.waiters.len() - 1
        });
        let former = state.waiters[slot].replace(waker);
        drop(state);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let lock = self.completion.0.lock();
        let mut state = lock.unwrap_or_else(PoisonError::into_inner);
        let waker = self
            .slot
            .and_then(|slot| state.waiters.get_mut(slot)?.take());
        drop(state);
        drop(waker);
    }
}
