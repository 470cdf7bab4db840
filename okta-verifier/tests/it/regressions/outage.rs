//! An issuer that is down or slow, or that closes the connection in between.

use std::time::{Duration, Instant};

use okta_verifier::{VerifyError, adapter::RequestCredentials, error::UnavailableReason};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};

use crate::support::mock_issuer::{result_code, unavailable_reason, verifier, verifier_for_fault};

// conformance 24
#[tokio::test]
async fn jose_fetches_at_every_request_while_the_issuer_fails() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Discovery, Fault::Status(500));
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(result_code(&verifier, &token).await, "unavailable");
    }
    // The first back-off is 125 ms at least: a slow machine may see it end.
    let ended = usize::try_from(began.elapsed().as_millis() / 125).unwrap();
    assert!(okta.hits().discovery <= 1 + ended, "{:?}", okta.hits());
}

// conformance 14, 24
#[tokio::test]
async fn auth0_answers_an_outage_with_401() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Status(500));
    let authorization = format!("Bearer {}", okta.token("ada").sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let rejection = verifier(&okta)
        .authenticate(&credentials)
        .await
        .unwrap_err();
    assert_eq!(rejection.status(), 503);
    let names: Vec<_> = rejection
        .headers()
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(names, ["cache-control", "retry-after"], "no challenge");
    assert!(matches!(
        rejection.error(),
        Some(VerifyError::Unavailable { .. })
    ));
}

// conformance 24
#[tokio::test]
async fn get_jwks_ignores_its_own_timeout() {
    // No response at all, and a response of one byte at a time.
    for fault in [Fault::Hang, Fault::Drip(Duration::from_millis(20))] {
        let okta = MockOkta::start().await;
        okta.fault(Endpoint::Discovery, fault.clone());
        let verifier = verifier_for_fault(&okta, &fault); // 200 ms
        let began = Instant::now();
        let error = unavailable_reason(&verifier, &okta.token("ada").sign()).await;
        assert!(
            matches!(error, UnavailableReason::Timeout),
            "{fault:?}: {error}"
        );
        assert!(began.elapsed() < Duration::from_secs(3), "{fault:?}");
    }
}

// conformance 148
#[tokio::test]
async fn huskarl_burns_the_cool_down_when_a_fetch_is_cancelled() {
    let okta = MockOkta::start().await;
    okta.set_latency(Duration::from_millis(50));
    let verifier = verifier(&okta);
    let token = okta.token("ada").sign();
    let caller = {
        let (verifier, token) = (verifier.clone(), token.clone());
        tokio::spawn(async move { result_code(&verifier, &token).await })
    };
    okta.wait_for_hits(Endpoint::Discovery, 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    // The next request uses the fetch in flight, or its keys.
    assert_eq!(result_code(&verifier, &token).await, "ok");
    assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1));
}
