//! Certificates and the tokens that are bound to them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use okta_verifier_testing::{Certificate, TestIssuer};
use serde_json::json;

use crate::jose::{digest, parts};

// conformance 183
#[test]
fn certificate_bound_token_has_its_thumbprint() {
    let okta = TestIssuer::new("api://orders");
    let (mine, other) = (Certificate::new("client-1"), Certificate::new("client-1"));
    assert_ne!(mine.der(), other.der());
    let jwt = okta.token("ada").bound_to_certificate(mine.der()).sign();
    let expected = json!({ "x5t#S256": digest(mine.der()) });
    assert_eq!(parts(&jwt).payload["cnf"], expected);
    assert_eq!(digest(mine.der()).len(), 43, "without padding");
}

#[test]
fn certificate_pem_and_der_agree() {
    use base64::engine::{Engine, general_purpose::STANDARD};

    let made = Certificate::new("localhost");
    let bytes = |pem: &str| {
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        STANDARD.decode(lines.collect::<String>()).unwrap()
    };
    assert_eq!(bytes(made.pem()), made.der());
    assert_eq!(bytes(&made.key_pem()), made.key_der());
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.key_der()).unwrap();
}

#[test]
#[should_panic(expected = "`\u{e4}` is not a valid certificate name")]
fn certificate_with_an_invalid_name_panics() {
    let _ = Certificate::new("\u{e4}");
}
