//! Single flight: which waiters are woken, and when.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::single_flight::{Completion, Wait};

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll(wait: &mut Wait, waker: &Waker) -> Poll<()> {
    Pin::new(wait).poll(&mut Context::from_waker(waker))
}

#[test]
fn wait_that_begins_after_the_completion_is_ready() {
    let completion = Arc::new(Completion::default());
    completion.complete();
    assert_eq!(poll(&mut completion.wait(), Waker::noop()), Poll::Ready(()));
}

#[test]
fn completion_wakes_each_waiter_once() {
    let completion = Arc::new(Completion::default());
    let counts: Vec<Arc<Count>> = (0..100).map(|_| Arc::default()).collect();
    let mut waits: Vec<Wait> = counts.iter().map(|_| completion.clone().wait()).collect();
    for (wait, count) in waits.iter_mut().zip(&counts) {
        let waker = Waker::from(count.clone());
        for _ in 0..3 {
            assert_eq!(poll(wait, &waker), Poll::Pending);
        }
    }
    completion.complete();
    completion.complete();
    assert!(counts.iter().all(|count| count.woken() == 1));
    for wait in &mut waits {
        assert_eq!(poll(wait, Waker::noop()), Poll::Ready(()));
    }
}

#[test]
fn wait_polled_with_two_wakers_wakes_the_last_one() {
    let completion = Arc::new(Completion::default());
    let (first, last) = (Arc::<Count>::default(), Arc::<Count>::default());
    let mut wait = completion.clone().wait();
    assert_eq!(poll(&mut wait, &Waker::from(first.clone())), Poll::Pending);
    assert_eq!(poll(&mut wait, &Waker::from(last.clone())), Poll::Pending);
    completion.complete();
    assert_eq!((first.woken(), last.woken()), (0, 1));
}

#[test]
fn wait_that_is_dropped_is_not_woken_and_the_others_are() {
    let completion = Arc::new(Completion::default());
    let (gone, stays) = (Arc::<Count>::default(), Arc::<Count>::default());
    let mut leaves = completion.clone().wait();
    let mut waits = completion.clone().wait();
    assert_eq!(poll(&mut leaves, &Waker::from(gone.clone())), Poll::Pending);
    assert_eq!(poll(&mut waits, &Waker::from(stays.clone())), Poll::Pending);
    drop(leaves);
    assert_eq!(Arc::strong_count(&gone), 1, "its waker is dropped");
    completion.complete();
    assert_eq!((gone.woken(), stays.woken()), (0, 1));
    drop(waits);
}

/// A waker that owns another wait for the same completion, as that of an executor may.
struct Owner(#[expect(dead_code, reason = "dropped with its waker")] Mutex<Wait>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn waker_that_drops_another_wait_does_not_block() {
    let completion = Arc::new(Completion::default());
    let owner = || {
        let mut owned = completion.clone().wait();
        assert_eq!(poll(&mut owned, Waker::noop()), Poll::Pending);
        Waker::from(Arc::new(Owner(Mutex::new(owned))))
    };
    let mut wait = completion.clone().wait();
    for _ in 0..2 {
        assert_eq!(poll(&mut wait, &owner()), Poll::Pending);
    }
    drop(wait);
    completion.complete();
}
