//! The JWK of a proof, which is checked like a published key except for its `kid`.

use base64::Engine;
use serde_json::{Value, json};

use super::{
    case::{Case, claims, with},
    signer::{Signer, encode},
};
use crate::{error::ProofError, token::BASE64URL};

fn refused(signer: &Signer, jwk: Value) {
    let header = with(signer.header(), "jwk", jwk.clone()).to_string();
    let proof = signer.sign(header, claims().to_string());
    assert_eq!(Case::of(signer).reason(&proof), ProofError::Key, "{jwk}");
}

// conformance 159
#[test]
fn proof_key_with_a_private_member_is_rejected() {
    let signer = Signer::new("ES256");
    for member in PRIVATE {
        for value in [json!("AA"), json!(""), json!(false), json!([])] {
            refused(&signer, with(signer.jwk.clone(), member, value));
        }
    }
}

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

// field kind F
#[test]
fn proof_key_with_optional_members_that_are_null_is_accepted() {
    let signer = Signer::new("ES256");
    for member in ["use", "alg", "key_ops", "kid", "x5c"]
        .iter()
        .chain(&PRIVATE)
    {
        let jwk = with(signer.jwk.clone(), member, Value::Null);
        let header = with(signer.header(), "jwk", jwk).to_string();
        let proof = signer.sign(header, claims().to_string());
        assert!(Case::of(&signer).verify_proof(&proof).is_ok(), "{member}");
    }
}

// conformance 157
#[test]
fn proof_key_that_is_symmetric_is_rejected() {
    let signer = Signer::new("ES256");
    refused(&signer, json!({ "kty": "oct", "k": encode([7; 32]) }));
    refused(&signer, json!({ "kty": "oct" }));
}

// conformance 155
#[test]
fn proof_key_that_is_absent_or_not_a_jwk_is_rejected() {
    let signer = Signer::new("ES256");
    for jwk in [
        json!(null),
        json!("jwk"),
        json!([signer.jwk]),
        json!({}),
        json!({ "kty": "EC" }),
        with(signer.jwk.clone(), "kty", "RSA"),
        with(signer.jwk.clone(), "crv", "P-384"),
        with(signer.jwk.clone(), "crv", "P-521"),
        with(signer.jwk.clone(), "crv", "secp256k1"),
        with(signer.jwk.clone(), "alg", "ES384"),
        with(signer.jwk.clone(), "alg", "ES512"),
        with(signer.jwk.clone(), "use", "enc"),
        with(signer.jwk.clone(), "key_ops", json!(["sign"])),
    ] {
        refused(&signer, jwk);
    }
    let mut header = signer.header();
    header.as_object_mut().unwrap().remove("jwk");
    let proof = signer.sign(header.to_string(), claims().to_string());
    assert_eq!(Case::of(&signer).reason(&proof), ProofError::Key);
}

// field kind K: their thumbprint is over the members as they are sent
#[test]
fn proof_key_with_an_invalid_point_is_rejected() {
    for (algorithm, length) in [("ES256", 32), ("ES384", 48), ("ES512", 66)] {
        let signer = Signer::new(algorithm);
        for x in [
            encode(vec![7; length - 1]),
            encode(vec![7; length + 1]),
            padded(&signer.jwk),
            encode(vec![0; length]),
            encode(vec![255; length]),
            String::new(),
            "!".to_owned(),
        ] {
            refused(&signer, with(signer.jwk.clone(), "x", x));
        }
    }
}

/// Returns the `x` of this key with a leading zero octet, which is the same point.
fn padded(jwk: &Value) -> String {
    let x = BASE64URL.decode(jwk["x"].as_str().unwrap()).unwrap();
    encode([&[0][..], &x].concat())
}

#[test]
fn proof_key_of_weak_rsa_is_rejected() {
    let signer = Signer::new("RS256");
    let mut small = [255; 128];
    small[0] = 0x81;
    refused(&signer, with(signer.jwk.clone(), "n", encode(small)));
    for e in ["AQ", "Ag", "AAAA", "AQAAAAE"] {
        refused(&signer, with(signer.jwk.clone(), "e", e));
    }
    refused(&signer, with(signer.jwk.clone(), "n", encode([255; 1025])));
}

#[test]
fn proof_key_with_kid_and_matching_alg_is_accepted() {
    let signer = Signer::new("ES256");
    let jwk = with(with(signer.jwk.clone(), "kid", "mine"), "alg", "ES256");
    let header = with(signer.header(), "jwk", with(jwk, "use", "sig")).to_string();
    let proof = signer.sign(header, claims().to_string());
    assert!(Case::of(&signer).verify_proof(&proof).is_ok());
}
