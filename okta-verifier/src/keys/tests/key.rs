//! One JWK, from its text to a key or to the reason why it is skipped.

use base64::Engine;
use serde_json::{Value, json};

use super::{ed25519, p256, p384, p521, rsa, with, without};
use crate::{
    crypto::Algorithm,
    keys::{
        KeyOptions, ProofKey,
        jwk::{Key, Skipped},
    },
    token::BASE64URL,
};

fn skipped(jwk: &Value) -> Skipped {
    Key::parse(&jwk.to_string(), KeyOptions::default()).expect_err(&format!("used: {jwk}"))
}

fn used(jwk: &Value) -> Key {
    Key::parse(&jwk.to_string(), KeyOptions::default())
        .unwrap_or_else(|reason| panic!("{reason:?}: {jwk}"))
}

fn encoded(bytes: &[u8]) -> String {
    BASE64URL.encode(bytes)
}

fn decoded(jwk: &Value, name: &str) -> Vec<u8> {
    BASE64URL.decode(jwk[name].as_str().unwrap()).unwrap()
}

// conformance 62, 63
#[test]
fn key_that_is_not_a_jwk_is_skipped() {
    for entry in ["null", "42", "[]", "\"key\"", "{}", "{\"kty\":", ""] {
        let reason = Key::parse(entry, KeyOptions::default()).expect_err(entry);
        assert!(
            matches!(reason, Skipped::Malformed | Skipped::NoKid),
            "{entry}: {reason:?}"
        );
    }
    for (jwk, reason) in [
        (with(rsa(), "kty", "rsa"), Skipped::Unsupported),
        (with(rsa(), "kty", 7), Skipped::Unsupported),
        (without(rsa(), "kty"), Skipped::Unsupported),
        (without(rsa(), "n"), Skipped::Unsupported),
        (without(p256(), "y"), Skipped::Unsupported),
        (with(rsa(), "kid", 7), Skipped::Malformed),
        (with(rsa(), "kid", Value::Null), Skipped::NoKid),
        (with(rsa(), "kid", ""), Skipped::NoKid),
        (without(rsa(), "kid"), Skipped::NoKid),
        (with(rsa(), "alg", 5), Skipped::Malformed),
        (with(rsa(), "n", "AQ=="), Skipped::Malformed),
    ] {
        assert_eq!(skipped(&jwk), reason, "{jwk}");
    }
}

// conformance 61
#[test]
fn key_with_a_duplicate_member_is_skipped() {
    let text = rsa().to_string();
    for twice in [
        r#"{"kid":"other","#,
        r#"{"\u006bid":"other","#,
        r#"{"x":{"a":1,"a":2},"#,
    ] {
        let entry = text.replacen('{', twice, 1);
        assert_eq!(
            Key::parse(&entry, KeyOptions::default()).unwrap_err(),
            Skipped::Malformed
        );
    }
}

// conformance 62, 73, 74
#[test]
fn key_of_an_unsupported_type_or_curve_is_skipped() {
    let secp256k1 = json!({
        "kty": "EC", "kid": "secp256k1", "crv": "secp256k1",
        "x": "z-JITaQNZSQ9agtv7GlrZKbPI7BqzmEXU7RtONPbF60",
        "y": "PfWIoSTDrcqvOPtTDBqWjdxWl9AT0gIFfVQNyiqDQI0",
    });
    let zeros = encoded(&[0; 57]);
    for jwk in [
        secp256k1,
        json!({ "kty": "AKP", "kid": "lattice", "alg": "ML-DSA-44", "pub": zeros }),
        json!({ "kty": "OKP", "kid": "ed448", "crv": "Ed448", "x": zeros }),
        json!({ "kty": "OKP", "kid": "x25519", "crv": "X25519", "x": encoded(&[9; 32]) }),
        with(ed25519(), "crv", "P-256"),
        with(p256(), "crv", "Ed25519"),
        with(rsa(), "alg", "RSA-OAEP"),
        with(rsa(), "alg", "rs256"),
        with(p256(), "alg", "ES521"),
        with(p521(), "alg", "ES521"),
    ] {
        assert_eq!(skipped(&jwk), Skipped::Unsupported, "{jwk}");
    }
}

