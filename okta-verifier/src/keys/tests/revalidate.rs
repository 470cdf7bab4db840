//! Keys that are confirmed instead of sent again (RFC 9111 §4.3).

use std::{sync::Arc, time::Duration};

use super::{
    issuer::{Issuer, Reply, find, is_unknown, pass, unavailable},
    set_of,
};
use crate::{error::UnavailableReason, keys::KeyStore, net::Validator, sync::clock::Now};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const KEYS: &str = "https://issuer.test/keys";

fn asked(url: &str, etag: Option<&'static str>) -> Vec<(String, Option<Validator>)> {
    vec![(url.to_owned(), etag.map(Validator::etag))]
}

fn fresh_for(store: &KeyStore) -> Duration {
    store.health("issuer", Now::read()).fresh_for.unwrap()
}

/// A store with the key `a`, whose set was named `"1"`.
async fn named(issuer: &Issuer) -> KeyStore {
    issuer.keys(Reply::Named("\"1\"", set_of(&["a"])));
    let store = issuer.store();
    store.warm_up().await.unwrap();
    assert_eq!(issuer.take_asked(), asked(KEYS, None));
    store
}

// conformance 141, 142
#[tokio::test(start_paused = true)]
async fn a_304_keeps_the_keys_and_begins_their_freshness_anew() {
    let issuer = Issuer::new(&["a"]);
    let store = named(&issuer).await;
    let key = find(&store, "a").await.unwrap();
    for (said, kept) in [
        (Some(20 * MINUTE), 20 * MINUTE),
        (None, 20 * MINUTE),
        (Some(Duration::ZERO), 5 * MINUTE),
        (Some(24 * 60 * MINUTE), 60 * MINUTE),
    ] {
        let hits = issuer.hits().keys;
        issuer.keys(Reply::NotModified(said));
        // Past its freshness: who asks waits for the answer.
        pass(fresh_for(&store)).await;
        let same = find(&store, "a").await.unwrap();
        assert!(Arc::ptr_eq(&key, &same) && !key.is_retired());
        assert_eq!(issuer.take_asked(), asked(KEYS, Some("\"1\"")));
        assert_eq!(fresh_for(&store), kept);
        assert_eq!(store.health("", Now::read()).age, Some(Duration::ZERO));
        // Young again: nobody is asked.
        pass(kept * 7 / 10 - SECOND).await;
        find(&store, "a").await.unwrap();
        assert_eq!(issuer.hits().keys, hits + 1);
    }
}

// conformance 142, 148
#[tokio::test(start_paused = true)]
async fn a_304_shows_an_unknown_kid_absent() {
    let issuer = Issuer::new(&["a"]);
    let store = named(&issuer).await;
    issuer.keys(Reply::NotModified(None));
    pass(SECOND).await;
    assert!(is_unknown(find(&store, "b").await));
    assert!(is_unknown(find(&store, "b").await));
    assert_eq!(issuer.hits().keys, 2);
}

// conformance 141, 143
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_key_set_does_not_change_what_is_asked_about() {
    let issuer = Issuer::new(&["a"]);
    let store = named(&issuer).await;
    for bad in [
        Reply::Named("\"2\"", b"{".to_vec()),
        Reply::Named("\"2\"", br#"{"keys":[]}"#.to_vec()),
        Reply::status(500),
    ] {
        issuer.keys(bad);
        pass(SECOND).await;
        unavailable(store.refresh().await);
        assert_eq!(issuer.take_asked(), asked(KEYS, Some("\"1\"")));
    }
    // Named "2" at last: what follows asks about "2".
    pass(SECOND).await;
    issuer.keys(Reply::Named("\"2\"", set_of(&["b"])));
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_asked(), asked(KEYS, Some("\"1\"")));
    issuer.keys(Reply::NotModified(None));
    pass(SECOND).await;
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_asked(), asked(KEYS, Some("\"2\"")));
    find(&store, "b").await.unwrap();
}

// conformance 141
#[tokio::test(start_paused = true)]
async fn a_name_is_not_told_to_another_url_and_ends_with_an_answer_without_one() {
    let elsewhere = "https://issuer.test/keys/elsewhere";
    let metadata = format!(r#"{{"issuer":"https://issuer.test","jwks_uri":"{elsewhere}"}}"#);
    let issuer = Issuer::new(&["a"]);
    let store = named(&issuer).await;
    issuer.metadata(Reply::Body(metadata.into_bytes()));
    pass(SECOND).await;
    // The keys are gone here, so the metadata is asked where they are.
    issuer.keys(Reply::status(404));
    unavailable(store.refresh().await);
    issuer.take_asked();
    issuer.publish(&["a"]);
    pass(SECOND).await;
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_asked(), asked(elsewhere, None));
    pass(SECOND).await;
    store.refresh().await.unwrap();
    assert_eq!(issuer.take_asked(), asked(elsewhere, None));
}

// conformance 143
#[tokio::test(start_paused = true)]
async fn a_304_without_keys_at_hand_is_no_success() {
    let issuer = Issuer::new(&["a"]);
    issuer.keys(Reply::NotModified(None));
    let (_, source) = unavailable(find(&issuer.store(), "a").await);
    assert!(matches!(source, UnavailableReason::Abandoned), "{source}");
}
