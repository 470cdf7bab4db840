//! Key sets, valid and invalid, as an issuer serves them or a user configures them.

use okta_verifier::{Algorithm, ConfigError, Issuer, Verifier, error::UnavailableReason};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};
use serde_json::{Value, json};

use crate::support::mock_issuer::{
    AUDIENCE, build, issuer, result_code, unavailable_reason, verifier, warmed_up,
};

const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
    Algorithm::PS256,
];

// conformance 61, 62
#[tokio::test]
async fn key_set_that_is_unusable_has_its_cause_in_the_error() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    let set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    let key = set["keys"][0].to_string();
    let malformed = [
        Fault::NoKeys,
        Fault::Half,
        Fault::Body(Vec::new()),
        Fault::Body(b"[]".to_vec()),
        Fault::Body(format!("[[{key}]]").into_bytes()),
        Fault::Body(b"{\"keys\":null}".to_vec()),
        Fault::Body(b"\xff".to_vec()),
        Fault::Body(format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#).into_bytes()),
    ];
    for fault in malformed {
        okta.fault(Endpoint::Keys, fault.clone());
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert!(
            matches!(
                error,
                UnavailableReason::Malformed {
                    document: "key set"
                }
            ),
            "{fault:?}: {error}"
        );
    }
    let unusable = [
        (Fault::EmptyKeys, 0),
        (Fault::Body(b"{\"keys\":[null,7]}".to_vec()), 2),
        (
            Fault::Body(b"{\"keys\":[{},7,{\"kty\":\"oct\"}]}".to_vec()),
            3,
        ),
    ];
    for (fault, count) in unusable {
        okta.fault(Endpoint::Keys, fault);
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert!(
            matches!(error, UnavailableReason::NoUsableKey { skipped, .. } if skipped == count),
            "{error}"
        );
    }
    for (fault, expected) in [
        (
            Fault::Html,
            UnavailableReason::ContentType {
                fields: 1,
                value: "text/html".into(),
            },
        ),
        (
            Fault::ContentType("text/plain"),
            UnavailableReason::ContentType {
                fields: 1,
                value: "text/plain".into(),
            },
        ),
        (
            Fault::Huge(6),
            UnavailableReason::TooLarge { limit: 262_144 },
        ),
        (
            Fault::Body(
                json!({ "keys": vec![set["keys"][0].clone(); 101] })
                    .to_string()
                    .into(),
            ),
            UnavailableReason::TooManyKeys { limit: 100 },
        ),
        (
            Fault::Status(500),
            UnavailableReason::Status {
                status: 500,
                retry_after: None,
            },
        ),
    ] {
        okta.fault(Endpoint::Keys, fault);
        let error = unavailable_reason(&verifier(&okta), &token).await;
        assert_eq!(error.to_string(), expected.to_string());
    }
    okta.fault(Endpoint::Keys, Fault::Truncate);
    let error = unavailable_reason(&verifier(&okta), &token).await;
    assert!(
        matches!(error, UnavailableReason::Transport { .. }),
        "{error}"
    );
}

// conformance 62
#[tokio::test]
async fn key_set_over_256_kib_is_rejected() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    let mut body = okta.jwks().into_bytes();
    body.resize(256 * 1024, b' ');
    okta.fault(Endpoint::Keys, Fault::Body(body.clone()));
    assert_eq!(result_code(&verifier(&okta), &token).await, "ok");
    body.push(b' ');
    okta.fault(Endpoint::Keys, Fault::Body(body));
    let error = unavailable_reason(&verifier(&okta), &token).await;
    assert!(matches!(
        error,
        UnavailableReason::TooLarge { limit: 262_144 }
    ));
}

// conformance 62
#[tokio::test]
async fn key_set_with_unusable_entries_keeps_the_usable_ones() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Mixed);
    let verifier = verifier(&okta);
    for algorithm in ALGORITHMS {
        let token = okta.token("ada").algorithm(algorithm).sign();
        assert_eq!(result_code(&verifier, &token).await, "ok", "{algorithm}");
    }
}

// conformance 62, 64, 70, 73, 76
#[tokio::test]
async fn key_that_is_unusable_is_an_unknown_key() {
    let okta = MockOkta::start().await;
    let mut set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    let keys = set["keys"].as_array_mut().unwrap();
    let mut encryption = keys[0].clone();
    (encryption["kid"], encryption["use"]) = (json!("encryption"), json!("enc"));
    let zeros = "A".repeat(43);
    keys.extend([
        json!({ "kty": "EC", "crv": "P-256", "kid": "point", "x": zeros, "y": zeros }),
        json!({ "kty": "RSA", "kid": "short", "n": "_".repeat(170) + "8", "e": "AQAB" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "lattice", "pub": zeros }),
        json!({ "kty": "oct", "alg": "HS256", "kid": "symmetric", "k": zeros }),
        encryption,
    ]);
    let verifier = pinned(&okta, &set).unwrap();
    for kid in ["point", "short", "lattice", "symmetric", "encryption"] {
        let token = okta.token("ada").key_id(kid).sign();
        assert_eq!(
            result_code(&verifier, &token).await,
            "unknown_key_id",
            "{kid}"
        );
    }
    let valid = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &valid).await, "ok");
    assert_eq!((okta.hits().discovery, okta.hits().keys), (0, 0));
}

