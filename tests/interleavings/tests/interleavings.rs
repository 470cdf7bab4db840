//! Single flight under loom, which runs every interleaving of the threads below.
//!
//! ```sh
//! cd tests/interleavings && cargo test --release
//! ```

#[path = "../../../okta-verifier/src/sync/single_flight.rs"]
mod single_flight;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use loom::{
    future::block_on,
    model,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use self::single_flight::{Completion, Wait};

/// A waker that counts, for polls without an executor.
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll(wait: &mut Wait, waker: &Waker) -> Poll<()> {
    Pin::new(wait).poll(&mut Context::from_waker(waker))
}

/// No wake-up is lost: otherwise `block_on` would never return and loom would report a deadlock.
#[test]
fn waiter_during_completion_is_woken() {
    model(|| {
        let completion = Arc::new(Completion::default());
        let waiters: Vec<_> = (0..2)
            .map(|_| {
                let wait = completion.clone().wait();
                thread::spawn(move || block_on(wait))
            })
            .collect();
        completion.complete();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

/// A dropped waiter does not take another one's wake-up, before, during and after the completion.
#[test]
fn dropped_waiter_takes_no_wake_up() {
    model(|| {
        let completion = Arc::new(Completion::default());
        let mut leaves = completion.clone().wait();
        let _ = poll(&mut leaves, Waker::noop());
        let stays = completion.clone().wait();
        let waiter = thread::spawn(move || block_on(stays));
        let leaver = thread::spawn(move || drop(leaves));
        completion.complete();
        leaver.join().unwrap();
        waiter.join().unwrap();
    });
}

/// A poll that returned `Pending` is followed by a wake-up; `Ready` means that the task was complete.
#[test]
fn pending_poll_is_followed_by_one_wake_up() {
    model(|| {
        let completion = Arc::new(Completion::default());
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let completer = {
            let completion = completion.clone();
            thread::spawn(move || completion.complete())
        };
        let mut wait = completion.wait();
        let first = poll(&mut wait, &Waker::from(count.clone()));
        completer.join().unwrap();
        let woken = count.0.load(SeqCst);
        assert_eq!(woken, usize::from(first.is_pending()));
        assert!(poll(&mut wait, Waker::noop()).is_ready());
    });
}

/// A wait is polled again with another waker during the completion: either that waker is woken, or the
/// poll returns `Ready`.
#[test]
fn last_waker_of_a_wait_is_woken() {
    model(|| {
        let completion = Arc::new(Completion::default());
        let counts: [_; 2] = std::array::from_fn(|_| Arc::new(Count(AtomicUsize::new(0))));
        let mut wait = completion.clone().wait();
        assert!(poll(&mut wait, &Waker::from(counts[0].clone())).is_pending());
        let completer = thread::spawn(move || completion.complete());
        let second = poll(&mut wait, &Waker::from(counts[1].clone()));
        completer.join().unwrap();
        let woken = counts.each_ref().map(|count| count.0.load(SeqCst));
        match second {
            Poll::Pending => assert_eq!(woken, [0, 1]),
            Poll::Ready(()) => assert_eq!(woken, [1, 0]),
        }
        drop(wait);
    });
}

/// Completing twice, as a fetch and its guard may do, wakes each waiter at most once.
#[test]
fn completing_twice_wakes_once() {
    model(|| {
        let completion = Arc::new(Completion::default());
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let mut wait = completion.clone().wait();
        assert!(poll(&mut wait, &Waker::from(count.clone())).is_pending());
        let landers: Vec<_> = (0..2)
            .map(|_| {
                let completion = completion.clone();
                thread::spawn(move || completion.complete())
            })
            .collect();
        for completer in landers {
            completer.join().unwrap();
        }
        assert_eq!(count.0.load(SeqCst), 1);
    });
}
