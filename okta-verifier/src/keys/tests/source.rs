//! The metadata's part in a fetch.

use std::time::Duration;

use super::{
    issuer::{DEADLINE, Hits, Issuer, Reply, find, pass, unavailable},
    set_of,
};
use crate::{error::FetchError, time::Now};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn hits(metadata: usize, keys: usize) -> Hits {
    Hits { metadata, keys }
}

// conformance 127, 129
#[tokio::test(start_paused = true)]
async fn cold_metadata_that_is_wrong_is_an_error_and_no_keys_are_asked_for() {
    for (metadata, expected) in [
        (
            r#"{"issuer":"https://evil.test","jwks_uri":"https://issuer.test/keys"}"#,
            FetchError::OtherIssuer,
        ),
        (
            r#"{"issuer":"https://issuer.test","jwks_uri":"https://evil.test/keys"}"#,
            FetchError::ForeignUrl { member: "jwks_uri" },
        ),
        (
            r#"{"issuer":"https://issuer.test"}"#,
            FetchError::Malformed {
                document: "metadata",
            },
        ),
    ] {
        let issuer = Issuer::new(&["a"]);
        issuer.metadata(Reply::Body(metadata.into()));
        let (_, source) = unavailable(find(&issuer.store(), "a").await);
        assert_eq!(source.to_string(), expected.to_string());
        assert_eq!(issuer.hits(), hits(1, 0));
    }
}

// conformance 132
#[tokio::test]
async fn the_metadata_is_asked_for_once_a_day() {
    let issuer = Issuer::new(&["a"]);
    let source = issuer.source();
    let now = Now::read();
    for (age, asked) in [(0, 1), (1, 1), (23, 1), (24, 2), (47, 2), (48, 3)] {
        source.load(now.after(age * DAY / 24), None).await.unwrap();
        assert_eq!(issuer.hits().metadata, asked, "{age} h");
    }
}

// conformance 132
#[tokio::test]
async fn keys_that_have_moved_are_found_by_the_metadata() {
    let issuer = Issuer::new(&["a"]);
    let source = issuer.source();
    let now = Now::read();
    source.load(now, None).await.unwrap();
    issuer.keys(Reply::status(404));
    source.load(now, None).await.unwrap_err();
    assert_eq!(issuer.hits(), hits(1, 2));
    issuer.publish(&["a"]);
    source.load(now, None).await.unwrap();
    assert_eq!(issuer.hits(), hits(2, 3));
}

// conformance 132
#[tokio::test]
async fn the_last_good_metadata_outlives_the_failures_of_its_endpoint() {
    let other = br#"{"issuer":"https://evil.test","jwks_uri":"https://issuer.test/keys"}"#;
    for trouble in [
        Reply::status(500),
        Reply::status(404),
        Reply::Fail(FetchError::Timeout),
        Reply::Body(b"<html>".to_vec()),
        Reply::Body(other.to_vec()),
    ] {
        let issuer = Issuer::new(&["a"]);
        let source = issuer.source();
        let now = Now::read();
        source.load(now, None).await.unwrap();
        issuer.metadata(trouble);
        source.load(now.after(2 * DAY), None).await.unwrap();
        // A passing failure of the keys, and the metadata still in trouble.
        issuer.keys(Reply::status(500));
        source.load(now.after(2 * DAY), None).await.unwrap_err();
        issuer.publish(&["a"]);
        source.load(now.after(2 * DAY), None).await.unwrap();
    }
}

// conformance 132
#[tokio::test(start_paused = true)]
async fn metadata_that_hangs_costs_one_attempt() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    issuer.metadata(Reply::Hang);
    issuer.keys(Reply::status(500));
    pass(SECOND).await;
    unavailable(find(&store, "b").await);
    issuer.publish(&["a", "b"]);
    pass(SECOND).await;
    let (_, source) = unavailable(find(&store, "b").await);
    assert!(matches!(source, FetchError::Timeout));
    pass(SECOND).await;
    find(&store, "b").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_that_hang_make_the_next_attempt_ask_for_the_metadata() {
    let issuer = Issuer::new(&["a"]);
    let store = issuer.store();
    store.warm_up().await.unwrap();
    issuer.keys(Reply::Hang);
    pass(SECOND).await;
    unavailable(find(&store, "b").await);
    assert_eq!(issuer.hits(), hits(1, 2));
    issuer.publish(&["b"]);
    pass(SECOND).await;
    find(&store, "b").await.unwrap();
    assert_eq!(issuer.hits(), hits(2, 3));
}

#[tokio::test(start_paused = true)]
async fn metadata_and_keys_share_one_deadline() {
    let document = br#"{"issuer":"https://issuer.test","jwks_uri":"https://issuer.test/keys"}"#;
    let issuer = Issuer::new(&["a"]);
    issuer.metadata(Reply::Slow(2 * SECOND, document.to_vec()));
    issuer.keys(Reply::Slow(2 * SECOND, set_of(&["a"])));
    let began = tokio::time::Instant::now();
    let (_, source) = unavailable(find(&issuer.store(), "a").await);
    assert!(matches!(source, FetchError::Timeout));
    assert!(began.elapsed() < DEADLINE + SECOND / 10);
    assert_eq!(issuer.hits(), hits(1, 1));
}
