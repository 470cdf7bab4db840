//! Key fetches during an outage of the issuer.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    issuer::{DEADLINE, Issuer, Reply, find, lookup, pass, unavailable},
    set_of,
};
use crate::{error::UnavailableReason, keys::KeyStore, sync::clock::Now};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn failures() -> Vec<Reply> {
    let set = set_of(&["a"]);
    vec![
        Reply::status(404),
        Reply::status(429),
        Reply::status(500),
        Reply::Hang,
        Reply::Slow(60 * MINUTE, set.clone()),
        Reply::Fail(UnavailableReason::Timeout),
        Reply::Fail(UnavailableReason::ContentType {
            fields: 1,
            value: "text/html".into(),
        }),
        Reply::Fail(UnavailableReason::TooLarge { limit: 1 }),
        Reply::Body(Vec::new()),
        Reply::Body(b"<html>".to_vec()),
        Reply::Body(b"{}".to_vec()),
        Reply::Body(b"[]".to_vec()),
        Reply::Body(br#"{"keys":[]}"#.to_vec()),
        Reply::Body(br#"{"keys":[{"kty":"AKP","kid":"a"}]}"#.to_vec()),
        Reply::Body(set[..set.len() / 2].to_vec()),
    ]
}

// conformance 62, 140, 143
#[tokio::test(start_paused = true)]
async fn keys_are_used_during_an_outage_up_to_the_limit() {
    for failure in failures() {
        let issuer = Issuer::new(&["a"]);
        let store = issuer.store();
        let key = find(&store, "a").await.unwrap();
        issuer.keys(failure);
        for minute in 1..120 {
            pass(MINUTE).await;
            let began = Instant::now();
            let same = find(&store, "a")
                .await
                .unwrap_or_else(|error| panic!("{minute}: {error}"));
            assert!(Arc::ptr_eq(&key, &same) && !key.is_retired());
            // While there are usable keys, no request waits for the issuer.
            assert_eq!(began.elapsed(), Duration::ZERO, "minute {minute}");
        }
        // The keys are not used forever.
        pass(MINUTE).await;
        unavailable(find(&store, "a").await);
        issuer.publish(&["a"]);
        pass(MINUTE).await;
        find(&store, "a").await.unwrap();
    }
}

// conformance 24
#[tokio::test(start_paused = true)]
async fn first_key_fetch_that_fails_is_an_error_within_the_timeout() {
    for failure in failures() {
        let issuer = Issuer::new(&["a"]);
        issuer.keys(failure);
        let store = issuer.store();
        let began = Instant::now();
        let (retry_after, _) = unavailable(find(&store, "a").await);
        assert!(began.elapsed() <= DEADLINE + SECOND / 10);
        assert!(!retry_after.is_zero() && retry_after <= MINUTE / 2);
        // During the back-off the result is immediate, without another attempt.
        let began = Instant::now();
        let attempts = issuer.hits();
        for _ in 0..100 {
            unavailable(find(&store, "a").await);
            unavailable(find(&store, "invented").await);
        }
        assert_eq!((began.elapsed(), issuer.hits()), (Duration::ZERO, attempts));
    }
}

// conformance 24, 132
#[tokio::test(start_paused = true)]
async fn key_fetches_during_an_outage_back_off() {
    let issuer = Issuer::new(&["a"]);
    issuer.metadata(Reply::status(500));
    let store = issuer.store();
    for _ in 0..20 {
        unavailable(find(&store, "a").await);
    }
    assert_eq!(issuer.hits().metadata, 1);
    for _ in 0..6_000 {
        pass(SECOND / 10).await;
        unavailable(find(&store, "a").await);
    }
    // The delays double for a minute, and then there is one attempt per 15 to 30 s.
    let attempts = issuer.hits().metadata;
    assert!((24..=48).contains(&attempts), "{attempts}");
}

// conformance 24
#[tokio::test(start_paused = true)]
async fn key_fetch_honours_retry_after() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Fail(UnavailableReason::Status {
        status: 429,
        retry_after: Some(20 * SECOND),
    }));
    let store = issuer.store();
    for second in 0..20 {
        let (retry_after, _) = unavailable(find(&store, "a").await);
        assert_eq!(retry_after.as_secs(), 20 - second);
        pass(SECOND).await;
    }
    assert_eq!(issuer.hits().keys, 1);
    issuer.publish(&["a"]);
    find(&store, "a").await.unwrap();
}

// conformance 150
#[tokio::test(start_paused = true)]
async fn keys_are_refreshed_before_they_expire_by_one_fetch_in_the_background() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    pass(40 * MINUTE).await;
    find(&store, "a").await.unwrap();
    assert_eq!(issuer.hits().keys, 1, "young");
    pass(9 * MINUTE).await;
    issuer.keys(Reply::Slow(SECOND, set_of(&["b"])));
    let began = Instant::now();
    for _ in 0..1_000 {
        find(&store, "a").await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    pass(SECOND).await;
    assert_eq!(issuer.hits().keys, 2);
    find(&store, "b").await.unwrap();
    assert_eq!(issuer.hits().keys, 2);
}

// conformance 134
#[tokio::test(start_paused = true)]
async fn keys_that_expired_without_requests_are_fetched_before_use() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let old = find(&store, "a").await.unwrap();
    pass(61 * MINUTE).await;
    issuer.publish(&["b"]);
    assert!(super::issuer::is_unknown(find(&store, "a").await));
    assert!(old.is_retired());
    assert_eq!(issuer.hits().keys, 2);
}

// conformance 140
#[tokio::test(start_paused = true)]
async fn stale_keys_are_used_exactly_until_stale_if_error() {
    for stale_if_error in [Duration::ZERO, SECOND, 90 * MINUTE, 24 * 60 * MINUTE] {
        let issuer = Issuer::new(&["a"]);
        let store = issuer.store_for(stale_if_error);
        store.warm_up().await.unwrap();
        issuer.keys(Reply::status(500));
        pass(60 * MINUTE - SECOND).await;
        find(&store, "a").await.unwrap();
        pass(stale_if_error).await;
        find(&store, "a").await.unwrap();
        pass(SECOND).await;
        unavailable(find(&store, "a").await);
    }
}

/// The lock is held during the look-up, so a look-up that waited for it would never return.
#[tokio::test(start_paused = true)]
async fn fresh_key_look_up_never_waits_for_the_lock() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let key = find(&store, "a").await.unwrap();
    let KeyStore::Fetched(inner) = &store else {
        panic!("fetched")
    };
    // First the keys are young, and then a refresh is due.
    for _ in 0..59 {
        let found = inner.while_locked(|| store.find(lookup("a"), Now::read()));
        assert!(Arc::ptr_eq(&found.unwrap().unwrap(), &key));
        pass(MINUTE).await;
    }
    assert_eq!(issuer.hits().keys, 1);
}
