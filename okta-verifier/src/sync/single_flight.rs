//! A fetch that many callers wait for: it lands once, and wakes all of them.
//!
//! Carries no result: who is woken asks the store again. Uses std alone, so that it works on any
//! runtime, and takes `Mutex` from the module around it, so that a model checker can include this
//! file with its own.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError},
    task::{Context, Poll, Waker},
};

use super::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Flight(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    landed: bool,
    /// One place a waiter; empty once it stopped waiting.
    waiting: Vec<Option<Waker>>,
}

impl Flight {
    pub(crate) fn land(&self) {
        let waiting = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.landed = true;
            std::mem::take(&mut state.waiting)
        };
        // Outside the lock: a waker may run its task at once.
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    pub(crate) fn wait(self: Arc<Self>) -> Wait {
        Wait {
            flight: self,
            place: None,
        }
    }
}

/// Resolves when the flight has landed. Dropping it leaves the flight alone.
#[derive(Debug)]
pub(crate) struct Wait {
    flight: Arc<Flight>,
    place: Option<usize>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // A waker is foreign code, which may even drop another `Wait`: it is cloned and dropped
        // outside the lock.
        let waker = context.waker().clone();
        let mut state = this.flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.landed {
            drop(state);
            return Poll::Ready(());
        }
        let place = *this.place.get_or_insert_with(|| {
            state.waiting.push(None);
            state.waiting.len() - 1
        });
        let former = state.waiting[place].replace(waker);
        drop(state);
        drop(former);
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut state = self.flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waker = self
            .place
            .and_then(|place| state.waiting.get_mut(place)?.take());
        drop(state);
        drop(waker);
    }
}
