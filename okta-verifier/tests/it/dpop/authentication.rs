use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings, error::ProofError};
use okta_verifier_testing::Client;

use crate::support::dpop_fixture::{BASE, Fixture, TARGET, URL, code_of, reason};

// conformance 168
#[test]
fn dpop_bound_token_as_bearer_is_rejected() {
    let fixture = Fixture::new();
    let authorization = format!("Bearer {}", fixture.jwt);
    let proof = fixture.proof().sign();
    let bare = RequestCredentials::new([authorization.as_bytes()]);
    let with_proof = bare.dpop([proof.as_bytes()]).request("GET", TARGET);
    for credentials in [bare, with_proof] {
        let result = fixture
            .verifier
            .authenticate(&credentials)
            .into_ready()
            .unwrap();
        assert_eq!(code_of(&result), "bound_token_as_bearer");
    }
    // Nothing was stored: the same proof is accepted with the DPoP scheme.
    assert_eq!(code_of(&fixture.send(&[&proof])), "ok");
}

// conformance 169
#[test]
fn dpop_scheme_with_an_unbound_token_is_rejected() {
    let mut fixture = Fixture::new();
    fixture.jwt = fixture.okta.token("ada").sign();
    assert_eq!(
        code_of(&fixture.send(&[&fixture.proof().sign()])),
        "not_bound"
    );
}

// conformance 187
#[tokio::test]
async fn dpop_bound_token_without_a_request_is_rejected() {
    let fixture = Fixture::new();
    assert_eq!(code_of(&fixture.send(&[&fixture.proof().sign()])), "ok");
    // The token is cached now.
    let error = fixture.verifier.verify(&fixture.jwt).await.unwrap_err();
    assert_eq!(error.code(), "binding_unchecked");
}

// conformance 152, 163, 168
#[test]
fn dpop_bound_token_without_dpop_settings_is_rejected() {
    let fixture = Fixture::new();
    let issuer = fixture.okta.issuer().any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let proof = fixture.proof().sign();
    for (scheme, expected) in [("DPoP", "none"), ("Bearer", "binding_unchecked")] {
        let authorization = format!("{scheme} {}", fixture.jwt);
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", TARGET);
        let result = verifier.authenticate(&credentials).into_ready().unwrap();
        assert_eq!(code_of(&result), expected);
        let challenges: Vec<_> = result.unwrap_err().headers().collect();
        let offered = |(_, value): &(_, http::HeaderValue)| value.as_bytes().starts_with(b"DPoP");
        assert!(!challenges.iter().any(offered));
    }
}

// conformance 152, 153
#[test]
fn dpop_request_without_exactly_one_proof_is_rejected() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.proof().sign(), fixture.proof().sign());
    let list = format!("{one}, {two}");
    assert!(reason(fixture.send(&[])).contains("the request has no DPoP proof; "));
    for proofs in [
        &[&*one, &*two][..],
        &[&*one, &*one],
        &[&*list],
        &[&*one, ""],
    ] {
        assert!(reason(fixture.send(proofs)).ends_with("the request has several DPoP proofs"));
    }
    assert_eq!(code_of(&fixture.send(&[&one])), "ok");
}

// conformance 166, 167, 181
#[test]
fn dpop_cached_token_needs_a_valid_proof_at_every_request() {
    let fixture = Fixture::new();
    for _ in 0..3 {
        assert_eq!(code_of(&fixture.send(&[&fixture.proof().sign()])), "ok");
        assert_eq!(code_of(&fixture.send(&[])), "invalid_dpop_proof");
        let other = fixture.client.proof("POST", URL).token(&fixture.jwt).sign();
        assert_eq!(code_of(&fixture.send(&[&other])), "invalid_dpop_proof");
        let foreign = Client::new().proof("GET", URL).token(&fixture.jwt).sign();
        assert_eq!(code_of(&fixture.send(&[&foreign])), "binding_mismatch");
    }
}

// conformance 170, 171
#[test]
fn dpop_replayed_proof_is_rejected() {
    let fixture = Fixture::new();
    let proof = fixture.proof().jti("once").sign();
    assert_eq!(code_of(&fixture.send(&[&proof])), "ok");
    assert!(reason(fixture.send(&[&proof])).ends_with(&ProofError::Replayed.to_string()));
    // Another proof with the same jti is rejected too.
    let again = fixture.proof().jti("once").aged(1).sign();
    assert!(reason(fixture.send(&[&again])).ends_with(&ProofError::Replayed.to_string()));
    assert_eq!(code_of(&fixture.send(&[&fixture.proof().sign()])), "ok");
}

// conformance 171
#[test]
fn dpop_concurrent_requests_with_one_proof_are_accepted_once() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        let proof = fixture.proof().sign();
        let passed = std::thread::scope(|scope| {
            let send = || scope.spawn(|| fixture.send(&[&proof]).is_ok());
            let threads: Vec<_> = std::iter::repeat_with(send).take(4).collect();
            let results = threads.into_iter().map(|thread| thread.join().unwrap());
            results.filter(|passed| *passed).count()
        });
        assert_eq!(passed, 1);
    }
}

// conformance 170
#[test]
fn dpop_replay_store_that_is_full_is_503() {
    let fixture = Fixture::with(DpopSettings::base_url(BASE).replay_capacity(20));
    for expected in ["ok", "ok", "unavailable"] {
        let result = fixture.send(&[&fixture.proof().sign()]);
        assert_eq!(code_of(&result), expected);
    }
    let rejection = fixture.send(&[&fixture.proof().sign()]).unwrap_err();
    assert_eq!(rejection.status(), 503);
    assert!(rejection.headers().any(|(name, _)| name == "retry-after"));
    // Another subject has its own share.
    let mut other = fixture;
    other.jwt = other.client.bind(other.okta.token("bob")).sign();
    assert_eq!(code_of(&other.send(&[&other.proof().sign()])), "ok");
}
