//! Callers without a runtime, and fetches whose runtime ends or stands still.

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
    issuer::{DEADLINE, Issuer, Reply, find, pass, unavailable, wanted},
    set_of,
};
use crate::{error::FetchError, keys::KeyStore, time::Now};

const SECOND: Duration = Duration::from_secs(1);

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

/// A request on `runtime` that begins a fetch, and then nobody drives the runtime.
pub(super) fn begin_on(runtime: &Runtime, store: &KeyStore) {
    runtime.block_on(async {
        let store = store.clone();
        tokio::spawn(async move { find(&store, "a").await });
        pass(Duration::ZERO).await;
    });
}

#[test]
fn without_a_runtime_a_fetch_is_a_typed_error() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let Poll::Ready(result) = poll_once(find(&store, "a")) else {
        panic!("waits without a runtime");
    };
    assert!(matches!(unavailable(result).1, FetchError::NoRuntime));
    let Poll::Ready(result) = poll_once(store.warm_up()) else {
        panic!("waits without a runtime");
    };
    assert!(matches!(unavailable(result).1, FetchError::NoRuntime));
    assert_eq!(issuer.hits().metadata, 0);
}

#[test]
fn without_a_runtime_nobody_joins_a_fetch_either() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Hang);
    let (store, runtime) = (issuer.store(), runtime());
    begin_on(&runtime, &store);
    let Poll::Ready(result) = poll_once(find(&store, "a")) else {
        panic!("waits without a runtime");
    };
    assert!(matches!(unavailable(result).1, FetchError::NoRuntime));
    assert_eq!(issuer.hits().keys, 1);
}

#[test]
fn without_a_runtime_the_keys_at_hand_serve() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    runtime().block_on(store.warm_up()).unwrap();
    let (young, aged) = (Now::read(), Now::read().after(3000 * SECOND));
    for now in [young, aged] {
        store.find(wanted("a"), now).unwrap().unwrap();
    }
}

#[test]
fn a_runtime_that_is_shut_down_is_an_error_and_no_hang() {
    let issuer = Issuer::new(&["a"]);
    let (store, runtime) = (issuer.store(), runtime());
    let handle = runtime.handle().clone();
    drop(runtime);
    let _guard = handle.enter();
    let Poll::Ready(result) = poll_once(find(&store, "a")) else {
        panic!("waits on a dead runtime");
    };
    assert!(matches!(unavailable(result).1, FetchError::Abandoned));
    assert_eq!(issuer.hits().metadata, 0);
}

#[test]
fn a_waiter_whose_fetch_died_with_its_runtime_starts_one_of_its_own() {
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
fn a_waiter_gives_a_runtime_that_stands_still_one_second_more_than_the_deadline() {
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
fn an_answer_that_comes_after_a_newer_one_is_ignored() {
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
            let wanted = wanted("new");
            store.find(wanted, wanted.arrived).unwrap().unwrap();
            // Neither is its failure: no back-off, no error to tell.
            pass(SECOND).await;
            assert!(super::issuer::is_unknown(find(&store, "late").await));
        });
        assert_eq!(issuer.hits().keys, 3);
    }
}
