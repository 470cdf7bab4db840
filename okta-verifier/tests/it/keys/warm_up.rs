//! `Verifier::warm_up`, `refresh` and `health`.

use std::time::{Duration, Instant};

use okta_verifier::{Verifier, error::UnavailableReason, health::KeyState};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation};

use crate::support::mock_issuer::{PATIENT, issuer, result_code, verifier};

// conformance 149, 151
#[tokio::test]
async fn refresh_rejects_a_withdrawn_key_and_its_cached_tokens() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    for _ in 0..3 {
        assert_eq!(result_code(&verifier, &token).await, "ok");
    }
    okta.withdraw(&okta.key_ids()[0]);
    assert_eq!(
        result_code(&verifier, &token).await,
        "ok",
        "the keys are still fresh"
    );
    verifier.refresh().await.unwrap();
    assert_eq!(okta.hits().keys, 2);
    assert_eq!(result_code(&verifier, &token).await, "unknown_key_id");
}

// conformance 143
#[tokio::test]
async fn refresh_that_fails_has_a_cause_and_keeps_the_keys() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    verifier.warm_up().await.unwrap();
    okta.fault(Endpoint::Keys, Fault::Status(500));
    for _ in 0..3 {
        let error = verifier.refresh().await.unwrap_err();
        let is_it = matches!(
            error.reason(),
            UnavailableReason::Status { status: 500, .. }
        );
        assert!(is_it, "{error:?}");
    }
    assert_eq!(okta.hits().keys, 4, "refresh ignores the back-off");
    assert_eq!(result_code(&verifier, &token).await, "ok");
    let health = verifier.health().remove(0);
    assert_eq!(health.state, KeyState::Fresh);
    assert!(matches!(
        health.last_error,
        Some(UnavailableReason::Status { status: 500, .. })
    ));
    okta.clear_faults();
    verifier.refresh().await.unwrap();
    assert!(verifier.health()[0].last_error.is_none());
}

#[tokio::test]
async fn warm_up_and_refresh_of_a_failing_issuer_do_not_affect_the_others() {
    let (dead, alive) = (MockOkta::start().await, MockOkta::start().await);
    dead.fault(Endpoint::Discovery, Fault::Drop);
    let verifier = Verifier::builder()
        .issuer(issuer(&dead))
        .issuer(issuer(&alive))
        .fetch_timeout(PATIENT)
        .build()
        .unwrap();
    verifier.warm_up().await.unwrap_err();
    assert_eq!(verifier.health()[1].state, KeyState::Fresh);
    alive.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap_err();
    assert_eq!(verifier.health()[1].key_ids, alive.key_ids());
    let states = verifier.health();
    assert_eq!(states[0].issuer, dead.issuer_url());
    assert!(matches!(states[0].state, KeyState::Unavailable { .. }));
    assert_eq!(verifier.key_snapshots().len(), 1);
}

#[tokio::test]
async fn health_sends_no_request() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    for _ in 0..10 {
        assert_eq!(verifier.health()[0].state, KeyState::NotFetched);
    }
    assert_eq!(okta.hits().discovery, 0);
    verifier.warm_up().await.unwrap();
    let health = verifier.health().remove(0);
    assert_eq!(health.state, KeyState::Fresh);
    assert_eq!(health.key_ids, okta.key_ids());
    let since = health.last_success.unwrap().elapsed().unwrap();
    assert!(since < Duration::from_secs(10), "{since:?}");
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}

#[tokio::test]
async fn warm_up_of_a_hanging_issuer_does_not_delay_the_others() {
    let (dead, alive) = (MockOkta::start().await, MockOkta::start().await);
    dead.fault(Endpoint::Discovery, Fault::Hang);
    let verifier = Verifier::builder()
        .issuer(issuer(&dead))
        .issuer(issuer(&alive))
        .fetch_timeout(PATIENT)
        .build()
        .unwrap();
    let warming = tokio::spawn(async move { verifier.warm_up().await });
    let deadline = Instant::now() + PATIENT / 2;
    while alive.hits().keys == 0 {
        assert!(
            Instant::now() < deadline,
            "warm-up waits for the hanging issuer"
        );
        tokio::task::yield_now().await;
    }
    warming.abort();
}
