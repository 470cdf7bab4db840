//! Rotations, floods and dropped requests.

use std::{sync::Arc, time::Duration};

use super::{
    ed25519,
    issuer::{Hits, Issuer, Reply, find, is_unknown, lookup, pass, unavailable},
    p256, set_of, with,
};
use crate::{
    crypto::Algorithm,
    error::{UnavailableReason, VerifyError},
    keys::{Key, KeyLookup, KeyOptions, KeySet, KeyStore},
    sync::clock::Now,
};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

fn once() -> Hits {
    Hits {
        metadata: 1,
        keys: 1,
    }
}

// conformance 148
#[tokio::test(start_paused = true)]
async fn key_fetch_is_shared_by_concurrent_requests() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Slow(SECOND, set_of(&["a"])));
    let store = issuer.store();
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { find(&store, "a").await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().kid.as_deref(), Some("a"));
    }
    assert_eq!(issuer.hits(), once());
}

// conformance 148
#[tokio::test(start_paused = true)]
async fn key_fetch_goes_on_for_the_others_when_half_of_the_requests_are_dropped() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Slow(SECOND, set_of(&["a"])));
    let store = issuer.store();
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { find(&store, "a").await })
        })
        .collect();
    pass(SECOND / 2).await;
    // The first one, which began the fetch, is among the dropped ones.
    for caller in callers.iter().step_by(2) {
        caller.abort();
    }
    for caller in callers.into_iter().skip(1).step_by(2) {
        assert_eq!(caller.await.unwrap().unwrap().kid.as_deref(), Some("a"));
    }
    assert_eq!(issuer.hits(), once());
}

// conformance 148
#[tokio::test(start_paused = true)]
async fn key_fetch_goes_on_when_its_only_request_is_dropped() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::Slow(SECOND, set_of(&["a"])));
    let store = issuer.store();
    let caller = {
        let store = store.clone();
        tokio::spawn(async move { find(&store, "a").await })
    };
    pass(MILLI).await;
    caller.abort();
    pass(2 * SECOND).await;
    let lookup = lookup("a");
    let found = store.find(lookup, lookup.arrived).expect("no fetch needed");
    assert_eq!(found.unwrap().kid.as_deref(), Some("a"));
    assert_eq!(issuer.hits(), once());
}

#[tokio::test(start_paused = true)]
async fn key_look_up_without_waiting_begins_no_fetch() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    for kid in ["a", "b"] {
        let lookup = lookup(kid);
        assert!(store.find(lookup, lookup.arrived).is_none());
    }
    pass(SECOND).await;
    assert_eq!(issuer.hits(), Hits::default());
    store.warm_up().await.unwrap();
    pass(SECOND).await;
    let lookup = lookup("b");
    assert!(store.find(lookup, lookup.arrived).is_none());
    pass(SECOND).await;
    assert_eq!(issuer.hits(), once());
}

// conformance 148
// finding 11
#[tokio::test(start_paused = true)]
async fn unknown_key_flood_makes_three_more_fetches_and_delays_a_rotation_by_one_refill_at_most() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    for number in 0..1_000 {
        pass(MILLI).await;
        assert!(is_unknown(
            find(&store, &format!("invented {number}")).await
        ));
        find(&store, "a").await.unwrap();
    }
    assert_eq!(issuer.hits().keys, 4);

    issuer.publish(&["a", "rotated"]);
    assert!(is_unknown(find(&store, "rotated").await));
    // The refill counts from the first fetch, about a second ago. The flood goes on, and its fetch at the
    // refill finds the new key for all.
    pass(9 * SECOND + MILLI).await;
    let callers: Vec<_> = (0..100)
        .map(|number| match number {
            99 => "rotated".to_owned(),
            number => format!("late {number}"),
        })
        .map(|kid| {
            let store = store.clone();
            tokio::spawn(async move { find(&store, &kid).await })
        })
        .collect();
    let mut results = Vec::new();
    for caller in callers {
        results.push(caller.await.unwrap());
    }
    assert_eq!(
        results.pop().unwrap().unwrap().kid.as_deref(),
        Some("rotated")
    );
    assert!(results.into_iter().all(is_unknown));
    assert_eq!(issuer.hits().keys, 5);
}

