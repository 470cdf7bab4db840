//! Every wrong token is wrong as its method says, and in no other way.

use aws_lc_rs::hmac;
use base64::engine::{Engine, general_purpose::STANDARD};
use okta_verifier::Algorithm;
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use serde_json::{Value, json};

use crate::jose::{Parts, decode, parts, verifies};

const DEFAULTS: [Algorithm; 4] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
    Algorithm::PS256,
];

#[test]
fn foreign_key_signs_under_a_published_kid() {
    let okta = TestIssuer::new("api://orders");
    for algorithm in DEFAULTS {
        let good = parts(&okta.token("ada").algorithm(algorithm).sign());
        let forged = okta.token("ada").algorithm(algorithm).foreign_key().sign();
        assert_eq!(parts(&forged).header, good.header);
        assert_eq!(parts(&forged).signature.len(), good.signature.len());
        assert!(!verifies(&forged, &okta.jwks()), "{algorithm}");
    }
}

#[test]
fn unpublished_key_has_a_new_kid_each_time() {
    let okta = TestIssuer::new("api://orders");
    let kid = |token: TokenBuilder| {
        parts(&token.sign()).header["kid"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = kid(okta.token("ada").unpublished_key());
    assert!(!okta.jwks().contains(&first));
    assert_ne!(first, kid(okta.token("ada").unpublished_key()));
}

#[test]
fn tampered_payload_keeps_the_signature() {
    let okta = TestIssuer::new("api://orders");
    let token = okta.token("ada").scope("orders:read").tampered().sign();
    assert!(!verifies(&token, &okta.jwks()));
    let claims = parts(&token).payload;
    assert_eq!(claims["sub"], "mallory");
    assert_eq!(claims["scp"], json!(["orders:read"]));
    let raw = okta.token("ada").raw_payload("[]").tampered().sign();
    assert_eq!(decode(raw.split('.').nth(1).unwrap()), b"[] ");
}

#[test]
fn unsigned_token_has_alg_none() {
    let okta = TestIssuer::new("api://orders");
    let token = parts(&okta.token("ada").unsigned().sign());
    assert_eq!(token.header["alg"], "none");
    assert!(token.signature.is_empty());
    let loud = parts(&okta.token("ada").unsigned().header("alg", "NONE").sign());
    assert_eq!(loud.header["alg"], "NONE");
}

#[test]
fn hmac_uses_the_public_key_as_secret() {
    let okta = TestIssuer::new("api://orders");
    let token = parts(&okta.token("ada").hmac_with_public_key().sign());
    assert_eq!(token.header["alg"], "HS256");
    assert_eq!(
        token.header["kid"],
        parts(&okta.token("ada").sign()).header["kid"]
    );
    hmac_verifies(rsa_pem(&okta.jwks()).as_bytes(), &token);
    let token = parts(&okta.token("ada").hmac("secret").sign());
    hmac_verifies(b"secret", &token);
}

#[test]
fn raw_bytes_are_signed_unchanged() {
    let okta = TestIssuer::new("api://orders");
    let kid = parts(&okta.token("ada").sign()).header["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let header = format!(r#"{{"alg":"RS256","kid":"{kid}"}} "#);
    let payload = r#"{"sub":"a","sub":"b"}"#;
    let token = okta
        .token("ada")
        .raw_header(header.clone())
        .raw_payload(payload)
        .sign();
    assert!(verifies(&token, &okta.jwks()));
    let mut raw = token.split('.').map(decode);
    assert_eq!(raw.next().unwrap(), header.as_bytes());
    assert_eq!(raw.next().unwrap(), payload.as_bytes());
}

#[test]
fn edited_signature_is_written() {
    let okta = TestIssuer::new("api://orders");
    let token = okta.token("ada").algorithm(Algorithm::ES256);
    let token = token
        .edit_signature(|bytes| [bytes, vec![0]].concat())
        .sign();
    assert_eq!(parts(&token).signature.len(), 65);
}

#[test]
fn bound_token_verifies_and_has_a_thumbprint() {
    let okta = TestIssuer::new("api://orders");
    let token = okta.token("ada").bound_to_key().sign();
    assert!(verifies(&token, &okta.jwks()));
    let jkt = parts(&token).payload["cnf"]["jkt"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(decode(&jkt).len(), 32);
}

#[test]
fn encrypted_token_has_five_parts() {
    let okta = TestIssuer::new("api://orders");
    let token = okta.token("ada").encrypted().sign();
    let lengths: Vec<usize> = token.split('.').map(|part| decode(part).len()).collect();
    assert_eq!(lengths[1..], [256, 12, 700, 16]);
    let header: serde_json::Value =
        serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap();
    assert_eq!(
        [&header["alg"], &header["enc"]],
        ["RSA-OAEP-256", "A256GCM"]
    );
}

#[test]
#[should_panic(expected = "cannot be serialized as JSON")]
fn claim_that_cannot_be_serialized_panics() {
    let by_number = std::collections::BTreeMap::from([((1, 2), 3)]);
    let _ = TestIssuer::new("api://orders")
        .token("ada")
        .claim("map", by_number);
}

#[test]
#[should_panic(expected = "name at least one algorithm")]
fn issuer_without_algorithms_panics() {
    let _ = TestIssuer::new("api://orders").algorithms([]);
}

fn hmac_verifies(secret: &[u8], token: &Parts) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, token.input.as_bytes(), &token.signature).unwrap();
}

/// Returns the PEM form (RFC 7468) of a 2048-bit key with exponent 65537 (RFC 5280).
fn rsa_pem(jwks: &str) -> String {
    let set: Value = serde_json::from_str(jwks).unwrap();
    let n = decode(set["keys"][0]["n"].as_str().unwrap());
    let der = [
        b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00".as_slice(),
        b"\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00",
        &n,
        b"\x02\x03\x01\x00\x01",
    ];
    let text = STANDARD.encode(der.concat());
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|it| std::str::from_utf8(it).unwrap())
        .collect();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    )
}
