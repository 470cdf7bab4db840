//! Key snapshots: the keys of one process restored by the next.

use okta_verifier::{
    ConfigError, Issuer, KeySnapshot, Verifier, error::UnavailableReason, health::KeyState,
};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};

use crate::support::mock_issuer::{build, issuer, result_code, unavailable_reason, verifier};

// conformance 132
#[tokio::test]
async fn key_snapshot_serves_a_new_process_while_the_issuer_is_down() {
    let okta = MockOkta::start().await;
    let first = verifier(&okta);
    assert!(first.key_snapshots().is_empty());
    first.warm_up().await.unwrap();
    let saved = serde_json::to_vec(&first.key_snapshots()[0]).unwrap();
    let saved: KeySnapshot = serde_json::from_slice(&saved).unwrap();
    assert_eq!(saved.issuer, okta.issuer_url());

    for endpoint in [Endpoint::Discovery, Endpoint::Keys] {
        okta.fault(endpoint, Fault::Status(500));
    }
    okta.reset_hits();
    let token = okta.token("ada").sign();
    let age = |seconds: u64| {
        let mut saved = saved.clone();
        saved.fetched_at -= seconds;
        build(issuer(&okta).key_snapshot(saved))
    };
    let next = age(0);
    assert_eq!(result_code(&next, &token).await, "ok");
    assert_eq!(okta.hits().discovery, 0, "fresh");
    let stale = age(7_100);
    assert_eq!(result_code(&stale, &token).await, "ok");
    assert!(matches!(stale.health()[0].state, KeyState::Stale { .. }));
    let dead = age(7_201);
    assert!(matches!(
        unavailable_reason(&dead, &token).await,
        UnavailableReason::Status { .. }
    ));
    // A snapshot from the future is ignored.
    let mut future = saved.clone();
    future.fetched_at += 3_600;
    let future = build(issuer(&okta).key_snapshot(future));
    assert_eq!(future.health()[0].state, KeyState::NotFetched);
}

#[tokio::test]
async fn key_snapshot_that_is_invalid_is_a_config_error() {
    let (okta, other) = (MockOkta::start().await, MockOkta::start().await);
    let first = verifier(&okta);
    first.warm_up().await.unwrap();
    let saved = first.key_snapshots().remove(0);
    let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    let error = build(issuer(&other).key_snapshot(saved.clone())).unwrap_err();
    assert!(error.to_string().contains("another issuer"), "{error}");
    for garbage in ["", "{}", "<html>", r#"{"keys":[{"kty":"AKP"}]}"#] {
        let mut saved = saved.clone();
        saved.jwks = garbage.to_owned();
        let error = build(issuer(&okta).key_snapshot(saved)).unwrap_err();
        assert!(matches!(error, ConfigError::Keys { .. }), "{error}");
    }
    assert!(serde_json::from_str::<KeySnapshot>("{}").is_err());
}
