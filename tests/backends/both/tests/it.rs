//! Every algorithm works, whatever jsonwebtoken supports in this process.

use okta_verifier::Algorithm;
use okta_verifier_testing::TestIssuer;

#[test]
fn every_algorithm_verifies_with_both_backends() {
    for algorithm in [
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
    ] {
        let okta = TestIssuer::new("api://default").algorithms([algorithm]);
        let verify = |jwt: String| {
            let issuer = okta.issuer().any_client_id();
            backend_both::subject(issuer, &format!("Bearer {jwt}"))
        };
        assert_eq!(
            verify(okta.token("ada").foreign_key().sign()),
            Err("bad_signature")
        );
        assert_eq!(verify(okta.token("ada").sign()), Ok("ada".to_owned()));
    }
}

/// Shows the behaviour of jsonwebtoken that okta-verifier does not depend on.
#[test]
fn jsonwebtoken_panics_with_both_backends() {
    let okta = TestIssuer::new("api://default");
    let jwt = okta.token("ada").sign();
    let jwks: jsonwebtoken::jwk::JwkSet = parse(&okta.jwks());
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwks.keys[0]).expect("a key");
    let validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    let decoded = std::panic::catch_unwind(|| {
        jsonwebtoken::decode::<serde_json::Value>(jwt, &key, &validation).is_ok()
    });
    assert!(
        decoded.is_err(),
        "jsonwebtoken found a backend, so this crate no longer tests anything"
    );
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the text is JSON of this type")
}
