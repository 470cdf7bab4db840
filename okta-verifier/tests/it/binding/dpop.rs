use okta_verifier::{DpopSettings, Verifier, adapter::RequestCredentials};
use okta_verifier_testing::Client;

use super::{BASE, TARGET, URL, World, code, reason};

// conformance 168
#[test]
fn a_bound_token_is_no_bearer_token() {
    let world = World::new();
    let authorization = format!("Bearer {}", world.jwt);
    let proof = world.proof().sign();
    let bare = RequestCredentials::new([authorization.as_bytes()]);
    let with_proof = bare.dpop([proof.as_bytes()]).request("GET", TARGET);
    for presented in [bare, with_proof] {
        let verdict = world
            .verifier
            .authenticate(&presented)
            .into_ready()
            .unwrap();
        assert_eq!(code(&verdict), "bound_token_as_bearer");
    }
    // Nothing was stored: the same proof is good with the right scheme.
    assert_eq!(code(&world.send(&[&proof])), "ok");
}

// conformance 169
#[test]
fn an_unbound_token_is_no_dpop_token() {
    let mut world = World::new();
    world.jwt = world.okta.token("ada").sign();
    assert_eq!(code(&world.send(&[&world.proof().sign()])), "not_bound");
}

// conformance 187
#[tokio::test]
async fn a_token_by_itself_shows_nobody() {
    let world = World::new();
    assert_eq!(code(&world.send(&[&world.proof().sign()])), "ok");
    // Also when it is remembered.
    let error = world.verifier.verify(&world.jwt).await.unwrap_err();
    assert_eq!(error.code(), "binding_unchecked");
}

// conformance 152, 163, 168
#[test]
fn without_settings_no_bound_token_passes() {
    let world = World::new();
    let issuer = world.okta.issuer().any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let proof = world.proof().sign();
    for (scheme, expected) in [("DPoP", "none"), ("Bearer", "binding_unchecked")] {
        let authorization = format!("{scheme} {}", world.jwt);
        let presented = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", TARGET);
        let verdict = verifier.authenticate(&presented).into_ready().unwrap();
        assert_eq!(code(&verdict), expected);
        let challenges: Vec<_> = verdict.unwrap_err().headers().collect();
        let offered = |(_, value): &(_, http::HeaderValue)| value.as_bytes().starts_with(b"DPoP");
        assert!(!challenges.iter().any(offered));
    }
}

// conformance 152, 153
#[test]
fn there_is_exactly_one_proof() {
    let world = World::new();
    let (one, two) = (world.proof().sign(), world.proof().sign());
    let list = format!("{one}, {two}");
    assert!(reason(world.send(&[])).ends_with("the request has no DPoP proof"));
    for proofs in [
        &[&*one, &*two][..],
        &[&*one, &*one],
        &[&*list],
        &[&*one, ""],
    ] {
        assert!(reason(world.send(proofs)).ends_with("the request has several DPoP proofs"));
    }
    assert_eq!(code(&world.send(&[&one])), "ok");
}

// conformance 166, 167, 181
#[test]
fn a_remembered_token_needs_a_good_proof_every_time() {
    let world = World::new();
    for _ in 0..3 {
        assert_eq!(code(&world.send(&[&world.proof().sign()])), "ok");
        assert_eq!(code(&world.send(&[])), "invalid_dpop_proof");
        let other = world.client.proof("POST", URL).token(&world.jwt).sign();
        assert_eq!(code(&world.send(&[&other])), "invalid_dpop_proof");
        let thief = Client::new().proof("GET", URL).token(&world.jwt).sign();
        assert_eq!(code(&world.send(&[&thief])), "binding_mismatch");
    }
}

// conformance 170, 171
#[test]
fn a_proof_is_good_once() {
    let world = World::new();
    let proof = world.proof().jti("once").sign();
    assert_eq!(code(&world.send(&[&proof])), "ok");
    assert!(reason(world.send(&[&proof])).ends_with("the proof was used before"));
    // Nor is its jti good for another one.
    let again = world.proof().jti("once").aged(1).sign();
    assert!(reason(world.send(&[&again])).ends_with("the proof was used before"));
    assert_eq!(code(&world.send(&[&world.proof().sign()])), "ok");
}

// conformance 171
#[test]
fn of_two_at_once_one_passes() {
    let world = World::new();
    for _ in 0..20 {
        let proof = world.proof().sign();
        let passed = std::thread::scope(|scope| {
            let send = || scope.spawn(|| world.send(&[&proof]).is_ok());
            let threads: Vec<_> = std::iter::repeat_with(send).take(4).collect();
            let verdicts = threads.into_iter().map(|thread| thread.join().unwrap());
            verdicts.filter(|passed| *passed).count()
        });
        assert_eq!(passed, 1);
    }
}

// conformance 170
#[test]
fn a_full_store_refuses_with_503() {
    let world = World::with(DpopSettings::base_url(BASE).replay_capacity(20));
    for expected in ["ok", "ok", "unavailable"] {
        let verdict = world.send(&[&world.proof().sign()]);
        assert_eq!(code(&verdict), expected);
    }
    let refusal = world.send(&[&world.proof().sign()]).unwrap_err();
    assert_eq!(refusal.status(), 503);
    assert!(refusal.headers().any(|(name, _)| name == "retry-after"));
    // Somebody else has a share of its own.
    let mut other = world;
    other.jwt = other.client.bind(other.okta.token("bob")).sign();
    assert_eq!(code(&other.send(&[&other.proof().sign()])), "ok");
}
