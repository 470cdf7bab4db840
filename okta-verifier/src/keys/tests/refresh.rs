//! Refreshes by the operator.

use std::{sync::Arc, time::Duration};

use super::{
    issuer::{Issuer, Reply, find, is_unknown, pass, unavailable},
    runtime::{begin_on, runtime},
    set_of,
};
use crate::{error::UnavailableReason, sync::clock::Now};

const SECOND: Duration = Duration::from_secs(1);

// conformance 149
#[tokio::test(start_paused = true)]
async fn refresh_retires_keys_that_the_issuer_withdrew() {
    let issuer = Issuer::new(&["stays", "leaked"]);
    let store = issuer.store();
    let leaked = find(&store, "leaked").await.unwrap();
    let stays = find(&store, "stays").await.unwrap();
    issuer.publish(&["stays", "new"]);
    pass(SECOND).await;
    find(&store, "leaked").await.expect("the keys are young");
    store.refresh().await.unwrap();
    assert!(leaked.is_retired() && !stays.is_retired());
    assert!(Arc::ptr_eq(&stays, &find(&store, "stays").await.unwrap()));
    find(&store, "new").await.unwrap();
    assert_eq!(issuer.hits().keys, 2);
    pass(SECOND).await;
    assert!(is_unknown(find(&store, "leaked").await));
}

#[tokio::test(start_paused = true)]
async fn refresh_is_shared_by_concurrent_calls() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    for reply in [Reply::Slow(SECOND, set_of(&["a"])), Reply::Hang] {
        let fails = matches!(reply, Reply::Hang);
        issuer.keys(reply);
        pass(SECOND).await;
        let before = issuer.hits().keys;
        let refreshes: Vec<_> = (0..100)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.refresh().await })
            })
            .collect();
        for refresh in refreshes {
            assert_eq!(refresh.await.unwrap().is_err(), fails);
        }
        assert_eq!(issuer.hits().keys, before + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_is_not_satisfied_by_an_older_fetch() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    pass(SECOND).await;
    // The fetch for `b` has its response before the refresh begins.
    issuer.keys(Reply::Slow(SECOND, set_of(&["a", "b"])));
    let request = {
        let store = store.clone();
        tokio::spawn(async move { find(&store, "b").await })
    };
    pass(Duration::ZERO).await;
    pass(SECOND / 2).await;
    issuer.publish(&["a"]);
    store.refresh().await.unwrap();
    // The request was served by its own fetch, and the refresh retired the key.
    let b = request.await.unwrap();
    assert!(b.unwrap().is_retired());
    assert_eq!(issuer.hits().keys, 3);
}

// conformance 132, 143
#[tokio::test(start_paused = true)]
async fn refresh_bypasses_the_back_off_and_reports_its_failure_once() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let key = find(&store, "a").await.unwrap();
    issuer.keys(Reply::Fail(UnavailableReason::Status {
        status: 429,
        retry_after: Some(100 * SECOND),
    }));
    for attempt in 1..=5 {
        pass(SECOND).await;
        let (retry_after, source) = unavailable(store.refresh().await);
        assert_eq!(retry_after, 100 * SECOND);
        assert!(matches!(
            source,
            UnavailableReason::Status { status: 429, .. }
        ));
        assert_eq!(issuer.hits().keys, 1 + attempt, "one attempt per call");
    }
    assert!(Arc::ptr_eq(&key, &find(&store, "a").await.unwrap()) && !key.is_retired());
    // Requests still observe the back-off.
    unavailable(find(&store, "b").await);
    assert_eq!(issuer.hits().keys, 6);
    issuer.publish(&["b"]);
    pass(SECOND).await;
    store.refresh().await.unwrap();
    assert!(key.is_retired());
    find(&store, "b").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn refresh_uses_no_budget() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    for _ in 0..20 {
        store.refresh().await.unwrap();
        pass(SECOND / 100).await;
    }
    for kid in ["b", "c", "d"] {
        assert!(is_unknown(find(&store, kid).await));
        pass(SECOND / 100).await;
    }
    assert!(is_unknown(find(&store, "e").await));
    // Twenty fetches by refreshes, and three from the budget.
    assert_eq!(issuer.hits().keys, 23);
}

#[test]
fn refresh_whose_fetch_ended_with_its_runtime_begins_another_one() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Hang);
    let (store, doomed) = (issuer.store(), runtime());
    let since = crate::sync::clock::Now::read().instant;
    runtime().block_on(async {
        begin_on_from_elsewhere(&doomed, &store);
        assert!(tokio::time::Instant::now() >= since);
        let refresh = {
            let store = store.clone();
            tokio::spawn(async move { store.refresh().await })
        };
        pass(Duration::ZERO).await;
        issuer.publish(&["a"]);
        doomed.shutdown_background();
        refresh.await.unwrap().unwrap();
    });
    assert_eq!(issuer.hits().keys, 2);
}

/// Calls `begin_on` on another thread, because a runtime cannot be driven within another one.
fn begin_on_from_elsewhere(runtime: &tokio::runtime::Runtime, store: &crate::keys::KeyStore) {
    std::thread::scope(|scope| scope.spawn(|| begin_on(runtime, store)).join()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_kept_fresh_are_fetched_when_they_are_due_and_not_before() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let keep_fresh = async |passed| {
        pass(passed).await;
        store.keep_fresh(Now::read());
        pass(Duration::ZERO).await;
        issuer.hits().keys
    };
    assert_eq!(keep_fresh(Duration::ZERO).await, 1, "no keys yet");
    assert_eq!(keep_fresh(2500 * SECOND).await, 1, "the keys are young");
    assert_eq!(keep_fresh(500 * SECOND).await, 2, "the keys are due");
    assert_eq!(keep_fresh(7200 * SECOND).await, 3, "the keys are stale");
    issuer.keys(Reply::Fail(UnavailableReason::Timeout));
    assert_eq!(keep_fresh(7200 * SECOND).await, 4);
    assert_eq!(keep_fresh(Duration::ZERO).await, 4, "the back-off holds");
    let key = find(&issuer.store(), "a").await;
    assert!(key.is_err());
}
