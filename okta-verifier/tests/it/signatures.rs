//! Signatures: only a key that the issuer publishes verifies a token.

use std::net::TcpListener;

use okta_verifier::Algorithm;
use okta_verifier_testing::TestIssuer;
use serde_json::Value;

use crate::support::pinned_keys::{AUDIENCE, build, code, okta, verifier};

// conformance 40, 56, 67
#[test]
fn signature_none_is_rejected_in_every_spelling() {
    let okta = okta();
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let token = okta.token("ada").unsigned().header("alg", none).sign();
        assert_eq!(code(&verifier(&okta), &token), "algorithm_not_allowed");
    }
    // A supported algorithm with an empty signature.
    let stripped = okta.token("ada").edit_signature(|_| Vec::new()).sign();
    assert_eq!(code(&verifier(&okta), &stripped), "bad_signature");
}

// conformance 67
#[test]
fn signature_by_hmac_with_a_public_key_is_rejected() {
    let okta = okta();
    for token in [
        okta.token("ada").hmac_with_public_key(),
        okta.token("ada").hmac(okta.jwks()),
        okta.token("ada").hmac(""),
    ] {
        assert_eq!(
            code(&verifier(&okta), &token.clone().sign()),
            "algorithm_not_allowed"
        );
        let renamed = token.header("alg", "RS256").sign();
        assert_eq!(code(&verifier(&okta), &renamed), "bad_signature");
    }
}

// conformance 60, 93
#[test]
fn signature_of_an_untrusted_key_is_rejected() {
    let okta = okta();
    for (token, expected) in [
        (okta.token("ada").tampered(), "bad_signature"),
        (okta.token("ada").foreign_key(), "bad_signature"),
        (okta.token("ada").unpublished_key(), "unknown_key_id"),
        (
            okta.token("ada").key_id("../../etc/passwd"),
            "unknown_key_id",
        ),
        (okta.token("ada").key_id(""), "unknown_key_id"),
        (okta.token("ada").without_header("kid"), "missing_key_id"),
        (
            okta.token("ada").edit_signature(|s| s[1..].to_vec()),
            "bad_signature",
        ),
        (
            okta.token("ada").edit_signature(|s| [s, vec![0]].concat()),
            "bad_signature",
        ),
        (
            okta.token("ada").edit_signature(|s| vec![0; s.len()]),
            "bad_signature",
        ),
        (
            okta.token("ada").edit_signature(|_| vec![1; 5000]),
            "bad_signature",
        ),
    ] {
        assert_eq!(code(&verifier(&okta), &token.sign()), expected);
    }
}

// conformance 66, 67, 68
#[test]
fn signature_of_another_algorithm_than_the_keys_is_rejected() {
    let okta = okta();
    for algorithm in [
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        // Really signed, by the key of the same family.
        let token = okta.token("ada").algorithm(algorithm).sign();
        assert_eq!(
            code(&verifier(&okta), &token),
            "algorithm_mismatch",
            "{algorithm}"
        );
    }
    let narrowed = build(okta.issuer().any_client_id().algorithms([Algorithm::ES256]));
    for (algorithm, expected) in [
        (Algorithm::RS256, "algorithm_not_allowed"),
        (Algorithm::EdDSA, "algorithm_not_allowed"),
        (Algorithm::ES256, "ok"),
    ] {
        let token = okta.token("ada").algorithm(algorithm).sign();
        assert_eq!(code(&narrowed, &token), expected, "{algorithm}");
    }
}

// conformance 72
#[test]
fn signature_of_ecdsa_in_another_encoding_is_rejected() {
    let okta = okta();
    let der: fn(Vec<u8>) -> Vec<u8> = |s| {
        let integer = |n: &[u8]| [&[2, 33, 0], n].concat();
        let (r, s) = s.split_at(32);
        [vec![0x30, 70], integer(r), integer(s)].concat()
    };
    for edit in [
        der,
        |s| s[..63].to_vec(),
        |s| [s, vec![0]].concat(),
        |s| [vec![0; 32], s[32..].to_vec()].concat(),
        |s| [s[..32].to_vec(), vec![0; 32]].concat(),
    ] {
        let token = okta
            .token("ada")
            .algorithm(Algorithm::ES256)
            .edit_signature(edit);
        assert_eq!(code(&verifier(&okta), &token.sign()), "bad_signature");
    }
}

// conformance 43, 87
#[test]
fn signature_by_a_key_in_the_token_is_rejected_and_never_fetched() {
    let okta = okta();
    // ES256 has a new key pair: issuers of one process share their RSA key pairs.
    let okta = okta.algorithms([Algorithm::ES256]);
    let attacker = TestIssuer::new(AUDIENCE).algorithms([Algorithm::ES256]);
    let keys: Value = serde_json::from_str(&attacker.jwks()).expect("JSON");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    // A token that the attacker signed: its key is in the header, and at the URLs of the header.
    let token = attacker
        .token("ada")
        .header("jwk", &keys["keys"][0])
        .header("jku", &url)
        .header("x5u", &url)
        .header("x5c", ["MIIB"]);
    assert_eq!(
        code(&verifier(&okta), &token.clone().sign()),
        "unknown_key_id"
    );
    let published: Value = serde_json::from_str(&okta.jwks()).expect("JSON");
    let kid = published["keys"][0]["kid"].as_str().unwrap();
    assert_eq!(
        code(&verifier(&okta), &token.key_id(kid).sign()),
        "bad_signature"
    );
    assert!(listener.accept().is_err(), "the listener got a connection");
}

// conformance 45, 46, 85, 100
#[test]
fn signature_of_every_algorithm_and_allowed_typ_is_accepted() {
    let all = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ]
    .map(|name| name.parse::<Algorithm>().expect("a name"));
    let okta = okta().algorithms(all);
    for algorithm in all {
        let token = okta.token("ada").algorithm(algorithm).sign();
        assert_eq!(code(&verifier(&okta), &token), "ok", "{algorithm}");
    }
    // RFC 9864 §2.2: the same algorithm under its newer name.
    let ed25519 = okta
        .token("ada")
        .algorithm(Algorithm::EdDSA)
        .header("alg", "Ed25519");
    assert_eq!(code(&verifier(&okta), &ed25519.sign()), "ok");
    for typ in [
        "JWT",
        "jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+JWT",
    ] {
        let token = okta.token("ada").typ(typ).sign();
        assert_eq!(code(&verifier(&okta), &token), "ok", "{typ}");
    }
}
