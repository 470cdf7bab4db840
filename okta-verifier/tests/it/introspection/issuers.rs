//! Several issuers: each is asked about its own tokens, and is in nobody's way.

use std::time::Duration;

use okta_verifier::{ClientAuthentication, ConfigError, Introspection, Issuer, Verifier};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta};

use super::{calls, every_token, on_demand, opaque_tokens};
use crate::support::mock_issuer::{issuer, result_code};

fn both(one: Issuer, other: Issuer) -> Result<Verifier, ConfigError> {
    Verifier::builder()
        .issuer(one)
        .issuer(other)
        .fetch_timeout(Duration::from_secs(10))
        .build()
}

// decision 35
#[tokio::test]
async fn introspection_of_opaque_tokens_by_two_issuers_is_a_config_error() {
    let (one, other) = (MockOkta::start().await, MockOkta::start().await);
    let asks = |okta: &MockOkta, introspection| issuer(okta).introspection(introspection);
    for introspection in [every_token(), opaque_tokens()] {
        let second = asks(&other, introspection.clone());
        let error = both(asks(&one, introspection), second).unwrap_err();
        assert!(error.to_string().contains("signed_tokens_only"), "{error}");
    }
    let encrypted = || on_demand().encrypted_tokens();
    let error = both(asks(&one, encrypted()), asks(&other, encrypted())).unwrap_err();
    assert!(error.to_string().contains("encrypted_tokens"), "{error}");
    assert!(both(asks(&one, encrypted()), asks(&other, opaque_tokens())).is_ok());
    assert!(both(asks(&one, on_demand()), asks(&other, on_demand())).is_ok());
    let signed_only = |okta: &MockOkta| asks(okta, every_token().signed_tokens_only());
    assert!(both(signed_only(&one), signed_only(&other)).is_ok());
    let verifier = both(asks(&one, every_token()), signed_only(&other)).unwrap();
    assert_eq!(result_code(&verifier, &one.token("ada").sign()).await, "ok");
    assert_eq!(
        result_code(&verifier, &other.token("ada").sign()).await,
        "ok"
    );
    assert_eq!((calls(&one), calls(&other)), (1, 1));
    // Strings that say nothing go to the one that claims them, and nowhere else.
    assert_eq!(
        result_code(&verifier, &one.opaque_token("ada").sign()).await,
        "ok"
    );
    assert_eq!(
        result_code(&verifier, &other.opaque_token("ada").sign()).await,
        "inactive"
    );
    assert_eq!((calls(&one), calls(&other)), (3, 1));
}

// conformance 81, 82, 112
#[tokio::test]
async fn introspection_requests_go_to_the_tokens_own_issuer_only() {
    let (one, other) = (MockOkta::start().await, MockOkta::start().await);
    let asks = |okta: &MockOkta| issuer(okta).introspection(every_token().signed_tokens_only());
    let verifier = both(asks(&one), asks(&other)).unwrap();
    // Signed with a key of the one, in the other's name: its `kid` is not among the other's keys,
    // and the other knows nothing of it.
    let crossed = one.token("ada").claim("iss", other.issuer_url()).sign();
    let code = result_code(&verifier, &crossed).await;
    assert!(matches!(code, "unknown_key_id" | "bad_signature"), "{code}");
    assert_eq!((calls(&one), one.hits().keys), (0, 0));
    let nobodys = one.token("ada").claim("iss", "https://nobody.test").sign();
    let before = (one.hits(), other.hits());
    assert_eq!(result_code(&verifier, &nobodys).await, "unknown_issuer");
    assert_eq!((one.hits(), other.hits()), before);
}

// conformance 81
#[tokio::test]
async fn introspection_of_a_hanging_issuer_does_not_delay_the_others() {
    let (hanging, valid) = (MockOkta::start().await, MockOkta::start().await);
    let asks = |okta: &MockOkta| issuer(okta).introspection(every_token().signed_tokens_only());
    let verifier = both(asks(&hanging), asks(&valid)).unwrap();
    verifier.warm_up().await.unwrap();
    hanging.fault(Endpoint::Introspection, Fault::Hang);
    let stuck: Vec<_> = (0..100)
        .map(|number| {
            let token = hanging.token("ada").client_id(format!("0oa{number}"));
            let (verifier, jwt) = (verifier.clone(), token.sign());
            tokio::spawn(async move { verifier.verify(&jwt).await.is_ok() })
        })
        .collect();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while calls(&hanging) < 8 {
        assert!(
            std::time::Instant::now() < deadline,
            "the requests do not arrive"
        );
        tokio::task::yield_now().await;
    }
    // All places for requests to the one are taken; the other's are free.
    for number in 0..20 {
        let token = valid.token("ada").client_id(format!("0oa{number}"));
        assert_eq!(result_code(&verifier, &token.sign()).await, "ok");
    }
    assert_eq!((calls(&hanging), calls(&valid)), (8, 20));
    assert!(
        stuck
            .iter()
            .filter(|request| !request.is_finished())
            .count()
            >= 8
    );
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn introspection_cache_is_kept_while_the_settings_are_unchanged() {
    let (one, other) = (MockOkta::start().await, MockOkta::start().await);
    let asks = |okta: &MockOkta, secret: &str| {
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, secret);
        issuer(okta).introspection(Introspection::every_token(client).signed_tokens_only())
    };
    let right = |okta: &MockOkta| asks(okta, CLIENT_SECRET);
    let verifier = both(right(&one), right(&other)).unwrap();
    let jwt = one.token("ada").sign();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    verifier.set_issuers([right(&one)]).unwrap();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    assert_eq!(calls(&one), 1);
    // Another secret is another setting.
    verifier.set_issuers([asks(&one, "wrong")]).unwrap();
    assert_eq!(result_code(&verifier, &jwt).await, "unavailable");
    assert_eq!(calls(&one), 2);
}
