//! An issuer in trouble, and what its keys are worth meanwhile.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    issuer::{DEADLINE, Issuer, Reply, find, pass, unavailable, wanted},
    set_of,
};
use crate::{error::UnavailableReason, keys::KeyStore, sync::clock::Now};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn troubles() -> Vec<Reply> {
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
async fn the_keys_at_hand_serve_through_an_outage_and_not_a_second_longer() {
    for trouble in troubles() {
        let issuer = Issuer::new(&["a"]);
        let store = issuer.store();
        let key = find(&store, "a").await.unwrap();
        issuer.keys(trouble);
        for minute in 1..120 {
            pass(MINUTE).await;
            let began = Instant::now();
            let same = find(&store, "a")
                .await
                .unwrap_or_else(|error| panic!("{minute}: {error}"));
            assert!(Arc::ptr_eq(&key, &same) && !key.is_retired());
            // Nobody waits for the issuer while there are keys to serve, ...
            assert_eq!(began.elapsed(), Duration::ZERO, "minute {minute}");
        }
        // ... and nobody trusts them for ever.
        pass(MINUTE).await;
        unavailable(find(&store, "a").await);
        issuer.publish(&["a"]);
        pass(MINUTE).await;
        find(&store, "a").await.unwrap();
    }
}

// conformance 24
#[tokio::test(start_paused = true)]
async fn a_cold_store_says_why_it_has_no_keys_within_the_deadline() {
    for trouble in troubles() {
        let issuer = Issuer::new(&["a"]);
        issuer.keys(trouble);
        let store = issuer.store();
        let began = Instant::now();
        let (retry_after, _) = unavailable(find(&store, "a").await);
        assert!(began.elapsed() <= DEADLINE + SECOND / 10);
        assert!(!retry_after.is_zero() && retry_after <= MINUTE / 2);
        // During the back-off the answer comes at once, without another attempt.
        let began = Instant::now();
        let attempts = issuer.hits();
        for _ in 0..100 {
            unavailable(find(&store, "a").await);
            unavailable(find(&store, "made up").await);
        }
        assert_eq!((began.elapsed(), issuer.hits()), (Duration::ZERO, attempts));
    }
}

// conformance 24, 132
#[tokio::test(start_paused = true)]
async fn a_dead_issuer_is_asked_less_and_less_often() {
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
    // A minute of doubling delays, and then every half minute, or every quarter at the most.
    let asked = issuer.hits().metadata;
    assert!((24..=48).contains(&asked), "{asked}");
}

// conformance 24
#[tokio::test(start_paused = true)]
async fn no_attempt_is_made_before_the_issuer_wants_one() {
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
async fn keys_are_refreshed_ahead_by_one_fetch_that_nobody_waits_for() {
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
async fn keys_that_nobody_used_for_an_hour_are_fetched_before_they_serve() {
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
async fn service_ends_exactly_when_stale_if_error_says() {
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

/// The lock is held by somebody else for all of the test: who waited for it would never return.
#[tokio::test(start_paused = true)]
async fn a_known_key_that_is_fresh_never_waits_for_the_lock() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    let key = find(&store, "a").await.unwrap();
    let KeyStore::Fetched(inner) = &store else {
        panic!("fetched")
    };
    // Young, and then past the time of the refresh ahead.
    for _ in 0..59 {
        let found = inner.while_busy(|| store.find(wanted("a"), Now::read()));
        assert!(Arc::ptr_eq(&found.unwrap().unwrap(), &key));
        pass(MINUTE).await;
    }
    assert_eq!(issuer.hits().keys, 1);
}
