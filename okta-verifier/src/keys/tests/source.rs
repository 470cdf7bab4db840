//! The metadata in a fetch of the keys.

use std::time::Duration;

use super::{
    issuer::{DEADLINE, Hits, Issuer, Reply, find, pass, unavailable},
    set_of,
};
use crate::{error::UnavailableReason, keys::KeyOptions, sync::clock::Now};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn hits(metadata: usize, keys: usize) -> Hits {
    Hits { metadata, keys }
}

// conformance 127, 129
#[tokio::test(start_paused = true)]
async fn metadata_that_is_wrong_fetches_no_keys() {
    for (metadata, expected) in [
        (
            r#"{"issuer":"https://evil.test","jwks_uri":"https://issuer.test/keys"}"#,
            UnavailableReason::OtherIssuer {
                issuer: "https://evil.test".into(),
            },
        ),
        (
            r#"{"issuer":"https://issuer.test","jwks_uri":"https://evil.test/keys"}"#,
            UnavailableReason::ForeignUrl {
                member: "jwks_uri",
                url: "https://evil.test/keys".into(),
            },
        ),
        (
            r#"{"issuer":"https://issuer.test"}"#,
            UnavailableReason::Malformed {
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
async fn metadata_is_fetched_once_per_day() {
    let issuer = Issuer::new(&["a"]);
    let source = issuer.source();
    let now = Now::read();
    for (age, requests) in [(0, 1), (1, 1), (23, 1), (24, 2), (47, 2), (48, 3)] {
        source.load(now.after(age * DAY / 24), None).await.unwrap();
        assert_eq!(issuer.hits().metadata, requests, "{age} h");
    }
}

// conformance 132
#[tokio::test]
async fn jwks_uri_that_moved_is_found_in_the_metadata() {
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
async fn metadata_failures_keep_the_last_known_url() {
    let other = br#"{"issuer":"https://evil.test","jwks_uri":"https://issuer.test/keys"}"#;
    for failure in [
        Reply::status(500),
        Reply::status(404),
        Reply::Fail(UnavailableReason::Timeout),
        Reply::Body(b"<html>".to_vec()),
        Reply::Body(other.to_vec()),
    ] {
        let issuer = Issuer::new(&["a"]);
        let source = issuer.source();
        let now = Now::read();
        source.load(now, None).await.unwrap();
        issuer.metadata(failure);
        source.load(now.after(2 * DAY), None).await.unwrap();
        // The keys fail once, and the metadata is still unavailable.
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
    issuer.keys(Reply::status(404));
    pass(SECOND).await;
    unavailable(find(&store, "b").await);
    issuer.publish(&["a", "b"]);
    pass(SECOND).await;
    let (_, source) = unavailable(find(&store, "b").await);
    assert!(matches!(source, UnavailableReason::Timeout));
    pass(SECOND).await;
    find(&store, "b").await.unwrap();
}

// field kind G
#[tokio::test(start_paused = true)]
async fn slow_metadata_and_slow_keys_are_fetched_within_two_attempts() {
    let slow = Duration::from_millis(1_600);
    let issuer = Issuer::new(&["a"]);
    issuer.metadata(Reply::Slow(slow, METADATA.into()));
    issuer.keys(Reply::Slow(slow, set_of(&["a"])));
    let store = issuer.store();
    let (_, source) = unavailable(find(&store, "a").await);
    assert!(matches!(source, UnavailableReason::Timeout));
    pass(SECOND).await;
    find(&store, "a").await.unwrap();
    assert_eq!(issuer.hits(), hits(1, 2));
}

// field kind G
#[tokio::test]
async fn jwks_uri_that_failed_once_is_requested_without_the_metadata() {
    for failure in [
        Reply::status(429),
        Reply::status(500),
        Reply::Fail(UnavailableReason::Timeout),
        Reply::Fail(UnavailableReason::TooLarge { limit: 1 }),
        Reply::Body(b"<html>".to_vec()),
        Reply::Body(br#"{"keys":[]}"#.to_vec()),
    ] {
        let issuer = Issuer::new(&["a"]);
        let source = issuer.source();
        let now = Now::read();
        issuer.keys(failure);
        source.load(now, None).await.unwrap_err();
        assert_eq!(issuer.hits(), hits(1, 1));
        source.load(now, None).await.unwrap_err();
        assert_eq!(issuer.hits(), hits(1, 2));
    }
}

// The host of the old URL may be gone and never respond.
// field kind G
#[tokio::test(start_paused = true)]
async fn jwks_uri_that_failed_twice_is_looked_up_again() {
    for failure in [Reply::Hang, Reply::status(500)] {
        let issuer = Issuer::new(&["a"]);
        let store = issuer.store();
        store.warm_up().await.unwrap();
        issuer.keys(failure);
        for expected in [hits(1, 2), hits(1, 3), hits(2, 4), hits(2, 5), hits(3, 6)] {
            pass(40 * SECOND).await;
            store.refresh().await.unwrap_err();
            assert_eq!(issuer.hits(), expected);
        }
        issuer.publish(&["b"]);
        pass(40 * SECOND).await;
        store.refresh().await.unwrap();
        // Failures before a success do not count.
        issuer.keys(Reply::status(500));
        let metadata = issuer.hits().metadata;
        for _ in 0..2 {
            pass(SECOND).await;
            store.refresh().await.unwrap_err();
        }
        assert_eq!(issuer.hits().metadata, metadata);
    }
}

// field kind G
#[tokio::test]
async fn jwks_uri_that_moved_is_looked_up_in_the_next_attempt() {
    for status in [404, 410] {
        let issuer = Issuer::new(&["a"]);
        let source = issuer.source();
        let now = Now::read();
        source.load(now, None).await.unwrap();
        issuer.keys(Reply::status(status));
        source.load(now, None).await.unwrap_err();
        assert_eq!(issuer.hits(), hits(1, 2), "{status}");
        issuer.publish(&["a"]);
        let moved = METADATA.replace("/keys", "/keys/new");
        issuer.metadata(Reply::Body(moved.into()));
        issuer.take_requests();
        source.load(now, None).await.unwrap();
        assert_eq!(issuer.hits(), hits(2, 3), "{status}");
        assert_eq!(issuer.take_requests()[0].0, "https://issuer.test/keys/new");
    }
}

#[tokio::test]
async fn jwks_uri_of_the_settings_is_requested_without_metadata() {
    let issuer = Issuer::new(&["a"]);
    issuer.metadata(Reply::Hang);
    let url = "https://issuer.test/keys/own";
    let source = issuer.source_with(Some(url), KeyOptions::default());
    let now = Now::read();
    for failure in [Reply::status(404), Reply::status(500)] {
        issuer.keys(failure);
        for _ in 0..3 {
            source.load(now, None).await.unwrap_err();
        }
    }
    issuer.publish(&["a"]);
    source.load(now.after(2 * DAY), None).await.unwrap();
    assert_eq!(issuer.hits(), hits(0, 7));
    assert!(issuer.take_requests().iter().all(|(sent, _)| sent == url));
}

#[tokio::test(start_paused = true)]
async fn metadata_and_keys_share_one_deadline() {
    let issuer = Issuer::new(&["a"]);
    issuer.metadata(Reply::Slow(2 * SECOND, METADATA.into()));
    issuer.keys(Reply::Slow(2 * SECOND, set_of(&["a"])));
    let began = tokio::time::Instant::now();
    let (_, source) = unavailable(find(&issuer.store(), "a").await);
    assert!(matches!(source, UnavailableReason::Timeout));
    assert!(began.elapsed() < DEADLINE + SECOND / 10);
    assert_eq!(issuer.hits(), hits(1, 1));
}

const METADATA: &str = r#"{"issuer":"https://issuer.test","jwks_uri":"https://issuer.test/keys"}"#;
