//! Thumbprints (RFC 7638), by which the keys of two sets are compared.

use base64::Engine;
use serde_json::{Value, json};

use super::{RSA_MODULUS, ed25519, p256, rsa, with};
use crate::{
    crypto::Algorithm,
    keys::{KeyOptions, ProofKey, jwk::Key},
    token::BASE64URL,
};

fn thumbprint(jwk: &Value) -> String {
    let key = Key::parse(&jwk.to_string(), KeyOptions::default()).unwrap();
    BASE64URL.encode(key.thumbprint)
}

// conformance 78, 79, 80
#[test]
fn thumbprint_matches_the_rfcs() {
    let rfc9449 = json!({
        "kty": "EC", "kid": "rfc9449", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    });
    for (jwk, expected) in [
        (rsa(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), // RFC 7638 §3.1
        (ed25519(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"), // RFC 8037 §A.3
        (rfc9449, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"), // RFC 9449 §6.1
    ] {
        assert_eq!(thumbprint(&jwk), expected);
        let dressed = with(with(jwk, "use", "sig"), "kid", "2011-04-29");
        assert_eq!(thumbprint(&dressed), expected);
    }
}

// field kind K
#[test]
fn thumbprint_of_a_published_key_does_not_depend_on_leading_zeros() {
    for sloppy in [
        with(rsa(), "e", "AAEAAQ"),
        with(rsa(), "n", padded(RSA_MODULUS)),
    ] {
        assert_eq!(thumbprint(&sloppy), thumbprint(&rsa()));
    }
    let sloppy = with(p256(), "x", padded(p256()["x"].as_str().unwrap()));
    assert_eq!(thumbprint(&sloppy), thumbprint(&p256()));
}

// conformance 79
#[test]
fn thumbprint_of_a_proof_key_is_over_its_members_as_they_are_sent() {
    let proof_key = |jwk: &Value| ProofKey::parse(&jwk.to_string(), Algorithm::RS256);
    let sent = proof_key(&rsa()).unwrap().thumbprint;
    assert_eq!(BASE64URL.encode(sent), thumbprint(&rsa()));
    let sloppy = proof_key(&with(rsa(), "e", "AAEAAQ")).unwrap().thumbprint;
    assert_ne!(sloppy, sent);
}

fn padded(number: &str) -> String {
    let number = BASE64URL.decode(number).unwrap();
    BASE64URL.encode([&[0][..], &number].concat())
}
