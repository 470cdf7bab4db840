use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::sync::single_flight::{Flight, Wait};

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
fn a_wait_that_begins_after_the_landing_does_not_wait() {
    let flight = Arc::new(Flight::default());
    flight.land();
    assert_eq!(poll(&mut flight.wait(), Waker::noop()), Poll::Ready(()));
}

#[test]
fn a_landing_wakes_everybody_once() {
    let flight = Arc::new(Flight::default());
    let counts: Vec<Arc<Count>> = (0..100).map(|_| Arc::default()).collect();
    let mut waits: Vec<Wait> = counts.iter().map(|_| flight.clone().wait()).collect();
    for (wait, count) in waits.iter_mut().zip(&counts) {
        let waker = Waker::from(count.clone());
        for _ in 0..3 {
            assert_eq!(poll(wait, &waker), Poll::Pending);
        }
    }
    flight.land();
    flight.land();
    assert!(counts.iter().all(|count| count.woken() == 1));
    for wait in &mut waits {
        assert_eq!(poll(wait, Waker::noop()), Poll::Ready(()));
    }
}

#[test]
fn only_the_last_waker_of_a_wait_is_woken() {
    let flight = Arc::new(Flight::default());
    let (first, last) = (Arc::<Count>::default(), Arc::<Count>::default());
    let mut wait = flight.clone().wait();
    assert_eq!(poll(&mut wait, &Waker::from(first.clone())), Poll::Pending);
    assert_eq!(poll(&mut wait, &Waker::from(last.clone())), Poll::Pending);
    flight.land();
    assert_eq!((first.woken(), last.woken()), (0, 1));
}

#[test]
fn who_stops_waiting_is_forgotten_and_the_others_are_served() {
    let flight = Arc::new(Flight::default());
    let (gone, stays) = (Arc::<Count>::default(), Arc::<Count>::default());
    let mut leaves = flight.clone().wait();
    let mut waits = flight.clone().wait();
    assert_eq!(poll(&mut leaves, &Waker::from(gone.clone())), Poll::Pending);
    assert_eq!(poll(&mut waits, &Waker::from(stays.clone())), Poll::Pending);
    drop(leaves);
    assert_eq!(Arc::strong_count(&gone), 1, "its waker is dropped");
    flight.land();
    assert_eq!((gone.woken(), stays.woken()), (0, 1));
    drop(waits);
}

/// A waker that owns another wait of the same flight, as an executor may.
struct Owner(#[expect(dead_code, reason = "dropped with its waker")] Mutex<Wait>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_that_drops_another_wait_does_not_block() {
    let flight = Arc::new(Flight::default());
    let owner = || {
        let mut owned = flight.clone().wait();
        assert_eq!(poll(&mut owned, Waker::noop()), Poll::Pending);
        Waker::from(Arc::new(Owner(Mutex::new(owned))))
    };
    let mut wait = flight.clone().wait();
    for _ in 0..2 {
        assert_eq!(poll(&mut wait, &owner()), Poll::Pending);
    }
    drop(wait);
    flight.land();
}
