//! Every signature is real and has the form that RFC 7518 requires.

use jsonwebtoken::jwk::JwkSet;
use okta_verifier::Algorithm;
use okta_verifier_testing::TestIssuer;
use serde_json::Value;

use crate::jose::{names, parts, verifies};

#[test]
fn default_keys_verify_their_tokens() {
    let okta = TestIssuer::new("api://orders");
    let lengths = [
        (Algorithm::RS256, 256),
        (Algorithm::ES256, 64),
        (Algorithm::EdDSA, 64),
        (Algorithm::PS256, 256),
    ];
    for (algorithm, length) in lengths {
        let jwt = okta.token("ada").algorithm(algorithm).sign();
        assert_eq!(parts(&jwt).header["alg"], algorithm.to_string());
        assert_eq!(parts(&jwt).signature.len(), length, "{algorithm}");
        assert!(verifies(&jwt, &okta.jwks()), "{algorithm}");
    }
}

#[test]
fn every_algorithm_can_be_published() {
    use Algorithm::*;
    for algorithm in [
        RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA,
    ] {
        let okta = TestIssuer::new("api://orders").algorithms([algorithm]);
        let jwt = okta.token("ada").sign();
        assert_eq!(parts(&jwt).header["alg"], algorithm.to_string());
        assert!(verifies(&jwt, &okta.jwks()), "{algorithm}");
    }
}

#[test]
fn default_algorithm_is_rs256() {
    let okta = TestIssuer::new("api://orders");
    assert_eq!(parts(&okta.token("ada").sign()).header["alg"], "RS256");
}

#[test]
fn token_of_an_unpublished_algorithm_names_the_key_of_its_family() {
    let okta = TestIssuer::new("api://orders");
    let kid = parts(&okta.token("ada").sign()).header["kid"].clone();
    let rs384 = okta.token("ada").algorithm(Algorithm::RS384).sign();
    assert_eq!(parts(&rs384).header["kid"], kid);
    assert!(
        verifies(&rs384, &okta.jwks()),
        "the signature is real and uses SHA-384"
    );
    let es384 = okta.token("ada").algorithm(Algorithm::ES384).sign();
    assert_eq!(parts(&es384).signature.len(), 96);
    assert!(!verifies(&es384, &okta.jwks()));
    let es512 = okta.token("ada").algorithm(Algorithm::ES512).sign();
    assert_eq!(parts(&es512).signature.len(), 132);
    assert!(!verifies(&es512, &okta.jwks()));
}

#[test]
fn keys_can_be_parsed_by_another_crate() {
    let okta = TestIssuer::new("api://orders");
    let set: JwkSet = serde_json::from_str(&okta.jwks()).unwrap();
    assert_eq!(set.keys.len(), 4);
    assert!(set.keys.iter().all(|key| key.is_supported()));
    let json: Value = serde_json::from_str(&okta.jwks()).unwrap();
    assert_eq!(
        names(&json["keys"][0]),
        ["alg", "e", "kid", "kty", "n", "use"]
    );
    assert_eq!(json["keys"][0]["e"], "AQAB");
    assert!(!okta.jwks().contains("\"d\":"), "no private member");
}

#[test]
fn wrong_padding_is_detected_by_the_keys_alg_only() {
    let okta = TestIssuer::new("api://orders");
    let kid = parts(&okta.token("ada").sign()).header["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let pss = okta
        .token("ada")
        .algorithm(Algorithm::PS256)
        .key_id(&kid)
        .sign();
    assert!(
        verifies(&pss, &okta.jwks()),
        "the signature itself is valid"
    );
}

#[test]
fn issuers_have_distinct_key_ids() {
    let (a, b) = (TestIssuer::new("api://a"), TestIssuer::new("api://b"));
    assert!(!verifies(&a.token("ada").sign(), &b.jwks()));
    assert!(
        verifies(&a.clone().token("ada").sign(), &a.jwks()),
        "a clone shares the keys"
    );
}
