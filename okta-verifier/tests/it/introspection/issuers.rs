//! Several issuers: each introspects its own tokens only and does not affect the others.

use std::time::Duration;

use okta_verifier::{
    ConfigError, Issuer, Verifier,
    introspection::{ClientAuthentication, Introspection},
};
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
    let introspects = |okta: &MockOkta, introspection| issuer(okta).introspection(introspection);
    for introspection in [every_token(), opaque_tokens()] {
        let second = introspects(&other, introspection.clone());
        let error = both(introspects(&one, introspection), second).unwrap_err();
        assert!(error.to_string().contains("signed_tokens_only"), "{error}");
    }
    let encrypted = || on_demand().encrypted_tokens();
    let error = both(
        introspects(&one, encrypted()),
        introspects(&other, encrypted()),
    )
    .unwrap_err();
    assert!(error.to_string().contains("encrypted_tokens"), "{error}");
    assert!(
        both(
            introspects(&one, encrypted()),
            introspects(&other, opaque_tokens())
        )
        .is_ok()
    );
    assert!(
        both(
            introspects(&one, on_demand()),
            introspects(&other, on_demand())
        )
        .is_ok()
    );
    let signed_only = |okta: &MockOkta| introspects(okta, every_token().signed_tokens_only());
    assert!(both(signed_only(&one), signed_only(&other)).is_ok());
    let verifier = both(introspects(&one, every_token()), signed_only(&other)).unwrap();
    assert_eq!(result_code(&verifier, &one.token("ada").sign()).await, "ok");
    assert_eq!(
        result_code(&verifier, &other.token("ada").sign()).await,
        "ok"
    );
    assert_eq!((calls(&one), calls(&other)), (1, 1));
    // Opaque tokens are sent only to the issuer that introspects them.
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
    let introspects =
        |okta: &MockOkta| issuer(okta).introspection(every_token().signed_tokens_only());
    let verifier = both(introspects(&one), introspects(&other)).unwrap();
    // Signed with a key of one issuer, but with the `iss` of the other, which has no such `kid` and
    // did not issue the token.
    let crossed = one.token("ada").claim("iss", other.issuer_url()).sign();
    let code = result_code(&verifier, &crossed).await;
    assert!(matches!(code, "unknown_key_id" | "bad_signature"), "{code}");
    assert_eq!((calls(&one), one.hits().keys), (0, 0));
    let unknown = one.token("ada").claim("iss", "https://unknown.test").sign();
    let before = (one.hits(), other.hits());
    assert_eq!(result_code(&verifier, &unknown).await, "unknown_issuer");
    assert_eq!((one.hits(), other.hits()), before);
}

// conformance 81
#[tokio::test]
async fn introspection_of_a_hanging_issuer_does_not_delay_the_others() {
    let (hanging, valid) = (MockOkta::start().await, MockOkta::start().await);
    let introspects =
        |okta: &MockOkta| issuer(okta).introspection(every_token().signed_tokens_only());
    let verifier = both(introspects(&hanging), introspects(&valid)).unwrap();
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
            "the requests did not arrive"
        );
        tokio::task::yield_now().await;
    }
    // All permits of the hanging issuer are taken; those of the other are free.
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
    let introspects = |okta: &MockOkta, secret: &str| {
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, secret);
        issuer(okta).introspection(Introspection::every_token(client).signed_tokens_only())
    };
    let right = |okta: &MockOkta| introspects(okta, CLIENT_SECRET);
    let verifier = both(right(&one), right(&other)).unwrap();
    let jwt = one.token("ada").sign();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    verifier.set_issuers([right(&one)]).unwrap();
    assert_eq!(result_code(&verifier, &jwt).await, "ok");
    assert_eq!(calls(&one), 1);
    // A changed secret is a changed setting.
    verifier.set_issuers([introspects(&one, "wrong")]).unwrap();
    assert_eq!(result_code(&verifier, &jwt).await, "unavailable");
    assert_eq!(calls(&one), 2);
}
