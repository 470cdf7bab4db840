use okta_verifier::Algorithm;
use okta_verifier_testing::{Client, ProofBuilder};
use serde_json::{Value, json};

use crate::support::dpop_fixture::{Fixture, code_of};

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
fn dpop_invalid_proof_is_401_and_its_jti_stays_unused() {
    let fixture = Fixture::new();
    for (number, edit) in edits().into_iter().enumerate() {
        let jti = format!("jti {number}");
        let invalid = edit(fixture.proof().jti(&jti)).sign();
        for _ in 0..2 {
            let result = fixture.send(&[&invalid]);
            assert_eq!(
                code_of(&result),
                "invalid_dpop_proof",
                "{number}: {invalid}"
            );
            assert_eq!(result.unwrap_err().status(), 401);
        }
        // The jti of the rejected proof was not stored.
        let valid = fixture.proof().jti(&jti).sign();
        assert_eq!(code_of(&fixture.send(&[&valid])), "ok", "{number}");
    }
}

// conformance 154
#[test]
fn dpop_proof_of_16_kb_is_accepted() {
    let fixture = Fixture::new();
    let large = fixture.proof().padded_to(16_000).sign();
    assert!((16_000..=16 * 1024).contains(&large.len()));
    assert_eq!(code_of(&fixture.send(&[&large])), "ok");
}

// conformance 157
#[test]
fn dpop_proof_of_every_algorithm_is_accepted() {
    let mut fixture = Fixture::new();
    for algorithm in [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
        Algorithm::RS256,
        Algorithm::PS256,
    ] {
        fixture.client = Client::with_algorithm(algorithm);
        fixture.jwt = fixture.client.bind(fixture.okta.token("ada")).sign();
        let result = fixture.send(&[&fixture.proof().sign()]);
        assert_eq!(code_of(&result), "ok", "{algorithm}");
    }
}
