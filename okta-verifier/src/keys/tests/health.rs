//! What a person is told of the keys.

use std::time::Duration;

use super::{
    issuer::{Issuer, Reply, find, pass, unavailable},
    set_of,
};
use crate::{
    error::UnavailableReason,
    health::{IssuerHealth, KeyState},
    keys::{KeyOptions, KeySet, KeyStore},
    sync::clock::Now,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn health(store: &KeyStore) -> IssuerHealth {
    store.health("https://issuer.test", Now::read())
}

// conformance 150
#[tokio::test(start_paused = true)]
async fn health_tells_each_state_of_the_keys_and_asks_nobody() {
    let issuer = Issuer::new(&["a", "b"]);
    let store = issuer.store();
    let cold = health(&store);
    assert_eq!(cold.issuer, "https://issuer.test");
    assert_eq!(cold.state, KeyState::NotFetched);
    assert_eq!(
        (cold.key_ids.len(), cold.age, cold.fresh_for),
        (0, None, None)
    );
    assert!(cold.last_success.is_none() && cold.last_error.is_none());

    store.warm_up().await.unwrap();
    pass(10 * MINUTE).await;
    let fresh = health(&store);
    assert_eq!(fresh.state, KeyState::Fresh);
    assert_eq!(fresh.key_ids, ["a", "b"]);
    assert_eq!(fresh.age, Some(10 * MINUTE));
    assert_eq!(fresh.fresh_for, Some(60 * MINUTE));
    assert!(fresh.last_success.is_some());

    issuer.keys(Reply::Hang);
    pass(45 * MINUTE).await;
    assert_eq!(health(&store).state, KeyState::Fresh, "nobody asked");
    find(&store, "a").await.unwrap();
    assert_eq!(health(&store).state, KeyState::Refreshing);
    pass(Duration::ZERO).await;
    pass(4 * SECOND).await;
    let failed = health(&store);
    assert_eq!(failed.state, KeyState::Fresh);
    assert!(matches!(
        failed.last_error,
        Some(UnavailableReason::Timeout)
    ));
    assert_eq!(failed.last_success, fresh.last_success);

    pass(5 * MINUTE - 4 * SECOND).await;
    let trusted_for = 60 * MINUTE;
    assert_eq!(health(&store).state, KeyState::Stale { trusted_for });
    pass(59 * MINUTE).await;
    assert_eq!(
        health(&store).state,
        KeyState::Stale {
            trusted_for: MINUTE
        }
    );
    pass(MINUTE).await;
    assert_eq!(
        health(&store).state,
        KeyState::NotFetched,
        "a request would fetch"
    );
    let (announced, _) = unavailable(find(&store, "a").await);
    let dead = health(&store);
    let retry_after = announced;
    assert_eq!(dead.state, KeyState::Unavailable { retry_after });
    assert_eq!(dead.key_ids, ["a", "b"]);

    issuer.publish(&["c"]);
    pass(retry_after).await;
    find(&store, "c").await.unwrap();
    let recovered = health(&store);
    assert_eq!(recovered.state, KeyState::Fresh);
    assert!(recovered.last_error.is_none());
    assert_eq!(recovered.key_ids, ["c"]);
    // Warm-up, refresh-ahead, at the ceiling, and the recovery: telling it all asked nobody.
    assert_eq!(issuer.hits().keys, 4);
}

#[tokio::test(start_paused = true)]
async fn a_cold_store_that_failed_is_unavailable_for_its_back_off() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::status(500));
    let store = issuer.store();
    let (retry_after, _) = unavailable(store.warm_up().await);
    assert_eq!(health(&store).state, KeyState::Unavailable { retry_after });
    pass(retry_after).await;
    assert_eq!(health(&store).state, KeyState::NotFetched);
    assert!(health(&store).last_error.is_some());
    issuer.keys(Reply::Slow(SECOND, set_of(&["a"])));
    let request = {
        let store = store.clone();
        tokio::spawn(async move { find(&store, "a").await })
    };
    pass(SECOND / 2).await;
    assert_eq!(health(&store).state, KeyState::NotFetched, "it waits");
    request.await.unwrap().unwrap();
    assert_eq!(health(&store).state, KeyState::Fresh);
}

#[tokio::test]
async fn pinned_keys_are_pinned_and_cannot_be_saved() {
    let set = KeySet::parse(&set_of(&["a"]), KeyOptions::default()).unwrap();
    let store = KeyStore::Pinned(set.into());
    store.refresh().await.unwrap();
    let pinned = health(&store);
    assert_eq!(pinned.state, KeyState::Pinned);
    assert_eq!((pinned.key_ids, pinned.age), (vec!["a".to_owned()], None));
    assert!(
        store
            .key_snapshot("https://issuer.test", Now::read())
            .is_none()
    );
}
