//! Every algorithm works, whatever jsonwebtoken supports in this process.

use okta_verifier::Algorithm;
use okta_verifier_testing::TestIssuer;

#[test]
fn every_algorithm_verifies_without_a_backend() {
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
            backend_none::subject(issuer, &format!("Bearer {jwt}"))
        };
        assert_eq!(
            verify(okta.token("ada").foreign_key().sign()),
            Err("bad_signature")
        );
        assert_eq!(verify(okta.token("ada").sign()), Ok("ada".to_owned()));
    }
}
