//! Key snapshots of an earlier process.

use std::{sync::Arc, time::Duration};

use super::{
    issuer::{Issuer, Reply, counters, find, is_unknown, pass, unavailable},
    set_of,
};
use crate::{
    error::UnavailableReason,
    health::KeyState,
    keys::{DEFAULT_STALE_IF_ERROR, FetchedKeys, KeySnapshot, KeyStore},
    sync::clock::Now,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Returns a snapshot of the key `a`, fetched this long before `now` and fresh for one hour.
fn saved(age: Duration, now: Now) -> KeySnapshot {
    KeySnapshot {
        issuer: "https://issuer.test".to_owned(),
        jwks: String::from_utf8(set_of(&["a"])).unwrap(),
        fetched_at: now.unix - age.as_secs(),
        fresh_for: 3600,
    }
}

fn boot(issuer: &Issuer, saved: &KeySnapshot, jitter: u64, now: Now) -> KeyStore {
    let store = FetchedKeys::new(issuer.source(), jitter, DEFAULT_STALE_IF_ERROR, counters());
    KeyStore::Fetched(Arc::new(store.restore(saved, now).unwrap()))
}

// conformance 132, 143
#[tokio::test(start_paused = true)]
async fn snapshot_serves_in_an_outage_up_to_the_original_limit() {
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
        // The keys are used until a minute before the limit, but not at the limit: restoring does not
        // extend their lifetime.
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
async fn snapshot_is_replaced_by_fetched_keys() {
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
async fn snapshot_from_the_future_is_ignored() {
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
async fn snapshot_does_not_extend_trust() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::status(500));
    let now = Now::read();
    let mut forever = saved(2 * 60 * MINUTE, now);
    forever.fresh_for = u64::MAX;
    unavailable(find(&boot(&issuer, &forever, 7, now), "a").await);
    // A snapshot that is saved again without a fetch keeps its age.
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
async fn snapshot_refresh_times_of_instances_differ() {
    let now = Now::read();
    let refresh = |jitter| {
        let issuer = Issuer::new(&["a"]);
        let store = boot(&issuer, &saved(Duration::ZERO, now), jitter, now);
        (2_500_u32..2_900).find(|age| {
            store
                .find(super::issuer::lookup("a"), now.after(*age * SECOND))
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
async fn snapshot_without_usable_keys_is_an_error() {
    let issuer = Issuer::new(&["a"]);
    let now = Now::read();
    for jwks in ["", "{}", r#"{"keys":[]}"#, "<html>"] {
        let mut saved = saved(MINUTE, now);
        saved.jwks = jwks.to_owned();
        let store = FetchedKeys::new(issuer.source(), 7, DEFAULT_STALE_IF_ERROR, counters());
        let error = store.restore(&saved, now).unwrap_err();
        assert!(matches!(
            error,
            UnavailableReason::Malformed { .. } | UnavailableReason::NoUsableKey { .. }
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn snapshot_survives_a_round_trip() {
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