// conformance 64, 65
#[test]
fn key_that_is_not_for_signatures_is_skipped() {
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!("SIG")),
        ("use", json!("")),
        ("key_ops", json!([])),
        ("key_ops", json!(["sign"])),
        ("key_ops", json!(["encrypt", "wrapKey"])),
        ("key_ops", json!(["Verify"])),
    ] {
        let jwk = with(p256(), name, value);
        assert_eq!(skipped(&jwk), Skipped::NotForSignatures, "{jwk}");
    }
    for (usage, operation) in [("enc", "verify"), ("sig", "encrypt")] {
        let jwk = with(with(p256(), "use", usage), "key_ops", json!([operation]));
        assert_eq!(skipped(&jwk), Skipped::NotForSignatures, "{jwk}");
    }
    for (name, value) in [
        ("use", json!(["sig"])),
        ("key_ops", json!("verify")),
        ("key_ops", json!(["verify", 1])),
    ] {
        let jwk = with(p256(), name, value);
        assert_eq!(skipped(&jwk), Skipped::Malformed, "{jwk}");
    }
    used(&with(
        with(p256(), "use", "sig"),
        "key_ops",
        json!(["verify"]),
    ));
}

// conformance 66, 67, 68
#[test]
fn key_has_one_algorithm_that_matches_its_type() {
    for (jwk, named) in [
        (rsa(), "ES256"),
        (rsa(), "EdDSA"),
        (p256(), "RS256"),
        (p256(), "ES384"),
        (p256(), "ES512"),
        (p384(), "ES256"),
        (p384(), "ES512"),
        (p521(), "ES256"),
        (p521(), "ES384"),
        (p521(), "RS512"),
        (rsa(), "ES512"),
        (ed25519(), "ES512"),
        (ed25519(), "ES256"),
    ] {
        let jwk = with(jwk, "alg", named);
        assert_eq!(skipped(&jwk), Skipped::AlgorithmMismatch, "{jwk}");
    }
    for (jwk, named, algorithm) in [
        (rsa(), None, Algorithm::RS256),
        (rsa(), Some("RS384"), Algorithm::RS384),
        (rsa(), Some("RS512"), Algorithm::RS512),
        (rsa(), Some("PS256"), Algorithm::PS256),
        (rsa(), Some("PS384"), Algorithm::PS384),
        (rsa(), Some("PS512"), Algorithm::PS512),
        (p256(), None, Algorithm::ES256),
        (p256(), Some("ES256"), Algorithm::ES256),
        (p384(), None, Algorithm::ES384),
        (p521(), None, Algorithm::ES512),
        (p521(), Some("ES512"), Algorithm::ES512),
        (ed25519(), None, Algorithm::EdDSA),
        (ed25519(), Some("EdDSA"), Algorithm::EdDSA),
        (ed25519(), Some("Ed25519"), Algorithm::EdDSA),
    ] {
        let jwk = named.map_or(jwk.clone(), |named| with(jwk, "alg", named));
        assert_eq!(used(&jwk).algorithm, algorithm, "{jwk}");
    }
}

// conformance 67, 76
#[test]
fn key_that_is_symmetric_or_private_is_skipped() {
    let secret = json!({ "kty": "oct", "kid": "oct", "k": encoded(&[7; 32]) });
    assert_eq!(skipped(&secret), Skipped::Private);
    let nameless = without(secret.clone(), "k");
    assert_eq!(skipped(&nameless), Skipped::Unsupported);
    let named = with(secret, "alg", "HS256");
    assert_eq!(skipped(&named), Skipped::Private);
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for jwk in [rsa(), p256(), p521(), ed25519()] {
            let jwk = with(jwk, member, "AQ");
            assert_eq!(skipped(&jwk), Skipped::Private, "{jwk}");
        }
    }
    for (jwk, hmac) in [(rsa(), "HS256"), (p256(), "HS384"), (ed25519(), "none")] {
        assert_eq!(skipped(&with(jwk, "alg", hmac)), Skipped::Unsupported);
    }
}