// finding 11
#[tokio::test(start_paused = true)]
async fn unknown_key_flood_is_never_unavailable_while_fetches_succeed() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    // Half an hour, past the time of a refresh. Responses take half a second.
    issuer.keys(Reply::Slow(SECOND / 2, set_of(&["a"])));
    for number in 0..6_000 {
        pass(300 * MILLI).await;
        assert!(is_unknown(
            find(&store, &format!("invented {number}")).await
        ));
        find(&store, "a").await.unwrap();
    }
    let most = 1 + 3 + 6_000 * 8 / 10 / 10 + 1;
    assert!(issuer.hits().keys <= most, "{:?}", issuer.hits());
}

// finding 11
#[tokio::test(start_paused = true)]
async fn unknown_key_of_an_unacceptable_token_begins_the_first_fetch_and_no_other() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    for number in 0..100 {
        let kid = format!("invented {number}");
        let lookup = KeyLookup {
            acceptable: &|| false,
            ..lookup(&kid)
        };
        assert!(is_unknown(store.find_or_fetch(lookup).await));
        pass(SECOND).await;
    }
    assert_eq!(issuer.hits(), once());
    issuer.publish(&["a", "rotated"]);
    find(&store, "rotated").await.unwrap();
}

// conformance 148
#[tokio::test(start_paused = true)]
async fn rotated_key_is_fetched_once_for_all_requests() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    pass(MILLI).await;
    issuer.keys(Reply::Slow(SECOND, set_of(&["a", "b"])));
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { find(&store, "b").await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().kid.as_deref(), Some("b"));
    }
    assert_eq!(issuer.hits().keys, 2);
}

// conformance 24
#[tokio::test(start_paused = true)]
async fn unknown_key_is_unavailable_after_a_fetch_that_failed() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    pass(MILLI).await;
    issuer.keys(Reply::status(500));
    let (_, source) = unavailable(find(&store, "b").await);
    assert!(matches!(
        source,
        UnavailableReason::Status { status: 500, .. }
    ));
    find(&store, "a").await.unwrap();
    issuer.publish(&["a"]);
    pass(SECOND).await;
    assert!(is_unknown(find(&store, "b").await));
    assert_eq!(issuer.hits().keys, 3);
    // The issuer publishes the key, and the next request finds it.
    issuer.publish(&["b"]);
    pass(MILLI).await;
    find(&store, "b").await.unwrap();
}

// conformance 66, 82
#[tokio::test(start_paused = true)]
async fn key_with_another_algorithm_is_rejected_without_a_fetch() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    pass(MILLI).await;
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::PS512] {
        let arrived = Now::read();
        let lookup = KeyLookup {
            algorithm,
            arrived,
            ..lookup("a")
        };
        let rejected = store.find_or_fetch(lookup).await;
        assert!(matches!(rejected, Err(VerifyError::AlgorithmMismatch)));
    }
    assert_eq!(issuer.hits(), once());
}

// conformance 149, 151
#[tokio::test(start_paused = true)]
async fn withdrawn_key_is_retired_and_an_unchanged_key_is_kept() {
    let issuer = Issuer::new(&["stays", "leaves"]);
    let store = issuer.store();
    let stays = find(&store, "stays").await.unwrap();
    let leaves = find(&store, "leaves").await.unwrap();
    pass(SECOND).await;
    issuer.publish(&["stays", "new"]);
    find(&store, "new").await.unwrap();
    assert!(leaves.is_retired() && !stays.is_retired());
    assert!(Arc::ptr_eq(&stays, &find(&store, "stays").await.unwrap()));
    pass(SECOND).await;
    assert!(is_unknown(find(&store, "leaves").await));
    pass(10 * SECOND).await;
    issuer.publish(&["stays", "leaves"]);
    let returned = find(&store, "leaves").await.unwrap();
    assert!(!returned.is_retired() && leaves.is_retired());
}

