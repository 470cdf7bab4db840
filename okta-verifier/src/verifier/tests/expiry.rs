//! Tokens that expire while they are cached, on a route that may treat an expired token as anonymous.

use std::time::Duration;

use okta_verifier_testing::TestIssuer;

use super::super::decision::{RequestDecision, Step, TokenRequest};
use crate::{
    Issuer, Verifier, VerifyError,
    http::{Scheme, Shown},
    sync::clock::Now,
    verifier::decision::Sender,
};

#[test]
fn expired_token_in_the_cache_passes_only_if_it_may_be_expired_and_is_evicted() {
    let okta = TestIssuer::new("api://orders");
    let issuer = Issuer::okta(okta.issuer_url(), "api://orders").keys(okta.jwks());
    let verifier = Verifier::builder()
        .issuer(issuer.any_client_id())
        .build()
        .unwrap();
    let jwt = okta
        .token("ada")
        .expires_in(Duration::from_secs(600))
        .sign();
    let shown = Shown::default();
    let begin = |may_be_expired, after: u64| {
        let request = TokenRequest {
            token: jwt.as_bytes(),
            max_age: None,
            mount: None,
            may_be_expired,
            sender: Some(Sender {
                scheme: Scheme::Bearer,
                shown: &shown,
            }),
        };
        let now = Now::read();
        let now = Now {
            unix: now.unix + after,
            ..now
        };
        let decision = RequestDecision::new(&verifier, request, now);
        let is_cached = decision.digest.is_some_and(|digest| {
            let cache = verifier.0.cache.as_ref().unwrap();
            cache.find(digest, now).is_some()
        });
        (is_cached, decision.begin())
    };
    // The token is cached while it is valid, and evicted once it has expired.
    for may_be_expired in [false, true] {
        assert!(matches!(begin(false, 0), (_, Ok(Step::Accepted(_)))));
        let (is_cached, step) = begin(may_be_expired, 1_200);
        assert!(is_cached);
        match may_be_expired {
            false => assert!(
                matches!(step, Err(rejected) if matches!(rejected.error, VerifyError::Expired { .. }))
            ),
            true => assert!(matches!(step, Ok(Step::Accepted(_)))),
        }
        // An expired token is not cached, so that no other request finds it.
        let (is_cached, step) = begin(false, 1_200);
        assert!(!is_cached);
        assert!(
            matches!(step, Err(rejected) if matches!(rejected.error, VerifyError::Expired { .. }))
        );
    }
}
