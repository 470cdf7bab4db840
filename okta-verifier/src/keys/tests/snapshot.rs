//! Keys of an earlier process, at the start of a new one.

use std::{sync::Arc, time::Duration};

use super::{
    issuer::{Issuer, Reply, find, is_unknown, pass, unavailable},
    set_of,
};
use crate::{
    error::FetchError,
    health::KeyState,
    keys::{DEFAULT_STALE_IF_ERROR, KeySnapshot, KeyStore, Store},
    sync::clock::Now,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The key `a`, fetched so long before `now`, fresh for one hour.
fn saved(age: Duration, now: Now) -> KeySnapshot {
    KeySnapshot {
        issuer: "https://issuer.test".to_owned(),
        jwks: String::from_utf8(set_of(&["a"])).unwrap(),
        fetched_at: now.unix - age.as_secs(),
        fresh_for: 3600,
    }
}

fn boot(issuer: &Issuer, saved: &KeySnapshot, jitter: u64, now: Now) -> KeyStore {
    let store = Store::new(issuer.source(), jitter, DEFAULT_STALE_IF_ERROR);
    KeyStore::Fetched(Arc::new(store.restore(saved, now).unwrap()))
}

// conformance 132, 143
#[tokio::test(start_paused = true)]
async fn saved_keys_serve_a_boot_in_an_outage_up_to_the_same_ceiling() {
    for (age, served) in [
        (0, true),
        (30, true),
        (59, true),
        (60, true),
        (119, true),
        (120, false),
        (1_000_000, false),
    ] {
        let issuer = Issuer::new(&["a"]);
        issuer.keys(Reply::status(500));
        let now = Now::read();
        let store = boot(&issuer, &saved(age * MINUTE, now), 7, now);
        if served {
            find(&store, "a").await.unwrap();
            store.warm_up().await.unwrap();
        } else {
            unavailable(find(&store, "a").await);
        }
        assert!(issuer.hits().keys <= 1);
        // A minute before the ceiling they serve, and at it no longer: booting prolonged nothing.
        if age < 119 {
            pass((119 - age) * MINUTE).await;
            find(&store, "a").await.unwrap();
            pass(MINUTE).await;
            unavailable(find(&store, "a").await);
        }
    }
}

// conformance 149
#[tokio::test(start_paused = true)]
async fn saved_keys_give_way_to_the_issuers() {
    let issuer = Issuer::new(&["b"]);
    let now = Now::read();
    let store = boot(&issuer, &saved(MINUTE, now), 7, now);
    let old = find(&store, "a").await.unwrap();
    assert_eq!(issuer.hits().keys, 0, "fresh");
    find(&store, "b").await.unwrap();
    assert!(old.is_retired());
    pass(SECOND).await;
    assert!(is_unknown(find(&store, "a").await));
}

#[tokio::test(start_paused = true)]
async fn saved_keys_from_the_future_are_not_used() {
    let issuer = Issuer::new(&["b"]);
    let now = Now::read();
    for fetched_at in [now.unix + 1, u64::MAX] {
        let mut saved = saved(Duration::ZERO, now);
        saved.fetched_at = fetched_at;
        let store = boot(&issuer, &saved, 7, now);
        assert_eq!(store.health("", now).state, KeyState::NotFetched);
        assert!(is_unknown(find(&store, "a").await));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_saved_cannot_prolong_its_trust() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::status(500));
    let now = Now::read();
    let mut forever = saved(2 * 60 * MINUTE, now);
    forever.fresh_for = u64::MAX;
    unavailable(find(&boot(&issuer, &forever, 7, now), "a").await);
    // Saved again by the process that only inherited it, it is as old as it was.
    let inherited = saved(30 * MINUTE, now);
    let store = boot(&issuer, &inherited, 7, now);
    find(&store, "a").await.unwrap();
    assert_eq!(
        store.key_snapshot("https://issuer.test", Now::read()),
        Some(inherited)
    );
}

// conformance 150
#[tokio::test(start_paused = true)]
async fn instances_that_boot_with_the_same_keys_refresh_apart() {
    let now = Now::read();
    let refresh = |jitter| {
        let issuer = Issuer::new(&["a"]);
        let store = boot(&issuer, &saved(Duration::ZERO, now), jitter, now);
        (2_500_u32..2_900).find(|age| {
            store
                .find(super::issuer::wanted("a"), now.after(*age * SECOND))
                .unwrap()
                .unwrap();
            store.health("", now).state == KeyState::Refreshing
        })
    };
    let mut ages: Vec<_> = (1..20_u64)
        .map(|jitter| refresh(jitter << 40).unwrap())
        .collect();
    ages.sort_unstable();
    ages.dedup();
    assert!(ages.len() > 5, "{ages:?}");
}

#[tokio::test]
async fn saved_keys_that_are_none_are_an_error() {
    let issuer = Issuer::new(&["a"]);
    let now = Now::read();
    for jwks in ["", "{}", r#"{"keys":[]}"#, "<html>"] {
        let mut saved = saved(MINUTE, now);
        saved.jwks = jwks.to_owned();
        let store = Store::new(issuer.source(), 7, DEFAULT_STALE_IF_ERROR);
        let error = store.restore(&saved, now).unwrap_err();
        assert!(matches!(
            error,
            FetchError::Malformed { .. } | FetchError::NoUsableKey { .. }
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_saved_and_read_back_is_the_same() {
    let issuer = Issuer::new(&["a", "b"]);
    let store = issuer.store();
    assert!(
        store
            .key_snapshot("https://issuer.test", Now::read())
            .is_none()
    );
    store.warm_up().await.unwrap();
    let saved = store
        .key_snapshot("https://issuer.test", Now::read())
        .unwrap();
    let text = serde_json::to_string(&saved).unwrap();
    let read: KeySnapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(read, saved);
    assert_eq!(read.jwks.as_bytes(), set_of(&["a", "b"]));
    assert_eq!(read.fresh_for, 3600);
    issuer.keys(Reply::Hang);
    let heir = boot(&issuer, &read, 9, Now::read());
    find(&heir, "b").await.unwrap();
}