// conformance 70
#[test]
fn rsa_key_that_is_too_weak_or_too_large_is_skipped() {
    let modulus = decoded(&rsa(), "n");
    let bits_2047 = [&[modulus[0] >> 1][..], &modulus[1..]].concat();
    let bits_8193 = [&[1][..], &[0x80; 1023], &[1]].concat();
    let even = [&modulus[..255], &[modulus[255] & 0xFE]].concat();
    // 1024 bits after 128 zero octets, which do not count for the strength.
    let padded = [&[0; 128][..], &modulus[..127], &[1]].concat();
    for n in [
        &modulus[..127],
        &bits_2047,
        &bits_8193,
        &even,
        &padded,
        &[],
        &[0; 256],
    ] {
        let jwk = with(rsa(), "n", encoded(n));
        assert_eq!(skipped(&jwk), Skipped::Strength, "{jwk}");
    }
    let exponents: [&[u8]; 7] = [
        &[],
        &[0],
        &[1],
        &[0, 0, 1],
        &[2],
        &[1, 0, 0],
        &[1, 0, 0, 0, 1],
    ];
    for e in exponents {
        let jwk = with(rsa(), "e", encoded(e));
        assert_eq!(skipped(&jwk), Skipped::Strength, "{jwk}");
    }
    used(&with(rsa(), "e", encoded(&[3])));
}

// conformance 71
#[test]
fn key_with_a_leading_zero_octet_is_used() {
    for name in ["n", "e"] {
        let number = [&[0][..], &decoded(&rsa(), name)].concat();
        let sloppy = used(&with(rsa(), name, encoded(&number)));
        assert_eq!(sloppy.algorithm, Algorithm::RS256);
    }
}

// conformance 73, 74
#[test]
fn key_with_an_invalid_point_is_skipped() {
    for (jwk, length) in [(p256(), 32), (p384(), 48), (p521(), 66)] {
        for name in ["x", "y"] {
            let mut off = decoded(&jwk, name);
            off[length - 1] ^= 1;
            let zeros = off.iter().take_while(|byte| **byte == 0).count();
            for bytes in [
                decoded(&jwk, name)[zeros + 1..].to_vec(),
                [&[1][..], &decoded(&jwk, name)].concat(),
                [&decoded(&jwk, name)[..], &[0]].concat(),
                Vec::new(),
                off,
                vec![0; length],
                vec![0xFF; length],
            ] {
                let jwk = with(jwk.clone(), name, encoded(&bytes));
                assert_eq!(skipped(&jwk), Skipped::Point, "{jwk}");
            }
        }
    }
    let infinity = with(with(p256(), "x", encoded(&[0; 32])), "y", encoded(&[0; 32]));
    assert_eq!(skipped(&infinity), Skipped::Point);
    for (jwk, crv) in [
        (p384(), "P-256"),
        (p384(), "P-521"),
        (p521(), "P-256"),
        (p521(), "P-384"),
        (p256(), "P-521"),
    ] {
        let jwk = with(jwk, "crv", crv);
        assert_eq!(skipped(&jwk), Skipped::Point, "{jwk}");
    }
    for length in [0, 31, 33, 64] {
        let jwk = with(ed25519(), "x", encoded(&vec![7; length]));
        assert_eq!(skipped(&jwk), Skipped::Point, "{jwk}");
    }
}

// field kind F
#[test]
fn key_with_optional_members_that_are_null_is_used() {
    for jwk in [rsa(), p256(), p384(), p521(), ed25519()] {
        let mut all = jwk.clone();
        for name in OPTIONAL.into_iter().chain(PRIVATE) {
            let one = with(jwk.clone(), name, Value::Null);
            assert!(used(&one).is(&used(&jwk)), "{name} of {jwk}");
            all[name] = Value::Null;
        }
        assert!(used(&all).is(&used(&jwk)), "{jwk}");
    }
    // A required member must not be null.
    for name in ["kty", "n", "e"] {
        skipped(&with(rsa(), name, Value::Null));
    }
    for name in ["kty", "crv", "x", "y"] {
        skipped(&with(p256(), name, Value::Null));
    }
}

// field kind F
#[test]
fn key_with_a_private_member_that_is_not_null_is_skipped() {
    for member in PRIVATE {
        for value in [
            json!("AQ"),
            json!(""),
            json!(false),
            json!(0),
            json!([]),
            json!({}),
            json!([null]),
        ] {
            let jwk = with(rsa(), member, value);
            assert_eq!(skipped(&jwk), Skipped::Private, "{jwk}");
        }
    }
}