// conformance 62
#[tokio::test]
async fn pinned_keys_that_are_unusable_are_a_config_error() {
    let okta = MockOkta::start().await;
    for set in [
        json!([]),
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": [7] }),
    ] {
        let error = pinned(&okta, &set).unwrap_err();
        assert!(matches!(error, ConfigError::Keys { .. }), "{set}: {error}");
    }
    for text in ["nope", "", "[]", r#"{"kty":"RSA"}"#] {
        let error = Verifier::builder()
            .issuer(
                Issuer::okta(okta.issuer_url(), AUDIENCE)
                    .any_client_id()
                    .keys(text),
            )
            .build()
            .unwrap_err()
            .to_string();
        assert!(error.contains("is not a JSON key set"), "{text}: {error}");
        assert!(
            error.contains(r#"such as {"keys":[{"kty""#),
            "{text}: {error}"
        );
    }
}

fn pinned(okta: &MockOkta, set: &Value) -> Result<Verifier, ConfigError> {
    let issuer = Issuer::okta(okta.issuer_url(), AUDIENCE).any_client_id();
    Verifier::builder()
        .issuer(issuer.keys(set.to_string()))
        .build()
}

// conformance 66, 68
#[tokio::test]
async fn key_of_another_algorithm_is_rejected_without_a_fetch() {
    let (okta, verifier) = warmed_up().await;
    for algorithm in [
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS384,
        Algorithm::ES384,
        Algorithm::ES512,
    ] {
        let token = okta.token("ada").algorithm(algorithm).sign();
        let code = result_code(&verifier, &token).await;
        assert_eq!(code, "algorithm_mismatch", "{algorithm}");
    }
    let renamed = okta.token("ada").header("alg", "PS256").sign();
    assert_eq!(result_code(&verifier, &renamed).await, "algorithm_mismatch");
    assert_eq!(okta.hits().keys, 1);
}

// field kind J
#[tokio::test]
async fn rsa_key_without_alg_is_used_with_the_one_rsa_algorithm_that_is_named() {
    let okta = MockOkta::start().await;
    let mut set: Value = serde_json::from_str(&okta.jwks()).unwrap();
    for key in set["keys"].as_array_mut().unwrap() {
        key.as_object_mut().unwrap().remove("alg");
    }
    okta.fault(Endpoint::Keys, Fault::Body(set.to_string().into_bytes()));
    let token = okta.token("ada").algorithm(Algorithm::PS256).sign();
    let named = issuer(&okta).algorithms([Algorithm::PS256, Algorithm::ES256]);
    let inferred = named.clone().infer_rsa_algorithm();
    assert_eq!(result_code(&build(inferred), &token).await, "ok");
    let code = result_code(&build(named), &token).await;
    assert_eq!(code, "algorithm_mismatch");
    for algorithms in [
        vec![],
        vec![Algorithm::ES256],
        vec![Algorithm::RS256, Algorithm::PS256],
    ] {
        let issuer = match algorithms.is_empty() {
            true => issuer(&okta),
            false => issuer(&okta).algorithms(algorithms),
        };
        let built = Verifier::builder()
            .issuer(issuer.infer_rsa_algorithm())
            .build();
        assert!(matches!(built, Err(ConfigError::InferRsaAlgorithm { .. })));
    }
}

// field kind I
#[tokio::test]
async fn skipped_keys_are_explained_in_errors_of_pinned_keys() {
    let okta = MockOkta::start().await;
    let keys = r#"{"keys":[{"kty":"oct","kid":"shared","k":"AA"},{"kty":"RSA"}]}"#;
    let error = Verifier::builder().issuer(issuer(&okta).keys(keys)).build();
    let text = error.unwrap_err().to_string();
    for part in [
        "entry 1 (kid \"shared\"): it contains private or symmetric key material",
        "entry 2: it has no kid",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn key_set_entries_that_are_skipped_are_explained_in_the_health() {
    let (okta, verifier) = warmed_up().await;
    assert!(verifier.health()[0].skipped_keys.is_empty());
    okta.fault(Endpoint::Keys, Fault::Mixed);
    verifier.refresh().await.unwrap();
    let health = verifier.health().remove(0);
    assert!(!health.key_ids.is_empty() && !health.skipped_keys.is_empty());
    for text in &health.skipped_keys {
        assert!(text.starts_with("entry ") && text.contains(": "), "{text}");
    }
    // The next set without such entries has no explanations.
    okta.clear_faults();
    verifier.refresh().await.unwrap();
    assert!(verifier.health()[0].skipped_keys.is_empty());
}
