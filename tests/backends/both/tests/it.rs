//! Every algorithm verifies, whatever jsonwebtoken can or cannot do in this process.

use okta_verifier::Algorithm;
use okta_verifier_testing::TestIssuer;

#[test]
fn a_token_of_every_algorithm_verifies_beside_both_backends() {
    for algorithm in [
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
    ] {
        let okta = TestIssuer::new("api://default").algorithms([algorithm]);
        let ask = |jwt: String| {
            let issuer = okta.issuer().any_client_id();
            backend_both::subject(issuer, &format!("Bearer {jwt}"))
        };
        assert_eq!(
            ask(okta.token("ada").foreign_key().sign()),
            Err("bad_signature")
        );
        assert_eq!(ask(okta.token("ada").sign()), Ok("ada".to_owned()));
    }
}

/// What it is that we do not depend on.
#[test]
fn jsonwebtoken_itself_panics_here() {
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
        "it found a backend: then this crate has lost its purpose"
    );
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("JSON of its type")
}
