//! The content of a key set.

use okta_verifier_testing::{Endpoint, Fault, MockOkta};
use serde_json::{Value, json};

use crate::support::mock_issuer::{build, issuer, result_code, unavailable_reason, verifier};

/// Returns the mock's keys followed by these.
fn with_keys(okta: &MockOkta, more: impl IntoIterator<Item = Value>) -> Fault {
    let mut set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    set["keys"].as_array_mut().unwrap().extend(more);
    Fault::Body(set.to_string().into_bytes())
}

// conformance 64, 67
#[tokio::test]
async fn okta_java_takes_hmac_keys_from_the_jwks() {
    let okta = MockOkta::start().await;
    let symmetric = json!({
        "kty": "oct", "alg": "HS256", "kid": "shared", "use": "sig", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ"
    });
    okta.fault(Endpoint::Keys, with_keys(&okta, [symmetric]));
    let verifier = verifier(&okta);
    let token = okta.token("ada").key_id("shared");
    let signed = token
        .clone()
        .hmac("secret-secret-secret-secret-1234")
        .sign();
    assert_eq!(
        result_code(&verifier, &signed).await,
        "algorithm_not_allowed"
    );
    // It is not a key of any other algorithm either.
    assert_eq!(
        result_code(&verifier, &token.sign()).await,
        "unknown_key_id"
    );
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
}

// conformance 62
#[tokio::test]
async fn aws_rejects_the_whole_set_for_one_malformed_key() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Mixed);
    assert_eq!(
        result_code(&verifier(&okta), &okta.token("ada").sign()).await,
        "ok"
    );
}

// conformance 62
#[tokio::test]
async fn five_libraries_lose_the_set_to_a_post_quantum_key() {
    let okta = MockOkta::start().await;
    let lattice =
        json!({ "kty": "AKP", "alg": "ML-DSA-65", "kid": "lattice", "pub": "A".repeat(2603) });
    okta.fault(Endpoint::Keys, with_keys(&okta, [lattice]));
    assert_eq!(
        result_code(&verifier(&okta), &okta.token("ada").sign()).await,
        "ok"
    );
}

// conformance 62, 143
#[tokio::test]
async fn empty_or_truncated_jwks_evicts_valid_keys() {
    for fault in [
        Fault::EmptyKeys,
        Fault::NoKeys,
        Fault::Half,
        Fault::Truncate,
        Fault::Huge(6),
        Fault::Html,
    ] {
        let okta = MockOkta::start().await;
        let verifier = build(issuer(&okta).key_snapshot(saved(&okta).await));
        okta.fault(Endpoint::Keys, fault.clone());
        assert!(verifier.refresh().await.is_err(), "{fault:?}");
        assert_eq!(verifier.health()[0].key_ids, okta.key_ids(), "{fault:?}");
        assert_eq!(
            result_code(&verifier, &okta.token("ada").sign()).await,
            "ok",
            "{fault:?}"
        );
    }
}

async fn saved(okta: &MockOkta) -> okta_verifier::KeySnapshot {
    let verifier = verifier(okta);
    verifier.warm_up().await.unwrap();
    verifier.key_snapshots().remove(0)
}

/// Without any key, the result is "unavailable" and not "unknown key".
#[tokio::test]
async fn empty_jwks_is_taken_for_an_unavailable_issuer() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::EmptyKeys);
    let error = unavailable_reason(&verifier(&okta), &okta.token("ada").sign()).await;
    assert!(error.to_string().contains("no usable key"), "{error}");
}