#[tokio::test]
async fn pinned_keys_decide_without_a_fetch() {
    let set = serde_json::json!({ "keys": [with(ed25519(), "kid", "a"), p256()] });
    let set = KeySet::parse(set.to_string().as_bytes(), KeyOptions::default()).unwrap();
    let store = KeyStore::Pinned(Arc::new(set));
    store.warm_up().await.unwrap();
    assert_eq!(find(&store, "a").await.unwrap().kid.as_deref(), Some("a"));
    assert!(is_unknown(find(&store, "b").await));
    let mismatch = find(&store, "p256").await;
    assert!(matches!(mismatch, Err(VerifyError::AlgorithmMismatch)));
}

fn lone(issuer: &Issuer) -> KeyStore {
    let options = KeyOptions {
        allow_missing_key_id: true,
        ..KeyOptions::default()
    };
    issuer.store_with(options)
}

/// Looks up the key of a token without `kid` that is not signed with `tried`.
async fn find_other(store: &KeyStore, tried: &Arc<Key>) -> Result<Arc<Key>, VerifyError> {
    let lookup = KeyLookup {
        kid: None,
        tried: Some(tried),
        ..lookup("")
    };
    store.find_or_fetch(lookup).await
}

// field kind J
#[tokio::test(start_paused = true)]
async fn lone_key_that_does_not_verify_is_fetched_again_within_the_budget() {
    let issuer = Issuer::new(&["a"]);
    let store = lone(&issuer);
    let without_kid = KeyLookup {
        kid: None,
        ..lookup("")
    };
    let key = store.find_or_fetch(without_kid).await.unwrap();
    for _ in 0..100 {
        pass(MILLI).await;
        let rejected = find_other(&store, &key).await;
        assert!(matches!(rejected, Err(VerifyError::BadSignature)));
    }
    assert_eq!(issuer.hits().keys, 4);
    assert!(!key.is_retired());
    // The successor is found after the refill.
    issuer.publish(&["b"]);
    pass(10 * SECOND).await;
    let next = find_other(&store, &key).await.unwrap();
    assert!(!Arc::ptr_eq(&next, &key) && key.is_retired());
    // It is found without a fetch for the next token that the former key did not verify.
    assert!(Arc::ptr_eq(&find_other(&store, &key).await.unwrap(), &next));
    assert_eq!(issuer.hits().keys, 5);
}

// field kind J
#[tokio::test(start_paused = true)]
async fn lone_key_that_does_not_verify_is_unavailable_if_the_fetch_fails() {
    let issuer = Issuer::new(&["a"]);
    let store = lone(&issuer);
    let key = find(&store, "a").await.unwrap();
    pass(MILLI).await;
    issuer.keys(Reply::status(500));
    unavailable(find_other(&store, &key).await);
    let unacceptable = KeyLookup {
        kid: None,
        acceptable: &|| false,
        tried: Some(&key),
        ..lookup("")
    };
    unavailable(store.find_or_fetch(unacceptable).await);
    issuer.publish(&["a"]);
    pass(SECOND).await;
    let hits = issuer.hits();
    let rejected = store
        .find_or_fetch(KeyLookup {
            arrived: Now::read(),
            ..unacceptable
        })
        .await;
    assert!(matches!(rejected, Err(VerifyError::BadSignature)));
    assert_eq!(issuer.hits(), hits, "its claims would not pass");
}

// field kind J
#[tokio::test(start_paused = true)]
async fn token_without_a_key_id_needs_a_lone_key() {
    let issuer = Issuer::new(&["a", "b"]);
    let without_kid = || KeyLookup {
        kid: None,
        ..lookup("")
    };
    for store in [lone(&issuer), issuer.store()] {
        let rejected = store.find_or_fetch(without_kid()).await;
        assert!(matches!(rejected, Err(VerifyError::MissingKeyId)));
        find(&store, "a").await.unwrap();
    }
    issuer.publish(&["a"]);
    let rejected = issuer.store().find_or_fetch(without_kid()).await;
    assert!(matches!(rejected, Err(VerifyError::MissingKeyId)));
    let store = lone(&issuer);
    store.find_or_fetch(without_kid()).await.unwrap();
    assert!(is_unknown(find(&store, "b").await));
}
