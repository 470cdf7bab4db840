//! What whoever runs the service can do and see.

use std::time::{Duration, Instant};

use okta_verifier::{ConfigError, Issuer, KeySnapshot, KeyState, UnavailableReason, Verifier};
use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation};

use crate::mock::{AUDIENCE, issuer, trouble, verdict, verifier, within};

const PATIENT: Duration = Duration::from_secs(10);

// conformance 149, 151
#[tokio::test]
async fn a_refresh_ends_a_leaked_key_and_the_tokens_remembered_under_it() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    for _ in 0..3 {
        assert_eq!(verdict(&verifier, &token).await, "ok");
    }
    okta.withdraw(&okta.key_ids()[0]);
    assert_eq!(verdict(&verifier, &token).await, "ok", "young keys");
    verifier.refresh().await.unwrap();
    assert_eq!(okta.hits().keys, 2);
    assert_eq!(verdict(&verifier, &token).await, "unknown_key_id");
}

// conformance 143
#[tokio::test]
async fn a_refresh_that_fails_says_why_and_takes_nothing_away() {
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
    assert_eq!(okta.hits().keys, 4, "the back-off is for requests");
    assert_eq!(verdict(&verifier, &token).await, "ok");
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
async fn an_issuer_in_trouble_keeps_no_other_one_from_being_asked() {
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
async fn health_asks_nobody() {
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

// conformance 132
#[tokio::test]
async fn saved_keys_let_the_next_process_start_while_the_issuer_is_down() {
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
        within(PATIENT, issuer(&okta).key_snapshot(saved))
    };
    let next = age(0);
    assert_eq!(verdict(&next, &token).await, "ok");
    assert_eq!(okta.hits().discovery, 0, "fresh");
    let stale = age(7_100);
    assert_eq!(verdict(&stale, &token).await, "ok");
    assert!(matches!(stale.health()[0].state, KeyState::Stale { .. }));
    let dead = age(7_201);
    assert!(matches!(
        trouble(&dead, &token).await,
        UnavailableReason::Status { .. }
    ));
    // From the future: as if there were none.
    let mut future = saved.clone();
    future.fetched_at += 3_600;
    let future = within(PATIENT, issuer(&okta).key_snapshot(future));
    assert_eq!(future.health()[0].state, KeyState::NotFetched);
}

#[tokio::test]
async fn saved_keys_that_are_wrong_are_an_error_at_the_start() {
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

// conformance 140
#[test]
fn stale_if_error_is_at_most_a_day_and_says_so() {
    let build = |seconds| {
        let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", AUDIENCE);
        Verifier::builder()
            .issuer(
                issuer
                    .any_client_id()
                    .keys(r#"{"keys":[{"kty":"OKP","kid":"a","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#)
                    .stale_if_error(Duration::from_secs(seconds)),
            )
            .build()
    };
    for accepted in [0, 1, 24 * 3600] {
        build(accepted).unwrap();
    }
    for refused in [24 * 3600 + 1, u64::MAX] {
        let error = build(refused).unwrap_err();
        assert!(matches!(error, ConfigError::StaleIfError { seconds, .. } if seconds == refused));
        assert!(error.to_string().contains("at most 24 h"), "{error}");
    }
}

#[tokio::test]
async fn an_issuer_that_hangs_holds_up_no_other_one() {
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
        assert!(Instant::now() < deadline, "it waits for the one that hangs");
        tokio::task::yield_now().await;
    }
    warming.abort();
}
