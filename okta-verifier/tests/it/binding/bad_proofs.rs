use okta_verifier::Algorithm;
use okta_verifier_testing::{Client, ProofBuilder};
use serde_json::{Value, json};

use super::{World, code};

type Edit = Box<dyn Fn(ProofBuilder) -> ProofBuilder>;

fn edits() -> Vec<Edit> {
    let mut edits: Vec<Edit> = vec![
        Box::new(ProofBuilder::foreign_key),
        Box::new(ProofBuilder::tampered),
        Box::new(ProofBuilder::unsigned),
        Box::new(ProofBuilder::symmetric),
        Box::new(ProofBuilder::private_jwk),
        Box::new(ProofBuilder::weak_rsa),
        Box::new(ProofBuilder::short_coordinate),
        Box::new(|proof| proof.padded_to(16 * 1024 + 1)),
        Box::new(|proof| proof.typ("JWT")),
        Box::new(|proof| proof.typ("at+jwt")),
        Box::new(|proof| proof.htm("get")),
        Box::new(|proof| proof.htm("HEAD")),
        Box::new(|proof| proof.htu("https://evil.example/orders")),
        Box::new(|proof| proof.htu("https://api.example.com/orders/")),
        Box::new(|proof| proof.aged(301)),
        Box::new(|proof| proof.aged(70)),
        Box::new(|proof| proof.aged(-40)),
        Box::new(|proof| proof.token("another.access.token")),
        Box::new(|proof| proof.raw_header("{}")),
        Box::new(|proof| proof.raw_payload("[]")),
        Box::new(|proof| proof.header("crit", json!(["exp"]))),
        Box::new(|proof| proof.without_jwk_member("y")),
        Box::new(|proof| proof.jwk_member("crv", "P-384")),
    ];
    for claim in ["jti", "htm", "htu", "iat", "ath"] {
        edits.push(Box::new(move |proof| proof.without(claim)));
        edits.push(Box::new(move |proof| proof.twice(claim)));
        for other in [json!(null), json!([]), json!({}), json!(true), json!("")] {
            edits.push(Box::new(move |proof| proof.claim(claim, &other)));
        }
    }
    for parameter in ["typ", "alg", "jwk"] {
        edits.push(Box::new(move |proof| proof.without_header(parameter)));
        edits.push(Box::new(move |proof| proof.twice_in_header(parameter)));
        for other in [Value::Null, json!(7), json!("x"), json!(["ES256"])] {
            edits.push(Box::new(move |proof| proof.header(parameter, &other)));
        }
    }
    edits
}

// conformance 153, 154, 155, 156, 157, 158, 159, 160, 165, 166, 171, 176
#[test]
fn every_bad_proof_is_401_invalid_dpop_proof_and_stores_nothing() {
    let world = World::new();
    for (number, edit) in edits().into_iter().enumerate() {
        let jti = format!("jti {number}");
        let bad = edit(world.proof().jti(&jti)).sign();
        for _ in 0..2 {
            let verdict = world.send(&[&bad]);
            assert_eq!(code(&verdict), "invalid_dpop_proof", "{number}: {bad}");
            assert_eq!(verdict.unwrap_err().status(), 401);
        }
        // Its jti is still to be had.
        let good = world.proof().jti(&jti).sign();
        assert_eq!(code(&world.send(&[&good])), "ok", "{number}");
    }
}

// conformance 154
#[test]
fn a_large_proof_is_read() {
    let world = World::new();
    let large = world.proof().padded_to(16_000).sign();
    assert!((16_000..=16 * 1024).contains(&large.len()));
    assert_eq!(code(&world.send(&[&large])), "ok");
}

// conformance 157
#[test]
fn every_algorithm_is_good_for_a_proof() {
    let mut world = World::new();
    for algorithm in [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
        Algorithm::RS256,
        Algorithm::PS256,
    ] {
        world.client = Client::with_algorithm(algorithm);
        world.jwt = world.client.bind(world.okta.token("ada")).sign();
        let verdict = world.send(&[&world.proof().sign()]);
        assert_eq!(code(&verdict), "ok", "{algorithm}");
    }
}