const OPTIONAL: [&str; 7] = ["use", "alg", "key_ops", "x5c", "x5t", "x5t#S256", "x5u"];
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

// field kind K
#[test]
fn key_with_coordinates_without_their_leading_zeros_is_used() {
    for (jwk, length) in [(short_p256(), 32), (p521(), 66)] {
        let canonical = used(&jwk);
        for name in ["x", "y"] {
            let bytes = decoded(&jwk, name);
            assert_eq!(bytes.len(), length);
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            for start in 0..=zeros {
                let jwk = with(jwk.clone(), name, encoded(&bytes[start..]));
                assert!(used(&jwk).is(&canonical), "{jwk}");
            }
            for extra in [1, 2, 7] {
                let padded = [&vec![0; extra][..], &bytes].concat();
                let jwk = with(jwk.clone(), name, encoded(&padded));
                assert!(used(&jwk).is(&canonical), "{jwk}");
            }
            // Significant bytes must not be cut off.
            let cut = with(jwk.clone(), name, encoded(&bytes[zeros + 1..]));
            assert_eq!(skipped(&cut), Skipped::Point, "{cut}");
        }
    }
}

/// A P-256 key whose `x` begins with a zero octet.
fn short_p256() -> Value {
    json!({ "kty": "EC", "kid": "short", "crv": "P-256", "x": "AFVDiUrz0A7X10Cr29dclrBod7eH219w7qeLkKjXwAo", "y": "u0yFo9jqKe-q-iRAaRLdhNWxTcMr9lbvbGvVil2UP5I" })
}

// finding 14
#[test]
fn rsa_key_with_the_fingerprint_of_cve_2017_15361_is_skipped() {
    let weak = with(rsa(), "n", WEAK_MODULUS);
    skipped(&weak);
    // Leading zero octets, `alg` and `e` make no difference.
    let padded = [&[0][..], &decoded(&weak, "n")].concat();
    skipped(&with(weak.clone(), "n", encoded(&padded)));
    skipped(&with(weak.clone(), "alg", "PS512"));
    skipped(&with(weak, "e", "Aw"));
    used(&rsa());
    for (jwk, is_used) in [(with(rsa(), "n", WEAK_MODULUS), false), (rsa(), true)] {
        let proof_key = ProofKey::parse(&jwk.to_string(), Algorithm::RS256);
        assert_eq!(proof_key.is_ok(), is_used, "{jwk}");
    }
}

/// The product of two primes of the form `k * M + 65537^a mod M`, where M is the product of the first 126
/// primes. It was made for this test in the way of the affected chips.
pub(super) const WEAK_MODULUS: &str = "q0Lhzhjtib50RusvDuuJVUvWXGBvI5MiGC0x9BbwqtCF_QXk-kBUxc_BWdpckVUAAlQ30y3LJVRa4mpex50NRgPMQnW4erVtYm0ypxfv7-As3cf2ReSnEiHTUmcYDrOfLRTsrFm4zw3jsvDgNng5oA1Ry5MYOxY3EaRInzbyhWDVXGG8S-fvYTc88rFO6cP_1m2Hmp9kWFrr0bV-IpgdbKLEGLPSg-8Lh91FuMNoKnFg6hm1pS-bI4Yut0aMKLgoFs7sFHqLVE5QQaiAUtuBHsjpYNI-0ubpiVmlItHh1OyWVHrgDYCsuGHpO7UoHQlz0ZpJlRq4DPO9sysDOyANuQ";

// conformance 77
#[test]
fn key_certificates_are_ignored() {
    for (name, value) in [
        ("x5c", json!(["not a certificate"])),
        ("x5c", json!("not even a list")),
        ("x5t", json!(5)),
        ("x5t#S256", json!("AA")),
        ("x5u", json!("http://169.254.169.254/")),
    ] {
        assert_eq!(used(&with(p256(), name, value)).algorithm, Algorithm::ES256);
    }
}

#[test]
fn key_debug_shows_no_key_material() {
    let shown = format!("{:?}", used(&rsa()));
    assert_eq!(shown, "Key { algorithm: RS256, .. }");
}
