//! A route's own `max_introspection_age`, and callers that do not await the response.

use std::{sync::Arc, time::Duration};

use okta_verifier::{Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};

use super::{calls, every_token, on_demand, verifier_with};
use crate::support::mock_issuer::{result_code, verifier};

const NEVER: Duration = Duration::ZERO;

/// Returns the status of the response of a route.
async fn route(verifier: &Verifier, token: &str, max_introspection_age: Option<Duration>) -> u16 {
    let value = format!("Bearer {token}");
    let mut credentials = RequestCredentials::new([value.as_bytes()]);
    if let Some(max_age) = max_introspection_age {
        credentials = credentials.max_introspection_age(max_age);
    }
    let result = verifier.authenticate(&credentials).await;
    secret_scan::verdict(&result);
    result.map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
}

// conformance 111
#[tokio::test]
async fn introspection_max_age_of_a_route_decides_when_a_revocation_is_noticed() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, on_demand());
    let jwt = okta.token("ada").sign();
    assert_eq!(route(&verifier, &jwt, None).await, 200);
    assert_eq!(calls(&okta), 0);
    let minute = Some(Duration::from_secs(60));
    for expected in [1, 1, 1] {
        assert_eq!(route(&verifier, &jwt, minute).await, 200);
        assert_eq!(calls(&okta), expected);
    }
    okta.revoke(&jwt);
    assert_eq!(
        route(&verifier, &jwt, minute).await,
        200,
        "the last response is recent enough"
    );
    assert_eq!(route(&verifier, &jwt, Some(NEVER)).await, 401);
    assert_eq!(calls(&okta), 2);
    assert_eq!(
        route(&verifier, &jwt, minute).await,
        401,
        "the response applies to all routes"
    );
    assert_eq!(calls(&okta), 2);
}

#[tokio::test]
async fn introspection_of_one_route_rejects_a_revoked_token_on_all_routes() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, on_demand().max_age(Duration::ZERO));
    let (jwt, other) = (okta.token("ada").sign(), okta.token("bob").sign());
    assert_eq!(route(&verifier, &jwt, None).await, 200);
    okta.revoke(&jwt);
    assert_eq!(route(&verifier, &jwt, None).await, 200);
    assert_eq!(route(&verifier, &jwt, Some(NEVER)).await, 401);
    // First verified by its signature, then possibly from the cache.
    for _ in 0..2 {
        assert_eq!(route(&verifier, &jwt, None).await, 401);
    }
    assert_eq!(route(&verifier, &other, None).await, 200);
    assert_eq!(calls(&okta), 1);
    // Only `"active": false` affects other routes; a response that is otherwise rejected does not.
    okta.fault(Endpoint::Introspection, Fault::Without("aud"));
    assert_eq!(route(&verifier, &other, Some(NEVER)).await, 401);
    assert_eq!(route(&verifier, &other, None).await, 200);
}

// Whether the token is active cannot be determined: fail closed, without blaming the client.
#[tokio::test]
async fn introspection_max_age_without_introspection_is_503() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let valid = okta.token("ada").sign();
    assert_eq!(route(&verifier, &valid, None).await, 200);
    assert_eq!(route(&verifier, &valid, Some(NEVER)).await, 503);
    let forged = okta.token("ada").tampered().sign();
    assert_eq!(route(&verifier, &forged, Some(NEVER)).await, 401);
}

// conformance 111
#[tokio::test]
async fn introspection_max_age_applies_after_the_local_checks_and_before_the_policy() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, on_demand());
    for token in [
        okta.token("ada").expired().sign(),
        okta.token("ada").foreign_key().sign(),
        okta.opaque_token("ada").sign(),
    ] {
        assert_eq!(route(&verifier, &token, Some(NEVER)).await, 401);
    }
    assert_eq!(calls(&okta), 0);
    okta.fault(Endpoint::Introspection, Fault::Status(500));
    let valid = okta.token("ada").sign();
    assert_eq!(route(&verifier, &valid, Some(NEVER)).await, 503);
    assert_eq!(route(&verifier, &valid, None).await, 200);
}

#[tokio::test]
async fn introspection_that_is_needed_leaves_the_future_pending_and_sends_nothing() {
    let okta = MockOkta::start().await;
    let introspection = every_token().encrypted_tokens();
    let verifier = verifier_with(&okta, introspection.tokens_with_unknown_keys());
    let [jwt, opaque, encrypted, unknown] = [
        okta.token("ada").sign(),
        okta.opaque_token("ada").sign(),
        okta.token("ada").encrypted().sign(),
        okta.token("ada").unpublished_key().sign(),
    ];
    let now = |token: &str| {
        let value = format!("Bearer {token}");
        let credentials = RequestCredentials::new([value.as_bytes()]);
        verifier
            .authenticate(&credentials)
            .into_ready()
            .ok()
            .map(|result| result.is_ok())
    };
    verifier.warm_up().await.unwrap();
    let before = okta.hits();
    for token in [&jwt, &opaque, &encrypted, &unknown] {
        assert_eq!(now(token), None);
    }
    tokio::task::yield_now().await;
    assert_eq!(okta.hits(), before);
    for token in [&jwt, &opaque, &encrypted, &unknown] {
        assert_eq!(result_code(&verifier, token).await, "ok");
        assert_eq!(now(token), Some(true));
    }
    assert_eq!(calls(&okta), 4);
}

// conformance 111
#[tokio::test]
async fn introspection_of_concurrent_requests_with_one_token_is_one_request() {
    let okta = Arc::new(MockOkta::start().await);
    let verifier = verifier_with(&okta, every_token());
    verifier.warm_up().await.unwrap();
    okta.fault_times(
        Endpoint::Introspection,
        Fault::Slow(Duration::from_millis(100)),
        1,
    );
    let jwt: Arc<str> = okta.token("ada").sign().into();
    let requests: Vec<_> = (0..1_000)
        .map(|_| {
            let (verifier, jwt) = (verifier.clone(), jwt.clone());
            tokio::spawn(async move { verifier.verify(&jwt).await.is_ok() })
        })
        .collect();
    for request in requests {
        assert!(request.await.unwrap());
    }
    assert_eq!(calls(&okta), 1);
}
