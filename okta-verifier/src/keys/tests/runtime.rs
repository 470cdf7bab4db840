//! Requests without a runtime, and fetches whose runtime ends or is blocked.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    time::Instant,
};

use super::{
    issuer::{DEADLINE, Issuer, Reply, find, freeze, is_unknown, lookup, pass, unavailable},
    set_of,
};
use crate::{error::UnavailableReason, health::KeyState, keys::KeyStore, sync::clock::Now};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Begins a fetch by a request on `runtime`, which does not run any further.
pub(super) fn begin_on(runtime: &Runtime, store: &KeyStore) {
    runtime.block_on(async {
        let store = store.clone();
        tokio::spawn(async move { find(&store, "a").await });
        pass(Duration::ZERO).await;
    });
}

#[test]
fn key_fetch_without_a_runtime_is_an_error() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let Poll::Ready(result) = poll_once(find(&store, "a")) else {
        panic!("waits without a runtime");
    };
    assert!(matches!(
        unavailable(result).1,
        UnavailableReason::NoRuntime
    ));
    let Poll::Ready(result) = poll_once(store.warm_up()) else {
        panic!("waits without a runtime");
    };
    assert!(matches!(
        unavailable(result).1,
        UnavailableReason::NoRuntime
    ));
    assert_eq!(issuer.hits().metadata, 0);
}

#[test]
fn key_fetch_in_flight_is_not_joined_without_a_runtime() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Hang);
    let (store, runtime) = (issuer.store(), runtime());
    begin_on(&runtime, &store);
    let Poll::Ready(result) = poll_once(find(&store, "a")) else {
        panic!("waits without a runtime");
    };
    assert!(matches!(
        unavailable(result).1,
        UnavailableReason::NoRuntime
    ));
    assert_eq!(issuer.hits().keys, 1);
}

#[test]
fn keys_that_were_fetched_are_used_without_a_runtime() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    runtime().block_on(store.warm_up()).unwrap();
    let (young, aged) = (Now::read(), Now::read().after(3000 * SECOND));
    for now in [young, aged] {
        store.find(lookup("a"), now).unwrap().unwrap();
    }
}

#[test]
fn key_fetch_on_a_runtime_that_is_shut_down_is_an_error() {
    let issuer = Issuer::new(&["a"]);
    let (store, runtime) = (issuer.store(), runtime());
    let handle = runtime.handle().clone();
    drop(runtime);
    let _guard = handle.enter();
    let Poll::Ready(result) = poll_once(find(&store, "a")) else {
        panic!("waits on a dead runtime");
    };
    assert!(matches!(
        unavailable(result).1,
        UnavailableReason::Abandoned
    ));
    assert_eq!(issuer.hits().metadata, 0);
}

#[test]
fn key_fetch_that_ended_with_its_runtime_is_begun_again_by_a_waiter() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Hang);
    let (store, doomed) = (issuer.store(), runtime());
    begin_on(&doomed, &store);
    assert_eq!(issuer.hits().keys, 1);
    runtime().block_on(async {
        let waiters: Vec<_> = (0..100)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { find(&store, "a").await })
            })
            .collect();
        pass(Duration::ZERO).await;
        issuer.publish(&["a"]);
        let began = Instant::now();
        doomed.shutdown_background();
        for waiter in waiters {
            waiter.await.unwrap().unwrap();
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    });
    assert_eq!(issuer.hits().keys, 2);
}

#[test]
fn key_fetch_on_a_blocked_runtime_is_abandoned_one_second_after_the_timeout() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Hang);
    let (store, still) = (issuer.store(), runtime());
    begin_on(&still, &store);
    issuer.publish(&["a"]);
    runtime().block_on(async {
        let began = Instant::now();
        find(&store, "a").await.unwrap();
        let waited = began.elapsed();
        assert!(waited <= DEADLINE + SECOND + SECOND / 10, "{waited:?}");
    });
    assert_eq!(issuer.hits().keys, 2);
}

#[test]
fn key_response_that_is_older_than_the_current_keys_is_ignored() {
    let late = [
        Reply::Slow(SECOND, set_of(&["a", "late"])),
        Reply::Hang, // fails by its deadline
    ];
    for late in late {
        let issuer = Issuer::new(&["a"]);
        issuer.keys(late);
        let (store, still) = (issuer.store(), runtime());
        begin_on(&still, &store);
        issuer.publish(&["a", "new"]);
        let awake = runtime();
        let new = awake.block_on(find(&store, "new")).unwrap();
        assert_eq!(issuer.hits().keys, 2);
        still.block_on(pass(DEADLINE + SECOND));
        assert!(!new.is_retired());
        awake.block_on(async {
            let lookup = lookup("new");
            store.find(lookup, lookup.arrived).unwrap().unwrap();
            // A late failure is ignored too: there is no back-off and no error.
            pass(SECOND).await;
            assert!(is_unknown(find(&store, "late").await));
        });
        assert_eq!(issuer.hits().keys, 3);
    }
}

// field kind G
#[tokio::test(start_paused = true)]
async fn suspended_process_records_no_failure_of_the_issuer() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    // The refresh before the expiry is in flight when the process is suspended.
    issuer.keys(Reply::Hang);
    pass(50 * MINUTE).await;
    find(&store, "a").await.unwrap();
    pass(SECOND).await;
    assert_eq!(issuer.hits().keys, 2);
    freeze(5 * MINUTE).await;
    let health = store.health("issuer", Now::read());
    assert_eq!(health.state, KeyState::Fresh);
    assert!(health.last_error.is_none(), "{:?}", health.last_error);
    // No back-off: the next request fetches at once.
    issuer.publish(&["a", "b"]);
    find(&store, "b").await.unwrap();
    assert_eq!(issuer.hits().keys, 3);
}

// field kind G
#[tokio::test(start_paused = true)]
async fn suspended_process_serves_no_stale_keys() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let old = find(&store, "a").await.unwrap();
    issuer.keys(Reply::Hang);
    pass(59 * MINUTE).await;
    find(&store, "a").await.unwrap();
    pass(SECOND).await;
    freeze(30 * MINUTE).await;
    // The keys are past their freshness, and "a" was withdrawn meanwhile.
    issuer.publish(&["b"]);
    assert!(is_unknown(find(&store, "a").await));
    assert!(old.is_retired());
}

// field kind G
#[tokio::test(start_paused = true)]
async fn suspended_process_ignores_an_error_from_before_it_resumed() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    issuer.keys(Reply::Hang);
    let waiter = tokio::spawn({
        let store = store.clone();
        async move { find(&store, "a").await }
    });
    pass(SECOND).await;
    issuer.publish(&["a"]);
    freeze(10 * MINUTE).await;
    // The request that waited meanwhile begins a fetch of its own.
    waiter.await.unwrap().unwrap();
    assert_eq!(issuer.hits().keys, 2);
}

// field kind G
#[tokio::test(start_paused = true)]
async fn deadline_that_fires_in_time_is_a_failure() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Hang);
    let store = issuer.store();
    let (retry_after, source) = unavailable(find(&store, "a").await);
    assert!(!retry_after.is_zero());
    assert!(matches!(source, UnavailableReason::Timeout));
    assert!(store.health("issuer", Now::read()).last_error.is_some());
}
