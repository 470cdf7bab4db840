//! When keys are fetched, and for how long they are trusted.

use std::time::Duration;

use okta_verifier::{Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation};

use crate::support::mock_issuer::{
    build, build_with_timeout, issuer, result_code, verifier, warmed_up,
};

/// Returns a verifier whose keys were fetched this long ago.
async fn aged(okta: &MockOkta, age: Duration) -> Verifier {
    let earlier = verifier(okta);
    earlier.warm_up().await.unwrap();
    let mut saved = earlier.key_snapshots().remove(0);
    saved.fetched_at -= age.as_secs();
    build(issuer(okta).key_snapshot(saved))
}

// conformance 148
#[tokio::test]
async fn jose_rejects_a_rotated_key_right_after_warm_up() {
    let (okta, verifier) = warmed_up().await;
    okta.rotate(Rotation::Hard);
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
}

// conformance 148
#[tokio::test]
async fn okta_java_and_spring_refetch_without_limit() {
    let (okta, verifier) = warmed_up().await;
    let began = std::time::Instant::now();
    for _ in 0..200 {
        let made_up = okta.token("ada").unpublished_key().sign();
        assert_ne!(result_code(&verifier, &made_up).await, "ok");
    }
    let refills = usize::try_from(began.elapsed().as_secs() / 10).unwrap();
    assert!(okta.hits().keys <= 1 + 3 + refills, "{:?}", okta.hits());
}

// conformance 148
#[tokio::test]
async fn aws_locks_a_rotated_key_out_after_invalid_ones() {
    let (okta, verifier) = warmed_up().await;
    let made_up = || okta.token("ada").unpublished_key().sign();
    for _ in 0..10 {
        result_code(&verifier, &made_up()).await;
    }
    okta.rotate(Rotation::Hard);
    let rotated = okta.token("ada").sign();
    // More invalid tokens do not extend the wait.
    for _ in 0..10 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::time::resume();
        result_code(&verifier, &made_up()).await;
    }
    assert_eq!(result_code(&verifier, &rotated).await, "ok");
}

// conformance 148
#[tokio::test]
async fn okta_python_clears_the_cache_on_an_unknown_kid() {
    let (okta, verifier) = warmed_up().await;
    okta.fault(Endpoint::Keys, Fault::Status(500));
    let made_up = okta.token("ada").unpublished_key().sign();
    assert_eq!(result_code(&verifier, &made_up).await, "unavailable");
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
}

// conformance 149
#[tokio::test]
async fn aws_trusts_a_withdrawn_key_for_ever() {
    let okta = MockOkta::start().await;
    let verifier = aged(&okta, Duration::from_secs(3601)).await;
    let stolen = okta.token("ada").sign();
    okta.rotate(Rotation::Hard);
    // No token had an unknown key, and `refresh` was not called.
    assert_eq!(result_code(&verifier, &stolen).await, "unknown_key_id");
}

// conformance 132, 140
#[tokio::test]
async fn envoy_and_jwx_trust_stale_keys_without_bound() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    let within_bound = aged(&okta, Duration::from_secs(7_000)).await;
    let beyond = aged(&okta, Duration::from_secs(7_201)).await;
    for endpoint in [Endpoint::Discovery, Endpoint::Keys] {
        okta.fault(endpoint, Fault::Status(500));
    }
    assert_eq!(result_code(&within_bound, &token).await, "ok");
    assert_eq!(result_code(&beyond, &token).await, "unavailable");
}

// conformance 151
#[tokio::test]
async fn fast_jwt_and_envoy_remember_tokens_past_their_key() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let cached = okta.token("ada").sign();
    for _ in 0..3 {
        assert_eq!(result_code(&verifier, &cached).await, "ok");
    }
    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    assert_eq!(result_code(&verifier, &cached).await, "unknown_key_id");
}

/// Asserts that a token with a known key is accepted while a fetch for another key hangs.
async fn served_during_a_fetch() {
    let okta = MockOkta::start().await;
    let verifier = build_with_timeout(Duration::from_secs(30), issuer(&okta));
    let seen = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &seen).await, "ok");
    okta.fault(Endpoint::Keys, Fault::Hang);
    let unknown = {
        let (verifier, made_up) = (verifier.clone(), okta.token("ada").unpublished_key().sign());
        tokio::spawn(async move { result_code(&verifier, &made_up).await })
    };
    okta.wait_for_hits(Endpoint::Keys, 2).await;
    for jwt in [seen, okta.token("bob").sign()] {
        let authorization = format!("Bearer {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        let result = verifier.authenticate(&credentials).into_ready();
        assert!(result.expect("a result without waiting").is_ok());
    }
    assert!(!unknown.is_finished());
    unknown.abort();
}

// conformance 148
#[tokio::test]
async fn okta_go_holds_one_lock_over_an_untimed_fetch() {
    served_during_a_fetch().await;
}

// conformance 148
#[tokio::test]
async fn jwt_authorizer_holds_a_lock_over_the_fetch() {
    served_during_a_fetch().await;
}
