//! Revalidation of the key set (RFC 9111 §4.3).

use std::{sync::Arc, time::Duration};

use super::{
    issuer::{Issuer, Reply, find, is_unknown, pass, unavailable},
    set_of,
};
use crate::{error::UnavailableReason, keys::KeyStore, net::Validator, sync::clock::Now};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const KEYS: &str = "https://issuer.test/keys";

fn requested(url: &str, etag: Option<&'static str>) -> Vec<(String, Option<Validator>)> {
    vec![(url.to_owned(), etag.map(Validator::etag))]
}

fn fresh_for(store: &KeyStore) -> Duration {
    store.health("issuer", Now::read()).fresh_for.unwrap()
}

/// Returns a store with the key `a`, whose set has the `ETag` `"1"`.
async fn store_with_etag(issuer: &Issuer) -> KeyStore {
    issuer.keys(Reply::Tagged("\"1\"", set_of(&["a"])));
    let store = issuer.store();
    store.warm_up().await.unwrap();
    assert_eq!(issuer.take_requests(), requested(KEYS, None));
    store
}

// conformance 141, 142
#[tokio::test(start_paused = true)]
async fn key_set_not_modified_keeps_the_keys_and_renews_their_freshness() {
    let issuer = Issuer::new(&["a"]);
    let store = store_with_etag(&issuer).await;
    let key = find(&store, "a").await.unwrap();
    for (sent, expected) in [
        (Some(20 * MINUTE), 20 * MINUTE),
        (None, 20 * MINUTE),
        (Some(Duration::ZERO), 5 * MINUTE),
        (Some(24 * 60 * MINUTE), 60 * MINUTE),
    ] {
        let hits = issuer.hits().keys;
        issuer.keys(Reply::NotModified(sent));
        // The keys are past their freshness, so the request waits for the response.
        pass(fresh_for(&store)).await;
        let same = find(&store, "a").await.unwrap();
        assert!(Arc::ptr_eq(&key, &same) && !key.is_retired());
        assert_eq!(issuer.take_requests(), requested(KEYS, Some("\"1\"")));
        assert_eq!(fresh_for(&store), expected);
        assert_eq!(store.health("", Now::read()).age, Some(Duration::ZERO));
        // The keys are young again, so no request is sent.
        pass(expected * 7 / 10 - SECOND).await;
        find(&store, "a").await.unwrap();
        assert_eq!(issuer.hits().keys, hits + 1);
    }
}

// conformance 142, 148
#[tokio::test(start_paused = true)]
async fn key_set_not_modified_shows_that_an_unknown_key_is_absent() {
    let issuer = Issuer::new(&["a"]);
    let store = store_with_etag(&issuer).await;
    issuer.keys(Reply::NotModified(None));
    pass(SECOND).await;
    assert!(is_unknown(find(&store, "b").await));
    assert!(is_unknown(find(&store, "b").await));
    assert_eq!(issuer.hits().keys, 2);
}

// conformance 141, 143
#[tokio::test(start_paused = true)]
async fn key_set_validator_is_kept_after_an_invalid_response() {
    let issuer = Issuer::new(&["a"]);
    let store = store_with_etag(&issuer).await;
    for bad in [
        Reply::Tagged("\"2\"", b"{".to_vec()),
        Reply::Tagged("\"2\"", br#"{"keys":[]}"#.to_vec()),
        Reply::status(500),
    ] {
        issuer.keys(bad);
        pass(SECOND).await;
        unavailable(store.refresh().await);
        assert_eq!(issuer.take_requests(), requested(KEYS, Some("\"1\"")));
    }
    // A valid response with the `ETag` "2" replaces the validator.
    pass(SECOND).await;
    issuer.keys(Reply::Tagged("\"2\"", set_of(&["b"])));
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_requests(), requested(KEYS, Some("\"1\"")));
    issuer.keys(Reply::NotModified(None));
    pass(SECOND).await;
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_requests(), requested(KEYS, Some("\"2\"")));
    find(&store, "b").await.unwrap();
}

// conformance 141
#[tokio::test(start_paused = true)]
async fn key_set_validator_is_sent_to_its_own_url_only_and_ends_with_a_response_without_one() {
    let elsewhere = "https://issuer.test/keys/elsewhere";
    let metadata = format!(r#"{{"issuer":"https://issuer.test","jwks_uri":"{elsewhere}"}}"#);
    let issuer = Issuer::new(&["a"]);
    let store = store_with_etag(&issuer).await;
    issuer.metadata(Reply::Body(metadata.into_bytes()));
    pass(SECOND).await;
    // The URL responds with 404, so the metadata is fetched for the new one.
    issuer.keys(Reply::status(404));
    unavailable(store.refresh().await);
    issuer.take_requests();
    issuer.publish(&["a"]);
    pass(SECOND).await;
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_requests(), requested(elsewhere, None));
    pass(SECOND).await;
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_requests(), requested(elsewhere, None));
}

// conformance 143
#[tokio::test(start_paused = true)]
async fn key_set_not_modified_without_current_keys_is_an_error() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::NotModified(None));
    let (_, source) = unavailable(find(&issuer.store(), "a").await);
    assert!(matches!(source, UnavailableReason::Abandoned), "{source}");
}
