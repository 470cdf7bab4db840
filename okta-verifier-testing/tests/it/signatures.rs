//! Every signature is real, and of the form RFC 7518 asks for.

use jsonwebtoken::jwk::JwkSet;
use okta_verifier::Algorithm;
use okta_verifier_testing::TestIssuer;
use serde_json::Value;

use crate::jose::{names, parts, verifies};

#[test]
fn each_default_key_verifies_its_token() {
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
fn the_default_is_rs256() {
    let okta = TestIssuer::new("api://orders");
    assert_eq!(parts(&okta.token("ada").sign()).header["alg"], "RS256");
}

#[test]
fn a_token_of_an_unpublished_algorithm_names_the_key_of_its_family() {
    let okta = TestIssuer::new("api://orders");
    let kid = parts(&okta.token("ada").sign()).header["kid"].clone();
    let rs384 = okta.token("ada").algorithm(Algorithm::RS384).sign();
    assert_eq!(parts(&rs384).header["kid"], kid);
    assert!(
        verifies(&rs384, &okta.jwks()),
        "really signed, with SHA-384"
    );
    let es384 = okta.token("ada").algorithm(Algorithm::ES384).sign();
    assert_eq!(parts(&es384).signature.len(), 96);
    assert!(!verifies(&es384, &okta.jwks()));
    let es512 = okta.token("ada").algorithm(Algorithm::ES512).sign();
    assert_eq!(parts(&es512).signature.len(), 132);
    assert!(!verifies(&es512, &okta.jwks()));
}

#[test]
fn another_crate_can_read_the_keys() {
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
fn only_the_alg_of_a_key_tells_a_wrong_padding() {
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
    assert!(verifies(&pss, &okta.jwks()), "the signature itself is good");
}

#[test]
fn issuers_have_key_names_of_their_own() {
    let (a, b) = (TestIssuer::new("api://a"), TestIssuer::new("api://b"));
    assert!(!verifies(&a.token("ada").sign(), &b.jwks()));
    assert!(
        verifies(&a.clone().token("ada").sign(), &a.jwks()),
        "a clone shares the keys"
    );
}
