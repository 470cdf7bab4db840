//! The health of the keys.

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
async fn health_shows_each_state_of_the_keys_without_a_request() {
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
    assert_eq!(health(&store).state, KeyState::Fresh, "no request came");
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
    // The warm-up, the refresh, the fetch at the limit and the recovery. Health itself sends no request.
    assert_eq!(issuer.hits().keys, 4);
}

#[tokio::test(start_paused = true)]
async fn health_after_a_failed_first_fetch_is_unavailable_during_the_back_off() {
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
    assert_eq!(
        health(&store).state,
        KeyState::NotFetched,
        "a request would fetch"
    );
    request.await.unwrap().unwrap();
    assert_eq!(health(&store).state, KeyState::Fresh);
}

#[tokio::test]
async fn health_of_pinned_keys_is_pinned_and_they_have_no_snapshot() {
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
